// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"
)

// The one table of options. From it come Options.Set and Get, a socket's SetOption and Option,
// the checks of the constructors, the defaults, and docs/options.md.

// takesEffect says what a change does to a socket that exists already.
type takesEffect string

const (
	atOnce       takesEffect = "at once"
	newEndpoints takesEffect = "for the next Bind or Connect" // libzmq's rule for most options
	whenMade     takesEffect = "only when the socket is made"
	never        takesEffect = "read only"
)

// optionRow is one option.
type optionRow struct {
	name   string       // libzmq's, without ZMQ_
	number int          // libzmq's; 0: libzmq does not have it
	field  string       // of Options; empty: read from a socket
	unit   string       // of the text
	types  []SocketType // that have it; nil: all
	live   takesEffect
	value  optionValue // nil: read from a socket
	doc    string      // one sentence
}

// The words that several rows share.
var (
	withoutLimit = []word[int]{{0, Unlimited, "without limit"}}
	systemSize   = []word[int]{{-1, 0, "the system's"}}
	waiting      = []word[time.Duration]{{-1, Forever, "without limit"}, {0, NoWait, "not at all"}}
	lingering    = []word[time.Duration]{{-1, Forever, "until all is sent"}, {0, NoWait, "drop at once"}}
	onlyREQ      = []SocketType{REQ}
)

// maxCount is the most that libzmq's int options hold; times here are not bound to it.
const (
	maxCount = math.MaxInt32
	maxTime  = time.Duration(math.MaxInt64)
)

