package httpd

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// Limits of a stream of events (Server-Sent Events, the HTML standard's section 9.2).
const (
	// streamWriteTimeout is how long one event may take to leave: a browser that sleeps for longer
	// comes back when it wakes, and resumes where it was.
	streamWriteTimeout = 10 * time.Second
	// streamEndTimeout is how long the end of a stream may take to leave whose credential has ended:
	// time for the last bytes of a client that reads, and none for one that does not.
	streamEndTimeout = time.Second
	// StreamHeartbeat is how often a stream that is at rest should say so: proxies cut connections
	// on which nothing moves for half a minute or a minute.
	StreamHeartbeat = 15 * time.Second
	// streamRetry is what browsers are told to wait before they come back.
	streamRetry = "retry: 2000\n\n"
)

// Stream is an answer that never ends by itself: events, each with an id that a client which
// comes back sends as Last-Event-ID. One goroutine sends.
type Stream struct {
	call    *call
	ctx     context.Context //nolint:containedctx // the stream's life
	release func()
	buf     bytes.Buffer
}

// OpenStream begins a stream, for a page of the same origin. The caller sends from one goroutine until Done, must Close, and
// returns from its handler soon after Done.
func OpenStream(w http.ResponseWriter, r *http.Request) (*Stream, error) {
	if err := ownOrigin(r); err != nil {
		return nil, err
	}
	c := callFrom(r.Context())
	if c == nil {
		c = &call{ResponseWriter: w, context: r.Context(), control: http.NewResponseController(w)}
	}
	free := func() {}
	if c.sockets != nil {
		var ok bool
		if free, ok = c.sockets.Take(PrincipalKey(r.Context())); !ok {
			return nil, errs.Newf(errs.RateLimited, "You have %d live connections open, which is the most. Close some first.", c.sockets.most)
		}
	}
	ctx, stop := context.WithCancel(r.Context())
	forget := context.AfterFunc(Closing(r.Context()), stop)
	revoked := func() bool { return true }
	if life := identity.From(r.Context()).Life; life != nil {
		revoked = context.AfterFunc(life, func() {
			_ = c.control.SetWriteDeadline(time.Now().Add(streamEndTimeout))
			stop()
		})
	}
	// A stream ends by itself, and whole: cut as a transfer is, its client would take it for broken.
	c.unwatch = revoked
	// Or the closing context and the credential would keep every stream there ever was.
	s := &Stream{call: c, ctx: ctx, release: sync.OnceFunc(func() { stop(); forget(); revoked(); free() })}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	if err := s.write(streamRetry); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Done is closed when the client has gone, its credential has ended, or the server stops.
func (s *Stream) Done() <-chan struct{} { return s.ctx.Done() }

// Context ends when Done is closed.
func (s *Stream) Context() context.Context { return s.ctx }

// Event puts an event into the buffer that Flush sends. Data must be one line, as JSON is.
func (s *Stream) Event(id, event string, data []byte) {
	for _, field := range [...][2]string{{"id: ", id}, {"event: ", event}} {
		if field[1] != "" {
			s.buf.WriteString(field[0])
			s.buf.WriteString(strings.Map(oneLine, field[1]))
			s.buf.WriteByte('\n')
		}
	}
	s.buf.WriteString("data: ")
	s.buf.Write(bytes.Map(oneLine, data))
	s.buf.WriteString("\n\n")
}

// oneLine keeps a field from ending early.
func oneLine(r rune) rune {
	if r == '\n' || r == '\r' || r == 0 {
		return ' '
	}
	return r
}

// Heartbeat shows that the stream is alive, and moves the place to resume from on to id.
func (s *Stream) Heartbeat(id string) error {
	if id == "" {
		return s.write(": still here\n\n")
	}
	return s.write("id: " + strings.Map(oneLine, id) + "\n\n")
}

// Buffered is how many bytes wait for Flush.
func (s *Stream) Buffered() int { return s.buf.Len() }

// Flush sends what waits. It fails when that takes longer than 10 s.
func (s *Stream) Flush() error { return s.write("") }

// write sends more and what waits.
func (s *Stream) write(more string) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	s.buf.WriteString(more)
	if s.buf.Len() == 0 {
		return nil
	}
	defer s.buf.Reset()
	s.call.deadline = time.Now() // or Write would set a longer one
	_ = s.call.control.SetWriteDeadline(s.call.deadline.Add(streamWriteTimeout))
	if _, err := s.call.Write(s.buf.Bytes()); err != nil {
		return err
	}
	err := s.call.control.Flush()
	_ = s.call.control.SetWriteDeadline(time.Time{}) // HTTP/2 ends a stream whose time is up, also one at rest
	return err
}

// Close ends the stream. It may be called more than once.
func (s *Stream) Close() {
	_ = s.call.control.SetWriteDeadline(time.Now().Add(streamWriteTimeout)) // for the end of the answer
	s.release()
}
