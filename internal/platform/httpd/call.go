package httpd

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// Progress deadlines: they bound how long nothing moves, not how long a transfer takes.
const (
	// bodyStall is how long a client may send nothing of a body it announced.
	bodyStall = 60 * time.Second
	// answerStall is how long a client may take nothing of an answer; also the limit for
	// answers that fit into the socket's buffer.
	answerStall = 120 * time.Second
	// deadlineEvery is how often a moving transfer sets its deadline anew; each time costs a
	// system timer.
	deadlineEvery = 5 * time.Second
	// sendChunk is how many bytes one sendfile may move under one deadline: 1 MiB in
	// answerStall is slower than any line a household has.
	sendChunk = 1 << 20
)

// call is what is known of one request while it runs; the access log prints it.
type call struct {
	http.ResponseWriter
	context  context.Context //nolint:containedctx // of the request: it knows the connection
	control  *http.ResponseController
	id       string
	start    time.Time
	deadline time.Time // when the write deadline was last set
	status   int
	bytes    int64
	err      error
	remote   string
	secure   bool
	host     string

	whoErr  error           // why it cannot be told who sends the request
	closed  bool            // the house has not been set up
	life    context.Context //nolint:containedctx // of the credential; nil never ends
	unwatch func() bool
	told    bool // the answer is that the credential has ended
	sockets *Quota
}

type callKey struct{}

func callFrom(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// noteError keeps err for the access log line of the request.
func noteError(ctx context.Context, err error) {
	if c := callFrom(ctx); c != nil && c.err == nil {
		c.err = err
	}
}

// RequestID returns the id that log lines and problems of this request carry.
func RequestID(ctx context.Context) string {
	if c := callFrom(ctx); c != nil {
		return c.id
	}
	return ""
}

// ClientAddr returns the address the request came from, without a port; behind a trusted
// proxy it is the one the proxy names.
func ClientAddr(ctx context.Context) string {
	if c := callFrom(ctx); c != nil {
		return c.remote
	}
	return ""
}

// Secure reports whether the client speaks TLS, to us or to a trusted proxy.
func Secure(ctx context.Context) bool {
	c := callFrom(ctx)
	return c != nil && c.secure
}

// Host returns the name or address, and the port if it is not the usual one, that the client
// calls this server by.
func Host(ctx context.Context) string {
	if c := callFrom(ctx); c != nil {
		return c.host
	}
	return ""
}

// begun reports whether the answer's head has been written.
func (c *call) begun() bool { return c.status != 0 }

// WriteHeader notes the status. Informational answers (1xx) are not the answer.
func (c *call) WriteHeader(status int) {
	if (status >= 200 || status == http.StatusSwitchingProtocols) && c.status == 0 {
		c.status = status
		_ = c.extend() // if the credential has ended, the next Write says so
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write counts and keeps the deadline moving.
func (c *call) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	} else if err := c.extend(); err != nil {
		return 0, err
	}
	if c.bytes > 0 { // an answer in pieces, which may stand still between them
		c.watch()
	}
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}

// ReadFrom keeps sendfile(2) for files, in chunks so that each has its own deadline.
func (c *call) ReadFrom(src io.Reader) (int64, error) {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	switch from := limited.R.(type) {
	case *os.File:
	case *bytes.Reader:
		if int64(from.Len()) <= min(limited.N, together) {
			return c.sendWhole(from)
		}
		return io.Copy(struct{ io.Writer }{c}, src)
	default:
		return io.Copy(struct{ io.Writer }{c}, src)
	}
	c.watch() // a client may stop reading at once, and stay
	var total int64
	for limited.N > 0 {
		if err := c.extend(); err != nil {
			return total, err
		}
		chunk := &io.LimitedReader{R: limited.R, N: min(limited.N, sendChunk)}
		n, err := io.Copy(c.ResponseWriter, chunk)
		total, c.bytes, limited.N = total+n, c.bytes+n, limited.N-n
		if err != nil || n == 0 {
			return total, err
		}
	}
	return total, nil
}

// sendWhole sends an answer that is in memory, in one piece with its head where it can.
func (c *call) sendWhole(from *bytes.Reader) (n int64, err error) {
	plain, ok := c.context.Value(connKey{}).(*conn)
	if !ok {
		return from.WriteTo(struct{ io.Writer }{c})
	}
	err = plain.inOnePiece(func() error {
		if n, err = from.WriteTo(struct{ io.Writer }{c}); err != nil {
			return err
		}
		return c.control.Flush()
	})
	return n, err
}

// Unwrap lets http.ResponseController and the WebSocket upgrade reach the connection.
func (c *call) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// extend moves the write deadline on. The server's WriteTimeout set it when the request came.
// It fails when the credential of the request has ended.
func (c *call) extend() error {
	switch {
	case c.told:
		return nil
	case c.ended():
		return errEnded()
	}
	now := time.Now()
	if now.Sub(c.deadline) < deadlineEvery {
		return nil
	}
	c.deadline = now
	_ = c.control.SetWriteDeadline(now.Add(answerStall)) // test recorders know no deadlines
	c.watch()
	return nil
}

// body is a request body that may take any time as long as something arrives.
type body struct {
	io.ReadCloser
	call   *call
	set    time.Time
	duplex bool // the answer goes out meanwhile
}

// FullDuplex lets the answer to r begin while its body still arrives. Many clients read no
// answer before they have sent everything, so what is written may wait as long as the body
// moves: write from another goroutine than the one that reads the body.
func FullDuplex(r *http.Request) {
	if c, b := callFrom(r.Context()), bodyOf(r); c != nil && b != nil {
		b.duplex = c.control.EnableFullDuplex() == nil // test recorders cannot
	}
}

func bodyOf(r *http.Request) *body {
	b, _ := r.Body.(*body)
	return b
}

// Read sets the read deadline anew every few seconds and lifts it at the end: the server goes
// on listening for the client's departure while the answer is made.
func (b *body) Read(p []byte) (int, error) {
	if b.call.ended() {
		return 0, errEnded()
	}
	if now := time.Now(); now.Sub(b.set) >= deadlineEvery {
		b.set = now
		_ = b.call.control.SetReadDeadline(now.Add(bodyStall))
		if b.duplex {
			_ = b.call.control.SetWriteDeadline(now.Add(answerStall))
		}
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.call.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// ids numbers requests under a prefix that differs for each run of the server.
type ids struct {
	prefix string
	last   atomic.Uint64
}

func newIDs() *ids { return &ids{prefix: rand.Text()[:6] + "-"} }

func (i *ids) next() string { return i.prefix + strconv.FormatUint(i.last.Add(1), 36) }

// StopReading ends a read of the request's body that waits: it fails with a deadline exceeded. A
// body that moves sets the deadline anew every few seconds, so who must be sure calls it again.
func StopReading(ctx context.Context) {
	if c := callFrom(ctx); c != nil {
		_ = c.control.SetReadDeadline(time.Now()) // test recorders know no deadlines
	}
}
