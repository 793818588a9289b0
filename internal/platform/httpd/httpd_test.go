package httpd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

type echoInput struct {
	Count int `query:"count" minimum:"1" maximum:"10" default:"1"`
}

type echoOutput struct {
	Body struct {
		Text string `json:"text"`
	}
}

// newTestServer serves one operation of each kind; every caller with X-Test is known.
func newTestServer(t *testing.T, config Config, log io.Writer) *httptest.Server {
	t.Helper()
	r := NewRouter("Test", "1")
	Register(r, Op{Operation: huma.Operation{Method: "GET", Path: "/echo", OperationID: "echo", Summary: "Echo"}, Public: true},
		func(_ context.Context, in *echoInput) (*echoOutput, error) {
			out := &echoOutput{}
			out.Body.Text = strings.Repeat("text ", in.Count*400)
			return out, nil
		})
	fails := map[string]error{
		"internal": fmt.Errorf("secret cause %w", io.ErrUnexpectedEOF),
		"missing":  errs.Wrap(errs.NotFound, "File not found", errors.New("secret cause")),
		"away":     errs.New(errs.Unavailable, "The database is not available."),
		"full":     errs.New(errs.StorageFull, "No space."),
		"changed":  errs.Typed(errs.PreconditionFailed, "changed", "Somebody else has changed it."),
		"gone":     errs.New(errs.Gone, "Too long ago."),
		"many":     &errs.Error{Kind: errs.Conflict, Type: "confirm", Confirm: "12", Detail: "Really?"},
	}
	for name, err := range fails {
		Register(r, Op{Operation: huma.Operation{Method: "GET", Path: "/typed/" + name, OperationID: "typed-" + name}, Public: true},
			func(context.Context, *struct{}) (*struct{}, error) { return nil, err })
		r.Handle(Op{Operation: huma.Operation{Method: "GET", Path: "/plain/" + name, OperationID: "plain-" + name}, Public: true},
			func(http.ResponseWriter, *http.Request) error { return err })
	}
	r.Handle(Op{Operation: huma.Operation{Method: "GET", Path: "/panic", OperationID: "panic"}, Public: true},
		func(http.ResponseWriter, *http.Request) error { panic("boom") })
	r.Handle(Op{Operation: huma.Operation{Method: "GET", Path: "/half", OperationID: "half"}, Public: true},
		func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
			return errors.New("broke in the middle")
		})
	r.Handle(Op{Operation: huma.Operation{Method: "POST", Path: "/item/{id}/save", OperationID: "save"}, Action: identity.ChangeFile},
		func(w http.ResponseWriter, r *http.Request) error {
			return WriteJSON(w, http.StatusOK, map[string]string{"id": r.PathValue("id"), "by": identity.From(r.Context()).Name})
		})
	who := Recognise(func(r *http.Request) identity.Principal {
		if name := r.Header.Get("X-Test"); name != "" {
			return identity.Principal{Method: identity.APIKey, Name: name, Role: identity.Administrator}
		}
		return identity.Principal{}
	})
	server := httptest.NewServer(NewServer(config, r, who, slog.New(slog.NewJSONHandler(log, nil))).Handler())
	t.Cleanup(server.Close)
	return server
}

// do sends a request with headers ("Name: value") and returns status, head and body.
func do(t *testing.T, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			request.Host = value
		}
		request.Header.Set(name, value)
	}
	response, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(request)
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

