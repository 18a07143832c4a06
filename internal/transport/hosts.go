// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// remoteAddrs lists the addresses that a place to connect to stands for, in the order to try them.
func remoteAddrs(ctx context.Context, p place, o Options) ([]netip.Addr, error) {
	if p.ip.IsValid() {
		return []netip.Addr{p.ip}, checkZone(p.ip)
	}
	return lookup(ctx, p.name, o)
}

// bindAddr is the one address that a place to bind stands for. An interface goes before a host of
// the same name.
func bindAddr(p place, o Options) (netip.Addr, error) {
	if p.ip.IsValid() {
		return p.ip, checkZone(p.ip)
	}
	if nic, err := net.InterfaceByName(p.name); err == nil {
		return nicAddr(nic, o.IPv6)
	}
	ips, err := lookup(context.Background(), p.name, o)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%s is neither an interface nor a host of this machine: %w", p.name, err)
	}
	return ips[0], nil
}

// sourceAddr is the address that connections come from; not valid if that is left open. Only
// addresses and interfaces name it: a source that the resolver chooses would be no choice.
func sourceAddr(p place, o Options) (netip.Addr, error) {
	switch {
	case p.any:
		return netip.Addr{}, nil
	case p.ip.IsValid():
		return p.ip, checkZone(p.ip)
	}
	nic, err := net.InterfaceByName(p.name)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("source address: no interface %s: %w", p.name, syscall.ENODEV)
	}
	return nicAddr(nic, o.IPv6)
}

// lookup resolves a host name. Without the IPv6 option it stands for its IPv4 addresses alone.
func lookup(ctx context.Context, name string, o Options) ([]netip.Addr, error) {
	network := "ip4"
	if o.IPv6 {
		network = "ip"
	}
	resolver := o.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, err := resolver.LookupNetIP(ctx, network, name)
	if err != nil {
		return nil, err
	}
	var ips []netip.Addr
	for _, ip := range found {
		if ip = ip.Unmap(); ip.Is4() || o.IPv6 {
			ips = append(ips, ip)
		}
	}
	if len(ips) == 0 {
		return nil, fmt.Errorf("%s has no IPv4 address, and IPv6 is off for names: %w", name, syscall.EADDRNOTAVAIL)
	}
	return ips, nil
}

// nicAddr chooses an interface's address: the first IPv4 one, or with IPv6 the first of its own
// that is not confined to the link, if there is one. libzmq goes by the same families.
func nicAddr(nic *net.Interface, ipv6 bool) (netip.Addr, error) {
	addrs, err := nic.Addrs()
	if err != nil {
		return netip.Addr{}, err
	}
	var best netip.Addr
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		ip := prefix.Addr().Unmap()
		if ip.Is6() && ip.IsLinkLocalUnicast() {
			ip = ip.WithZone(nic.Name)
		}
		if nicRank(ip, ipv6) > nicRank(best, ipv6) {
			best = ip
		}
	}
	if !best.IsValid() {
		return best, fmt.Errorf("interface %s has no address to use (IPv6 addresses need the IPv6 option): %w",
			nic.Name, syscall.EADDRNOTAVAIL)
	}
	return best, nil
}

func nicRank(ip netip.Addr, ipv6 bool) int {
	switch {
	case ip.Is4():
		return 1
	case !ip.IsValid() || !ipv6:
		return 0
	case ip.IsLinkLocalUnicast():
		return 2
	}
	return 3
}

// checkZone refuses a zone that names no interface. The net package would leave it out without a
// word and reach some other host.
func checkZone(ip netip.Addr) error {
	zone := ip.Zone()
	if zone == "" {
		return nil
	}
	if _, err := net.InterfaceByName(zone); err == nil {
		return nil
	}
	if n, err := strconv.Atoi(zone); err == nil && n > 0 {
		if _, err := net.InterfaceByIndex(n); err == nil {
			return nil
		}
	}
	return fmt.Errorf("no interface %s for the zone of %s: %w", zone, ip, syscall.ENODEV)
}

// dialErrors is what came of the addresses of one name, all of them in vain.
type dialErrors []error

func (d dialErrors) Error() string {
	text := ""
	for i, err := range d {
		if i > 0 {
			text += "; "
		}
		text += err.Error()
	}
	return text
}

func (d dialErrors) Unwrap() []error { return d }

// Timeout makes a net.Error's method visible: some address did not answer in time.
func (d dialErrors) Timeout() bool {
	for _, err := range d {
		var t interface{ Timeout() bool }
		if errors.As(err, &t) && t.Timeout() {
			return true
		}
	}
	return false
}
