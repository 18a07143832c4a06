// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/route"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/session"
)

// socket is what all patterns have in common: options, endpoints, life. It knows no pattern.
type socket struct {
	typ  SocketType
	hub  hub
	ctx  *Context
	opts atomic.Pointer[Options] // in force; replaced, never changed

	journal journal

	mechanism security.Mechanism // of new endpoints; set before the first

	mu        sync.Mutex
	endpoints []session.Endpoint // guarded by mu
	hidden    []session.Endpoint // guarded by mu: being withdrawn
	staying   []session.Endpoint // guarded by mu: withdrawn, with connections that live on
	last      string             // guarded by mu: LAST_ENDPOINT
	busy      sync.WaitGroup     // Add guarded by mu: endpoints that are being made or withdrawn
	refused   error              // guarded by mu: what calls return
	closing   bool               // guarded by mu

	over   context.Context // ends when calls are refused
	ended  context.CancelFunc
	haste  context.Context // ends when nothing may linger any more
	hurry  context.CancelFunc
	closed chan struct{} // closed when Close is done
}

// init makes the socket usable. lb and fq are the strategies of its pattern, nil for none.
func (s *socket) init(t SocketType, o Options, lb *route.LoadBalancer, fq *route.FairQueue, watch watcher) error {
	if err := o.validate(t); err != nil {
		return err
	}
	o = o.effective()
	if o.Context == nil {
		o.Context = defaultContext
	}
	s.typ, s.ctx, s.closed = t, o.Context, make(chan struct{})
	s.over, s.ended = context.WithCancel(context.Background())
	s.haste, s.hurry = context.WithCancel(context.Background())
	s.hub.lb, s.hub.fq, s.hub.watch = lb, fq, watch
	s.hub.init()
	s.journal.logger = o.Logger
	s.mechanism = security.Null{}
	s.opts.Store(&o)
	return s.ctx.join(s)
}

func (s *socket) base() *socket { return s }

// Type is the socket's pattern.
func (s *socket) Type() SocketType { return s.typ }

// config is what a new endpoint is told, of the options in force now.
func (s *socket) config() session.Config {
	o := s.opts.Load()
	return session.Config{
		Owner: &s.hub, SocketType: string(s.typ), Limits: s.limits,
		Mechanism: s.mechanism, Names: &s.ctx.names,
		MaxSize:          o.MaxMsgSize,
		HandshakeTimeout: max(0, o.HandshakeTimeout),
		Transport: session.TransportOptions{
			IPv6: o.IPv6, Backlog: o.Backlog, SendBuffer: o.SendBuffer, RecvBuffer: o.RecvBuffer,
			ConnectTimeout: max(0, o.ConnectTimeout),
		},
		ReconnectInterval: o.ReconnectInterval, ReconnectMax: o.ReconnectMax,
		Immediate: o.Immediate,
		Raise:     s.journal.raise,
	}
}

// limits are the marks of a pipe, where 0 is no limit.
func (s *socket) limits() pipe.Limits {
	o := s.opts.Load()
	return pipe.Limits{Send: max(0, o.SendHWM), Recv: max(0, o.RecvHWM)}
}

// begin is called before an endpoint is made or withdrawn; s.busy.Done after it.
func (s *socket) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused != nil {
		return s.refused
	}
	s.busy.Add(1)
	return nil
}

// Bind listens on endpoint: see Socket.
func (s *socket) Bind(endpoint string) (bound string, err error) {
	if err := s.begin(); err != nil {
		return "", &EndpointError{"bind", endpoint, err}
	}
	defer s.busy.Done()
	e, err := session.Bind(s.config(), endpoint)
	if err != nil {
		return "", &EndpointError{"bind", endpoint, explain(err)}
	}
	s.keep(e)
	return e.Name(), nil
}

// Connect dials endpoint: see Socket.
func (s *socket) Connect(endpoint string) error {
	if err := s.begin(); err != nil {
		return &EndpointError{"connect", endpoint, err}
	}
	defer s.busy.Done()
	e, err := session.Connect(s.config(), endpoint)
	if err != nil {
		return &EndpointError{"connect", endpoint, explain(err)}
	}
	s.keep(e)
	return nil
}

func (s *socket) keep(e session.Endpoint) {
	s.mu.Lock()
	s.endpoints = append(s.endpoints, e)
	s.last = e.Name()
	s.mu.Unlock()
}

// Unbind stops listening on endpoint: see Socket.
func (s *socket) Unbind(endpoint string) error { return s.withdraw("unbind", endpoint, true) }

// Disconnect ends what Connect began: see Socket.
func (s *socket) Disconnect(endpoint string) error { return s.withdraw("disconnect", endpoint, false) }

