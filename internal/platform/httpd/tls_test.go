package httpd

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/tlscert"
)

// secured is a running server with TLS.
type secured struct {
	port, second string // of TLS and of the second port
	client       *http.Client
}

// freePort is a port that nothing listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// testRouter has a page, a socket and an operation that takes its connection over.
func testRouter(t *testing.T) *Router {
	t.Helper()
	r := NewRouter("Test", "1")
	op := func(path string) Op {
		return Op{Public: true, Operation: huma.Operation{Method: "GET", Path: path, OperationID: path[1:]}}
	}
	r.Handle(op("/secure"), func(w http.ResponseWriter, r *http.Request) error {
		_, err := fmt.Fprintf(w, "%s secure=%v", r.Proto, Secure(r.Context()))
		return err
	})
	r.Handle(op("/ws"), func(w http.ResponseWriter, r *http.Request) error {
		socket, err := AcceptWebSocket(w, r)
		if err != nil {
			return err
		}
		defer socket.End()
		return socket.Write([]byte("hello"))
	})
	r.Handle(op("/conn"), func(w http.ResponseWriter, _ *http.Request) error {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, sends := conn.(io.ReaderFrom)
		_, err = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsendfile=%v", sends)
		return err
	})
	return r
}

// serve runs a server until the test ends and returns its port.
func serve(t *testing.T, s *Server) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	l, err := s.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func quietServer(t *testing.T) *Server {
	t.Helper()
	nobody := Recognise(func(*http.Request) identity.Principal { return identity.Principal{} })
	return NewServer(Config{Host: "127.0.0.1"}, testRouter(t), nobody, slog.New(slog.DiscardHandler))
}

