package server

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Fault is what becomes of a request on its way.
type Fault int

// The faults.
const (
	Pass       Fault = iota
	CutRequest       // the connection breaks after some of the body
	CutAnswer        // the server does everything, and the client never hears of it
	Stall            // some of the body arrives and then nothing, and the server's connection stays
	Duplicate        // the request arrives twice; the client gets the second answer
	Late             // the client sees a broken connection, and the request arrives after the next one
	Faults           // how many there are
)

// Meddler is a proxy that does to HTTP requests what networks do.
type Meddler struct {
	*Client
	target func() string
	plan   func(r *http.Request) (Fault, int)
	over   context.Context //nolint:containedctx // the test's
	end    func()
	server *http.Server

	mu    sync.Mutex
	late  []*held
	Count [Faults]int // how often each happened; read it when all clients are done
}

// held is a request that arrives later.
type held struct {
	r    *http.Request
	body []byte
}

// NewMeddler listens in front of the server that target names. plan says what becomes of a
// request, and after how many bytes of its body.
func NewMeddler(t testing.TB, c *Client, target func() string, plan func(r *http.Request) (Fault, int)) *Meddler {
	t.Helper()
	over, end := context.WithCancel(context.Background())
	t.Cleanup(end)
	m := &Meddler{target: target, plan: plan, over: over, end: end}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.server = &http.Server{Handler: m, ReadHeaderTimeout: time.Minute}
	go func() { _ = m.server.Serve(listener) }()
	t.Cleanup(func() { _ = m.server.Close() })
	m.Client = NewClient("http://"+listener.Addr().String(), c.Key)
	t.Cleanup(m.CloseIdle)
	return m
}

// Over ends the proxy's work, and with it the connections that stayed behind; Count then stands.
func (m *Meddler) Over(t testing.TB) {
	t.Helper()
	m.end()
	m.CloseIdle()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := m.server.Shutdown(ctx); err != nil {
		t.Errorf("the proxy's requests do not end: %v", err)
	}
}

// ServeHTTP implements http.Handler.
func (m *Meddler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, after := m.plan(r)
	m.mu.Lock()
	m.Count[fault]++
	late := m.late
	m.late = nil
	m.mu.Unlock()
	switch fault {
	case CutRequest, Stall:
		m.half(r, after, fault)
		panic(http.ErrAbortHandler)
	case Late:
		body, err := io.ReadAll(r.Body)
		if err == nil {
			m.mu.Lock()
			m.late = append(m.late, &held{r.Clone(context.WithoutCancel(r.Context())), body})
			m.mu.Unlock()
		}
		m.deliver(late)
		panic(http.ErrAbortHandler)
	case CutAnswer:
		m.pass(&forgotten{}, r)
		panic(http.ErrAbortHandler)
	case Duplicate:
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		m.deliver([]*held{{r.Clone(r.Context()), body}})
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	m.pass(w, r)
	m.deliver(late)
}

// pass sends a request on.
func (m *Meddler) pass(w http.ResponseWriter, r *http.Request) {
	target, err := url.Parse(m.target())
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = target.Host },
		Transport:    &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	proxy.ServeHTTP(w, r)
}

// deliver sends requests that were held back; nobody hears what they are answered.
func (m *Meddler) deliver(late []*held) {
	for _, h := range late {
		h.r.Body, h.r.ContentLength = io.NopCloser(bytes.NewReader(h.body)), int64(len(h.body))
		func() {
			defer func() { _ = recover() }() // the server is away
			m.pass(&forgotten{}, h.r)
		}()
	}
}

// half sends the head and some of the body on, and then breaks the connection; or leaves it open
// to the end of the test, as a network leaves those that died: the server then sees no difference to
// a slow client.
func (m *Meddler) half(r *http.Request, after int, fault Fault) {
	target, err := url.Parse(m.target())
	if err != nil {
		return
	}
	conn, err := net.Dial("tcp", target.Host)
	if err != nil {
		return
	}
	out := r.Clone(context.WithoutCancel(r.Context()))
	out.URL.Scheme, out.URL.Host, out.Host = "http", target.Host, target.Host
	some, whole := io.Pipe()
	out.Body = some
	go func() { _ = out.Write(conn) }() // it fails, as it is meant to
	_, _ = io.CopyN(whole, r.Body, int64(after))
	end := func() {
		_ = conn.Close()
		_ = whole.CloseWithError(io.ErrUnexpectedEOF)
	}
	if fault == Stall {
		context.AfterFunc(m.over, end)
		return
	}
	end()
}

// forgotten takes an answer that nobody hears.
type forgotten struct{ header http.Header }

func (f *forgotten) Header() http.Header {
	if f.header == nil {
		f.header = http.Header{}
	}
	return f.header
}
func (f *forgotten) Write(p []byte) (int, error) { return len(p), nil }
func (f *forgotten) WriteHeader(int)             {}
