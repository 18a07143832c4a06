// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"net/netip"
	"runtime"
	"strconv"
	"strings"
)

// maxName is how long an inproc name may be, as zmq_inproc(7) has it.
const maxName = 256

// An Endpoint is a parsed endpoint string. It is comparable.
type Endpoint struct {
	Scheme  string // tcp, ipc or inproc
	Address string // what follows "://"
	Text    string // both; tcp addresses and ports in their one numeric form

	dst    place // tcp
	src    place // tcp, where the connection comes from
	hasSrc bool
}

// String is the endpoint as text.
func (e Endpoint) String() string { return e.Text }

// absent are ZeroMQ's other transports: good names, but nothing stands behind them.
const absent = " ws wss udp pgm epgm norm tipc vmci vsock hvsocket "

// Parse reads an endpoint, to bind it or to connect to it. It looks nothing up: that a host or an
// interface does not exist is found out by Dial and Listen, each time anew.
//
// Errors are ErrInvalid or ErrNotSupported and say what to write instead.
func Parse(s string, bind bool) (Endpoint, error) {
	scheme, address, found := strings.Cut(s, "://")
	if !found || scheme == "" {
		return Endpoint{}, invalid("no transport: write it as in tcp://host:port, ipc://path or inproc://name")
	}
	e := Endpoint{Scheme: scheme, Address: address}
	var err error
	switch {
	case address == "":
		err = invalid("nothing after %s://", scheme)
	case scheme == "tcp":
		err = e.parseTCP(bind)
	case scheme == "ipc":
		err = checkPath(address, bind)
	case scheme == "inproc":
		if len(address) > maxName {
			err = invalid("an inproc name has at most %d bytes, this one has %d", maxName, len(address))
		}
	case !strings.Contains(scheme, " ") && strings.Contains(absent, " "+scheme+" "):
		err = unsupported("the transport %s is not supported: use tcp, ipc or inproc", scheme)
	default:
		err = invalid("unknown transport %q: use tcp, ipc or inproc, in lower case", scheme)
	}
	if err != nil {
		return Endpoint{}, err
	}
	e.Text = e.Scheme + "://" + e.Address
	return e, nil
}

func (e *Endpoint) parseTCP(bind bool) error {
	src, dst, hasSrc := strings.Cut(e.Address, ";")
	if !hasSrc {
		src, dst = "", e.Address
	}
	var err error
	switch {
	case hasSrc && bind:
		return invalid("only connect takes a source address: bind to %s", dst)
	case hasSrc:
		if e.src, err = parsePlace(src, true); err != nil {
			return &reason{err, "source address: " + err.Error()}
		}
		e.hasSrc = true
	}
	if e.dst, err = parsePlace(dst, bind); err != nil {
		return err
	}
	e.Address = e.dst.String()
	if hasSrc {
		e.Address = e.src.String() + ";" + e.Address
	}
	return nil
}

// A place is host and port. Of any, ip and name one is set.
type place struct {
	any     bool // "*": every local address
	ip      netip.Addr
	name    string // a host or, for a local place, also an interface
	port    uint16
	anyPort bool // "*", which is port 0 under another name
}

// parsePlace reads host:port. A local place may leave either open.
func parsePlace(s string, local bool) (place, error) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 || strings.HasSuffix(s, "]") {
		return place{}, invalid("no port: write host:port")
	}
	p, err := parseHost(s[:colon], local)
	if err != nil {
		return place{}, err
	}
	port := s[colon+1:]
	if port == "*" {
		p.anyPort = true
	} else if p.port, err = parsePort(port); err != nil {
		return place{}, err
	}
	if p.port == 0 && !local {
		return place{}, invalid("port %s can only be bound: connect to the port that the peer has bound", port)
	}
	return p, nil
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, invalid("%q is not a port: write a number up to 65535", s)
	}
	return uint16(n), nil
}

func parseHost(s string, local bool) (place, error) {
	switch {
	case s == "*" && local:
		return place{any: true}, nil
	case s == "*":
		return place{}, invalid("* can only be bound: name the host to connect to")
	case s == "":
		return place{}, invalid("no host: write host:port, or *:port to bind every address")
	case s == "0": // as inet_aton reads it
		return place{ip: netip.IPv4Unspecified()}, nil
	case s[0] == '[':
		return parseBracketed(s)
	case strings.Contains(s, ":"):
		return place{}, invalid("put an IPv6 address in brackets: [%s]:port", s)
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		return place{ip: ip}, nil
	}
	if strings.Trim(s, "0123456789.") == "" {
		return place{}, invalid("%q is not an IPv4 address", s)
	}
	if !isHostName(s) {
		return place{}, invalid("%q is no host: write an address, a host name, or an interface to bind", s)
	}
	return place{name: s}, nil
}

func parseBracketed(s string) (place, error) {
	text, found := strings.CutSuffix(s[1:], "]")
	ip, err := netip.ParseAddr(text)
	if !found || err != nil || !ip.Is6() {
		return place{}, invalid("%q is not an IPv6 address in brackets", s)
	}
	if zone := ip.Zone(); zone != "" && (zone == "0" || !isHostName(zone)) {
		return place{}, invalid("%q is not a zone: write an interface's name or its index", zone)
	}
	return place{ip: ip.Unmap()}, nil // IPv4 in IPv6's dress is dialled as what it is
}

// isHostName reports whether s can be the name of a host or an interface. It is generous: the
// resolver has the last word.
func isHostName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return s != ""
}

func (p place) String() string {
	port := strconv.Itoa(int(p.port))
	if p.anyPort {
		port = "*"
	}
	switch {
	case p.any:
		return "*:" + port
	case !p.ip.IsValid():
		return p.name + ":" + port
	case p.ip.Is6():
		return "[" + p.ip.String() + "]:" + port
	}
	return p.ip.String() + ":" + port
}

// checkPath judges the address of an ipc endpoint.
func checkPath(path string, bind bool) error {
	switch {
	case path == "*" && !bind:
		return invalid("* can only be bound: name the path to connect to")
	case path == "@":
		return invalid("no name after @")
	case path[0] == '@' && runtime.GOOS != "linux":
		return unsupported("names that start with @ exist on Linux only: use a path, as in ipc:///tmp/name")
	case strings.Contains(path, "\x00"):
		return invalid("a path has no zero byte")
	case len(path) > maxPath():
		return invalid("the path has %d bytes, the system takes %d: use a shorter one", len(path), maxPath())
	}
	return nil
}

// maxPath is how many bytes fit into sockaddr_un with the zero behind them.
func maxPath() int {
	switch runtime.GOOS {
	case "linux", "windows", "android", "illumos", "solaris":
		return 107
	}
	return 103
}
