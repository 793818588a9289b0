package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// eachProvider runs test with a house and its provider on both databases.
func eachProvider(t *testing.T, test func(h *house, p *testProvider)) {
	t.Helper()
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		p := newProvider(t)
		test(p.start(db, p.config()), p)
	})
}

// wantProblem fails unless the page says what went wrong, and nobody is signed in.
func (b *browser) wantProblem(page, sentence string) {
	b.h.Helper()
	if !strings.HasPrefix(page, problemPage) || !strings.Contains(page, sentence) {
		b.h.Errorf("landed on %s want a problem with %q", page, sentence)
	}
}

func TestOIDCSignIn(t *testing.T) {
	eachProvider(t, func(h *house, p *testProvider) {
		b := h.browser()
		b.do(http.MethodGet, "/api/v1/session", nil).want(http.StatusOK, `"oidc":"House login"`)
		p.be("subject-1", adaName, "family", "friends") // ada of the provider is not ada of the house
		if page := b.byProvider("?next=" + url.QueryEscape("/static/files.html?tag=a#top")); page != "/static/files.html?tag=a#top" {
			h.Errorf("landed on %s", page)
		}
		if b.who() != "ada-2" {
			h.Errorf("signed in as %q want ada-2", b.who())
		}
		account := read[accountBody](b.do(http.MethodGet, "/api/v1/account", nil).want(http.StatusOK))
		if account.User.Role != string(identity.Member) || account.User.DisplayName != "ADA" || account.HasPassword || len(account.Identities) != 1 || account.Identities[0].Issuer != p.server.URL {
			h.Errorf("got account %+v", account)
		}
		b.do(http.MethodGet, "/api/v1/account/sessions", nil).want(http.StatusOK, `"method":"oidc"`)
		h.browser().signIn("ada-2", "anything at all", "").want(http.StatusUnauthorized)

		again := h.browser()
		if page := again.byProvider(""); page != nextDefault || again.who() != "ada-2" {
			h.Errorf("landed on %s as %q", page, again.who())
		}
		p.be("subject-2", "Ünder Score!/..", "friends")
		p.set(func() { p.claims["name"] = "" })
		other := h.browser()
		other.byProvider("")
		if other.who() != "Ünder.Score.." {
			h.Errorf("signed in as %q", other.who())
		}
		if h.audited("user.added", "ada-2") != 1 || h.audited("signin", "ada-2") != 2 {
			h.Errorf("got audit log %+v", h.audit())
		}
		h.noCanary(append(p.secrets, clientSecret)...)
	})
}

func TestOIDCGroups(t *testing.T) {
	eachProvider(t, func(h *house, p *testProvider) {
		role := func(b *browser) string {
			return read[stateBody](b.do(http.MethodGet, "/api/v1/session", nil)).Role
		}
		b, first := h.browser(), h.browser()
		p.be("carol", "carol", "strangers")
		b.wantProblem(b.byProvider(""), "in none of the groups")
		if _, err := h.auth.UserByName(h.Context(), "carol"); err == nil {
			h.Error("somebody without a group has an account")
		}
		p.be("carol", "carol", "neighbours", "parents", "family")
		first.byProvider("")
		if got := role(first); got != "administrator" {
			h.Errorf("the highest group counts: got %q", got)
		}
		p.be("carol", "carol", "neighbours")
		b.byProvider("")
		if got := role(b); got != "guest" {
			h.Errorf("the role follows the groups: got %q", got)
		}
		if first.who() != "" {
			h.Error("a session with the former role goes on")
		}
		p.be("carol", "carol")
		b.wantProblem(b.byProvider(""), "in none of the groups")

		p.be("carol", "carol", "parents")
		b.byProvider("")
		u, err := h.auth.UserByName(h.Context(), adaName)
		if err != nil {
			h.Fatal(err)
		}
		disabled := true
		if _, err := h.auth.ChangeUser(h.Context(), u.ID, UserChange{Disabled: &disabled}); err != nil {
			h.Fatal(err)
		}
		p.be("carol", "carol", "family")
		b.byProvider("")
		if got := role(b); got != "administrator" {
			h.Errorf("the last administrator was demoted: got %q", got)
		}
	})
}

