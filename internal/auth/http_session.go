package auth

import (
	"context"
	"net/http"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// UserBody is an account as everybody who may see it does.
type UserBody struct {
	ID          string `json:"id" example:"7b0e6d1c-2b7e-4c53-9f0a-5d1f2c3b4a59"`
	Name        string `json:"name" example:"ada"`
	DisplayName string `json:"display_name" example:"Ada"`
	Role        string `json:"role" enum:"administrator,member,guest" example:"member"`
}

func bodyOf(u *User) UserBody {
	return UserBody{ID: u.ID, Name: u.Name, DisplayName: u.label(), Role: string(u.Role)}
}

// providersBody says how one can sign in here.
type providersBody struct {
	Password bool   `json:"password" doc:"With a name and a password"`
	APIKey   bool   `json:"api_key" doc:"With API_KEY"`
	Passkey  bool   `json:"passkey" doc:"With a passkey, on this host name"`
	OIDC     string `json:"oidc" doc:"What the OpenID provider is called; empty when there is none"`
}

// stateBody tells a page whether it must ask who is there.
type stateBody struct {
	Required      bool          `json:"required" doc:"Whether this server asks for credentials at all"`
	Authenticated bool          `json:"authenticated" doc:"Whether this request was recognised"`
	Method        string        `json:"method" enum:"none,api_key,session,token,app_password," example:"session" doc:"How; empty when not recognised"`
	Setup         bool          `json:"setup" doc:"Whether nobody has set this server up yet"`
	User          *UserBody     `json:"user" doc:"The account; null for the household (API_KEY, AUTH=none)"`
	Role          string        `json:"role" enum:"administrator,member,guest," doc:"What the caller is; empty when not recognised"`
	Providers     providersBody `json:"providers"`
	ExpiresAt     *time.Time    `json:"expires_at" doc:"When the session ends unless it is used before"`
}

// signedIn is an answer that begins, renews or ends a session.
type signedIn struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      stateBody
}

type signInInput struct {
	Browser
	Body struct {
		APIKey   string `json:"api_key,omitempty" maxLength:"1000" doc:"API_KEY; instead of name and password"`
		Name     string `json:"name,omitempty" maxLength:"200" example:"ada"`
		Password string `json:"password,omitempty" maxLength:"2000" example:"correct horse battery"`
		Code     string `json:"code,omitempty" maxLength:"50" doc:"Of the authenticator app, or a recovery code, for those who have a second factor"`
	}
}

type setupInput struct {
	Browser
	Body struct {
		Code        string `json:"code" maxLength:"100" example:"ABCD-EFGH-IJKL-MNOP" doc:"The setup code from the server's log"`
		Name        string `json:"name" maxLength:"200" example:"ada"`
		DisplayName string `json:"display_name,omitempty" maxLength:"400" example:"Ada"`
		Password    string `json:"password" maxLength:"2000" example:"correct horse battery"`
	}
}

func (a *Auth) sessionRoutes(r *httpd.Router) {
	const path = "/api/v1/session"
	show := op("", http.MethodGet, path, "get-session", "Who am I", "Whether credentials are asked for, and whom this request is recognised as.")
	show.BeforeSetup = true
	httpd.Register(r, show, a.showSession)
	httpd.Register(r, op("", http.MethodPost, path, "sign-in", "Sign in",
		"Exchanges a name and a password, or API_KEY, for a session cookie. 401 with the type urn:homeserver:second-factor asks for a code. Wrong guesses are slowed down: 429 with Retry-After."), a.signIn)
	httpd.Register(r, empty(op("", http.MethodDelete, path, "sign-out", "Sign out", "Ends the session.")), a.signOut)
	setup := op("", http.MethodPost, "/api/v1/setup", "set-up", "Set the server up", "Makes the first administrator, for whoever brings the setup code that the server printed.")
	setup.BeforeSetup, setup.Errors = true, []int{403, 409, 422, 429}
	httpd.Register(r, setup, a.setUp)
}

// state describes the caller.
func (a *Auth) state(ctx context.Context, who identity.Principal, u *User) stateBody {
	s := stateBody{Required: !a.config.Open(), Authenticated: who.Authenticated(), Method: string(who.Method), Setup: a.Closed(), Role: string(who.Role),
		Providers: a.providers(ctx)}
	if u != nil {
		body := bodyOf(u)
		s.User = &body
	}
	return s
}

func (a *Auth) providers(ctx context.Context) providersBody {
	known := a.people.Load()
	site, err := siteOf(httpd.Host(ctx), httpd.Secure(ctx))
	return providersBody{Password: known.count > 0, APIKey: a.config.APIKey != "", Passkey: err == nil && known.passkeyHosts[site.rpID],
		OIDC: a.config.OIDC.label()}
}

