// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAddrInUse(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:0", Options{})
	if _, err := Listen(parse(t, l.Endpoint(), true), Options{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second bind: %v", err)
	}
}

// loopback is the interface that 127.0.0.1 belongs to, and some interface with a link-local
// address, if there is one.
func loopback(t *testing.T) (lo net.Interface, linkLocal netip.Addr) {
	t.Helper()
	nics, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, nic := range nics {
		if nic.Flags&net.FlagLoopback != 0 {
			lo = nic
		}
		addrs, _ := nic.Addrs()
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && nic.Flags&net.FlagUp != 0 &&
				p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() {
				linkLocal = p.Addr().WithZone(nic.Name)
			}
		}
	}
	if lo.Name == "" {
		t.Skip("no loopback interface")
	}
	return lo, linkLocal
}

func TestInterfaceNames(t *testing.T) {
	lo, _ := loopback(t)
	l := listen(t, "tcp://"+lo.Name+":*", Options{})
	if !strings.HasPrefix(l.Endpoint(), "tcp://127.") {
		t.Errorf("%s became %s", lo.Name, l.Endpoint())
	}
	source := fmt.Sprintf("tcp://%s:0;127.0.0.1:%d", lo.Name, port(t, l))
	exchange(t, dial(t, source, Options{}), accept(t, l))

	if hasIPv6(t) {
		l := listen(t, "tcp://"+lo.Name+":*", Options{IPv6: true})
		if !strings.HasPrefix(l.Endpoint(), "tcp://[::1]:") {
			t.Errorf("with IPv6, %s became %s", lo.Name, l.Endpoint())
		}
		exchange(t, dial(t, l.Endpoint(), Options{}), accept(t, l))
	}
	// An interface is not a host to connect to.
	_, err := Dial(t.Context(), parse(t, "tcp://"+lo.Name+":1", false), Options{Resolver: names{}})
	if dns := new(net.DNSError); !errors.As(err, &dns) {
		t.Errorf("connect to an interface: %v", err)
	}
}

func TestZones(t *testing.T) {
	_, ip := loopback(t)
	if ip.IsValid() && hasIPv6(t) {
		nic, err := net.InterfaceByName(ip.Zone())
		if err != nil {
			t.Fatal(err)
		}
		l := listen(t, fmt.Sprintf("tcp://[%s]:0", ip), Options{})
		if !strings.HasPrefix(l.Endpoint(), "tcp://["+ip.String()+"]:") {
			t.Errorf("bound %s, want %s", l.Endpoint(), ip)
		}
		exchange(t, dial(t, l.Endpoint(), Options{}), accept(t, l))
		byIndex := fmt.Sprintf("tcp://[%s%%%d]:%d", ip.WithZone(""), nic.Index, port(t, l))
		exchange(t, dial(t, byIndex, Options{}), accept(t, l))
	}
	for _, zone := range []string{"nosuchnic", "99999999"} {
		endpoint := "tcp://[fe80::1%" + zone + "]:5555"
		if _, err := Dial(t.Context(), parse(t, endpoint, false), Options{}); !errors.Is(err, syscall.ENODEV) {
			t.Errorf("dial %s: %v", endpoint, err)
		}
		if _, err := Listen(parse(t, endpoint, true), Options{}); !errors.Is(err, syscall.ENODEV) {
			t.Errorf("listen on %s: %v", endpoint, err)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	o := Options{Resolver: names{"six": {"::1"}}}
	if ips, err := lookup(t.Context(), "x", Options{Resolver: always("::1")}); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("a resolver that gives IPv6 unasked: %v, %v", ips, err)
	}
	for _, name := range []string{"nowhere", "six"} { // six has no IPv4 address
		if _, err := Dial(t.Context(), parse(t, "tcp://"+name+":1", false), o); err == nil {
			t.Errorf("dialled %s", name)
		}
		if _, err := Listen(parse(t, "tcp://"+name+":0", true), o); err == nil || !strings.Contains(err.Error(), "neither") {
			t.Errorf("listen on %s: %v", name, err)
		}
	}
	_, err := Dial(t.Context(), parse(t, "tcp://nosuchnic:0;127.0.0.1:1", false), o)
	if !errors.Is(err, syscall.ENODEV) {
		t.Errorf("source interface: %v", err)
	}
}

// TestEveryAddress connects to a name of which only the last address listens.
func TestEveryAddress(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:0", Options{})
	o := Options{Resolver: names{"many": {"::1", "127.0.0.9", "127.0.0.8", "127.0.0.1"}}}
	for _, o.IPv6 = range []bool{false, true} {
		c := dial(t, fmt.Sprintf("tcp://many:%d", port(t, l)), o)
		exchange(t, c, accept(t, l))
	}
	l.Close()
	o.IPv6 = false
	_, err := Dial(t.Context(), parse(t, fmt.Sprintf("tcp://many:%d", port(t, l)), false), o)
	if err == nil {
		t.Fatal("connected to nobody")
	}
	for _, ip := range o.Resolver.(names)["many"][1:] {
		if !strings.Contains(err.Error(), ip) {
			t.Errorf("%v does not tell of %s", err, ip)
		}
	}
	if runtime.GOOS == "linux" && !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v, want refused", err)
	}
}