func TestAnswers(t *testing.T) {
	server := newTestServer(t, Config{}, io.Discard)
	for _, c := range []struct {
		method, path string
		headers      []string
		status       int
		detail       string
	}{
		{"GET", "/nowhere", nil, 404, "Not Found"},
		{"GET", "/item//save", nil, 404, "Not Found"},
		{"GET", "/item/../echo", nil, 404, "Not Found"},
		{"DELETE", "/echo", nil, 405, "Method Not Allowed"},
		{"POST", "/item/1/save", nil, 401, "Sign in first, or send a token as a Bearer token or as X-API-Key."},
		{"POST", "/item/..%2f/save", []string{"X-Test: me"}, 200, ""},
		{"POST", "/item/%00/save", []string{"X-Test: me"}, 200, ""},
		{"GET", "/echo?count=0", nil, 422, "Not acceptable: count: expected number >= 1."},
		{"GET", "/echo?count=x", nil, 422, "Not acceptable: count: invalid integer."},
		{"GET", "/typed/internal", nil, 500, "Something went wrong on the server; its log says more under this request's id."},
		{"GET", "/plain/internal", nil, 500, "Something went wrong on the server; its log says more under this request's id."},
		{"GET", "/typed/missing", nil, 404, "File not found"},
		{"GET", "/plain/missing", nil, 404, "File not found"},
		{"GET", "/typed/away", nil, 503, "The database is not available."},
		{"GET", "/plain/away", nil, 503, "The database is not available."},
		{"GET", "/plain/full", nil, 507, "No space."},
		{"GET", "/plain/changed", nil, 412, "Somebody else has changed it."},
		{"GET", "/typed/gone", nil, 410, "Too long ago."},
		{"GET", "/echo", []string{"Host: attacker.example.com"}, 421, `This server does not answer to the name "attacker.example.com". If it should, add the name to ALLOWED_HOSTS.`},
		{"GET", "/echo", []string{"Host: nas.local:8000"}, 200, ""},
		{"GET", "/echo", []string{"Host: [::1]:8000"}, 200, ""},
		{"POST", "/item/1/save", []string{"X-Test: me", "Origin: https://attacker.example.com"}, 403, "This request comes from a page of another site and was refused."},
		{"POST", "/item/1/save", []string{"X-Test: me", "Sec-Fetch-Site: cross-site"}, 403, "This request comes from a page of another site and was refused."},
	} {
		response, body := do(t, c.method, server.URL+c.path, c.headers...)
		if response.StatusCode != c.status {
			t.Errorf("%s %s: got %d want %d: %s", c.method, c.path, response.StatusCode, c.status, body)
			continue
		}
		if c.status < 400 {
			continue
		}
		var p Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Errorf("%s %s: %v in %s", c.method, c.path, err, body)
		}
		if p.Detail != c.detail || p.Status != c.status || p.Instance == "" {
			t.Errorf("%s %s: got %+v want detail %q and a request id", c.method, c.path, p, c.detail)
		}
		if got := response.Header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s %s: got Content-Type %q", c.method, c.path, got)
		}
		if strings.Contains(body, "secret") {
			t.Errorf("%s %s: the cause went out: %s", c.method, c.path, body)
		}
	}
}

// TestTypesOfProblems: what clients act upon has a name, and what they must repeat is there.
func TestTypesOfProblems(t *testing.T) {
	server := newTestServer(t, Config{}, io.Discard)
	for path, want := range map[string][2]string{"/typed/changed": {"urn:homeserver:changed", ""}, "/plain/many": {"urn:homeserver:confirm", "12"}, "/typed/many": {"urn:homeserver:confirm", "12"}, "/typed/missing": {"about:blank", ""}} {
		_, body := do(t, "GET", server.URL+path)
		var p Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || p.Type != want[0] || p.Confirm != want[1] {
			t.Errorf("%s: got %s, %v; want %q", path, body, err, want)
		}
	}
}

func TestHeadersOfErrors(t *testing.T) {
	server := newTestServer(t, Config{}, io.Discard)
	for _, c := range []struct{ method, path, header, want string }{
		{"DELETE", "/echo", "Allow", "GET, HEAD"},
		{"GET", "/item/1/save", "Allow", "POST"},
		{"POST", "/item/1/save", "Www-Authenticate", `Bearer realm="HomeServer"`},
		{"GET", "/typed/away", "Retry-After", "5"},
		{"GET", "/plain/away", "Retry-After", "5"},
		{"GET", "/echo", "X-Content-Type-Options", "nosniff"},
		{"GET", "/echo", "Content-Security-Policy", apiPolicy},
	} {
		if response, _ := do(t, c.method, server.URL+c.path); response.Header.Get(c.header) != c.want {
			t.Errorf("%s %s %s: got %q want %q", c.method, c.path, c.header, response.Header.Get(c.header), c.want)
		}
	}
}

