// Package tls runs the real program with TLS in each of its ways: with files, as its own
// authority, and with certificates of a public authority, which pebble plays here.
package tls

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"homeserver/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

// patience is how long a certificate may take to come on a busy machine.
const patience = 90 * time.Second

// visitor is a client that trusts roots only and finds every name on this machine.
func visitor(t *testing.T, roots *x509.CertPool) *http.Client {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// launch starts a server and returns its port once it listens.
func launch(t *testing.T, env map[string]string) (*server.Server, string) {
	t.Helper()
	s := server.New(t, server.Options{Env: env})
	s.Launch()
	s.WaitListening(patience)
	return s, s.Base[strings.LastIndex(s.Base, ":")+1:]
}

// visit fetches base and path.
func visit(client *http.Client, base, path string) (server.Answer, error) {
	c := &server.Client{Base: base, HTTP: client}
	return c.Try("GET", path, nil, nil)
}

// healthy asks the command that containers ask.
func healthy(t *testing.T, s *server.Server, port string) {
	t.Helper()
	s.Setenv("PORT", port)
	if out, errOut, code := s.CLI("healthcheck"); code != 0 || !strings.Contains(out, `"ready"`) {
		t.Errorf("healthcheck: got code %d, %s%s", code, out, errOut)
	}
}

func TestOwnAuthority(t *testing.T) {
	t.Parallel()
	second := strconv.Itoa(server.FreePort(t))
	s, port := launch(t, map[string]string{"TLS": "self", "TLS_DOMAINS": "home.test", "HTTP_PORT": second})
	blind := visitor(t, nil)
	blind.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true // nothing is trusted yet
	answer, err := visit(blind, "https://localhost:"+port, "/tls/ca.crt")
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Header.Get("Content-Type"); answer.Status != 200 || got != "application/x-x509-ca-cert" {
		t.Fatalf("/tls/ca.crt: got %d %s", answer.Status, got)
	}
	block, _ := pem.Decode(answer.Body)
	if block == nil {
		t.Fatalf("/tls/ca.crt is no PEM: %s", answer.Body)
	}
	fingerprint := fmt.Sprintf("% X", sha256.Sum256(block.Bytes))
	if log := s.Log(); !strings.Contains(log, strings.ReplaceAll(fingerprint, " ", ":")) || !strings.Contains(log, "doc/tls.md") {
		t.Errorf("the log names neither fingerprint %s nor page: %s", fingerprint, log)
	}

	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(answer.Body)
	trusting := visitor(t, roots)
	for _, name := range []string{"localhost", "127.0.0.1", "home.test"} {
		answer, err := visit(trusting, "https://"+name+":"+port, "/health/ready")
		if err != nil || answer.Status != 200 {
			t.Errorf("%s: got %d (%v)", name, answer.Status, err)
		}
		if got := answer.Header.Get("Strict-Transport-Security"); got != "" {
			t.Errorf("%s: got HSTS %q with an authority of our own", name, got)
		}
	}
	for from, want := range map[string]string{port: port, second: port} {
		answer, err := visit(trusting, "http://home.test:"+from, "/static/?a=b")
		if got := answer.Header.Get("Location"); err != nil || answer.Status != 308 || got != "https://home.test:"+want+"/static/?a=b" {
			t.Errorf("http on port %s: got %d to %q (%v)", from, answer.Status, got, err)
		}
		if answer, err := visit(trusting, "http://attacker.example.com:"+from, "/"); err != nil || answer.Status != 421 {
			t.Errorf("http to a foreign name on port %s: got %d (%v)", from, answer.Status, err)
		}
	}
	healthy(t, s, port)

	// The same authority after a restart: devices trust it once.
	s.Stop()
	s.Launch()
	s.WaitListening(patience)
	if _, err := visit(visitor(t, roots), s.Base, "/health"); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}

func TestCertificateFiles(t *testing.T) {
	t.Parallel()
	made, _ := launch(t, map[string]string{"TLS": "self"})
	file := filepath.Join(made.Dir, "data", "tls", "server.pem") // certificate and key in one
	s, port := launch(t, map[string]string{"TLS_CERT": file, "TLS_KEY": file})
	ca, err := os.ReadFile(filepath.Join(made.Dir, "data", "tls", "authority", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := visitor(t, roots)
	if answer, err := visit(client, "https://localhost:"+port, "/health"); err != nil || answer.Status != 200 {
		t.Errorf("got %d (%v)", answer.Status, err)
	}
	if answer, err := visit(client, "https://localhost:"+port, "/tls/ca.crt"); err != nil || answer.Status != 404 {
		t.Errorf("/tls/ca.crt without TLS=self: got %d (%v)", answer.Status, err)
	}
	healthy(t, s, port)
	s.Stop()
	made.Stop()
	s.Setenv("TLS_CERT", filepath.Join(s.Dir, "nowhere.pem"))
	if _, errOut, code := s.CLI("serve"); code != 1 || !strings.Contains(errOut, "TLS_CERT") {
		t.Errorf("without the file: got code %d, %s", code, errOut)
	}
}

// authority is a running pebble.
type authority struct{ directory, roots, rootFile string }

// runPebble starts pebble with DNS of its own, in which every name is this machine. It
// validates on the given ports.
func runPebble(t *testing.T, httpPort, tlsPort int) authority {
	t.Helper()
	dir := t.TempDir()
	dns, api, management, unused := server.FreePort(t), server.FreePort(t), server.FreePort(t), server.FreePort(t)
	local := func(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
	server.Companion(t, nil, "pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", local(dns), "-management", local(unused),
		"-http01", "", "-https01", "", "-tlsalpn01", "")
	// Pebble's own server needs a certificate; an authority like ours makes one.
	own, _ := launch(t, map[string]string{"TLS": "self"})
	own.Stop()
	pair := filepath.Join(own.Dir, "data", "tls", "server.pem")
	config := fmt.Sprintf(`{"pebble": {"listenAddress": %q, "managementListenAddress": %q, "certificate": %q, "privateKey": %q, "httpPort": %d, "tlsPort": %d, "ocspResponderURL": ""}}`,
		local(api), local(management), pair, pair, httpPort, tlsPort)
	file := filepath.Join(dir, "pebble.json")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Companion(t, []string{"PEBBLE_VA_NOSLEEP=1"}, "pebble", "-config", file, "-dnsserver", local(dns))
	return authority{directory: "https://" + local(api) + "/dir", roots: "https://" + local(management) + "/roots/0",
		rootFile: filepath.Join(own.Dir, "data", "tls", "authority", "ca.crt")}
}

// root fetches the certificate that pebble's certificates go back to.
func (a authority) root(t *testing.T) *x509.CertPool {
	t.Helper()
	ca, err := os.ReadFile(a.rootFile)
	if err != nil {
		t.Fatal(err)
	}
	own, issued := x509.NewCertPool(), x509.NewCertPool()
	own.AppendCertsFromPEM(ca)
	server.Eventually(t, patience, "pebble", func() error {
		answer, err := visit(visitor(t, own), strings.TrimSuffix(a.roots, "/roots/0"), "/roots/0")
		if err == nil && !issued.AppendCertsFromPEM(answer.Body) {
			err = errors.New("no certificate in its answer")
		}
		return err
	})
	return issued
}

// TestPublicAuthority obtains a certificate by each kind of challenge: the other one's port
// leads nowhere.
func TestPublicAuthority(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{"tls-alpn-01", "http-01"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			port, plain := server.FreePort(t), server.FreePort(t)
			env := map[string]string{"TLS": "acme", "TLS_DOMAINS": "home.test", "ACME_EMAIL": "me@home.test", "PORT": strconv.Itoa(port), "HTTP_PORT": "0"}
			tlsPort := port
			if challenge == "http-01" {
				env["HTTP_PORT"], tlsPort = strconv.Itoa(plain), server.FreePort(t)
			}
			ca := runPebble(t, plain, tlsPort)
			roots := ca.root(t)
			env["ACME_CA"], env["ACME_CA_ROOT"] = ca.directory, ca.rootFile
			s, _ := launch(t, env)
			base := "https://home.test:" + env["PORT"]
			client := visitor(t, roots)
			server.Eventually(t, patience, "to get a certificate", func() error {
				answer, err := visit(client, base, "/health")
				if err == nil && answer.Status != 200 {
					err = fmt.Errorf("status %d", answer.Status)
				}
				return err
			})
			answer, err := visit(client, base, "/health")
			if got := answer.Header.Get("Strict-Transport-Security"); err != nil || got != "max-age=31536000" {
				t.Errorf("HSTS: got %q (%v)", got, err)
			}
			if answer, err := visit(client, "http://home.test:"+env["PORT"], "/x"); err != nil || answer.Header.Get("Location") != base+"/x" {
				t.Errorf("plain HTTP: got %d to %q (%v)", answer.Status, answer.Header.Get("Location"), err)
			}
			if log := s.Log(); !strings.Contains(log, base) || !strings.Contains(log, "certificate obtained") {
				t.Errorf("the log does not name %s and the certificate: %s", base, log)
			}
			healthy(t, s, env["PORT"])

			// A restart serves the kept certificate and asks for no new one.
			s.Stop()
			s.Launch()
			s.WaitListening(patience)
			server.Eventually(t, patience, "to serve its certificate again", func() error {
				_, err := visit(client, base, "/health")
				return err
			})
			if strings.Contains(s.Log(), "certificate obtained") {
				t.Errorf("a restart obtained another certificate: %s", s.Log())
			}
		})
	}
}