var optionTable = []optionRow{
	{"CONTEXT", 0, "Context", "", nil, whenMade,
		goValue{func(a, b *Options) bool { return a.Context == b.Context }, func(*Options) {}, "the package's own"},
		"Where inproc names live, and whose Term ends the socket."},
	{"LOGGER", 0, "Logger", "", nil, whenMade,
		goValue{func(a, b *Options) bool { return a.Logger == b.Logger }, silence, "silent"},
		"Who is told every step in an endpoint's life."},
	{"SNDHWM", 23, "SendHWM", "messages", nil, atOnce,
		number[int]{func(o *Options) *int { return &o.SendHWM }, 1000, maxCount, withoutLimit},
		"How many messages may wait for one peer."},
	{"RCVHWM", 24, "RecvHWM", "messages", nil, atOnce,
		number[int]{func(o *Options) *int { return &o.RecvHWM }, 1000, maxCount, withoutLimit},
		"How many messages of one peer may wait to be received."},
	{"MAXMSGSIZE", 22, "MaxMsgSize", "bytes", nil, newEndpoints,
		number[int64]{func(o *Options) *int64 { return &o.MaxMsgSize }, Unlimited, math.MaxInt64,
			[]word[int64]{{-1, Unlimited, "without limit"}}},
		"The most that a peer may send in one frame and in all parts of one message; a peer that sends more is disconnected."},
	{"SNDBUF", 11, "SendBuffer", "bytes", nil, newEndpoints,
		number[int]{func(o *Options) *int { return &o.SendBuffer }, 0, maxCount, systemSize},
		"The kernel's send buffer of a tcp or ipc connection."},
	{"RCVBUF", 12, "RecvBuffer", "bytes", nil, newEndpoints,
		number[int]{func(o *Options) *int { return &o.RecvBuffer }, 0, maxCount, systemSize},
		"The kernel's receive buffer of a tcp or ipc connection."},
	{"BACKLOG", 19, "Backlog", "connections", nil, newEndpoints,
		number[int]{func(o *Options) *int { return &o.Backlog }, 100, maxCount, nil},
		"How many connections may wait to be accepted."},
	{"LINGER", 17, "Linger", "ms", nil, atOnce,
		number[time.Duration]{func(o *Options) *time.Duration { return &o.Linger }, 30 * time.Second, maxTime, lingering},
		"How long Close waits for unsent messages; libzmq's default is -1, but a deferred Close without a peer must end."},
	{"SNDTIMEO", 28, "SendTimeout", "ms", nil, atOnce,
		number[time.Duration]{func(o *Options) *time.Duration { return &o.SendTimeout }, Forever, maxTime, waiting},
		"How long a Send may wait before it answers ErrTimeout."},
	{"RCVTIMEO", 27, "RecvTimeout", "ms", nil, atOnce,
		number[time.Duration]{func(o *Options) *time.Duration { return &o.RecvTimeout }, Forever, maxTime, waiting},
		"How long a Recv may wait before it answers ErrTimeout."},
	{"HANDSHAKE_IVL", 66, "HandshakeTimeout", "ms", nil, newEndpoints,
		number[time.Duration]{func(o *Options) *time.Duration { return &o.HandshakeTimeout }, 30 * time.Second, maxTime,
			[]word[time.Duration]{{0, Forever, "without limit"}}},
		"The time for a new connection to become a peer; one that takes longer is closed."},
	{"CONNECT_TIMEOUT", 79, "ConnectTimeout", "ms", nil, newEndpoints,
		number[time.Duration]{func(o *Options) *time.Duration { return &o.ConnectTimeout }, 0, maxTime,
			[]word[time.Duration]{{0, 0, "the system's"}}},
		"The time for one attempt to connect."},
	{"RECONNECT_IVL", 18, "ReconnectInterval", "ms", nil, newEndpoints,
		number[time.Duration]{func(o *Options) *time.Duration { return &o.ReconnectInterval }, 100 * time.Millisecond, maxTime,
			[]word[time.Duration]{{-1, Forever, "never again"}, {0, Forever, "as -1"}}},
		"The pause before the next attempt to connect, with jitter."},
	{"RECONNECT_IVL_MAX", 21, "ReconnectMax", "ms", nil, newEndpoints,
		number[time.Duration]{func(o *Options) *time.Duration { return &o.ReconnectMax }, 0, maxTime,
			[]word[time.Duration]{{0, 0, "no growth"}}},
		"How long that pause may grow by doubling; a finished handshake sets it back."},
	{"IPV6", 42, "IPv6", "", nil, newEndpoints,
		toggle{func(o *Options) *bool { return &o.IPv6 }},
		"Whether `*` and host names include IPv6; a literal `[address]` always works."},
	{"IMMEDIATE", 39, "Immediate", "", nil, newEndpoints,
		toggle{func(o *Options) *bool { return &o.Immediate }},
		"Whether messages are queued for finished connections only."},
	{"REQUEST_TIMEOUT", 0, "RequestTimeout", "ms", onlyREQ, atOnce,
		number[time.Duration]{func(o *Options) *time.Duration { return &o.RequestTimeout }, Forever, maxTime,
			[]word[time.Duration]{{-1, Forever, "without limit"}}},
		"The time for one attempt of Request."},
	{"REQUEST_RETRIES", 0, "RequestRetries", "attempts", onlyREQ, atOnce,
		number[int]{func(o *Options) *int { return &o.RequestRetries }, 0, maxCount, []word[int]{{0, 0, "none"}}},
		"How many attempts may follow the first one of Request."},
	{"REQ_RELAXED", 53, "ReqRelaxed", "", onlyREQ, atOnce,
		toggle{func(o *Options) *bool { return &o.ReqRelaxed }},
		"Whether a new request may be sent before the reply came, which gives the old one up."},
	{"REQ_CORRELATE", 52, "ReqCorrelate", "", onlyREQ, atOnce,
		toggle{func(o *Options) *bool { return &o.ReqCorrelate }},
		"Whether requests carry a number, so that a late reply is recognised and dropped."},
	{"TYPE", 16, "", "number", nil, never, nil, "The socket's type."},
	{"LAST_ENDPOINT", 32, "", "", nil, never, nil, "The endpoint that the last Bind or Connect stands for, with the port really bound."},
	{"MECHANISM", 43, "", "number", nil, never, nil, "The security mechanism: NULL is 0."},
}

