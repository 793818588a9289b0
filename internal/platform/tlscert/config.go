package tlscert

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// Kind is where the certificate comes from.
type Kind string

// The kinds of certificate.
const (
	// Off is a server that speaks plain HTTP.
	Off Kind = ""
	// Files is a certificate that somebody else puts into TLS_CERT and TLS_KEY.
	Files Kind = "files"
	// Self is a certificate of this server's own local authority.
	Self Kind = "self"
	// ACME is a certificate that a public authority gives by itself (RFC 8555).
	ACME Kind = "acme"
)

// challengePort is where an authority looks for the answer of an http-01 challenge.
const challengePort = 80

// Config is what the environment says of TLS.
type Config struct {
	Mode     string   `env:"TLS"`
	CertFile string   `env:"TLS_CERT"`
	KeyFile  string   `env:"TLS_KEY"`
	Domains  []string `env:"TLS_DOMAINS"`
	Email    string   `env:"ACME_EMAIL"`
	CA       string   `env:"ACME_CA" envDefault:"https://acme-v02.api.letsencrypt.org/directory"`
	CARoot   string   `env:"ACME_CA_ROOT"`
	HTTPPort *int     `env:"HTTP_PORT"`
}

// Kind tells where the certificate comes from; Validate has found the settings to agree.
func (c Config) Kind() Kind {
	switch mode := Kind(strings.ToLower(c.Mode)); {
	case mode == "off":
		return Off
	case mode == Off && c.CertFile != "" && c.KeyFile != "":
		return Files
	default:
		return mode
	}
}

// On says whether the server speaks TLS.
func (c Config) On() bool { return c.Kind() != Off }

// PlainPort is the port of the second listener, which only redirects and answers http-01
// challenges; 0 is none.
func (c Config) PlainPort() int {
	switch {
	case c.HTTPPort != nil:
		return *c.HTTPPort
	case c.Kind() == ACME:
		return challengePort
	default:
		return 0
	}
}

// Names are TLS_DOMAINS in one form.
func (c Config) Names() []string {
	var names []string
	for _, name := range c.Domains {
		if name = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(name)), "."); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Validate says in a sentence what is wrong with a value and gives an example. port is that of
// the server.
func (c Config) Validate(port int) error {
	kind := c.Kind()
	switch kind {
	case Off, Files, Self, ACME:
	default:
		return fmt.Errorf("TLS is %q, which is none of off, self, acme and files; for example TLS=self", c.Mode)
	}
	if (c.CertFile == "") != (c.KeyFile == "") || kind == Files && c.CertFile == "" {
		return errors.New("TLS_CERT and TLS_KEY belong together, and one is missing; for example TLS_CERT=/etc/homeserver/fullchain.pem and TLS_KEY=/etc/homeserver/privkey.pem")
	}
	if c.CertFile != "" && (kind == Self || kind == ACME) {
		return fmt.Errorf("TLS is %q, but TLS_CERT and TLS_KEY name a certificate already; leave one of the two out, for example TLS=files", c.Mode)
	}
	if err := c.validNames(kind); err != nil {
		return err
	}
	if err := c.validPlainPort(kind, port); err != nil {
		return err
	}
	if kind == ACME {
		return c.validACME(port)
	}
	return nil
}

func (c Config) validNames(kind Kind) error {
	for _, name := range c.Names() {
		if _, err := netip.ParseAddr(name); err == nil && kind != ACME {
			continue
		} else if err == nil {
			return fmt.Errorf("TLS_DOMAINS has the address %s, but TLS=acme is for names only; for example TLS_DOMAINS=home.example.org", name)
		}
		if !validName(name) {
			return fmt.Errorf("TLS_DOMAINS has %q, which is not a name; for example TLS_DOMAINS=home.example.org,www.example.org", name)
		}
	}
	return nil
}

func (c Config) validPlainPort(kind Kind, port int) error {
	plain := c.PlainPort()
	switch {
	case plain < 0 || plain > 65535:
		return fmt.Errorf("HTTP_PORT is %d, which is not a port from 0 to 65535 (0 is none); for example HTTP_PORT=80", plain)
	case plain != 0 && kind == Off:
		return fmt.Errorf("HTTP_PORT is %d, but without TLS there is nothing to send visitors on to; for example TLS=self, or PORT=%d for the server itself", plain, plain)
	case plain != 0 && plain == port:
		return fmt.Errorf("HTTP_PORT and PORT are both %d, and both are listened on; for example PORT=443 and HTTP_PORT=80 (PORT itself sends plain HTTP on to TLS, so HTTP_PORT=0 may do)", plain)
	}
	return nil
}

func (c Config) validACME(port int) error {
	if len(c.Names()) == 0 {
		return errors.New("TLS=acme needs the names of the certificate in TLS_DOMAINS; for example TLS_DOMAINS=home.example.org")
	}
	if port == 0 {
		return errors.New("TLS=acme needs a PORT that the authority can reach, and PORT is 0; for example PORT=443")
	}
	if u, err := url.Parse(c.CA); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("ACME_CA is %q, which is not the https address of an authority's directory; for example ACME_CA=https://acme-v02.api.letsencrypt.org/directory", c.CA)
	}
	if c.Email != "" && !strings.Contains(c.Email, "@") {
		return fmt.Errorf("ACME_EMAIL is %q, which is not an e-mail address; for example ACME_EMAIL=me@example.org", c.Email)
	}
	return nil
}

// label is one part of a DNS name; underscores are not allowed in host names and are met all
// the same.
var label = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)

// maxName is the length of a DNS name in characters (RFC 1035).
const maxName = 253

func validName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for part := range strings.SplitSeq(name, ".") {
		if !label.MatchString(part) {
			return false
		}
	}
	return true
}