func TestOIDCDefaultRole(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		p := newProvider(t)
		config := p.config()
		config.OIDC.DefaultRole = "guest"
		h := p.start(db, config)
		b := h.browser()
		p.be("dave", "dave")
		p.set(func() { delete(p.claims, "groups"); p.more = object{"groups": "family"} }) // user info tells them, as one text
		b.byProvider("")
		b.do(http.MethodGet, "/api/v1/session", nil).want(http.StatusOK, `"name":"dave"`, `"role":"member"`)
		p.be("dave", "dave", "strangers")
		b.byProvider("")
		b.do(http.MethodGet, "/api/v1/session", nil).want(http.StatusOK, `"role":"member"`) // no mapping matches
		p.be("erin", "erin", "strangers")
		b.byProvider("")
		b.do(http.MethodGet, "/api/v1/session", nil).want(http.StatusOK, `"name":"erin"`, `"role":"guest"`)
		// Being an administrator is not kept for want of a group.
		p.be("frank", "frank", "parents")
		b.byProvider("")
		b.do(http.MethodGet, "/api/v1/session", nil).want(http.StatusOK, `"role":"administrator"`)
		h.add("root", adaPassword, identity.Administrator)
		p.be("frank", "frank", "strangers")
		b.byProvider("")
		b.do(http.MethodGet, "/api/v1/session", nil).want(http.StatusOK, `"name":"frank"`, `"role":"guest"`)
	})
}

// TestOIDCRefused are answers of the provider that must not open the house.
func TestOIDCRefused(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	eachProvider(t, func(h *house, p *testProvider) {
		p.be("mallory", "mallory", "parents")
		for name, change := range map[string]func(){
			"wrong nonce":    func() { p.tamper = func(o object) { o["nonce"] = "another" } },
			"no nonce":       func() { p.tamper = func(o object) { delete(o, "nonce") } },
			"wrong audience": func() { p.tamper = func(o object) { o["aud"] = "another" } },
			"wrong issuer":   func() { p.tamper = func(o object) { o["iss"] = "https://evil.example" } },
			"expired":        func() { p.tamper = func(o object) { o["exp"] = h.clock().Add(-time.Second).Unix() } },
			"wrong hash":     func() { p.tamper = func(o object) { o["at_hash"] = "another" } },
			"foreign key":    func() { p.signWith = other },
			"wrong PKCE":     func() { p.regrant = func(q url.Values) { q.Set("code_challenge", "another") } },
		} {
			p.set(change)
			b := h.browser()
			page := b.byProvider("")
			if !strings.HasPrefix(page, problemPage) || !strings.Contains(page, "did not work") || b.who() != "" {
				h.Errorf("%s: landed on %s as %q", name, page, b.who())
			}
			p.set(func() { p.tamper, p.signWith, p.regrant = nil, nil, nil })
		}
		h.noCanary(append(p.secrets, clientSecret)...)
		h.pass(time.Hour) // forgives
		b := h.browser()
		b.byProvider("")
		if b.who() != "mallory" {
			h.Error("the provider's right answer was refused")
		}
	})
}

