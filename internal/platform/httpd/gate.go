package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"
)

// apiPolicy is the Content-Security-Policy of answers that are not pages: nothing in them may
// ever run.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

// gate is the middleware around the router, in one place so that its order is plain to see.
type gate struct {
	allowed map[string]bool
	proxies []netip.Prefix
	ids     *ids
	log     *slog.Logger
	doors   Doors
	sockets *Quota
	cross   *http.CrossOriginProtection
	next    http.Handler
	strict  bool // browsers are told to come by TLS only; the server speaks nothing else
}

// ServeHTTP implements the order that the package comment tells.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{ResponseWriter: w, context: r.Context(), sockets: g.sockets, control: http.NewResponseController(w), id: g.ids.next(), start: time.Now()}
	c.deadline = c.start
	c.remote, c.secure = g.origin(r)
	c.host = r.Host
	ctx := context.WithValue(r.Context(), callKey{}, c)
	r = r.WithContext(ctx)
	w.Header().Set("X-Request-Id", c.id)
	defer g.finish(c, r)

	if r.Body != nil && r.Body != http.NoBody {
		// Also when nobody reads the body: the server drains what was announced before it answers.
		_ = c.control.SetReadDeadline(c.start.Add(bodyStall))
		r.Body = &body{ReadCloser: r.Body, call: c, set: c.start}
	}
	if !g.hostAllowed(r.Host) {
		g.misdirected(c, r)
		return
	}
	h := c.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", apiPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	if g.strict {
		h.Set("Strict-Transport-Security", strictTransport)
	}
	if err := g.cross.Check(r); err != nil {
		writeStatus(c, r, http.StatusForbidden, "This request comes from a page of another site and was refused.")
		return
	}
	g.next.ServeHTTP(c, r.WithContext(g.recognise(ctx, c, r)))
}

// finish recovers from panics and writes the access log line.
func (g *gate) finish(c *call, r *http.Request) {
	failure := recover()
	if c.unwatch != nil {
		c.unwatch()
	}
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("method", r.Method), slog.String("path", shorten(r.URL.Path)), slog.Int("status", c.status),
		slog.Int64("bytes", c.bytes), slog.Duration("took", time.Since(c.start)), slog.String("from", c.remote), slog.String("id", c.id),
	}
	if c.status == http.StatusOK && strings.HasPrefix(r.URL.Path, "/health") {
		level = slog.LevelDebug // asked every few seconds for ever, and well
	}
	if failure != nil && !aborted(failure) {
		level = slog.LevelError
		attrs = append(attrs, slog.Any("panic", failure), slog.String("stack", string(debug.Stack())))
		if !c.begun() {
			writeStatus(c, r, http.StatusInternalServerError, "Something went wrong on the server; its log says more under this request's id.")
		}
	}
	if c.err != nil {
		attrs = append(attrs, slog.String("error", c.err.Error()))
		if c.status >= 500 || c.status == 0 {
			level = slog.LevelError
		}
	}
	g.log.LogAttrs(r.Context(), level, "request", attrs...)
	if failure != nil {
		panic(http.ErrAbortHandler) // net/http then cuts the connection
	}
}

// aborted reports whether a panic is net/http's own way to cut a connection.
func aborted(failure any) bool {
	err, ok := failure.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// origin tells the client's address and whether it speaks TLS, believing the headers of
// trusted proxies only. The last address that is not a trusted proxy's is the client's.
func (g *gate) origin(r *http.Request) (string, bool) {
	addr := hostOnly(r.RemoteAddr)
	secure := r.TLS != nil
	if len(g.proxies) == 0 || !g.trusts(addr) {
		return addr, secure
	}
	secure = secure || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		if _, err := netip.ParseAddr(hop); err != nil {
			break
		}
		addr = hop
		if !g.trusts(hop) {
			break
		}
	}
	return addr, secure
}

func (g *gate) trusts(addr string) bool {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return false
	}
	for _, p := range g.proxies {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// privateSuffixes are names that only a network's own owner can give: no page on the
// internet can rebind them to this server.
var privateSuffixes = [...]string{".local", ".lan", ".home", ".internal", ".home.arpa", ".localhost"}

// hostAllowed is the guard against DNS rebinding: a page on the internet may point its own
// name at this server's address, so only addresses, private names and names that were
// configured are answered.
func (g *gate) hostAllowed(host string) bool {
	name := strings.TrimSuffix(strings.ToLower(hostOnly(host)), ".")
	if g.allowed[name] || !strings.Contains(name, ".") {
		return true // names without a dot are never public
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true
	}
	for _, suffix := range privateSuffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// misdirected answers a request to a name that is not this server's.
func (g *gate) misdirected(w http.ResponseWriter, r *http.Request) {
	writeStatus(w, r, http.StatusMisdirectedRequest,
		fmt.Sprintf("This server does not answer to the name %q. If it should, add the name to ALLOWED_HOSTS.", hostOnly(r.Host)))
}

func allowedHosts(names []string) map[string]bool {
	allowed := map[string]bool{}
	for _, name := range names {
		allowed[strings.ToLower(strings.TrimSpace(name))] = true
	}
	return allowed
}

// logPath is how many bytes of a path the log keeps: hostile ones are as long as a head may be.
const logPath = 200

func shorten(path string) string {
	if len(path) > logPath {
		return path[:logPath] + "..."
	}
	return path
}

// hostOnly strips the port of "host:port".
func hostOnly(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return strings.Trim(address, "[]")
}