func TestPanicIsAnswered(t *testing.T) {
	var log bytes.Buffer
	server := newTestServer(t, Config{}, &log)
	_, err := http.Get(server.URL + "/panic")
	if err == nil {
		t.Log("answered before the connection was cut")
	}
	if response, _ := do(t, "GET", server.URL+"/echo"); response.StatusCode != 200 {
		t.Errorf("after a panic: got %d want 200", response.StatusCode)
	}
	server.Close()
	if !strings.Contains(log.String(), "boom") {
		t.Errorf("the log does not name the panic: %s", log.String())
	}
}

func TestBrokenAnswerIsCut(t *testing.T) {
	server := newTestServer(t, Config{}, io.Discard)
	response, err := http.Get(server.URL + "/half")
	if err == nil {
		_, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
	if err == nil {
		t.Error("got a whole answer, want one that is visibly cut")
	}
}

func TestCompression(t *testing.T) {
	server := newTestServer(t, Config{}, io.Discard)
	for _, encoding := range []string{"gzip", "zstd"} {
		if response, _ := do(t, "GET", server.URL+"/echo?count=5", "Accept-Encoding: "+encoding); response.Header.Get("Content-Encoding") != encoding {
			t.Errorf("%s: got %q", encoding, response.Header.Get("Content-Encoding"))
		}
	}
}

func TestForwardedAddresses(t *testing.T) {
	for _, c := range []struct {
		name, proxies, forwarded, want string
	}{
		{"not trusted", "10.9.9.9", "1.2.3.4", "127.0.0.1"},
		{"trusted", "127.0.0.1", "1.2.3.4", "1.2.3.4"},
		{"the client's own claim does not count", "127.0.0.1", "9.9.9.9, 1.2.3.4", "1.2.3.4"},
		{"through two", "127.0.0.0/8,10.0.0.1", "1.2.3.4, 10.0.0.1", "1.2.3.4"},
		{"nonsense", "127.0.0.1", "<script>", "127.0.0.1"},
	} {
		var log bytes.Buffer
		server := newTestServer(t, Config{TrustedProxies: strings.Split(c.proxies, ",")}, &log)
		do(t, "GET", server.URL+"/echo", "X-Forwarded-For: "+c.forwarded)
		server.Close()
		if !strings.Contains(log.String(), `"from":"`+c.want+`"`) {
			t.Errorf("%s: want from %q in %s", c.name, c.want, log.String())
		}
	}
}

func TestFilesAreSentWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	content := bytes.Repeat([]byte("0123456789abcdef"), 300_000) // several send chunks and a rest
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	r := NewRouter("Test", "1")
	r.Handle(Op{Operation: huma.Operation{Method: "GET", Path: "/file", OperationID: "file"}, Public: true}, func(w http.ResponseWriter, req *http.Request) error {
		http.ServeFile(w, req, path)
		return nil
	})
	nobody := Recognise(func(*http.Request) identity.Principal { return identity.Principal{} })
	server := httptest.NewServer(NewServer(Config{}, r, nobody, slog.New(slog.DiscardHandler)).Handler())
	defer server.Close()
	for _, c := range []struct {
		name string
		want []byte
		head []string
	}{{"whole", content, nil}, {"range", content[5:3_000_000], []string{"Range: bytes=5-2999999"}}} {
		if _, got := do(t, "GET", server.URL+"/file", c.head...); got != string(c.want) {
			t.Errorf("%s: got %d bytes want %d", c.name, len(got), len(c.want))
		}
	}
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	r := NewRouter("Test", "1")
	r.Handle(Op{Operation: huma.Operation{Method: "GET", Path: "/slow", OperationID: "slow"}, Public: true}, func(w http.ResponseWriter, req *http.Request) error {
		close(entered)
		select {
		case <-Closing(req.Context()).Done():
		case <-time.After(time.Minute):
			t.Error("Closing did not end")
		}
		<-leave
		_, err := io.WriteString(w, "done")
		return err
	})
	nobody := Recognise(func(*http.Request) identity.Principal { return identity.Principal{} })
	s := NewServer(Config{Host: "127.0.0.1"}, r, nobody, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	l, err := s.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.Serve(ctx, l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-entered
	stop()
	close(leave)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(response.Body); string(body) != "done" {
		t.Errorf("got %q want done", body)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestPortInUseIsExplained(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := NewServer(Config{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}, NewRouter("Test", "1"), nil, slog.New(slog.DiscardHandler))
	if _, err := s.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "PORT=") {
		t.Errorf("got %v, want what to do about it", err)
	}
}
