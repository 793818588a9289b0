package auth

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"homeserver/internal/platform/sqldb"
)

const (
	clientID     = "homeserver-client"
	clientSecret = "canary-client-secret"
)

// testProvider is an OpenID provider whose only user says who they are in claims.
type testProvider struct {
	t      *testing.T
	server *httptest.Server
	key    *rsa.PrivateKey
	clock  func() time.Time

	mu       sync.Mutex
	down     bool
	reuse    bool                  // codes work more than once: a careless provider
	claims   object                // of whoever signs in
	more     object                // what only user info tells
	tamper   func(token object)    // changes an ID token before it is signed
	regrant  func(q url.Values)    // changes what was asked before it is granted
	signWith *rsa.PrivateKey       // another key
	granted  map[string]url.Values // code -> what was asked
	secrets  []string              // codes and tokens that were given out
}

func newProvider(t *testing.T) *testProvider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &testProvider{t: t, key: key, granted: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /jwks", p.jwks)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, _ *http.Request) {
		body := object{"sub": p.claims["sub"]}
		maps.Copy(body, p.more)
		p.answer(w, http.StatusOK, body)
	})
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.server.Close)
	return p
}

// config lets family in as members and the parents as administrators.
func (p *testProvider) config() Config {
	return Config{OIDC: OIDCConfig{Issuer: p.server.URL, ClientID: clientID, ClientSecret: clientSecret, Name: "House login", Scopes: "openid profile email groups",
		GroupsClaim: "groups", AdminGroups: []string{"parents"}, MemberGroups: []string{"family"}, GuestGroups: []string{"friends", "neighbours"}}}
}

// start starts a house that knows the provider.
func (p *testProvider) start(db *sqldb.DB, config Config) *house {
	h := newHouse(p.t, db, config)
	p.clock = h.clock
	return h
}

// be says who signs in from now on.
func (p *testProvider) be(subject, login string, groups ...string) {
	p.set(func() {
		p.claims = object{"sub": subject, "preferred_username": login, "name": strings.ToUpper(login), "groups": groups}
	})
}

func (p *testProvider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *testProvider) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (p *testProvider) discovery(w http.ResponseWriter, _ *http.Request) {
	at := p.server.URL
	p.answer(w, http.StatusOK, object{"issuer": at, "authorization_endpoint": at + "/authorize", "token_endpoint": at + "/token", "jwks_uri": at + "/jwks",
		"userinfo_endpoint": at + "/userinfo", "id_token_signing_alg_values_supported": []string{"RS256"}})
}

func (p *testProvider) jwks(w http.ResponseWriter, _ *http.Request) {
	p.answer(w, http.StatusOK, object{"keys": []object{{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
		"n": text(p.key.N.Bytes()), "e": text(big.NewInt(int64(p.key.E)).Bytes())}}})
}

// authorize signs whoever comes in at once and sends the browser back.
func (p *testProvider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != clientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("nonce")) < 32 || len(q.Get("state")) < 32 {
		p.t.Errorf("the authorisation request is not whole: %v", q)
	}
	if p.regrant != nil {
		p.regrant(q)
	}
	code := "canary-code-" + rand.Text()
	p.granted[code] = q
	p.secrets = append(p.secrets, code, q.Get("state"), q.Get("nonce"))
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

func (p *testProvider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	code := r.PostFormValue("code")
	asked, known := p.granted[code]
	if !p.reuse {
		delete(p.granted, code)
	}
	switch {
	case id != clientID || secret != clientSecret:
		p.answer(w, http.StatusUnauthorized, object{"error": "invalid_client"})
	case !known || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") || oauth2.S256ChallengeFromVerifier(r.PostFormValue("code_verifier")) != asked.Get("code_challenge"):
		p.answer(w, http.StatusBadRequest, object{"error": "invalid_grant", "error_description": "no: " + code})
	default:
		access := "canary-access-" + rand.Text()
		now := p.clock()
		token := object{"iss": p.server.URL, "aud": clientID, "nonce": asked.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
		maps.Copy(token, p.claims)
		if p.tamper != nil {
			p.tamper(token)
		}
		signed := p.sign(token)
		p.secrets = append(p.secrets, access, signed)
		p.answer(w, http.StatusOK, object{"access_token": access, "token_type": "Bearer", "id_token": signed})
	}
}

// sign makes a JWT (RS256).
func (p *testProvider) sign(token object) string {
	payload, err := json.Marshal(token)
	if err != nil {
		p.t.Error(err)
	}
	signed := text([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + text(payload)
	digest := sha256.Sum256([]byte(signed))
	key := p.key
	if p.signWith != nil {
		key = p.signWith
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		p.t.Error(err)
	}
	return signed + "." + text(signature)
}

// location is where a browser is sent.
func (a reply) location() string {
	a.t.Helper()
	if a.status != http.StatusSeeOther && a.status != http.StatusFound {
		a.t.Fatalf("got %d want a redirect: %s", a.status, a.body)
	}
	return a.header.Get("Location")
}

// atProvider leaves for the provider, signs in there and returns the address that one is sent
// back to.
func (b *browser) atProvider(query string) string {
	b.h.Helper()
	leaving := b.do(http.MethodGet, oidcPath+query, nil, "Sec-Fetch-Site", "same-origin").location()
	if strings.HasPrefix(leaving, "/") {
		b.h.Fatalf("got %s want the provider", leaving)
	}
	return b.do(http.MethodGet, leaving, nil).location()
}

// byProvider does the whole round and returns the page one lands on, readable.
func (b *browser) byProvider(query string) string {
	b.h.Helper()
	page, err := url.PathUnescape(b.do(http.MethodGet, b.atProvider(query), nil).location())
	if err != nil {
		b.h.Fatal(err)
	}
	return page
}
