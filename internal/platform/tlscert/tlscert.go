// Package tlscert gives the server its TLS certificate and keeps it fresh while the server
// runs. There are three ways to come by one:
//
//   - files: somebody else (certbot, Kubernetes, a person) puts a pair of PEM files in place.
//     They are read again every few seconds, so a new pair is served without a restart; one
//     that is broken is not served, and the old one goes on.
//   - self: the server is its own authority. Its certificate is made once, is trusted by hand
//     on every device, and can vouch for names and addresses of a home only. The server's
//     certificate, signed by it, follows the machine's names and addresses.
//   - acme: a public authority gives certificates for the household's own domain (RFC 8555).
//
// What is made is kept in one directory, for this user only. Several processes may share it.
package tlscert

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"
)

// Place says where the server stands.
type Place struct {
	Dir  string // where made certificates are kept; it is created
	Host string // HOST and PORT, where the server listens
	Port int
}

// Certificates are what the server shows its visitors.
type Certificates struct {
	// TLS is the configuration of the listener; it always gives the present certificate.
	TLS *tls.Config
	// Run keeps the certificate fresh until ctx ends.
	Run func(ctx context.Context) error
	// Challenge answers the authority's http-01 requests and says whether this was one; nil
	// unless acme.
	Challenge func(w http.ResponseWriter, r *http.Request) bool
	// Authority is the certificate of the local authority as PEM; nil unless self.
	Authority func() []byte
}

// Open makes or reads what config asks for, which is not Off. Certificates of files and self
// are there when it returns; those of acme come while Run runs, which must be after the server
// listens.
func Open(config Config, place Place, log *slog.Logger) (*Certificates, error) {
	switch config.Kind() {
	case Files:
		return openFiles(config.CertFile, config.KeyFile, log)
	case Self:
		return openSelf(&self{dir: place.Dir, extra: config.Names(), machine: machineNames, now: time.Now, log: log})
	default:
		place.Dir = filepath.Join(place.Dir, "acme")
		return openACME(config, place, log)
	}
}

// serverConfig is Go's defaults, with the oldest version that is still sound.
func serverConfig(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: get}
}