// openSecured starts a server with TLS and a second port.
func openSecured(t *testing.T, strict bool, challenge func(http.ResponseWriter, *http.Request) bool) secured {
	t.Helper()
	certificates, err := tlscert.Open(tlscert.Config{Mode: "self"}, tlscert.Place{Dir: t.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificates.Authority())
	second := freePort(t)
	s := quietServer(t)
	s.UseTLS(TLS{Config: certificates.TLS, Strict: strict, PlainPort: second, Challenge: challenge})
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return secured{port: serve(t, s), second: strconv.Itoa(second),
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// get visits a URL and returns the answer and its body.
func (s secured) get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := s.client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// ask sends lines of plain HTTP to a port and returns the answer.
func ask(t *testing.T, port string, lines ...string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, strings.Join(lines, "\r\n")+"\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	return response, string(body)
}

func TestTLSAnswers(t *testing.T) {
	s := openSecured(t, false, nil)
	response, body := s.get(t, "https://localhost:"+s.port+"/secure")
	if body != "HTTP/2.0 secure=true" {
		t.Errorf("got %q want HTTP/2 that is known to be secure", body)
	}
	if got := response.Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("got %q: who trusts this server by hand only could not pass a warning any more", got)
	}
	older := s.client.Transport.(*http.Transport).Clone()
	older.Protocols = new(http.Protocols)
	older.Protocols.SetHTTP1(true)
	older.TLSClientConfig.NextProtos = nil
	t.Cleanup(older.CloseIdleConnections)
	s.client.Transport = older
	if _, body := s.get(t, "https://127.0.0.1:"+s.port+"/secure"); body != "HTTP/1.1 secure=true" {
		t.Errorf("got %q want HTTP/1.1", body)
	}
}

func TestStrictTransport(t *testing.T) {
	s := openSecured(t, true, nil)
	for url, want := range map[string]string{
		"https://localhost:" + s.port + "/secure":  "max-age=31536000",
		"https://localhost:" + s.port + "/nowhere": "max-age=31536000",
		"http://localhost:" + s.port + "/secure":   "",
		"http://localhost:" + s.second + "/secure": "",
	} {
		if response, _ := s.get(t, url); response.Header.Get("Strict-Transport-Security") != want {
			t.Errorf("%s: got %q want %q", url, response.Header.Get("Strict-Transport-Security"), want)
		}
	}
}

func TestPlainHTTPIsSentOn(t *testing.T) {
	s := openSecured(t, false, nil)
	for _, c := range []struct {
		request, host string
		onPort, on2nd string // addresses; empty means 421, "400" means 400. PORT stands for the server's
	}{
		{"GET /a%2Fb?c=d HTTP/1.1", "nas.local:8000", "https://nas.local:8000/a%2Fb?c=d", "https://nas.local:PORT/a%2Fb?c=d"},
		{"POST / HTTP/1.1", "192.168.1.5:80", "https://192.168.1.5:80/", "https://192.168.1.5:PORT/"},
		{"GET / HTTP/1.1", "nas", "https://nas:80/", "https://nas:PORT/"},
		{"GET / HTTP/1.1", "nas:443", "https://nas/", "https://nas:PORT/"},
		{"GET / HTTP/1.1", "[fd12::5]:8000", "https://[fd12::5]:8000/", "https://[fd12::5]:PORT/"},
		{"GET / HTTP/1.1", "[::1]", "https://[::1]:80/", "https://[::1]:PORT/"},
		{"GET //attacker.example.com/ HTTP/1.1", "nas", "https://nas:80//attacker.example.com/", "https://nas:PORT//attacker.example.com/"},
		{"GET / HTTP/1.1", "attacker.example.com", "", ""},
		{"GET / HTTP/1.1", "attacker.example.com:8000", "", ""},
		{"GET http://attacker.example.com/ HTTP/1.1", "nas", "", ""},
		{"GET / HTTP/1.1", "attacker.example.com%2f.local", "400", "400"},
		{"GET / HTTP/1.1", "attacker.example.com;.local", "400", "400"},
		{"GET / HTTP/1.1", "nas:8000x", "400", "https://nas:PORT/"},
		{"GET / HTTP/1.1", "", "400", "400"},
	} {
		for port, want := range map[string]string{s.port: c.onPort, s.second: c.on2nd} {
			status := http.StatusPermanentRedirect
			switch want {
			case "":
				status = http.StatusMisdirectedRequest
			case "400":
				status, want = http.StatusBadRequest, ""
			}
			want = strings.ReplaceAll(want, "PORT", s.port)
			response, _ := ask(t, port, c.request, "Host: "+c.host)
			if got := response.Header.Get("Location"); response.StatusCode != status || got != want {
				t.Errorf("%s with Host %q: got %d to %q, want %d to %q", c.request, c.host, response.StatusCode, got, status, want)
			}
		}
	}
}

// TestRedirectedUpload sends a body that nobody reads: the client must see the answer all the same.
func TestRedirectedUpload(t *testing.T) {
	s := openSecured(t, false, nil)
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", s.port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /upload HTTP/1.1\r\nHost: nas\r\nContent-Length: 8000000\r\n\r\n")
	go func() { _, _ = io.CopyN(conn, zeros{}, 8_000_000) }() // cut when the server has had enough
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusPermanentRedirect {
		t.Errorf("got %v (%v)", response, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestChallengesAreAnswered(t *testing.T) {
	s := openSecured(t, true, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") {
			return false
		}
		_, _ = io.WriteString(w, "token")
		return true
	})
	if response, _ := ask(t, s.second, "GET /.well-known/acme-challenge/x HTTP/1.1", "Host: home.example.org"); response.StatusCode != 200 {
		t.Errorf("got %d want the answer to the challenge", response.StatusCode)
	}
	if response, _ := ask(t, s.second, "GET / HTTP/1.1", "Host: nas"); response.StatusCode != http.StatusPermanentRedirect {
		t.Errorf("got %d want a redirect of everything else", response.StatusCode)
	}
}

func TestWebSocketOverTLS(t *testing.T) {
	s := openSecured(t, false, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	origin := http.Header{"Origin": {"https://localhost:" + s.port}}
	conn, _, err := websocket.Dial(ctx, "wss://localhost:"+s.port+"/ws", &websocket.DialOptions{HTTPClient: s.client, HTTPHeader: origin})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if _, frame, err := conn.Read(ctx); err != nil || string(frame) != "hello" {
		t.Errorf("got %q (%v)", frame, err)
	}
}

// TestPlainConnectionsSendFiles: net/http uses sendfile(2) by ReadFrom of a *net.TCPConn.
func TestPlainConnectionsSendFiles(t *testing.T) {
	port := serve(t, quietServer(t))
	if _, body := ask(t, port, "GET /conn HTTP/1.1", "Host: nas"); body != "sendfile=true" {
		t.Errorf("got %q", body)
	}
}

// pipes is a listener whose connections a test makes.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error { close(p.closed); return nil }
func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestSilentClientsBlockNobody has clients say nothing; others are served, and the silent are
// dropped after their time.
func TestSilentClientsBlockNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pipes{make(chan net.Conn), make(chan struct{})}
		s := newSplit(p, headerTimeout)
		go s.run()
		var silent []net.Conn
		for range 100 {
			server, client := net.Pipe()
			p.conns <- server
			silent = append(silent, client)
		}
		for first, side := range map[byte]*branch{handshakeByte: s.secure, 'G': s.plain} {
			server, client := net.Pipe()
			p.conns <- server
			go func() { _, _ = client.Write([]byte{first, 'x'}) }()
			conn, err := side.Accept()
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 2)
			if _, err := io.ReadFull(conn, got); err != nil || got[0] != first || got[1] != 'x' {
				t.Errorf("got %q (%v), want what was sent, the first byte included", got, err)
			}
			conn.Close()
		}
		begun := time.Now()
		for _, client := range silent {
			if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("got %v, want the connection closed", err)
			}
		}
		if waited := time.Since(begun); waited != headerTimeout {
			t.Errorf("silent clients were dropped after %v, want %v", waited, headerTimeout)
		}

		// Whoever is silent when the server stops is dropped at once.
		server, client := net.Pipe()
		p.conns <- server
		synctest.Wait()
		begun = time.Now()
		if err := s.secure.Close(); err != nil {
			t.Error(err)
		}
		if _, err := client.Read(make([]byte, 1)); err == nil || time.Since(begun) > 0 {
			t.Errorf("at the end: got %v after %v", err, time.Since(begun))
		}
		if _, err := s.plain.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v", err)
		}
	})
}