// TestOIDCOtherBrowser are callbacks that do not belong to what the browser began.
func TestOIDCOtherBrowser(t *testing.T) {
	eachProvider(t, func(h *house, p *testProvider) {
		p.be("mallory", "mallory", "parents")
		callback := h.browser().atProvider("")
		land := func(b *browser, address string) string {
			page, _ := url.PathUnescape(b.do(http.MethodGet, address, nil).location())
			return page
		}
		victim := h.browser()
		victim.wantProblem(land(victim, callback), "another browser") // no cookie
		victim.atProvider("")
		victim.wantProblem(land(victim, callback), "another browser") // the cookie of another flow
		late := victim.atProvider("")
		h.pass(oidcLife)
		victim.wantProblem(land(victim, late), "too long ago")
		if victim.who() != "" {
			h.Error("somebody is signed in")
		}
		victim.atProvider("")
		victim.wantProblem(land(victim, callbackPath+"?error=access_denied&state=x"), "another browser")
		state, err := url.Parse(victim.do(http.MethodGet, oidcPath, nil).location())
		if err != nil {
			h.Fatal(err)
		}
		victim.wantProblem(land(victim, callbackPath+"?error=access_denied&state="+state.Query().Get("state")), "did not sign you in")

		p.set(func() { p.reuse = true })
		b := h.browser()
		at := b.atProvider("")
		kept, _ := url.Parse(h.url)
		cookies := b.client.Jar.Cookies(kept)
		if page := land(b, at); page != nextDefault {
			h.Errorf("landed on %s", page)
		}
		replay := h.browser()
		replay.client.Jar.SetCookies(kept, cookies)
		if page := land(replay, at); !strings.HasPrefix(page, problemPage) || replay.who() != "" {
			h.Errorf("a callback worked twice: %s", page)
		}
	})
}

func TestOIDCDisabled(t *testing.T) {
	eachProvider(t, func(h *house, p *testProvider) {
		p.be("carol", "carol", "family")
		b := h.browser()
		b.byProvider("")
		u, err := h.auth.UserByName(h.Context(), "carol")
		if err != nil {
			h.Fatal(err)
		}
		disabled := true
		if _, err := h.auth.ChangeUser(h.Context(), u.ID, UserChange{Disabled: &disabled}); err != nil {
			h.Fatal(err)
		}
		b.wantProblem(b.byProvider(""), "disabled")
		if b.who() != "" {
			h.Error("a disabled person is signed in")
		}
	})
}

func TestOIDCLink(t *testing.T) {
	eachProvider(t, func(h *house, p *testProvider) {
		p.be("bob-at-provider", "robert", "family")
		nobody, bob := h.browser(), h.signedIn(bobName, bobPassword)
		begin := func(b *browser, headers ...string) string {
			page, _ := url.PathUnescape(b.do(http.MethodGet, oidcPath+"?link=1", nil, headers...).location())
			return page
		}
		nobody.wantProblem(begin(nobody, "Sec-Fetch-Site", "same-origin"), "Sign in first")
		bob.wantProblem(begin(bob), "another site")
		bob.wantProblem(begin(bob, "Referer", "http://evil.example/"), "another site")
		bob.wantProblem(begin(bob, "Sec-Fetch-Site", "cross-site"), "another site")
		if page := bob.byProvider("?link=1"); page != nextLinked {
			h.Errorf("landed on %s", page)
		}
		if bob.who() != bobName {
			h.Error("the session did not go on after its secret was renewed")
		}
		bob.do(http.MethodGet, "/api/v1/account", nil).want(http.StatusOK, p.server.URL)
		other := h.browser()
		other.byProvider("")
		if other.who() != bobName {
			h.Errorf("signed in as %q want bob", other.who())
		}
		ada := h.signedIn(adaName, adaPassword)
		ada.wantProblem(ada.byProvider("?link=1"), "somebody else")

		p.be("free", "free", "family")
		callback := ada.atProvider("?link=1")
		ada.do(http.MethodDelete, "/api/v1/session", nil).want(http.StatusNoContent)
		ada.signIn(bobName, bobPassword, "").want(http.StatusOK)
		page, _ := url.PathUnescape(ada.do(http.MethodGet, callback, nil).location())
		ada.wantProblem(page, "another browser") // another person than the one who began

		h.pass(provedFor + time.Second)
		bob.wantProblem(begin(bob, "Sec-Fetch-Site", "same-origin"), "Confirm")
		if h.audited("identity.linked", bobName) != 1 {
			h.Errorf("got audit log %+v", h.audit())
		}
	})
}

// TestOIDCIsAWayIn: an identity at the configured provider counts, so that a passkey may go.
func TestOIDCIsAWayIn(t *testing.T) {
	eachProvider(t, func(h *house, p *testProvider) {
		p.be("carol", "carol", "family")
		b, key := h.browser(), h.authenticator()
		b.byProvider("")
		id := b.addPasskey(key, "phone")
		b.do(http.MethodDelete, "/api/v1/account/passkeys/"+id, nil).want(http.StatusNoContent)
	})
}

