package tlscert

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// namesEvery is how often the machine's names and addresses are looked at: a device that
	// got a new address is reached under it a minute later.
	namesEvery = time.Minute
	// renewBefore is how long before its end a certificate is replaced: a machine that sleeps
	// for a holiday wakes with one that is still good.
	renewBefore = 60 * 24 * time.Hour
)

// self is the server as its own authority.
type self struct {
	dir     string
	extra   []string
	machine func() (host string, addrs []netip.Addr, err error)
	now     func() time.Time
	log     *slog.Logger

	authority atomic.Pointer[authority]
	current   atomic.Pointer[tls.Certificate]
	without   []string // names the authority cannot vouch for, which the log knows of
}

func openSelf(s *self) (*Certificates, error) {
	if err := os.MkdirAll(s.dir, privateDir); err != nil {
		return nil, fmt.Errorf("the certificate cannot be kept in %s: %w; set DATA_DIR to a directory this user may write", s.dir, err)
	}
	if err := s.renew(); err != nil {
		return nil, err
	}
	return &Certificates{
		TLS: serverConfig(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.current.Load(), nil }),
		Run: s.run, Authority: func() []byte { return s.authority.Load().pem },
	}, nil
}

func (s *self) run(ctx context.Context) error {
	ticker := time.NewTicker(namesEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := s.renew(); err != nil {
				s.log.Error("the server's certificate cannot be renewed; the old one stays in use", "error", err)
			}
		}
	}
}

// renew makes sure that a certificate is served that is good for a while and names the
// machine as it is called now.
func (s *self) renew() error {
	host, addrs, err := s.machine()
	if err != nil {
		return fmt.Errorf("the machine's names and addresses cannot be found out: %w", err)
	}
	n, now := lanNames(host, addrs, s.extra), s.now()
	if a := s.authority.Load(); a == nil || !now.Before(a.cert.NotAfter) {
		if a, err = openAuthority(s.dir, n, now); err != nil {
			return err
		}
		s.authority.Store(a)
		s.log.Info("TLS=self: devices that trust this server's local authority see no warning; doc/tls.md says how to tell them, and its certificate is at /tls/ca.crt",
			"sha256", Fingerprint(a.cert), "expires", a.cert.NotAfter)
	}
	n = s.vouched(n)
	path := filepath.Join(s.dir, "server.pem")
	if current := s.current.Load(); current != nil && s.good(current.Leaf, n, now) {
		return nil
	}
	// Made by an earlier run, or by another process beside this one.
	if kept, err := tls.LoadX509KeyPair(path, path); err == nil && s.good(kept.Leaf, n, now) {
		s.current.Store(&kept)
		return nil
	}
	pair, err := s.authority.Load().issue(n, now)
	if err != nil {
		return fmt.Errorf("the server's certificate cannot be made: %w", err)
	}
	if err := replace(path, pair); err != nil {
		return fmt.Errorf("the server's certificate cannot be kept: %w", err)
	}
	made, err := tls.X509KeyPair(pair, pair)
	if err != nil {
		return fmt.Errorf("the server's certificate cannot be made: %w", err)
	}
	s.current.Store(&made)
	s.log.Info("the server's certificate was made", "names", made.Leaf.DNSNames, "addresses", made.Leaf.IPAddresses, "expires", made.Leaf.NotAfter)
	return nil
}

// vouched leaves out, with a warning, what the authority cannot vouch for.
func (s *self) vouched(n names) names {
	may, rest := s.authority.Load().permitted(n)
	if len(rest) > 0 && !slices.Equal(rest, s.without) {
		s.log.Warn("the local authority was made for other names and cannot vouch for these; move the directory away for a new authority, which every device must then be told to trust",
			"names", rest, "directory", s.dir)
	}
	s.without = rest
	return may
}

// good says whether a certificate can be served: it is this authority's, lasts a while, and
// names everything. Names too many do no harm: addresses that come and go need no new one.
func (s *self) good(leaf *x509.Certificate, n names, now time.Time) bool {
	a := s.authority.Load()
	if leaf.CheckSignatureFrom(a.cert) != nil || now.Before(leaf.NotBefore) {
		return false
	}
	// Nothing lasts longer than the authority, so towards its end that is no reason.
	if now.Add(renewBefore).After(leaf.NotAfter) && (leaf.NotAfter.Before(a.cert.NotAfter) || now.After(leaf.NotAfter)) {
		return false
	}
	for _, name := range n.dns {
		if !slices.Contains(leaf.DNSNames, name) {
			return false
		}
	}
	for _, ip := range n.ips {
		if !slices.ContainsFunc(leaf.IPAddresses, func(have net.IP) bool { return have.Equal(ip.AsSlice()) }) {
			return false
		}
	}
	return true
}

// Fingerprint is the SHA-256 of a certificate as systems show it, to compare by eye.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	var b strings.Builder
	for i, octet := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%02X", octet)
	}
	return b.String()
}