// deaf returns a listener that answers no further connection: its backlog is full.
func deaf(t *testing.T) *Listener {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("other systems refuse when the backlog is full")
	}
	l := listen(t, "tcp://127.0.0.1:0", Options{Backlog: 1})
	for range 2 { // Linux keeps one more than it is told
		dial(t, l.Endpoint(), Options{})
	}
	return l
}

func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	l := deaf(t)
	e := parse(t, l.Endpoint(), false)
	_, err := Dial(t.Context(), e, Options{ConnectTimeout: 10 * time.Millisecond})
	var timeout interface{ Timeout() bool }
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("after its time: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dial(ctx, e, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestTimeIsShared has an address that never answers before one that does.
func TestTimeIsShared(t *testing.T) {
	t.Parallel()
	first := deaf(t)
	second := listen(t, fmt.Sprintf("tcp://127.0.0.2:%d", port(t, first)), Options{})
	o := Options{
		ConnectTimeout: 3 * time.Second,
		Resolver:       names{"two": {"127.0.0.1", "127.0.0.2"}},
	}
	exchange(t, dial(t, fmt.Sprintf("tcp://two:%d", port(t, first)), o), accept(t, second))
}

func TestSelfConnect(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:0", Options{})
	address := strings.TrimPrefix(l.Endpoint(), "tcp://")
	l.Close()
	// From and to the same port: the connection of a port with itself that chance makes, too.
	_, err := Dial(t.Context(), parse(t, "tcp://"+address+";"+address, false), Options{})
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("connected to itself: %v", err)
	}
	listen(t, "tcp://"+address, Options{}) // and the port is free
}

func TestSourceAddress(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:0", Options{})
	free := listen(t, "tcp://127.0.0.1:0", Options{})
	from := port(t, free)
	free.Close()
	for _, test := range []struct{ source, want string }{
		{fmt.Sprintf("127.0.0.1:%d", from), fmt.Sprintf("127.0.0.1:%d", from)},
		{"127.0.0.1:*", "127.0.0.1:"},
		{"*:0", "127.0.0.1:"},
	} {
		c := dial(t, fmt.Sprintf("tcp://%s;127.0.0.1:%d", test.source, port(t, l)), Options{})
		got := accept(t, l).RemoteAddr().String()
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("from %s came %s", test.source, got)
		}
		c.Close()
	}
	_, err := Dial(t.Context(), parse(t, "tcp://[::1]:0;127.0.0.1:1", false), Options{})
	if !errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Errorf("from IPv6 to IPv4: %v", err)
	}
}

// TestWildcardFamilies holds that "*" with IPv6 takes both families, and IPv4 alone without.
func TestWildcardFamilies(t *testing.T) {
	if !hasIPv6(t) {
		t.Skip("no IPv6 here")
	}
	for _, ipv6 := range []bool{false, true} {
		l := listen(t, "tcp://*:0", Options{IPv6: ipv6})
		exchange(t, dial(t, fmt.Sprintf("tcp://127.0.0.1:%d", port(t, l)), Options{}), accept(t, l))
		c, err := Dial(t.Context(), parse(t, fmt.Sprintf("tcp://[::1]:%d", port(t, l)), false), Options{})
		if (err == nil) != ipv6 {
			t.Errorf("option IPv6 %v, and over IPv6: %v", ipv6, err)
		}
		if err == nil {
			c.Close()
		}
	}
	l := listen(t, "tcp://[::]:0", Options{}) // written out, it is what libzmq makes of it: both
	exchange(t, dial(t, fmt.Sprintf("tcp://127.0.0.1:%d", port(t, l)), Options{}), accept(t, l))
}