func (s *socket) withdraw(op, endpoint string, bound bool) error {
	if err := s.begin(); err != nil {
		return &EndpointError{op, endpoint, err}
	}
	defer s.busy.Done()
	s.mu.Lock()
	i := slices.IndexFunc(s.endpoints, func(e session.Endpoint) bool {
		return e.Bound() == bound && (e.Given() == endpoint || e.Name() == endpoint)
	})
	if i < 0 {
		s.mu.Unlock()
		return &EndpointError{op, endpoint, ErrNoEndpoint}
	}
	e := s.endpoints[i]
	s.endpoints = slices.Delete(s.endpoints, i, i+1)
	s.hidden = append(s.hidden, e) // Close has to find it
	s.mu.Unlock()
	ctx, cancel := s.lingerContext(s.haste)
	defer cancel()
	stays := e.Withdraw(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = slices.DeleteFunc(s.hidden, func(o session.Endpoint) bool { return o == e })
	if stays {
		s.staying = append(s.staying, e)
	}
	// Nobody has to keep those whose connections have gone meanwhile.
	s.staying = slices.DeleteFunc(s.staying, func(o session.Endpoint) bool { return !o.Withdraw(s.haste) })
	return nil
}

// lingerContext is ctx shortened to LINGER.
func (s *socket) lingerContext(ctx context.Context) (context.Context, context.CancelFunc) {
	switch linger := s.opts.Load().Linger; linger {
	case Forever:
		return context.WithCancel(ctx)
	case NoWait:
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx, cancel
	default:
		return context.WithTimeout(ctx, linger)
	}
}

// all returns every endpoint.
func (s *socket) all() []session.Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.endpoints, s.hidden, s.staying)
}

// WaitConnected returns once n peers are there: see Socket.
func (s *socket) WaitConnected(ctx context.Context, n int) error { return s.hub.waitConnected(ctx, n) }

// Flush returns once all was handed over: see Socket.
func (s *socket) Flush(ctx context.Context) error {
	if err := s.state(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.over, cancel)()
	var err error
	for _, e := range s.all() {
		e.Pipes(func(p *pipe.Pipe) {
			if err == nil {
				err = p.Drain(ctx)
			}
		})
	}
	if over := s.state(); over != nil {
		return over // what Close drops is not flushed
	}
	return err
}

// state is what calls return once the socket is closed or its Context terminated.
func (s *socket) state() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// refuse implements member.
func (s *socket) refuse(err error) {
	s.mu.Lock()
	if s.refused == nil {
		s.refused = err
	}
	s.mu.Unlock()
	s.ended()
	s.hub.refuse(err)
}

// end implements member.
func (s *socket) end(ctx context.Context) error {
	ctx, cancel := s.lingerContext(ctx)
	defer cancel()
	return s.CloseContext(ctx)
}

// Close ends the socket: see Socket.
func (s *socket) Close() error { return s.end(context.Background()) }

// CloseContext is Close with ctx in the place of LINGER: see Socket.
func (s *socket) CloseContext(ctx context.Context) error {
	if ctx.Err() != nil {
		s.hurry()
	}
	defer context.AfterFunc(ctx, s.hurry)() // also what a Close or an Unbind before this one waits for
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		<-s.closed
		return nil
	}
	s.closing = true
	s.mu.Unlock()
	s.refuse(ErrClosed)
	before := s.hub.lost()
	s.busy.Wait()
	var wait sync.WaitGroup
	for _, e := range s.all() {
		wait.Go(func() { e.Stop(s.haste) })
	}
	wait.Wait()
	if s.hub.fq != nil {
		s.hub.fq.Clear()
	}
	if s.hub.lb != nil {
		s.hub.lb.Clear()
	}
	s.ctx.leave(s)
	s.hurry()
	lost := s.hub.lost() - before
	close(s.closed)
	if lost > 0 {
		return unsent(lost)
	}
	return nil
}

// Stats returns the counters, endpoints and peers of this moment: see Socket.
func (s *socket) Stats() Stats {
	st := Stats{Peers: s.hub.peers(), Counters: s.hub.counters()}
	st.ProtocolErrors, st.Reconnects = s.journal.protocolErrors.Load(), s.journal.reconnects.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.endpoints {
		n, err := e.State()
		st.Endpoints = append(st.Endpoints, EndpointStats{Endpoint: e.Name(), Bound: e.Bound(), Connections: n, Err: err})
	}
	return st
}

// limit is an option's time as a wait takes it: negative for none.
func limit(d time.Duration) route.Limit {
	switch d {
	case Forever:
		return route.Limit{Duration: -1}
	case NoWait:
		return route.Limit{}
	}
	return route.Limit{Duration: d}
}
