// Package auth decides who may come in. Until accounts exist there is one secret, API_KEY,
// and three ways the house can stand:
//
//   - API_KEY is set: every door that is not public asks for it, as X-API-Key, as a Bearer
//     token, or as the session cookie that a page received in exchange for it.
//   - API_KEY is not set: nobody is asked, and the server listens on 127.0.0.1 only.
//   - AUTH=none: nobody is asked on any network, as in the Python original. Only when said so.
//
// The session cookie is signed with a key made from API_KEY, so it survives restarts and ends
// for everyone when the key changes.
package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/service"
)

// publishedKey is the original's default key: everybody knows it, so it is no key.
const publishedKey = "dev-key-change-in-production"

// shortKey is the length in characters below which a key draws a warning: shorter ones can be
// guessed.
const shortKey = 16

// Secret is a string that logs and messages never show.
type Secret string

// String hides the secret.
func (Secret) String() string { return "(hidden)" }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue("(hidden)") }

// Config is what the environment says of credentials.
type Config struct {
	APIKey Secret `env:"API_KEY"`
	Auth   string `env:"AUTH"`
}

// Validate says in a sentence what is wrong with a value and gives an example.
func (c Config) Validate() error {
	if c.APIKey == publishedKey {
		return errors.New("API_KEY is the key published in the original's documentation, so everybody knows it; make one of your own, for example with: openssl rand -hex 24")
	}
	if c.Auth != "" && !strings.EqualFold(c.Auth, "none") {
		return errors.New("AUTH can only be none (nobody is asked for a key) or be left out; for example AUTH=none")
	}
	return nil
}

// Method is how callers are recognised under this configuration.
func (c Config) Method() identity.Method {
	switch {
	case strings.EqualFold(c.Auth, "none"):
		return identity.None
	case c.APIKey == "":
		return Local
	default:
		return identity.APIKey
	}
}

// Local is the method of a house without API_KEY.
const Local identity.Method = "local"

// Auth is the room.
type Auth struct {
	method  identity.Method
	key     [sha256.Size]byte // digest of API_KEY: comparing digests leaks no length
	signing []byte
	guesses *guesses
	now     func() time.Time
}

// New makes the room; it does no I/O.
func New(config Config, now func() time.Time) *Auth {
	signing := sha256.Sum256([]byte("homeserver session cookie\x00" + string(config.APIKey)))
	return &Auth{method: config.Method(), key: sha256.Sum256([]byte(config.APIKey)), signing: signing[:], guesses: newGuesses(now), now: now}
}

// Service is what the room offers the house.
func (a *Auth) Service() service.Service {
	return service.Service{Name: "auth", Routes: a.routes}
}

// Warn says at the start what a careful administrator should know.
func (c Config) Warn(log *slog.Logger) {
	switch c.Method() {
	case identity.None:
		log.Warn("AUTH=none: nobody is asked who they are, everyone on the network can read and delete every file")
	case Local:
		log.Info("no API_KEY is set: listening on 127.0.0.1 only; set API_KEY to serve the network, or AUTH=none to serve it without asking")
	case identity.APIKey:
		if len(c.APIKey) < shortKey {
			log.Warn("API_KEY is short and could be guessed; make a longer one, for example with: openssl rand -hex 24", "characters", len(c.APIKey))
		}
	}
}

// Closed implements httpd.Doors.
func (a *Auth) Closed() bool { return false }

// Authenticate recognises the caller of a request.
func (a *Auth) Authenticate(r *http.Request) (identity.Principal, error) {
	if a.method != identity.APIKey {
		return identity.Household(), nil
	}
	if key := presented(r); key != "" {
		if a.matches(key) {
			return identity.Principal{Method: identity.APIKey, Name: "administrator", Role: identity.Administrator}, nil
		}
		return identity.Principal{}, nil
	}
	if cookie, err := r.Cookie(cookieName); err == nil && a.valid(cookie.Value) {
		return identity.Principal{Method: identity.Session, Name: "administrator", Role: identity.Administrator}, nil
	}
	return identity.Principal{}, nil
}

// presented is the key a request carries in a header, if any.
func presented(r *http.Request) string {
	if key := r.Header.Get("X-API-Key"); key != "" {
		return key
	}
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return ""
}

func (a *Auth) matches(key string) bool {
	digest := sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(digest[:], a.key[:]) == 1
}

var _ httpd.Doors = (*Auth)(nil)
