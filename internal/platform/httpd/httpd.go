// Package httpd is the house's front door: one HTTP server, one router whose operations are
// described in one OpenAPI document, and the middleware every request passes.
//
// A request meets, from the outside in: recovery and access log (with a request id), the
// Host check, security headers, the cross-origin check, the caller's identity, the router,
// the guard of its operation. Handlers return errors; one place turns them into
// problem+json (RFC 9457).
//
// Time limits are about progress: a transfer may take hours as long as it moves, and one
// that stands still is ended.
package httpd

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// Limits of the server.
const (
	// headerTimeout is how long a client may take to send its request's head.
	headerTimeout = 10 * time.Second
	// idleTimeout is how long a kept connection may rest between requests.
	idleTimeout = 2 * time.Minute
	// maxHeader is the size of a request's head in bytes; a 10 kB path fits.
	maxHeader = 64 << 10
	// shutdownTimeout is how long requests under way may take to finish when the server
	// stops; docker and systemd kill after that.
	shutdownTimeout = 20 * time.Second
	// listeners is how many there are at most: TLS, plain HTTP on its port, the second port.
	listeners = 3
)

// Config is what the environment says of the server.
type Config struct {
	Host           string   `env:"HOST" envDefault:"0.0.0.0"`
	Port           int      `env:"PORT" envDefault:"8000"`
	AllowedHosts   []string `env:"ALLOWED_HOSTS"`
	TrustedProxies []string `env:"TRUSTED_PROXIES"`
}

// Validate says in a sentence what is wrong with a value and gives an example.
func (c Config) Validate() error {
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("PORT is %d, which is not a port from 0 to 65535 (0 picks a free one); for example PORT=8000", c.Port)
	}
	if c.Host == "" {
		return errors.New("HOST is empty; for example HOST=0.0.0.0 for every network or HOST=127.0.0.1 for this machine only")
	}
	_, err := prefixes(c.TrustedProxies)
	return err
}

// Server serves a router.
type Server struct {
	config Config
	gate   *gate
	log    *slog.Logger
	tls    *TLS         // nil for plain HTTP
	plain  net.Listener // the second port, with TLS only
}

// NewServer puts the middleware around the router.
func NewServer(config Config, router *Router, doors Doors, log *slog.Logger) *Server {
	proxies, _ := prefixes(config.TrustedProxies) // Validate has reported errors
	g := &gate{allowed: allowedHosts(config.AllowedHosts), proxies: proxies, ids: newIDs(), log: log,
		doors: doors, sockets: NewQuota(maxSockets), next: router, cross: http.NewCrossOriginProtection()}
	return &Server{config: config, gate: g, log: log}
}

// Handler is the whole server as a handler, for tests.
func (s *Server) Handler() http.Handler { return s.gate }

// Listen opens the port, and with TLS the second one. A port in use is reported with what to do about it.
func (s *Server) Listen(ctx context.Context) (net.Listener, error) {
	l, err := listen(ctx, s.config.Host, s.config.Port, "is another copy running? set HOST and PORT to another address, for example PORT=8001")
	if err != nil {
		return nil, err
	}
	if err := s.listenPlain(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// listen opens a port; advice is what to do when it cannot be opened.
func listen(ctx context.Context, host string, port int, advice string) (net.Listener, error) {
	address := net.JoinHostPort(host, strconv.Itoa(port))
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w (%s)", address, err, advice)
	}
	return l, nil
}

type closingKey struct{}

// Closing returns a context that ends as soon as the server begins to stop: streams that
// would never end by themselves end then.
func Closing(ctx context.Context) context.Context {
	if c, ok := ctx.Value(closingKey{}).(context.Context); ok {
		return c
	}
	return context.Background()
}

// Serve answers on l until ctx ends, then lets requests under way finish.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	closing, close := context.WithCancel(context.Background())
	defer close()
	server := &http.Server{
		Handler: s.gate, ReadHeaderTimeout: headerTimeout, WriteTimeout: answerStall, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: s.errorLog(),
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), closingKey{}, closing)
		},
		ConnContext: withConn,
	}
	servers, failed := []*http.Server{server}, make(chan error, listeners)
	if s.tls != nil {
		servers = s.serveTLS(server, l, failed)
	} else {
		go func() { failed <- server.Serve(listener{l}) }()
	}
	select {
	case err := <-failed:
		return fmt.Errorf("the HTTP server stopped: %w", err)
	case <-ctx.Done():
	}
	close()
	s.log.Info("stopping: requests under way may finish", "at_most", shutdownTimeout)
	grace, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	for _, server := range servers {
		if err := server.Shutdown(grace); err != nil {
			s.log.Warn("some requests did not finish in time and were cut", "after", shutdownTimeout)
			_ = server.Close()
		}
	}
	return nil
}

// errorLog takes what net/http has to say of connections that went wrong.
func (s *Server) errorLog() *log.Logger { return slog.NewLogLogger(s.log.Handler(), slog.LevelDebug) }

// prefixes reads addresses and networks such as 10.0.0.1 or 10.0.0.0/8.
func prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("TRUSTED_PROXIES has %q, which is neither an address nor a network; for example TRUSTED_PROXIES=127.0.0.1,10.0.0.0/8", text)
			}
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}
