package auth

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/auth/guess"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

const (
	// plainCookie carries the session over plain HTTP, hostCookie over TLS: browsers keep a
	// __Host- cookie to this very host (RFC 6265bis section 4.1.3.2).
	plainCookie = "homeserver_session"
	hostCookie  = "__Host-homeserver_session"
)

// Types of problems that pages act upon.
const (
	typeSecondFactor = "urn:homeserver:second-factor"
	typeConfirm      = "urn:homeserver:confirm"
)

var _ httpd.Doors = (*Auth)(nil)

// Authenticate recognises the sender of a request. Credentials that are worth nothing are
// nobody's; those in headers count as guesses.
func (a *Auth) Authenticate(r *http.Request) (identity.Principal, error) {
	if a.config.Open() {
		return household(identity.None), nil
	}
	if header := r.Header.Get("Authorization"); header != "" {
		if name, secret, ok := r.BasicAuth(); ok {
			return a.byHeader(r, kindApp, secret, nameKey(name))
		}
		if scheme, secret, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "Bearer") {
			return a.byHeader(r, kindToken, strings.TrimSpace(secret), "")
		}
		return identity.Principal{}, nil
	}
	if key := r.Header.Get("X-API-Key"); key != "" {
		return a.byHeader(r, kindToken, key, "")
	}
	secret := presentedSession(r)
	if secret == "" {
		return identity.Principal{}, nil
	}
	c, err := a.find(r.Context(), kindSession, secret, httpd.ClientAddr(r.Context()))
	if err != nil || c == nil {
		return identity.Principal{}, err
	}
	return *c.principal.Load(), nil
}

// presentedSession is the session cookie's value: on TLS only the one that nobody but this
// host can have set.
func presentedSession(r *http.Request) string {
	cookie, err := r.Cookie(cookieName(httpd.Secure(r.Context())))
	if err != nil {
		return ""
	}
	return cookie.Value
}

func cookieName(secure bool) string {
	if secure {
		return hostCookie
	}
	return plainCookie
}

const (
	// trustFor is how long an address from which a right key or token came may present others
	// without delay, so that one misconfigured program does not lock out a household that shares
	// its address (a reverse proxy's, say).
	trustFor = 24 * time.Hour
	// trustAgain is how old the note of it may grow, so that it is not written for each request.
	trustAgain = time.Minute
	// longKey is the length in characters from which on API_KEY is like a token: nobody guesses it.
	// A shorter one is never tried at leisure, whatever else came from the address.
	longKey = 24
)

// byHeader recognises a key, token or app password.
func (a *Auth) byHeader(r *http.Request, k kind, secret, name string) (identity.Principal, error) {
	ctx := r.Context()
	address := httpd.ClientAddr(ctx)
	if k == kindToken && !strings.HasPrefix(secret, tokenPrefix) {
		return a.byKey(address, secret)
	}
	now := a.now().UnixMicro()
	trusted, since := a.trusts(address, now)
	if !trusted {
		if verdict := a.tokens.Ask(address, "", nil); verdict.Refuse > 0 {
			return identity.Principal{}, refused(newTooMany(verdict.Refuse))
		}
	}
	c, err := a.find(ctx, k, secret, address)
	if err != nil {
		return identity.Principal{}, err
	}
	if c == nil || k == kindApp && name != c.nameKey {
		a.tokens.Wrong(address, "")
		return identity.Principal{}, nil
	}
	a.trust(address, now, since)
	return *c.principal.Load(), nil
}

// byKey recognises API_KEY.
func (a *Auth) byKey(address, secret string) (identity.Principal, error) {
	now := a.now().UnixMicro()
	trusted, since := a.trusts(address, now)
	if !trusted || len(a.config.APIKey) < longKey {
		if verdict := a.apiKeys.Ask(address, "", nil); verdict.Refuse > 0 {
			return identity.Principal{}, refused(newTooMany(verdict.Refuse))
		}
	}
	if !a.matches(secret) {
		a.apiKeys.Wrong(address, "")
		return identity.Principal{}, nil
	}
	a.trust(address, now, since)
	return household(identity.APIKey), nil
}

