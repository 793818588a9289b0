package httpd

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// Limits of a WebSocket (RFC 6455).
const (
	// socketReadLimit is the largest message a client may send, in bytes; ours say nothing.
	socketReadLimit = 4 << 10
	// maxSockets is how many one principal may have open: a thousand dashboards at one key are
	// promised, and as many that a program forgot to close are too many.
	maxSockets = 2000
	// socketWriteTimeout is how long one frame may take to leave; a browser that sleeps for
	// longer reconnects when it wakes.
	socketWriteTimeout = 10 * time.Second
)

// Socket is one accepted WebSocket. What the client sends is read and discarded, so that its
// pings and its close handshake are answered at once.
type Socket struct {
	conn *websocket.Conn
	ctx  context.Context
	stop context.CancelFunc
}

// ownOrigin refuses a page of another site: it may not read what is told here, but it would take
// places among the live connections of whoever looks at it.
func ownOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	if u, err := url.Parse(origin); err != nil || !strings.EqualFold(u.Host, r.Host) {
		return errs.New(errs.Forbidden, "This page belongs to another site and may not listen here.")
	}
	return nil
}

// AcceptWebSocket upgrades a request of the same origin. The caller writes from one goroutine
// until Done and must Close. The handler must not return before.
func AcceptWebSocket(w http.ResponseWriter, r *http.Request) (*Socket, error) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Upgrade", "websocket")
		return nil, newProblem(r.Context(), http.StatusUpgradeRequired, "This address speaks WebSocket only.")
	}
	if !validHandshake(r.Header) {
		w.Header().Set("Sec-WebSocket-Version", "13")
		return nil, errs.New(errs.Malformed, "The WebSocket handshake is not valid.")
	}
	if err := ownOrigin(r); err != nil {
		return nil, err
	}
	release := func() {}
	if c := callFrom(r.Context()); c != nil && c.sockets != nil {
		var free bool
		if release, free = c.sockets.Take(PrincipalKey(r.Context())); !free {
			return nil, errs.Newf(errs.RateLimited, "You have %d live connections open, which is the most. Close some first.", c.sockets.most)
		}
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		release()
		return nil, errs.Wrap(errs.Malformed, "The WebSocket handshake failed.", err) // answered already: the connection is cut
	}
	conn.SetReadLimit(socketReadLimit)
	ctx, stop := context.WithCancel(r.Context())
	s := &Socket{conn: conn, ctx: ctx, stop: stop}
	forget := context.AfterFunc(Closing(r.Context()), func() { s.Close(websocket.StatusGoingAway, "the server is stopping") })
	revoked := func() bool { return true }
	if life := identity.From(r.Context()).Life; life != nil {
		revoked = context.AfterFunc(life, func() { s.Close(websocket.StatusPolicyViolation, "the sign-in has ended") })
	}
	// Or the closing context and the credential would keep every socket there ever was.
	context.AfterFunc(ctx, func() { forget(); revoked(); release() })
	go s.discard()
	return s, nil
}

// keyLength is the length of the nonce in a handshake, in bytes (RFC 6455 section 4.2.1).
const keyLength = 16

// validHandshake checks what the library would otherwise answer in plain text.
func validHandshake(h http.Header) bool {
	key, err := base64.StdEncoding.DecodeString(h.Get("Sec-WebSocket-Key"))
	return err == nil && len(key) == keyLength && h.Get("Sec-WebSocket-Version") == "13" &&
		strings.Contains(strings.ToLower(strings.Join(h.Values("Connection"), ",")), "upgrade")
}

// discard reads until the connection ends: only a reader sees pongs and close frames.
func (s *Socket) discard() {
	defer s.stop()
	for {
		_, r, err := s.conn.Reader(s.ctx)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return
		}
	}
}

// Done is closed when the client has gone or the server stops.
func (s *Socket) Done() <-chan struct{} { return s.ctx.Done() }

// Write sends one text frame; it fails when that takes longer than 10 s.
func (s *Socket) Write(frame []byte) error {
	ctx, cancel := context.WithTimeout(s.ctx, socketWriteTimeout)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, frame)
}

// Ping sends a ping and waits for its pong, at most 10 s.
func (s *Socket) Ping() error {
	ctx, cancel := context.WithTimeout(s.ctx, socketWriteTimeout)
	defer cancel()
	return s.conn.Ping(ctx)
}

// Close ends the socket with a close frame; code is one of RFC 6455 section 7.4. It may be
// called from any goroutine and more than once.
func (s *Socket) Close(code websocket.StatusCode, reason string) {
	_ = s.conn.Close(code, reason) // the peer may have gone already
	s.stop()
}

// End closes the socket normally (1000) once its handler is through.
func (s *Socket) End() { s.Close(websocket.StatusNormalClosure, "") }