func TestOIDCProviderDown(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		p := newProvider(t)
		p.down = true
		h := p.start(db, p.config())
		p.be("carol", "carol", "family")
		b := h.browser()
		begin := func() string {
			page, _ := url.PathUnescape(b.do(http.MethodGet, oidcPath, nil).location())
			return page
		}
		b.wantProblem(begin(), "House login cannot be reached")
		p.set(func() { p.down = false })
		b.wantProblem(begin(), "House login cannot be reached") // it is left alone for a moment
		h.signedIn(adaName, adaPassword)
		h.pass(providerRetry)
		b.byProvider("")
		if b.who() != "carol" {
			t.Errorf("signed in as %q", b.who())
		}
	})
}

func TestOIDCOff(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := newHouse(t, db, Config{})
		b := h.browser()
		for _, path := range []string{oidcPath, callbackPath} {
			page, _ := url.PathUnescape(b.do(http.MethodGet, path, nil).location())
			b.wantProblem(page, "knows no OpenID provider")
		}
	})
}

func TestCleanNext(t *testing.T) {
	for next, want := range map[string]string{
		"/static/files.html":                   "/static/files.html",
		"/static/files.html?a=%20b#c":          "/static/files.html?a=%20b#c",
		"":                                     nextDefault,
		"/static/":                             nextDefault,
		"//evil.example/static/":               nextDefault,
		"https://evil.example/static/":         nextDefault,
		"/static/../api/v1/session":            nextDefault,
		"/static/%2e%2e/api":                   nextDefault,
		"/static//evil.example":                nextDefault,
		`/static/\evil.example`:                nextDefault,
		"/static/x\r\nSet-Cookie: a=b":         nextDefault,
		"/api/v1/files":                        nextDefault,
		"/static/" + strings.Repeat("x", 2000): nextDefault,
	} {
		if got := cleanNext(next, nextDefault); got != want {
			t.Errorf("%q: got %q want %q", next, got, want)
		}
	}
}

func TestOIDCConfig(t *testing.T) {
	right := OIDCConfig{Issuer: "https://auth.example.org/", ClientID: "home", Scopes: "openid", MemberGroups: []string{"family"}}
	for name, c := range map[string]struct {
		change func(c *OIDCConfig)
		want   string // "" is right
	}{
		"right":         {func(*OIDCConfig) {}, ""},
		"none":          {func(c *OIDCConfig) { *c = OIDCConfig{} }, ""},
		"no issuer":     {func(c *OIDCConfig) { c.Issuer = "" }, "OIDC_ISSUER"},
		"odd issuer":    {func(c *OIDCConfig) { c.Issuer = "auth.example.org" }, "OIDC_ISSUER"},
		"no client":     {func(c *OIDCConfig) { c.ClientID = "" }, "OIDC_CLIENT_ID"},
		"no openid":     {func(c *OIDCConfig) { c.Scopes = "profile" }, "OIDC_SCOPES"},
		"odd role":      {func(c *OIDCConfig) { c.DefaultRole = "king" }, "OIDC_DEFAULT_ROLE"},
		"nobody":        {func(c *OIDCConfig) { c.MemberGroups = nil }, "OIDC_MEMBER_GROUPS"},
		"by default":    {func(c *OIDCConfig) { c.MemberGroups, c.DefaultRole = nil, "guest" }, ""},
		"public":        {func(c *OIDCConfig) { c.PublicURL = "https://home.example.org/" }, ""},
		"odd public":    {func(c *OIDCConfig) { c.PublicURL = "https://home.example.org/path" }, "PUBLIC_URL"},
		"nameless host": {func(c *OIDCConfig) { c.PublicURL = "home.example.org" }, "PUBLIC_URL"},
	} {
		config := right
		c.change(&config)
		err := config.validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v want %q", name, err, c.want)
		}
	}
}
