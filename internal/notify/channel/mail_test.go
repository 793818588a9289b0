package channel

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeserver/internal/notify/outward"
)

// debianPython is the Python whose packages apt installs.
const debianPython = "/usr/bin/python3"

// mailServer is a mail server in a process of its own: Debian's aiosmtpd.
type mailServer struct {
	port  string
	dir   string
	roots *x509.CertPool
}

// letterTaken is what it writes down.
type letterTaken struct {
	From string
	To   []string
	Data string
	TLS  bool
	User string
}

func startMail(t *testing.T, mode string) *mailServer {
	t.Helper()
	s := &mailServer{dir: t.TempDir(), roots: x509.NewCertPool()}
	certificate, key := s.certify(t)
	cmd := exec.Command(debianPython, filepath.Join("testdata", "smtpd.py"), mode, certificate, key, s.dir)
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("the mail server needs Debian's python3-aiosmtpd (scripts/install-test-tools): %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends with its input
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the mail server needs Debian's python3-aiosmtpd (scripts/install-test-tools): %v\n%s", err, said.String())
	}
	s.port = strings.TrimSpace(line)
	return s
}

// certify makes a certificate for localhost.
func (s *mailServer) certify(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, content []byte) string {
		path := filepath.Join(s.dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.roots.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", raw)
}

func (s *mailServer) letters(t *testing.T) []letterTaken {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []letterTaken
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var l letterTaken
		if err := json.Unmarshal(raw, &l); err != nil {
			t.Fatal(err)
		}
		list = append(list, l)
	}
	return list
}

func (s *mailServer) target(security string, more ...string) Target {
	to := Target{Kind: KindEmail, AllowLocal: true, Settings: map[string]string{"host": "localhost", "port": s.port, "security": security,
		"from": "Zuhause <home@example.org>", "to": "ada@example.org, Bób <bob@example.org>"}}
	for i := 0; i+1 < len(more); i += 2 {
		to.Settings[more[i]] = more[i+1]
	}
	return to
}

// evil is a title that would like to be headers.
const evil = "Störung: Platte „voll“\r\nBcc: eve@example.org\r\n\r\nbody"

func evilNote(image []byte) Note {
	return Note{ID: "0193-id", Severity: Critical, State: "raised", Title: evil, Text: "Erste Zeile äöü\n.\nDritte Zeile " + strings.Repeat("lang ", 50), At: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), Link: "https://home.example.org/static/dashboard.html", Image: image}
}

func TestMailByARealServer(t *testing.T) {
	image := []byte("\x89PNG not really, but bytes \x00\xff")
	for _, mode := range []string{securitySTARTTLS, securityTLS} {
		t.Run(mode, func(t *testing.T) {
			s := startMail(t, mode)
			senders := New(Config{Outward: outward.Config{Roots: s.roots}})
			to := s.target(mode, "user", "ada", "password", "mail-secret")
			for _, n := range []Note{evilNote(nil), evilNote(image)} {
				if warning, err := senders.Send(t.Context(), to, n); err != nil || warning != "" {
					t.Fatalf("got %q %v", warning, err)
				}
			}
			list := s.letters(t)
			if len(list) != 2 {
				t.Fatalf("got %d letters, want 2", len(list))
			}
			for i, l := range list {
				if l.From != "home@example.org" || strings.Join(l.To, ",") != "ada@example.org,bob@example.org" || l.User != "ada" || !l.TLS {
					t.Errorf("got %+v", l)
				}
				checkLetter(t, l.Data, map[int][]byte{0: nil, 1: image}[i])
			}
		})
	}
}