// trusts reports whether something right came from an address lately, and since when it is
// known (Unix microseconds).
func (a *Auth) trusts(address string, now int64) (bool, int64) {
	last, _ := a.trusted.Load(guess.Key(address))
	since, _ := last.(int64)
	return now-since < trustFor.Microseconds(), since
}

// trust notes that something right came from an address.
func (a *Auth) trust(address string, now, since int64) {
	if now-since > trustAgain.Microseconds() {
		a.trusted.Store(guess.Key(address), now)
	}
}

// refused gives errors the headers and types that clients act upon.
func refused(err error) error {
	switch e := err.(type) { //nolint:errorlint // made in this room, and never wrapped
	case *tooMany:
		seconds := strconv.Itoa(int(math.Ceil(e.wait.Seconds())))
		return huma.ErrorWithHeaders(e.error, http.Header{"Retry-After": {seconds}})
	case *errSecondFactor:
		return httpd.NewProblem(http.StatusUnauthorized, typeSecondFactor, "Enter the code of your authenticator app, or a recovery code.")
	}
	return err
}

// cookie is the session cookie with a value for life; no life removes it.
func cookie(value string, life time.Duration, secure bool) http.Cookie {
	c := http.Cookie{Name: cookieName(secure), Value: value, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	c.MaxAge = int(life.Seconds())
	if life <= 0 {
		c.MaxAge = -1
	}
	return c
}

// clientOf is what is kept of whoever sends a request; agent and session come from its inputs.
func clientOf(ctx context.Context, agent, session string) client {
	return client{address: httpd.ClientAddr(ctx), agent: agent, old: session}
}

// Browser is an input: the headers of whoever signs in.
type Browser struct {
	Agent string `header:"User-Agent" hidden:"true"`
	Plain string `cookie:"homeserver_session" hidden:"true"`
	Host  string `cookie:"__Host-homeserver_session" hidden:"true"`
}

func (b Browser) client(ctx context.Context) client {
	session := b.Plain
	if httpd.Secure(ctx) {
		session = b.Host
	}
	return clientOf(ctx, b.Agent, session)
}

// out is huma's form of an answer with a JSON body.
type out[T any] struct{ Body T }

// routes mounts the room.
func (a *Auth) routes(r *httpd.Router) {
	a.sessionRoutes(r)
	a.accountRoutes(r)
	a.preferenceRoutes(r)
	a.totpRoutes(r)
	a.passkeyRoutes(r)
	a.oidcRoutes(r)
	a.tokenRoutes(r)
	a.userRoutes(r)
	a.invitationRoutes(r)
	a.auditRoutes(r)
}

// op begins the description of an operation.
func op(action identity.Action, method, path, id, summary, description string) httpd.Op {
	group := map[identity.Action]string{identity.ManageAccount: "Account", identity.KeepPreference: "Account", identity.ManageUsers: "People", identity.ReadAudit: "People"}[action]
	if group == "" {
		group = "Session"
	}
	return httpd.Op{Action: action, Public: action == "", Operation: huma.Operation{Method: method, Path: path, OperationID: id, Summary: summary, Description: description, Tags: []string{group}}}
}

// empty makes an operation answer 204.
func empty(o httpd.Op) httpd.Op {
	o.DefaultStatus = http.StatusNoContent
	return o
}

// person returns the account that asks.
func (a *Auth) person(ctx context.Context) (*User, error) {
	who := identity.From(ctx)
	if who.UserID == "" {
		return nil, errs.New(errs.Conflict, "You are signed in with the API key, which is no account. Sign in as a person.")
	}
	return a.store.user(ctx, a.store.db, who.UserID)
}

// confirmed is person for what changes how one gets in: it asks who it is, unless that was
// shown within the last 15 minutes.
func (a *Auth) confirmed(ctx context.Context) (*User, error) {
	u, err := a.person(ctx)
	if err == nil && a.now().Sub(identity.From(ctx).Proved) > provedFor {
		err = httpd.NewProblem(http.StatusUnauthorized, typeConfirm, "Confirm that it is you: sign in once more.")
	}
	return u, err
}
