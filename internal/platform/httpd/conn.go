package httpd

import (
	"context"
	"net"
	"sync"
)

// together is the largest answer, in bytes of its body, that is sent in one piece with its head:
// copying that much costs less than a second system call and a second packet.
const together = 16 << 10

// headRoom is what the head of an answer usually fits into, in bytes.
const headRoom = 2 << 10

var pieces = sync.Pool{New: func() any { return new([headRoom + together]byte) }}

// listener gives its connections the ability to send head and body in one piece.
type listener struct{ net.Listener }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &conn{TCPConn: tcp}, err
	}
	return c, err
}

// conn is a TCP connection that can hold back what is written to it. It stays a *net.TCPConn in
// all else, so that files leave by sendfile(2). Only the goroutine that answers a request writes.
type conn struct {
	*net.TCPConn
	held    []byte
	holding bool
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	if !c.holding {
		return c.TCPConn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

// inOnePiece sends everything that fn writes at once. net/http believes that what was held back
// has been sent, so if that fails the connection is of no use any more.
func (c *conn) inOnePiece(fn func() error) error {
	room := pieces.Get().(*[headRoom + together]byte)
	defer pieces.Put(room)
	c.held, c.holding = room[:0], true
	defer func() { c.held, c.holding = nil, false }()
	err := fn()
	c.holding = false
	if len(c.held) > 0 {
		if _, sent := c.TCPConn.Write(c.held); sent != nil {
			_ = c.Close()
			return sent
		}
	}
	return err
}

type connKey struct{}

// withConn lets requests find their connection.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if own, ok := c.(*conn); ok {
		return context.WithValue(ctx, connKey{}, own)
	}
	return ctx
}
