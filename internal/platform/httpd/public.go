package httpd

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// ListensPublicly tells whether a server that listens on host (the setting HOST) can be
// reached from the internet by one of this machine's own addresses, and by which. It cannot
// know of a router that forwards a port to a private address.
func ListensPublicly(ctx context.Context, host string) (netip.Addr, bool, error) {
	var resolved []netip.Addr
	var err error
	if _, literal := wildcard(host); !literal {
		if resolved, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
			return netip.Addr{}, false, fmt.Errorf("HOST %q has no address: %w", host, err)
		}
		addr, public := PublicAddress(host, resolved)
		return addr, public, nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}, false, fmt.Errorf("the addresses of this machine cannot be found out: %w", err)
	}
	for _, addr := range addrs {
		if prefix, err := netip.ParsePrefix(addr.String()); err == nil {
			resolved = append(resolved, prefix.Addr())
		}
	}
	addr, public := PublicAddress(host, resolved)
	return addr, public, nil
}

// wildcard says whether host stands for addresses of the machine's interfaces, and for which.
func wildcard(host string) (onlyIPv4, every bool) {
	if host == "" {
		return false, true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Is4(), err == nil && addr.IsUnspecified()
}

// PublicAddress finds the first address that can be reached from the internet among those a
// server listens on for a HOST: an address is itself; 0.0.0.0 is every IPv4 address of addrs,
// and :: or nothing every address of them, which are then those of the machine's interfaces;
// for a name addrs are what it resolves to.
func PublicAddress(host string, addrs []netip.Addr) (netip.Addr, bool) {
	onlyIPv4, every := wildcard(host)
	if addr, err := netip.ParseAddr(host); err == nil && !every {
		addrs, onlyIPv4 = []netip.Addr{addr}, false
	}
	for _, addr := range addrs {
		addr = addr.Unmap().WithZone("")
		if onlyIPv4 && !addr.Is4() {
			continue
		}
		if Public(addr) {
			return addr, true
		}
	}
	return netip.Addr{}, false
}

// Public says whether an address can be reached from the internet: it is none of the
// special-purpose ones that the IANA registries (RFC 6890) call not globally reachable. Tunnel
// addresses (6to4, Teredo) count as reachable, which is what they are for.
func Public(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	within := func(list []string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return netip.MustParsePrefix(p).Contains(addr) })
	}
	return addr.IsValid() && (within(reachableExceptions()) || !within(specialPurpose()))
}

// specialPurpose are the ranges that are not globally reachable, with multicast.
func specialPurpose() []string {
	return []string{
		"0.0.0.0/8",       // this network (RFC 791)
		"10.0.0.0/8",      // private (RFC 1918)
		"100.64.0.0/10",   // shared, behind a provider's translation (RFC 6598)
		"127.0.0.0/8",     // loopback (RFC 1122)
		"169.254.0.0/16",  // link-local (RFC 3927)
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocol assignments (RFC 6890)
		"192.0.2.0/24",    // documentation (RFC 5737)
		"192.88.99.0/24",  // former 6to4 relays (RFC 7526)
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // benchmarking (RFC 2544)
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast (RFC 5771)
		"240.0.0.0/4",     // reserved, and limited broadcast (RFC 1112, RFC 8190)
		"::/127",          // unspecified and loopback (RFC 4291)
		"64:ff9b:1::/48",  // local translation (RFC 8215)
		"100::/63",        // discard-only and dummy (RFC 6666, RFC 9780)
		"2001::/23",       // protocol assignments (RFC 2928)
		"2001:db8::/32",   // documentation (RFC 3849)
		"3fff::/20",       // documentation (RFC 9637)
		"5f00::/16",       // segment routing (RFC 9602)
		"fc00::/7",        // unique local (RFC 4193)
		"fe80::/10",       // link-local
		"fec0::/10",       // former site-local (RFC 3879)
		"ff00::/8",        // multicast
	}
}

// reachableExceptions are globally reachable parts of ranges that as a whole are not.
func reachableExceptions() []string {
	return []string{
		"192.0.0.9/32", "192.0.0.10/32", // anycast of PCP and TURN (RFC 7723, RFC 8155)
		"2001::/32",                                       // Teredo (RFC 4380)
		"2001:1::1/128", "2001:1::2/128", "2001:1::3/128", // anycast of PCP, TURN and DNS-SD
		"2001:3::/32", "2001:4:112::/48", // AMT and AS112 (RFC 7450, RFC 7535)
		"2001:20::/28", "2001:30::/28", // ORCHIDv2 and drones' identifiers (RFC 7343, RFC 9374)
	}
}
