package tlscert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/caddyserver/certmagic"
)

// challengeProtocol is what an authority asks for in a tls-alpn-01 challenge (RFC 8737).
const challengeProtocol = "acme-tls/1"

// openACME prepares certificates of a public authority. They are asked for when Run runs,
// since the authority wants to reach the server first. Until they are there, and for visitors
// by address, there is a certificate of no authority, so that the server can be reached and
// looked at.
func openACME(config Config, place Place, log *slog.Logger) (*Certificates, error) {
	roots, err := readRoots(config.CARoot)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(place.Dir, privateDir); err != nil {
		return nil, fmt.Errorf("certificates cannot be kept in %s: %w; set DATA_DIR to a directory this user may write", place.Dir, err)
	}
	names, logger := config.Names(), zapLogger(log)
	var magic *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{Logger: logger,
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return magic, nil }})
	magic = certmagic.New(cache, certmagic.Config{
		Logger: logger, Storage: &certmagic.FileStorage{Path: place.Dir},
		OnEvent: func(_ context.Context, event string, data map[string]any) error {
			if event == "cert_obtained" {
				log.Info("certificate obtained", "name", data["identifier"], "renewal", data["renewal"])
			}
			return nil
		},
	})
	issuer := certmagic.NewACMEIssuer(magic, certmagic.ACMEIssuer{
		CA: config.CA, Email: config.Email, Agreed: true, TrustedRoots: roots, Logger: logger, ListenHost: place.Host,
		AltTLSALPNPort: place.Port, AltHTTPPort: config.PlainPort(), DisableHTTPChallenge: config.PlainPort() == 0,
	})
	magic.Issuers = []certmagic.Issuer{issuer}
	stand, err := standIn(names)
	if err != nil {
		cache.Stop()
		return nil, err
	}
	get := func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := magic.GetCertificate(hello)
		if err != nil && !slices.Contains(hello.SupportedProtos, challengeProtocol) {
			return stand, nil
		}
		return cert, err
	}
	out := &Certificates{TLS: serverConfig(get), Challenge: issuer.HandleHTTPChallenge}
	out.TLS.NextProtos = []string{"h2", "http/1.1", challengeProtocol}
	out.Run = func(ctx context.Context) error {
		defer cache.Stop()
		log.Info("TLS=acme: certificates are obtained and renewed by themselves", "names", names, "authority", config.CA)
		if err := magic.ManageAsync(ctx, names); err != nil {
			return fmt.Errorf("certificates from %s: %w", config.CA, err)
		}
		<-ctx.Done()
		return nil
	}
	return out, nil
}

// readRoots reads the root certificate of the authority's own server; without a file the
// system's are used.
func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ACME_CA_ROOT cannot be read: %w; it is a PEM file, for example ACME_CA_ROOT=/etc/homeserver/step-ca.crt", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(content) {
		return nil, errors.New("ACME_CA_ROOT holds no certificate in PEM form; for example ACME_CA_ROOT=/etc/homeserver/step-ca.crt")
	}
	return roots, nil
}

// standIn is a certificate that nobody trusts, kept in memory only.
func standIn(extra []string) (*tls.Certificate, error) {
	n, now := lanNames("", nil, extra), time.Now()
	a, _, err := newAuthority(n, now)
	if err != nil {
		return nil, err
	}
	pair, err := a.issue(n, now)
	if err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(pair, pair)
	return &cert, err
}
