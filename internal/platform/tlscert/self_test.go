package tlscert

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// machine is a machine under test: its clock, its names and the log.
type machine struct {
	now   time.Time
	host  string
	addrs []netip.Addr
	log   bytes.Buffer
	dir   string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	return &machine{now: time.Now().Truncate(time.Second), host: "Nas", dir: filepath.Join(t.TempDir(), "tls"),
		addrs: []netip.Addr{netip.MustParseAddr("192.168.1.5"), netip.MustParseAddr("fd12::5"), netip.MustParseAddr("2a00:1450::5"), netip.MustParseAddr("fe80::5")}}
}

// start starts a server on the machine.
func (m *machine) start(t *testing.T, extra ...string) *self {
	t.Helper()
	s := m.server(extra...)
	if _, err := openSelf(s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (m *machine) server(extra ...string) *self {
	return &self{dir: m.dir, extra: extra, log: slog.New(slog.NewTextHandler(&m.log, nil)), now: func() time.Time { return m.now },
		machine: func() (string, []netip.Addr, error) { return m.host, m.addrs, nil }}
}

// verify is what a client does that trusts the authority: it visits name at the present time.
func (m *machine) verify(s *self, name string) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.authority.Load().pem)
	_, err := s.current.Load().Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: m.now})
	return err
}