// showSession also makes the cookie of a session live as long as the session does now, once a
// day: more often, an answer that is late could put an older secret back.
func (a *Auth) showSession(ctx context.Context, in *Browser) (*signedIn, error) {
	who := identity.From(ctx)
	var u *User
	if who.UserID != "" {
		var err error
		if u, err = a.person(ctx); err != nil {
			return nil, err
		}
	}
	answer := &signedIn{Body: a.state(ctx, who, u)}
	if who.Method == identity.Session {
		secret := in.client(ctx).old
		if c, err := a.find(ctx, kindSession, secret, httpd.ClientAddr(ctx)); err == nil && c != nil {
			expires := time.UnixMicro(c.expires.Load()).UTC()
			answer.Body.ExpiresAt = &expires
			if now := a.now().UnixMicro(); now-c.renewed.Load() >= renewCookie.Microseconds() {
				c.renewed.Store(now)
				answer.SetCookie = []http.Cookie{cookie(secret, expires.Sub(a.now()), httpd.Secure(ctx))}
			}
		}
	}
	return answer, nil
}

func (a *Auth) signIn(ctx context.Context, in *signInInput) (*signedIn, error) {
	if a.config.Open() {
		return nil, errOpen()
	}
	c := in.client(ctx)
	if in.Body.APIKey != "" {
		right, err := a.guarded(ctx, "", nil, func() (bool, error) { return a.matches(in.Body.APIKey), nil })
		if err != nil {
			return nil, refused(err)
		}
		if !right {
			a.recordAs(ctx, "", "signin.failed", "", "API key")
			return nil, errs.New(errs.Unauthenticated, "That key is not right.")
		}
		return a.startSession(ctx, nil, byAPIKey, c)
	}
	if in.Body.Name == "" || in.Body.Password == "" {
		return nil, errs.New(errs.Invalid, "Send name and password, or api_key.")
	}
	u, err := a.byName(ctx, in.Body.Name, in.Body.Password, in.Body.Code)
	if err != nil {
		return nil, refused(err)
	}
	return a.startSession(ctx, u, byPassword, c)
}

// errOpen is what AUTH=none answers to whoever would sign in.
func errOpen() error {
	return errs.New(errs.Conflict, "This server asks nobody who they are, so there is nothing to sign in to.")
}

// startSession begins a session and answers with its cookie.
func (a *Auth) startSession(ctx context.Context, u *User, method string, c client, also ...func(tx *sqldb.Tx) error) (*signedIn, error) {
	secret, _, err := a.begin(ctx, u, method, c, also...)
	if err != nil {
		return nil, err
	}
	name := actorOf(identity.Household())
	if u != nil {
		name = u.Name
	}
	a.recordAs(ctx, name, "signin", name, method)
	return a.welcome(ctx, u, secret), nil
}

// welcome answers somebody whose session has just begun.
func (a *Auth) welcome(ctx context.Context, u *User, secret string) *signedIn {
	who := household(identity.Session)
	if u != nil {
		who = identity.Principal{Method: identity.Session, UserID: u.ID, Name: u.Name, Role: u.Role}
	}
	answer := &signedIn{Body: a.state(ctx, who, u), SetCookie: []http.Cookie{cookie(secret, sessionIdle, httpd.Secure(ctx))}}
	expires := a.now().Add(sessionIdle).UTC()
	answer.Body.ExpiresAt = &expires
	return answer
}

func (a *Auth) signOut(ctx context.Context, in *Browser) (*struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
}, error) {
	secret := in.client(ctx).old
	if secret != "" && !a.config.Open() {
		var ended int64
		err := a.change(ctx, func(tx *sqldb.Tx) (err error) {
			ended, err = endSessionByHash(ctx, tx, hashOf(secret))
			return err
		})
		if err != nil {
			return nil, err
		}
		if ended > 0 {
			a.record(ctx, "signout", actorOf(identity.From(ctx)), "")
		}
	}
	return &struct {
		SetCookie []http.Cookie `header:"Set-Cookie"`
	}{[]http.Cookie{cookie("", 0, httpd.Secure(ctx))}}, nil
}

func (a *Auth) setUp(ctx context.Context, in *setupInput) (*signedIn, error) {
	b := in.Body
	u, secret, err := a.Setup(ctx, b.Code, NewUser{Name: b.Name, DisplayName: b.DisplayName, Password: b.Password}, in.client(ctx))
	if err != nil {
		return nil, refused(err)
	}
	return a.welcome(ctx, u, secret), nil
}
