package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

const (
	// oidcCookie keeps the flow over plain HTTP, oidcHostCookie over TLS.
	oidcCookie, oidcHostCookie = "homeserver_oidc", "__Host-homeserver_oidc"
	// problemPage is where it says why a sign-in by the provider failed. The sentence is in the
	// fragment: no server and no log sees it.
	problemPage = "/static/login.html#problem="
)

// identityBody is somebody at an OpenID provider.
type identityBody struct {
	Issuer string `json:"issuer" example:"https://auth.example.org/"`
}

func (a *Auth) oidcRoutes(r *httpd.Router) {
	redirect := func(path, id, summary, description string, parameters ...*huma.Param) {
		o := op("", http.MethodGet, path, id, summary, description)
		o.Parameters = parameters
		o.Responses = map[string]*huma.Response{"303": {Description: "On to the provider, or to a page of this server; /static/login.html#problem=SENTENCE says what went wrong"}}
		handler := a.leaveForProvider
		if path == callbackPath {
			handler = a.returnFromProvider
		}
		r.Handle(o, func(w http.ResponseWriter, req *http.Request) error {
			handler(w, req)
			return nil
		})
	}
	query := func(name, description string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	redirect(oidcPath, "begin-oidc-sign-in", "Sign in with the household's OpenID provider", "For browsers: sends them on to the provider.",
		query("next", "The page to land on, beginning with /static/"),
		query("link", "1: add the identity at the provider to the account that is signed in, instead of signing in with it"))
	redirect(callbackPath, "finish-oidc-sign-in", "Back from the OpenID provider", "The provider sends browsers here: register this address there.",
		query("code", "From the provider"), query("state", "From the provider"), query("error", "From the provider"))
}

// withProvider gives ctx the client that speaks to the provider.
func withProvider(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, &http.Client{Timeout: providerTimeout})
}

// toPage sends a browser to a page; the answer must not be kept.
func toPage(w http.ResponseWriter, address string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
}

// toProblem sends a browser to the page that says what went wrong.
func (a *Auth) toProblem(w http.ResponseWriter, r *http.Request, err error) {
	sentence := errs.Detail(err)
	var typed *httpd.Problem
	if errors.As(err, &typed) {
		sentence = typed.Detail
	}
	if sentence == "" {
		a.log.Error("single sign-on failed", "error", err, "id", httpd.RequestID(r.Context()))
		sentence = "Something went wrong on the server; its log says more."
	}
	toPage(w, problemPage+url.PathEscape(sentence))
}

func flowCookie(ctx context.Context, value string) *http.Cookie {
	c := &http.Cookie{Name: oidcCookie, Value: value, Path: "/", HttpOnly: true, Secure: httpd.Secure(ctx), SameSite: http.SameSiteLaxMode, MaxAge: int(oidcLife.Seconds())}
	if c.Secure {
		c.Name = oidcHostCookie
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// callbackURL is where the provider sends browsers back to.
func (a *Auth) callbackURL(ctx context.Context) string {
	base := strings.TrimSuffix(a.config.OIDC.PublicURL, "/")
	if base == "" {
		base = "http://" + httpd.Host(ctx)
		if httpd.Secure(ctx) {
			base = "https://" + httpd.Host(ctx)
		}
	}
	return base + callbackPath
}

func (a *Auth) errNoProvider() error {
	if a.config.Open() {
		return errOpen()
	}
	if !a.config.OIDC.on() {
		return errs.New(errs.NotFound, "This server knows no OpenID provider.")
	}
	return nil
}

func (a *Auth) leaveForProvider(w http.ResponseWriter, r *http.Request) {
	ctx := withProvider(r.Context())
	if err := a.errNoProvider(); err != nil {
		a.toProblem(w, r, err)
		return
	}
	f := flow{Redirect: a.callbackURL(ctx), Next: cleanNext(r.URL.Query().Get("next"), nextDefault)}
	if r.URL.Query().Get("link") != "" {
		u, err := a.linker(r)
		if err != nil {
			a.toProblem(w, r, err)
			return
		}
		f.Link, f.Next = u.ID, cleanNext(r.URL.Query().Get("next"), nextLinked)
	}
	address, ticket, err := a.leave(ctx, f)
	if err != nil {
		a.toProblem(w, r, err)
		return
	}
	http.SetCookie(w, flowCookie(ctx, ticket))
	toPage(w, address)
}

// linker is who asks to link an account: its person, on a page of this server and just
// confirmed, or another site could link its own identity to a visitor's account.
func (a *Auth) linker(r *http.Request) (*User, error) {
	if !fromOwnPage(r) {
		return nil, errs.New(errs.Forbidden, "This request comes from a page of another site and was refused.")
	}
	if identity.From(r.Context()).Method != identity.Session {
		return nil, errs.New(errs.Unauthenticated, "Sign in first.")
	}
	return a.confirmed(r.Context())
}

// fromOwnPage reports whether a navigation began on a page of this server. Over plain HTTP
// browsers say so by the Referer alone, which our pages send to their own origin and others
// cannot set to it.
func fromOwnPage(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	from, err := url.Parse(r.Header.Get("Referer"))
	return err == nil && from.Host != "" && strings.EqualFold(from.Host, r.Host)
}

func (a *Auth) returnFromProvider(w http.ResponseWriter, r *http.Request) {
	ctx := withProvider(r.Context())
	if err := a.errNoProvider(); err != nil {
		a.toProblem(w, r, err)
		return
	}
	http.SetCookie(w, flowCookie(ctx, ""))
	f, c, err := a.proven(ctx, r)
	if err != nil {
		a.toProblem(w, r, err)
		return
	}
	if f.Link != "" {
		answer, err := a.link(ctx, f, c)
		if err != nil {
			a.toProblem(w, r, err)
			return
		}
		http.SetCookie(w, &answer.SetCookie[0])
		toPage(w, f.Next)
		return
	}
	secret, err := a.enter(ctx, f, c, clientOf(ctx, r.UserAgent(), presentedSession(r)))
	if err != nil {
		a.toProblem(w, r, err)
		return
	}
	session := cookie(secret, sessionIdle, httpd.Secure(ctx))
	http.SetCookie(w, &session)
	toPage(w, f.Next)
}

// proven is what the provider says of whoever it sent back, to the browser that left for it.
func (a *Auth) proven(ctx context.Context, r *http.Request) (f flow, c *claims, err error) {
	kept, err := r.Cookie(flowCookie(ctx, "").Name)
	if err != nil || !a.keys.Load().openTicket(ticketOIDC, kept.Value, a.now(), &f) {
		return f, nil, errFlow()
	}
	query := r.URL.Query()
	if query.Get("state") != f.State {
		return f, nil, errFlow()
	}
	if problem := query.Get("error"); problem != "" {
		a.logProvider(ctx, "the OpenID provider refused a sign-in", errors.New(problem))
		return f, nil, errs.Newf(errs.Unauthenticated, "%s did not sign you in.", a.config.OIDC.Name)
	}
	right, err := a.guarded(ctx, "", nil, func() (bool, error) {
		c, err = a.claimsOf(ctx, f, query.Get("code"))
		if errs.Is(err, errs.Unavailable) {
			return false, err
		}
		if err != nil {
			a.logProvider(ctx, "a sign-in by the OpenID provider is not right", err)
		}
		return err == nil, nil
	})
	if err == nil && !right {
		a.recordAs(ctx, "", "signin.failed", "", "single sign-on")
		err = a.errProviderRefused()
	}
	return f, c, err
}
