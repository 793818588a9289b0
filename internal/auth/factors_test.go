package auth

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/auth/password"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// house is a server with this room only, and a clock that the test moves.
type house struct {
	*testing.T
	auth *Auth
	url  string // by a name, which passkeys need
	log  lockedBuffer

	mu  sync.Mutex
	now time.Time
}

// lockedBuffer is a log that many goroutines write.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

const (
	adaName, adaPassword = "ada", "correct horse battery"
	bobName, bobPassword = "bob", "staple of the harbour"
)

// newHouse starts a house with ada, an administrator, and bob, a member.
func newHouse(t *testing.T, db *sqldb.DB, config Config) *house {
	t.Helper()
	h := &house{T: t, now: time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC)}
	log := slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	config.DataDir = t.TempDir()
	h.auth = New(db, config, log, h.clock)
	h.auth.passwords = password.New(lightHash)
	service := h.auth.Service()
	if err := db.Migrate(t.Context(), service.Name, service.Migrations); err != nil {
		t.Fatal(err)
	}
	if err := h.auth.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	router := httpd.NewRouter("test", "1")
	service.Routes(router)
	server := httptest.NewServer(httpd.NewServer(httpd.Config{}, router, h.auth, log).Handler())
	t.Cleanup(server.Close)
	h.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	h.add(adaName, adaPassword, identity.Administrator)
	h.add(bobName, bobPassword, identity.Member)
	return h
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) add(name, password string, role identity.Role) *User {
	h.Helper()
	u, err := h.auth.AddUser(h.Context(), NewUser{Name: name, Password: password, Role: string(role)})
	if err != nil {
		h.Fatal(err)
	}
	return u
}

// browser is a client that keeps cookies and follows no redirects.
type browser struct {
	h      *house
	client *http.Client
}

func (h *house) browser() *browser {
	jar, _ := cookiejar.New(nil) // never fails without options
	transport := &http.Transport{}
	h.Cleanup(transport.CloseIdleConnections)
	return &browser{h, &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// reply is what came back.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, path string, body any, headers ...string) reply {
	b.h.Helper()
	var payload io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			b.h.Fatal(err)
		}
		payload = bytes.NewReader(raw)
	}
	if strings.HasPrefix(path, "/") {
		path = b.h.url + path
	}
	r, err := http.NewRequestWithContext(b.h.Context(), method, path, payload)
	if err != nil {
		b.h.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.client.Do(r)
	if err != nil {
		b.h.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.h.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{b.h.T, response.StatusCode, response.Header, string(text)}
}

// want checks the status, and that the reply has each of texts.
func (a reply) want(status int, texts ...string) reply {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("got %d want %d: %s", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			a.t.Fatalf("the reply lacks %q: %s", text, a.body)
		}
	}
	return a
}

// read returns the reply as T.
func read[T any](a reply) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.t.Fatalf("%v: %s", err, a.body)
	}
	return v
}

type object = map[string]any

// signIn signs in with a password and, for those who need one, a code.
func (b *browser) signIn(name, password, code string) reply {
	b.h.Helper()
	body := object{"name": name, "password": password}
	if code != "" {
		body["code"] = code
	}
	return b.do(http.MethodPost, "/api/v1/session", body)
}

// signedIn is a browser in which somebody is.
func (h *house) signedIn(name, password string) *browser {
	h.Helper()
	b := h.browser()
	b.signIn(name, password, "").want(http.StatusOK)
	return b
}

// who is the name of whoever is signed in, "" for nobody.
func (b *browser) who() string {
	b.h.Helper()
	state := read[stateBody](b.do(http.MethodGet, "/api/v1/session", nil).want(http.StatusOK))
	if state.User == nil {
		return ""
	}
	return state.User.Name
}

// audited counts entries of the audit log.
func (h *house) audited(action, target string) (n int) {
	h.Helper()
	for _, e := range h.audit() {
		if e.action == action && e.target == target {
			n++
		}
	}
	return n
}

func (h *house) audit() []entry {
	h.Helper()
	list, err := h.auth.store.entries(h.Context(), auditQuery{beforeAt: 1 << 62, limit: 1000})
	if err != nil {
		h.Fatal(err)
	}
	return list
}

// noCanary fails when the log, the audit log or the database shows one of the secrets.
func (h *house) noCanary(secrets ...string) {
	h.Helper()
	audit, log := "", h.log.String()
	for _, e := range h.audit() {
		audit += e.actor + e.action + e.target + e.detail + "\n"
	}
	for _, secret := range secrets {
		if secret == "" {
			h.Error("a canary is empty")
			continue
		}
		if strings.Contains(log, secret) {
			h.Errorf("the log shows the secret %s", secret)
		}
		if strings.Contains(audit, secret) {
			h.Errorf("the audit log shows the secret %s", secret)
		}
	}
}
