package tlscert

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// names are what a certificate is for.
type names struct {
	dns []string
	ips []netip.Addr
}

// homeSuffixes are the names that only a network's own owner can give.
func homeSuffixes() []string {
	return []string{"localhost", "local", "lan", "home", "internal", "home.arpa"}
}

// homeNetworks are the addresses that only a network's own owner can give: private (RFC 1918,
// RFC 4193), shared behind a provider's translation or a private overlay (RFC 6598), link-local
// and loopback.
func homeNetworks() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128"} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// machineNames are the names and private addresses by which the network knows this machine.
func machineNames() (string, []netip.Addr, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", nil, err
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "", nil, err
	}
	var ips []netip.Addr
	for _, addr := range addrs {
		if prefix, err := netip.ParsePrefix(addr.String()); err == nil {
			ips = append(ips, prefix.Addr().Unmap())
		}
	}
	return host, ips, nil
}

// lanNames collects what the certificate of a machine is for: its host name as it is and with
// .local (multicast DNS), localhost, its private addresses, and extra names and addresses.
func lanNames(host string, addrs []netip.Addr, extra []string) names {
	n := names{dns: []string{"localhost"}, ips: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if short, _, _ := strings.Cut(host, "."); validName(host) && short != "localhost" {
		n.dns = append(n.dns, host, short, short+".local")
	}
	for _, addr := range addrs {
		// An IPv6 link-local address cannot be visited without a zone, and no URL has one.
		if home(addr) && (addr.Is4() || !addr.IsLinkLocalUnicast()) {
			n.ips = append(n.ips, addr)
		}
	}
	for _, name := range extra {
		if ip, err := netip.ParseAddr(name); err == nil {
			n.ips = append(n.ips, ip.Unmap())
		} else {
			n.dns = append(n.dns, name)
		}
	}
	slices.Sort(n.dns)
	slices.SortFunc(n.ips, netip.Addr.Compare)
	n.dns, n.ips = slices.Compact(n.dns), slices.Compact(n.ips)
	return n
}

func home(addr netip.Addr) bool {
	return slices.ContainsFunc(homeNetworks(), func(p netip.Prefix) bool { return p.Contains(addr) })
}
