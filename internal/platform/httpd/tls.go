package httpd

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// strictTransport is what browsers are told who came by a certificate of a public authority:
// for a year, only TLS. No preload, which could not be taken back.
const strictTransport = "max-age=31536000"

// The ports that addresses leave out.
const (
	httpPort  = "80"
	httpsPort = "443"
)

// TLS is what a server needs to speak HTTPS.
type TLS struct {
	// Config gives the certificate.
	Config *tls.Config
	// Strict tells browsers to come by TLS only (HSTS). It is for certificates that everybody
	// trusts and that renew themselves: who comes by another could not pass a warning any more.
	Strict bool
	// PlainPort is a second port, which sends visitors on to TLS; 0 is none.
	PlainPort int
	// Challenge answers an authority's requests on PlainPort and says whether this was one; nil
	// if there are none.
	Challenge func(w http.ResponseWriter, r *http.Request) bool
}

// UseTLS makes the server speak TLS. It is called before Listen.
//
// Without it, connections reach net/http as they are accepted, so that files leave by
// sendfile(2); with it, each is looked at first.
func (s *Server) UseTLS(t TLS) {
	s.tls = &t
	s.gate.strict = t.Strict
}

// listenPlain opens the second port, if there is one.
func (s *Server) listenPlain(ctx context.Context) error {
	if s.tls == nil || s.tls.PlainPort == 0 {
		return nil
	}
	l, err := listen(ctx, s.config.Host, s.tls.PlainPort,
		"set HTTP_PORT to a port that is free and that this user may open, for example HTTP_PORT=8080, or HTTP_PORT=0 for none")
	s.plain = l
	return err
}

// serveTLS serves l and the second port, and returns the servers to shut down; failures are
// sent to failed.
func (s *Server) serveTLS(main *http.Server, l net.Listener, failed chan<- error) []*http.Server {
	main.TLSConfig = s.tls.Config
	both := newSplit(l, headerTimeout)
	sameport := s.plainServer(&redirect{gate: s.gate})
	go both.run()
	go func() { failed <- main.ServeTLS(both.secure, "", "") }()
	go func() { failed <- sameport.Serve(both.plain) }()
	servers := []*http.Server{sameport, main}
	if s.plain != nil {
		_, port, _ := net.SplitHostPort(l.Addr().String()) // a listener's own address has a port
		second := s.plainServer(&redirect{gate: s.gate, port: port, challenge: s.tls.Challenge})
		go func() { failed <- second.Serve(s.plain) }()
		servers = append(servers, second)
	}
	return servers
}

// plainServer is for one request a connection: the next one comes by TLS.
func (s *Server) plainServer(h http.Handler) *http.Server {
	server := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: headerTimeout, MaxHeaderBytes: maxHeader, ErrorLog: s.errorLog()}
	server.SetKeepAlivesEnabled(false)
	return server
}

// redirect sends visitors who speak plain HTTP on to TLS.
type redirect struct {
	gate      *gate
	port      string // of the TLS server; empty is the one that the request came to
	challenge func(w http.ResponseWriter, r *http.Request) bool
}

// ServeHTTP answers with the address to come to. Names that this server does not answer to
// lead nowhere: it must not send anybody to another site.
func (h *redirect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.challenge != nil && h.challenge(w, r) {
		return
	}
	if !h.gate.hostAllowed(r.Host) {
		h.gate.misdirected(w, r)
		return
	}
	host, ok := secureHost(r.Host, h.port)
	if !ok || !strings.HasPrefix(r.URL.Path, "/") {
		writeStatus(w, r, http.StatusBadRequest, "This server speaks HTTPS only, and the request does not say where to.")
		return
	}
	w.Header().Set("Location", "https://"+host+r.URL.RequestURI())
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store") // TLS may be switched off again
	w.WriteHeader(http.StatusPermanentRedirect)
}

// hostName is all that a name or an IPv4 address may consist of.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

// secureHost is host (a name or address, with or without a port) for an https address; port is
// the one to use instead of its own.
func secureHost(host, port string) (string, bool) {
	name, own := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), httpPort
	if n, p, err := net.SplitHostPort(host); err == nil {
		name = n
		if p != "" {
			own = p
		}
	}
	if port == "" {
		port = own
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", false
	}
	if addr, err := netip.ParseAddr(name); err == nil && addr.Is6() && addr.Zone() == "" {
		name = "[" + name + "]"
	} else if !hostName.MatchString(name) {
		return "", false
	}
	if port == httpsPort {
		return name, true
	}
	return name + ":" + port, true
}
