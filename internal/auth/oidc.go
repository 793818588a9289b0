package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

const (
	// ticketOIDC is the purpose of the ticket that a browser keeps, as a cookie, while its person
	// is at the provider.
	ticketOIDC   = "oidc"
	kindUsedOIDC = "oidc.used"
	// oidcLife is how long one may take to sign in at the provider.
	oidcLife = 10 * time.Minute
	// providerTimeout bounds each question to the provider: a browser waits for the answer.
	providerTimeout = 10 * time.Second
	// providerRetry is how long a provider that could not be reached is left alone, so that
	// everybody who tries meanwhile is answered at once.
	providerRetry = 5 * time.Second

	oidcPath     = "/api/v1/session/oidc"
	callbackPath = oidcPath + "/callback"
	// nextDefault and nextLinked are where one lands who came from nowhere.
	nextDefault, nextLinked = "/static/dashboard.html", "/static/account.html"
	// longestNext is in bytes: it travels in a cookie, of which browsers keep 4 kB.
	longestNext = 1000
)

// flow is what a browser keeps, sealed, between leaving for the provider and coming back.
type flow struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Redirect string `json:"redirect"`
	Next     string `json:"next"`
	Link     string `json:"link,omitempty"` // the account that the identity is to be added to
}

// provider is the household's OpenID provider, which may be down when the server starts.
type provider struct {
	mu    sync.Mutex
	known *oidc.Provider
	until time.Time // it is left alone
}

// discover asks the provider once how it is spoken to. ctx carries the HTTP client.
func (a *Auth) discover(ctx context.Context) (*oidc.Provider, error) {
	p := &a.provider
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	if a.now().Before(p.until) {
		return nil, a.errProvider()
	}
	// Whoever asks first may hang up: the answer is everybody's.
	known, err := oidc.NewProvider(context.WithoutCancel(ctx), a.config.OIDC.Issuer)
	if err != nil {
		p.until = a.now().Add(providerRetry)
		a.logProvider(ctx, "the OpenID provider does not answer as one", err)
		return nil, a.errProvider()
	}
	p.known = known
	return known, nil
}

func (a *Auth) errProvider() error {
	return errs.Newf(errs.Unavailable, "%s cannot be reached just now. Try again later, or sign in another way.", a.config.OIDC.Name)
}

func (a *Auth) errProviderRefused() error {
	return errs.Newf(errs.Unauthenticated, "Signing in with %s did not work. Try again; the server's log says more.", a.config.OIDC.Name)
}

// logProvider writes why a sign-in failed. What a provider answers is cut to its beginning: it
// could repeat a code or a token.
func (a *Auth) logProvider(ctx context.Context, what string, err error) {
	reason := err.Error()
	var refusal *oauth2.RetrieveError
	if errors.As(err, &refusal) {
		reason = "error " + refusal.ErrorCode
		if refusal.Response != nil {
			reason += ", " + refusal.Response.Status
		}
	}
	a.log.Warn(what, "issuer", a.config.OIDC.Issuer, "reason", short(reason), "id", httpd.RequestID(ctx))
}

// exchange is how this server speaks to the provider in one flow.
func (a *Auth) exchange(known *oidc.Provider, redirect string) *oauth2.Config {
	endpoint := known.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // what every provider knows, unless it says otherwise
	var says struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	err := known.Claims(&says)
	if a.config.OIDC.ClientSecret == "" || err == nil && len(says.Methods) > 0 && !slices.Contains(says.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{ClientID: a.config.OIDC.ClientID, ClientSecret: string(a.config.OIDC.ClientSecret), Endpoint: endpoint,
		RedirectURL: redirect, Scopes: a.config.OIDC.scopes()}
}

// leave says where the browser goes, and what it keeps until it is back.
func (a *Auth) leave(ctx context.Context, f flow) (address, ticket string, err error) {
	known, err := a.discover(ctx)
	if err != nil {
		return "", "", err
	}
	f.State, f.Nonce, f.Verifier = newSecret(), newSecret(), oauth2.GenerateVerifier()
	if ticket, err = a.keys.Load().ticket(ticketOIDC, f, a.now().Add(oidcLife)); err != nil {
		return "", "", err
	}
	return a.exchange(known, f.Redirect).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), ticket, nil
}

// claims are what a provider says of somebody.
type claims struct {
	subject string
	Login   string `json:"preferred_username"`
	Name    string `json:"name"`
	Email   string `json:"email"`
	groups  []string
}

// claimsOf redeems a code and checks what comes of it. Whoever is wrong, nobody is told more
// than that it did not work.
func (a *Auth) claimsOf(ctx context.Context, f flow, code string) (*claims, error) {
	known, err := a.discover(ctx)
	if err != nil {
		return nil, err
	}
	config := a.exchange(known, f.Redirect)
	token, err := config.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return nil, fmt.Errorf("the code was not redeemed: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, errors.New("the provider sent no ID token")
	}
	id, err := known.Verifier(&oidc.Config{ClientID: a.config.OIDC.ClientID, Now: a.now}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("the ID token is not right: %w", err)
	}
	if id.Nonce != f.Nonce {
		return nil, errors.New("the ID token was made for another sign-in: its nonce differs")
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, fmt.Errorf("the access token does not belong to the ID token: %w", err)
		}
	}
	c := &claims{subject: id.Subject}
	if err := a.readClaims(c, id.Claims); err != nil {
		return nil, fmt.Errorf("the ID token cannot be read: %w", err)
	}
	if (c.groups == nil || c.Login == "") && known.UserInfoEndpoint() != "" {
		a.askUserInfo(ctx, known, config.TokenSource(ctx, token), c)
	}
	return c, nil
}

// askUserInfo adds what a provider tells there and not in the ID token. It may refuse.
func (a *Auth) askUserInfo(ctx context.Context, known *oidc.Provider, tokens oauth2.TokenSource, c *claims) {
	more, err := known.UserInfo(ctx, tokens)
	if err == nil && more.Subject != c.subject {
		err = errors.New("it speaks of somebody else")
	}
	if err == nil {
		err = a.readClaims(c, more.Claims)
	}
	if err != nil {
		status, _, _ := strings.Cut(err.Error(), ":")
		a.logProvider(ctx, "the OpenID provider's user info is of no use", errors.New(status))
	}
}

// readClaims adds what is in decode to c. Groups may be a list or one text.
func (a *Auth) readClaims(c *claims, decode func(v any) error) error {
	var all map[string]json.RawMessage
	if err := errors.Join(decode(c), decode(&all)); err != nil {
		return err
	}
	raw, there := all[a.config.OIDC.GroupsClaim]
	if !there {
		return nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		c.groups = []string{one}
		return nil
	}
	c.groups = []string{}
	return json.Unmarshal(raw, &c.groups)
}

// cleanNext is a page of this server, whatever was asked for.
func cleanNext(next, otherwise string) string {
	place, _, _ := strings.Cut(next, "#")
	place, _, _ = strings.Cut(place, "?")
	odd := func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }
	if len(next) > longestNext || !strings.HasPrefix(place, "/static/") || path.Clean(place) != place || strings.Contains(place, "%") || strings.ContainsFunc(next, odd) {
		return otherwise
	}
	return next
}
