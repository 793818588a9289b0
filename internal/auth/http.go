package auth

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// sessionState tells a page whether it must ask for the key.
type sessionState struct {
	Required      bool   `json:"required" doc:"Whether this server asks for credentials at all"`
	Authenticated bool   `json:"authenticated" doc:"Whether this request was recognised"`
	Method        string `json:"method" enum:"none,local,api_key,session," example:"session" doc:"How: none (AUTH=none), local (this machine only), api_key, session; empty when not recognised"`
}

type sessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie" doc:"The session, HttpOnly and SameSite=Lax, for 30 days"`
	Body      sessionState
}

type signInInput struct {
	Body struct {
		APIKey string `json:"api_key" maxLength:"1000" example:"3f0c..." doc:"The administrator's key (API_KEY)"`
	}
}

func (a *Auth) routes(r *httpd.Router) {
	op := func(method, id, summary, description string, status int) httpd.Op {
		return httpd.Op{Public: true, Operation: huma.Operation{Method: method, Path: "/api/v1/session", OperationID: id,
			Summary: summary, Description: description, DefaultStatus: status, Tags: []string{"Session"}}}
	}
	httpd.Register(r, op(http.MethodGet, "get-session", "Who am I", "Whether credentials are asked for and whether this request carries any.", 0), a.show)
	httpd.Register(r, op(http.MethodPost, "sign-in", "Sign in", "Exchanges the API key for a session cookie. Wrong keys are slowed down: 429 with Retry-After.", 0), a.signIn)
	httpd.Register(r, op(http.MethodDelete, "sign-out", "Sign out", "Removes the session cookie.", http.StatusNoContent), a.signOut)
}

func (a *Auth) state(who identity.Principal) sessionState {
	return sessionState{Required: a.method == identity.APIKey, Authenticated: who.Authenticated(), Method: string(who.Method)}
}

func (a *Auth) show(ctx context.Context, _ *struct{}) (*struct{ Body sessionState }, error) {
	return &struct{ Body sessionState }{a.state(identity.From(ctx))}, nil
}

func (a *Auth) signIn(ctx context.Context, in *signInInput) (*sessionOutput, error) {
	if a.method != identity.APIKey {
		return nil, errs.New(errs.Conflict, "This server asks for no key, so there is nothing to sign in to.")
	}
	addr := httpd.ClientAddr(ctx)
	if wait := a.guesses.wait(addr); wait > 0 {
		seconds := strconv.Itoa(int(math.Ceil(wait.Seconds())))
		return nil, huma.ErrorWithHeaders(errs.New(errs.RateLimited, "Too many wrong keys. Try again in "+seconds+" seconds."), http.Header{"Retry-After": {seconds}})
	}
	if !a.matches(in.Body.APIKey) {
		a.guesses.wrong(addr)
		return nil, errs.New(errs.Unauthenticated, "That key is not right.")
	}
	who := identity.Principal{Method: identity.Session, Name: "administrator"}
	return &sessionOutput{SetCookie: cookie(a.issue(), sessionLife, httpd.Secure(ctx)), Body: a.state(who)}, nil
}

func (a *Auth) signOut(ctx context.Context, _ *struct{}) (*struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}, error) {
	return &struct {
		SetCookie http.Cookie `header:"Set-Cookie"`
	}{cookie("", 0, httpd.Secure(ctx))}, nil
}
