package server

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Proxy stands between a server and its PostgreSQL and can cut the line: the database is then
// away for this server only, at once and exactly as long as a test wants.
type Proxy struct {
	listener net.Listener
	target   string
	url      string

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

// NewProxy listens in front of the database that databaseURL names.
func NewProxy(t testing.TB, databaseURL string) *Proxy {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, target: u.Host, conns: map[net.Conn]bool{}}
	u.Host = listener.Addr().String()
	p.url = u.String()
	t.Cleanup(func() {
		listener.Close()
		p.Cut()
	})
	go p.accept()
	return p
}

// URL is the database's address through the proxy.
func (p *Proxy) URL() string { return p.url }

// Cut ends every connection and refuses new ones.
func (p *Proxy) Cut() { p.set(true) }

// Mend lets connections through again.
func (p *Proxy) Mend() { p.set(false) }

func (p *Proxy) set(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		for conn := range p.conns {
			conn.Close()
		}
		clear(p.conns)
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		upstream, err := net.Dial("tcp", p.target)
		if err != nil || !p.add(client, upstream) {
			client.Close()
			if upstream != nil {
				upstream.Close()
			}
			continue
		}
		go p.pipe(client, upstream)
		go p.pipe(upstream, client)
	}
}

func (p *Proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		return false
	}
	for _, conn := range conns {
		p.conns[conn] = true
	}
	return true
}

func (p *Proxy) pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from) // either side may end it
	to.Close()
	from.Close()
	p.mu.Lock()
	delete(p.conns, to)
	delete(p.conns, from)
	p.mu.Unlock()
}