func TestSelfNames(t *testing.T) {
	m := newMachine(t)
	s := m.start(t, "home.example.org", "203.0.113.7")
	for _, name := range []string{"nas", "nas.local", "localhost", "127.0.0.1", "[::1]", "192.168.1.5", "[fd12::5]", "home.example.org", "203.0.113.7"} {
		if err := m.verify(s, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"other.local", "bank.example.com", "[2a00:1450::5]", "[fe80::5]"} {
		if m.verify(s, name) == nil {
			t.Errorf("%s: the certificate names it", name)
		}
	}
	leaf := s.current.Load().Leaf
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life > 397*24*time.Hour {
		t.Errorf("the certificate lasts %v, which systems refuse", life)
	}
	if !strings.Contains(m.log.String(), Fingerprint(s.authority.Load().cert)) || !strings.Contains(m.log.String(), "doc/tls.md") {
		t.Errorf("the log names neither fingerprint nor page: %s", m.log.String())
	}
	checkModes(t, m.dir)
}

func checkModes(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v lets others in", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSelfHandshake has a real client that trusts the authority shake hands with a real server.
func TestSelfHandshake(t *testing.T) {
	m := newMachine(t)
	certificates, err := openSelf(m.server())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificates.Authority()) {
		t.Fatal("the authority is no PEM certificate")
	}
	a, b := net.Pipe()
	go func() { _ = tls.Server(a, certificates.TLS).Handshake() }()
	if err := tls.Client(b, &tls.Config{RootCAs: roots, ServerName: "nas.local"}).Handshake(); err != nil {
		t.Error(err)
	}
	old, c := net.Pipe()
	go func() { _ = tls.Server(old, certificates.TLS).Handshake() }()
	if err := tls.Client(c, &tls.Config{RootCAs: roots, ServerName: "nas.local", MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}).Handshake(); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

// TestAuthorityIsConstrained signs a bank's certificate with a stolen key.
func TestAuthorityIsConstrained(t *testing.T) {
	m := newMachine(t)
	s := m.start(t)
	for _, stolen := range []names{{dns: []string{"bank.example.com"}}, {dns: []string{"localhost"}, ips: []netip.Addr{netip.MustParseAddr("8.8.8.8")}}} {
		both, err := s.authority.Load().issue(stolen, m.now)
		if err != nil {
			t.Fatal(err)
		}
		forged, err := tls.X509KeyPair(both, both)
		if err != nil {
			t.Fatal(err)
		}
		s.current.Store(&forged)
		name := forged.Leaf.DNSNames[0]
		if err := m.verify(s, name); err == nil {
			t.Errorf("%v: a client believes it", stolen)
		}
	}
}

func TestSelfIsStable(t *testing.T) {
	m := newMachine(t)
	first := m.start(t)
	m.now = m.now.Add(24 * time.Hour)
	second := m.start(t)
	if !bytes.Equal(first.authority.Load().pem, second.authority.Load().pem) {
		t.Error("a restart made another authority")
	}
	if !bytes.Equal(first.current.Load().Certificate[0], second.current.Load().Certificate[0]) {
		t.Error("a restart made another certificate")
	}
}

func TestSelfRenews(t *testing.T) {
	m := newMachine(t)
	s := m.start(t)
	first := s.current.Load()
	renewed := func(what string, want bool) {
		t.Helper()
		if err := s.renew(); err != nil {
			t.Fatal(err)
		}
		now := s.current.Load()
		if got := now != first; got != want {
			t.Errorf("%s: renewed %v, want %v", what, got, want)
		}
		if err := m.verify(s, "nas.local"); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		first = now
	}
	renewed("nothing has changed", false)
	m.addrs = append(slices.Clone(m.addrs), netip.MustParseAddr("10.0.0.9"))
	renewed("a new address", true)
	if err := m.verify(s, "10.0.0.9"); err != nil {
		t.Error(err)
	}
	m.addrs = m.addrs[:1]
	renewed("an address has gone", false)
	m.now = m.now.Add(leafLife - renewBefore - 2*time.Hour)
	renewed("just before it is time", false)
	m.now = m.now.Add(2 * time.Hour)
	renewed("it is time", true)
	m.host = "cellar"
	if err := s.renew(); err != nil {
		t.Fatal(err)
	}
	if err := m.verify(s, "cellar.local"); err != nil {
		t.Errorf("a new host name: %v", err)
	}
	if m.verify(s, "cellar") == nil || !strings.Contains(m.log.String(), "cannot vouch") {
		t.Errorf("the name alone is not the authority's to vouch for; want a warning: %s", m.log.String())
	}
}

func TestAuthorityExpires(t *testing.T) {
	m := newMachine(t)
	s := m.start(t)
	old := s.authority.Load()
	m.now = m.now.Add(authorityLife - 24*time.Hour)
	for range 3 {
		if err := s.renew(); err != nil {
			t.Fatal(err)
		}
		if err := m.verify(s, "nas.local"); err != nil {
			t.Errorf("on the last day: %v", err)
		}
	}
	if n := strings.Count(m.log.String(), "certificate was made"); n != 2 {
		t.Errorf("on the authority's last day every look made a certificate: %d", n)
	}
	m.now = m.now.Add(48 * time.Hour)
	if err := s.renew(); err != nil {
		t.Fatal(err)
	}
	if err := m.verify(s, "nas.local"); err != nil || s.authority.Load() == old {
		t.Errorf("after its end: %v, the old authority %v", err, s.authority.Load() == old)
	}
	if again := m.start(t); !bytes.Equal(again.authority.Load().pem, s.authority.Load().pem) {
		t.Error("a restart made another authority again")
	}
}

// TestSelfTogether starts copies at the same moment on one directory: all have one authority.
func TestSelfTogether(t *testing.T) {
	m := newMachine(t)
	servers := make([]*self, 8)
	var group sync.WaitGroup
	for i := range servers {
		servers[i] = m.server()
		servers[i].log = slog.New(slog.DiscardHandler)
		group.Go(func() {
			if _, err := openSelf(servers[i]); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	for _, s := range servers {
		if !bytes.Equal(s.authority.Load().pem, servers[0].authority.Load().pem) {
			t.Error("copies have different authorities")
		}
		if err := m.verify(s, "nas.local"); err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(m.dir)
	if err != nil || len(left) != 2 {
		t.Errorf("got %v (%v), want the authority and the certificate only", left, err)
	}
}

func TestHalfAnAuthorityIsNotReplaced(t *testing.T) {
	m := newMachine(t)
	m.start(t)
	if err := os.Remove(filepath.Join(m.dir, "authority", keyName)); err != nil {
		t.Fatal(err)
	}
	if _, err := openSelf(m.server()); err == nil || !strings.Contains(err.Error(), "move the directory away") {
		t.Errorf("got %v, want what to do about it", err)
	}
}
