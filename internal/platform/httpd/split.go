package httpd

import (
	"net"
	"sync"
	"time"
)

// handshakeByte begins every TLS connection: the record type of a handshake (RFC 8446,
// section 5.1). No method of HTTP begins with it.
const handshakeByte = 0x16

// split parts the connections of one listener by their first byte into those that speak TLS
// and those that do not. Waiting for that byte never keeps other connections from being
// accepted, and does not go on for longer than patience.
type split struct {
	base          net.Listener
	patience      time.Duration
	secure, plain *branch

	mu     sync.Mutex
	silent map[net.Conn]struct{} // connections whose first byte has not come; nil when closed
	done   chan struct{}
}

// accepted is what a listener has to say.
type accepted struct {
	conn net.Conn
	err  error
}

// branch is the listener of one side.
type branch struct {
	split *split
	from  chan accepted
}

func newSplit(base net.Listener, patience time.Duration) *split {
	s := &split{base: base, patience: patience, silent: map[net.Conn]struct{}{}, done: make(chan struct{})}
	s.secure, s.plain = &branch{s, make(chan accepted)}, &branch{s, make(chan accepted)}
	return s
}

// run accepts until the listener is closed. Its errors are the secure server's to judge, which
// waits a little after those that pass; meanwhile nothing is accepted here.
func (s *split) run() {
	for {
		conn, err := s.base.Accept()
		if err == nil {
			go s.decide(conn)
			continue
		}
		if !s.secure.give(accepted{err: err}) {
			return
		}
	}
}

// decide waits for the first byte of a connection and passes it on.
func (s *split) decide(conn net.Conn) {
	if !s.note(conn) {
		return
	}
	first := make([]byte, 1)
	_ = conn.SetReadDeadline(time.Now().Add(s.patience)) // if that fails, so does the read
	n, err := conn.Read(first)
	if !s.forget(conn) || n == 0 || err != nil {
		_ = conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	side := s.plain
	if first[0] == handshakeByte {
		side = s.secure
	}
	if !side.give(accepted{conn: &begun{Conn: conn, first: first}}) {
		_ = conn.Close()
	}
}

// note remembers a silent connection; it is closed at once when the listener is.
func (s *split) note(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silent == nil {
		_ = conn.Close()
		return false
	}
	s.silent[conn] = struct{}{}
	return true
}

// forget reports whether the listener is still open.
func (s *split) forget(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.silent, conn)
	return s.silent != nil
}

// close closes the listener and drops the connections that have said nothing.
func (s *split) close() error {
	s.mu.Lock()
	silent := s.silent
	s.silent = nil
	s.mu.Unlock()
	if silent == nil {
		return nil
	}
	close(s.done)
	err := s.base.Close()
	for conn := range silent {
		_ = conn.Close()
	}
	return err
}

// give hands something to whoever accepts, and reports whether somebody took it.
func (b *branch) give(a accepted) bool {
	select {
	case b.from <- a:
		return true
	case <-b.split.done:
		return false
	}
}

// Accept implements net.Listener.
func (b *branch) Accept() (net.Conn, error) {
	select {
	case a := <-b.from:
		return a.conn, a.err
	case <-b.split.done:
		return nil, net.ErrClosed
	}
}

// Close closes both sides: a server stops whole.
func (b *branch) Close() error { return b.split.close() }

// Addr implements net.Listener.
func (b *branch) Addr() net.Addr { return b.split.base.Addr() }

// begun is a connection whose first byte has been read already.
type begun struct {
	net.Conn
	first []byte
}

// Read implements net.Conn.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}

// CloseWrite lets net/http end an answer without losing it to a reset, when a request's body
// has not been read.
func (b *begun) CloseWrite() error {
	if c, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return b.Close()
}
