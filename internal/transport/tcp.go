// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
)

// dialTCP tries every address of the endpoint in turn and returns the first connection.
func dialTCP(ctx context.Context, e Endpoint, o Options) (net.Conn, error) {
	ips, err := remoteAddrs(ctx, e.dst, o)
	if err != nil {
		return nil, err
	}
	var src *net.TCPAddr
	if e.hasSrc {
		ip, err := sourceAddr(e.src, o)
		if err != nil {
			return nil, err
		}
		src = net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, e.src.port))
		if ip.IsValid() {
			if ips = sameFamily(ips, ip); len(ips) == 0 {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Source: src,
					Err: os.NewSyscallError("connect", syscall.EAFNOSUPPORT)}
			}
		}
	}
	var failed dialErrors
	for i, ip := range ips {
		conn, err := dialOne(ctx, src, netip.AddrPortFrom(ip, e.dst.port), len(ips)-i, o)
		if err == nil {
			return conn, nil
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	if len(failed) == 1 {
		return nil, failed[0]
	}
	return nil, failed
}

// dialOne dials one address, with its share of the time when left addresses still want some.
func dialOne(ctx context.Context, src *net.TCPAddr, dst netip.AddrPort, left int, o Options) (net.Conn, error) {
	if end, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(left))
		defer cancel()
	}
	d := net.Dialer{
		KeepAlive: -1, // the system's setting stands until somebody asks for another
		Control:   controlTCP(o, src != nil),
	}
	d.SetMultipathTCP(false)
	if src != nil {
		d.LocalAddr = src
	}
	conn, err := d.DialContext(ctx, family(dst.Addr()), dst.String())
	if err != nil {
		return nil, err
	}
	// A port of this machine on which nobody listens can be chosen as the port to come from:
	// then TCP's simultaneous open connects the socket with itself, and it would keep the
	// listener away for good.
	if tcp, ok := conn.(*net.TCPConn); ok && conn.LocalAddr().String() == conn.RemoteAddr().String() {
		tcp.SetLinger(0) // no TIME_WAIT: the port is free at once
		tcp.Close()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(dst),
			Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return conn, nil
}

func listenTCP(e Endpoint, o Options) (*Listener, error) {
	port := strconv.Itoa(int(e.dst.port))
	network, address := "tcp4", ":"+port
	switch {
	case e.dst.any && o.IPv6:
		network = "tcp" // both families, or IPv4 where there is no other
	case !e.dst.any:
		ip, err := bindAddr(e.dst, o)
		if err != nil {
			return nil, err
		}
		network, address = family(ip), net.JoinHostPort(ip.String(), port)
		if ip == netip.IPv6Unspecified() {
			network = "tcp" // takes IPv4 too, as libzmq's IPv6 sockets do
		}
	}
	lc := net.ListenConfig{KeepAlive: -1, Control: controlTCP(o, false)}
	lc.SetMultipathTCP(false) // Go's default here; it costs speed and takes options away
	ln, err := lc.Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	bound := ln.Addr().(*net.TCPAddr).AddrPort()
	bound = netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port())
	return &Listener{ln: ln, endpoint: "tcp://" + bound.String()}, nil
}

// controlTCP sets what must be set before connect and listen: the window that TCP can ever offer
// is fixed with the first segment. Accepted connections inherit it.
func controlTCP(o Options, source bool) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var optErr error
		err := c.Control(func(fd uintptr) {
			if source {
				// A source port may be in use towards another destination.
				optErr = setInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
			}
			if o.SendBuffer > 0 && optErr == nil {
				optErr = setInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, o.SendBuffer)
			}
			if o.RecvBuffer > 0 && optErr == nil {
				optErr = setInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, o.RecvBuffer)
			}
		})
		if err != nil {
			return err
		}
		return os.NewSyscallError("setsockopt", optErr)
	}
}

func family(ip netip.Addr) string {
	if ip.Is4() {
		return "tcp4"
	}
	return "tcp6"
}

func sameFamily(ips []netip.Addr, as netip.Addr) []netip.Addr {
	var same []netip.Addr
	for _, ip := range ips {
		if ip.Is4() == as.Is4() {
			same = append(same, ip)
		}
	}
	return same
}