func checkLetter(t *testing.T, text string, image []byte) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "Störung: Platte „voll“ Bcc: eve@example.org body" || m.Header.Get("Bcc") != "" || m.Header.Get("Message-Id") != "<0193-id@example.org>" || m.Header.Get("Date") == "" {
		t.Errorf("got the head %v", m.Header)
	}
	to, err := m.Header.AddressList("To")
	if err != nil || len(to) != 2 || to[1].Name != "Bób" {
		t.Errorf("to: got %v %v", to, err)
	}
	var body io.Reader = quotedprintable.NewReader(m.Body)
	if image != nil {
		_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		parts := multipart.NewReader(m.Body, parameters["boundary"])
		part, err := parts.NextPart() // quoted-printable is undone by it
		if err != nil {
			t.Fatal(err)
		}
		first, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(first)
		picture, err := parts.NextPart()
		if err != nil || picture.Header.Get("Content-Type") != "image/png" {
			t.Errorf("the picture: got %v %v", picture.Header, err)
		}
	}
	words, err := io.ReadAll(body)
	if err != nil || !strings.HasPrefix(strings.ReplaceAll(string(words), "\r\n", "\n"), "Erste Zeile äöü\n.\nDritte Zeile lang ") || !strings.Contains(string(words), "https://home.example.org/static/dashboard.html") {
		t.Errorf("got the words %q %v", words, err)
	}
}

func TestMailThatIsNotTaken(t *testing.T) {
	s := startMail(t, securitySTARTTLS)
	trusting, suspicious := New(Config{Outward: outward.Config{Roots: s.roots}}), New(Config{})
	signedIn := []string{"user", "ada", "password", "mail-secret"}
	for name, test := range map[string]struct {
		senders *Senders
		to      Target
		want    string
	}{
		"wrong password":       {trusting, s.target(securitySTARTTLS, "user", "ada", "password", "mail-wrong"), "does not accept user and password"},
		"no sign-in":           {trusting, s.target(securitySTARTTLS), "does not accept user and password"},
		"unknown certificate":  {suspicious, s.target(securitySTARTTLS, signedIn...), "The certificate is not trusted"},
		"no TLS here":          {trusting, s.target(securityTLS, signedIn...), "does not speak TLS"},
		"nobody":               {trusting, s.target(securitySTARTTLS, append(signedIn, "to", "nobody@example.org")...), "550 5.1.1 no such mailbox"},
		"own network":          {trusting, func() Target { to := s.target(securitySTARTTLS, signedIn...); to.AllowLocal = false; return to }(), "in your own network"},
		"password without TLS": {trusting, s.target(securityNone, signedIn...), "Without TLS no password is sent"},
		"nothing there":        {trusting, s.target(securitySTARTTLS, append(signedIn, "port", "1")...), "nothing listens there"},
	} {
		_, err := test.senders.Send(t.Context(), test.to, evilNote(nil))
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "mail-") {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	if got := s.letters(t); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	// One recipient who is not known does not keep the others from it.
	warning, err := trusting.Send(t.Context(), s.target(securitySTARTTLS, append(signedIn, "to", "nobody@example.org, ada@example.org")...), evilNote(nil))
	if got := s.letters(t); err != nil || !strings.Contains(warning, "refused nobody@example.org") || len(got) != 1 || strings.Join(got[0].To, ",") != "ada@example.org" {
		t.Errorf("got %q %v %+v", warning, err, got)
	}
}

func TestMailWithoutTLS(t *testing.T) {
	s := startMail(t, "plain")
	if _, err := New(Config{}).Send(t.Context(), s.target(securityNone), evilNote(nil)); err != nil || len(s.letters(t)) != 1 {
		t.Errorf("got %v", err)
	}
	if _, err := New(Config{}).Send(t.Context(), s.target(securitySTARTTLS), evilNote(nil)); err == nil || !strings.Contains(err.Error(), "offers no STARTTLS") {
		t.Errorf("got %v, want nothing sent in clear where TLS was asked for", err)
	}
}

// TestASlowMailServerDoesNotOutliveItsContext has servers that fall silent.
func TestASlowMailServerDoesNotOutliveItsContext(t *testing.T) {
	for name, says := range map[string]string{"no greeting": "", "a greeting only": "220 slow.example.org\r\n"} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				_, _ = io.WriteString(conn, says)
				if says != "" {
					_, _ = conn.Read(make([]byte, 100)) // the client talks, and waits for an answer
				}
				cancel()
				_, _ = io.Copy(io.Discard, conn) // until it hangs up
			}()
			_, port, err := net.SplitHostPort(l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			s := &mailServer{port: port}
			began := time.Now()
			if _, err := New(Config{}).Send(ctx, s.target(securityNone), evilNote(nil)); err == nil {
				t.Error("it was sent")
			}
			if took := time.Since(began); took > sendTimeout/2 {
				t.Errorf("it took %v after the end", took)
			}
		})
	}
}
