// Package outward makes connections to addresses that somebody typed in: notification services,
// mail servers, watchdogs. Such an address must not become a way into the household's own
// network, so it is judged after the name was resolved, at the moment of the connection: a name
// that points inwards, today or only at the second look, does not help (SSRF, DNS rebinding).
//
// What is judged:
//   - Never allowed: unspecified, multicast and link-local addresses, and those at which clouds
//     tell machines their secrets. Nobody's notification service lives there.
//   - Allowed only when said so: loopback, private and shared addresses, whatever else the
//     internet does not route, the addresses of this machine, and the IPv6 networks it is in,
//     whose addresses are public though the machines behind them are the household's.
//   - An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged too.
package outward

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

const (
	// dialTimeout bounds finding out an address and connecting to it.
	dialTimeout = 10 * time.Second
	// ownNetwork is the length of the widest IPv6 prefix of an interface that counts as the
	// household's: providers hand out networks of 64 and cut larger ones into such.
	ownNetwork = 64
)

// Config says how connections are made. The zero value is the usual.
type Config struct {
	// Roots are the authorities that certificates are checked against; nil for the system's.
	Roots *x509.CertPool
	// Interfaces lists the prefixes of this machine's interfaces; nil asks the system.
	Interfaces func() ([]netip.Prefix, error)
}

// Doorway makes connections outwards.
type Doorway struct{ config Config }

// New makes a doorway; it does no I/O.
func New(config Config) *Doorway {
	if config.Interfaces == nil {
		config.Interfaces = interfaces
	}
	return &Doorway{config}
}

// Dial connects by TCP. local allows addresses of the own network.
func (d *Doorway) Dial(ctx context.Context, address string, local bool) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout, Control: func(_, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return errs.Newf(errs.Invalid, "The address %q cannot be judged, so it is not connected to.", resolved)
		}
		return d.Judge(to.Addr(), local)
	}}
	return dialer.DialContext(ctx, "tcp", address)
}

// TLS is the configuration for talking to a host.
func (d *Doorway) TLS(host string) *tls.Config {
	return &tls.Config{ServerName: host, RootCAs: d.config.Roots, MinVersion: tls.VersionTLS12}
}

// Judge says why an address may not be connected to.
func (d *Doorway) Judge(addr netip.Addr, local bool) error {
	for _, a := range faces(addr) {
		if forbidden(a) {
			return errs.Newf(errs.Invalid, "The address leads to %s, which no service can have, so nothing was sent.", a)
		}
		if local {
			continue
		}
		own, err := d.own(a)
		if err != nil {
			return err
		}
		if own {
			return errs.Newf(errs.Invalid, "The address leads to %s, which is in your own network, so nothing was sent. If that is meant, allow local addresses for it.", a)
		}
	}
	return nil
}

// JudgeHost judges a host before anything is kept: a literal address, and whether a name can be
// one. Where a name leads is judged when it is connected to.
func (d *Doorway) JudgeHost(host string, local bool) error {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return checkName("The server", host)
	}
	return d.Judge(addr, local)
}

// own reports whether an address is of the household's network.
func (d *Doorway) own(addr netip.Addr) (bool, error) {
	if !httpd.Public(addr) {
		return true, nil
	}
	prefixes, err := d.config.Interfaces()
	if err != nil {
		return false, errs.Wrap(errs.Unavailable, "The addresses of this machine cannot be found out, so nothing was sent.", err)
	}
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool {
		if p.Addr().Unmap() == addr {
			return true
		}
		// A public IPv4 network of an interface is a provider's, shared with strangers.
		return p.Addr().Is6() && !p.Addr().Is4In6() && addr.Is6() && p.Bits() >= ownNetwork && p.Masked().Contains(addr)
	}), nil
}

// faces are the addresses that one address may stand for: itself, and an IPv4 address in it.
func faces(addr netip.Addr) []netip.Addr {
	addr = addr.WithZone("").Unmap()
	list := []netip.Addr{addr}
	if !addr.Is6() {
		return list
	}
	raw := addr.As16()
	for prefix, at := range map[string]int{"64:ff9b::/96": 12, "2002::/16": 2, "::/96": 12} { // RFC 6052, 3056, 4291
		if netip.MustParsePrefix(prefix).Contains(addr) && addr != netip.IPv6Loopback() {
			list = append(list, netip.AddrFrom4([4]byte(raw[at:at+4])))
		}
	}
	return list
}

// forbidden are addresses that are never connected to.
func forbidden(addr netip.Addr) bool {
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLinkLocalUnicast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return true
	}
	// Metadata services that are not link-local: Amazon's by IPv6, Alibaba's, Azure's, Oracle's.
	return slices.ContainsFunc([]string{"fd00:ec2::/32", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "0.0.0.0/8"},
		func(p string) bool { return netip.MustParsePrefix(p).Contains(addr) })
}

func interfaces() ([]netip.Prefix, error) {
	addrs, err := net.InterfaceAddrs()
	var list []netip.Prefix
	for _, addr := range addrs {
		if prefix, err := netip.ParsePrefix(addr.String()); err == nil {
			list = append(list, prefix)
		}
	}
	return list, err
}

// Sentence says what went wrong on the way, for people. It names hosts and ports, never the
// path or anything else of the address, since those hold secrets.
func Sentence(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case err == nil:
		return ""
	case errs.Detail(err) != "":
		return errs.Detail(err)
	case errors.As(err, &dns):
		return "The name " + dns.Name + " is not known to the DNS, or the DNS does not answer."
	case errors.As(err, &certificate):
		return "The certificate is not trusted: " + certificate.Err.Error() + "."
	case errors.As(err, &record):
		return "The other side does not speak TLS at this port."
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "There was no answer in time."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "The connection was refused: nothing listens there."
	case errors.As(err, &op):
		return "The connection failed: " + op.Err.Error() + "."
	}
	return "The connection failed."
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