// notHere are libzmq's other socket options. A program that sets one learns that the name is
// right and that this library does not do it.
var notHere = strings.Fields(`
	AFFINITY ROUTING_ID SUBSCRIBE UNSUBSCRIBE RATE RECOVERY_IVL RCVMORE FD EVENTS MULTICAST_HOPS
	ROUTER_MANDATORY TCP_KEEPALIVE TCP_KEEPALIVE_CNT TCP_KEEPALIVE_IDLE TCP_KEEPALIVE_INTVL
	XPUB_VERBOSE ROUTER_RAW PLAIN_SERVER PLAIN_USERNAME PLAIN_PASSWORD CURVE_SERVER CURVE_PUBLICKEY
	CURVE_SECRETKEY CURVE_SERVERKEY PROBE_ROUTER CONFLATE ZAP_DOMAIN ROUTER_HANDOVER TOS
	CONNECT_ROUTING_ID GSSAPI_SERVER GSSAPI_PRINCIPAL GSSAPI_SERVICE_PRINCIPAL GSSAPI_PLAINTEXT
	GSSAPI_PRINCIPAL_NAMETYPE GSSAPI_SERVICE_PRINCIPAL_NAMETYPE SOCKS_PROXY XPUB_NODROP XPUB_MANUAL
	XPUB_WELCOME_MSG STREAM_NOTIFY INVERT_MATCHING HEARTBEAT_IVL HEARTBEAT_TTL HEARTBEAT_TIMEOUT
	XPUB_VERBOSER TCP_MAXRT THREAD_SAFE MULTICAST_MAXTPDU VMCI_BUFFER_SIZE VMCI_BUFFER_MIN_SIZE
	VMCI_BUFFER_MAX_SIZE VMCI_CONNECT_TIMEOUT USE_FD BINDTODEVICE
	IPV4ONLY TCP_ACCEPT_FILTER IPC_FILTER_PID IPC_FILTER_UID IPC_FILTER_GID IDENTITY CONNECT_RID
	DELAY_ATTACH_ON_CONNECT FAIL_UNROUTABLE ROUTER_BEHAVIOR
	ZAP_ENFORCE_DOMAIN LOOPBACK_FASTPATH METADATA MULTICAST_LOOP ROUTER_NOTIFY
	XPUB_MANUAL_LAST_VALUE SOCKS_USERNAME SOCKS_PASSWORD IN_BATCH_SIZE OUT_BATCH_SIZE WSS_KEY_PEM
	WSS_CERT_PEM WSS_TRUST_PEM WSS_HOSTNAME WSS_TRUST_SYSTEM ONLY_FIRST_SUBSCRIBE RECONNECT_STOP
	HELLO_MSG DISCONNECT_MSG PRIORITY BUSY_POLL HICCUP_MSG XSUB_VERBOSE_UNSUBSCRIBE TOPICS_COUNT
	NORM_MODE NORM_UNICAST_NACK NORM_BUFFER_SIZE NORM_SEGMENT_SIZE NORM_BLOCK_SIZE NORM_NUM_PARITY
	NORM_NUM_AUTOPARITY NORM_PUSH`)

// bareName is a name as the table has it: "zmq_sndhwm" is SNDHWM.
func bareName(name string) string {
	return strings.TrimPrefix(strings.ToUpper(name), "ZMQ_")
}

// lookupOption finds the row of a name in any case, with or without ZMQ_. The value that was meant
// for it, empty when it is only read, is for the error.
func lookupOption(name, value string) (*optionRow, error) {
	bare := bareName(name)
	for i := range optionTable {
		if optionTable[i].name == bare {
			return &optionTable[i], nil
		}
	}
	if slices.Contains(notHere, bare) {
		return nil, &OptionError{Name: bare, Value: value, kind: ErrNotSupported,
			Reason: "libzmq has this option, this library does not"}
	}
	return nil, &OptionError{Name: bare, Value: value, Reason: "there is no option of this name; docs/options.md lists them"}
}

// appliesTo says whether sockets of type t have the option.
func (r *optionRow) appliesTo(t SocketType) bool {
	return r.types == nil || slices.Contains(r.types, t)
}

// silence is the default of Logger.
func silence(o *Options) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}
