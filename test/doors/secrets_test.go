package doors

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"homeserver/test/server"
)

// canaries are secrets by what they are, to be found nowhere that they do not belong.
type canaries map[string]string

// TestNoSecretLeaks runs everything that handles secrets, with ones that can be recognised, and
// looks for them in the log, the database, the audit log, errors and lists.
func TestNoSecretLeaks(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		secrets := canaries{
			"API_KEY": "canary-api-key-93a1c7", "SECRET_KEY": "canary-secret-key-0123456789-abcdef-93a1c8", "OIDC_CLIENT_SECRET": "canary-client-secret-93a1c9",
			"password": "canary password one", "new password": "canary password two", "wrong password": "canary password wrong", "wrong key": "canary-wrong-key-93a1ca",
		}
		for _, name := range []string{"API_KEY", "SECRET_KEY", "OIDC_CLIENT_SECRET"} {
			env[name] = secrets[name]
		}
		env["OIDC_ISSUER"], env["OIDC_CLIENT_ID"], env["OIDC_DEFAULT_ROLE"], env["LOG_LEVEL"] = "http://127.0.0.1:1", "homeserver", "guest", "debug"
		s := server.Start(t, server.Options{Env: env})
		h := &house{Server: s, nobody: server.NewClient(s.Base, "")}
		seen := h.handleSecrets(t, secrets)
		h.Stop()
		for name, text := range map[string]string{"the log": h.Log(), "answers": seen, "the database": h.dump(t, env)} {
			if len(text) < 1000 {
				t.Errorf("%s: only %d bytes were looked at", name, len(text))
			}
			for what, secret := range secrets {
				if at := strings.Index(text, secret); at >= 0 {
					t.Errorf("%s: the %s is in %s: ...%.60q...", what, what, name, text[max(at-30, 0):])
				}
			}
		}
	})
}

// handleSecrets uses every secret, adds those that are made, and returns the answers that must
// hold none.
func (h *house) handleSecrets(t *testing.T, secrets canaries) (answers string) {
	t.Helper()
	var all strings.Builder
	see := func(a server.Answer) { fmt.Fprintf(&all, "%v %s\n", a.Header, a.Body) }
	try := func(who person, method, path string, v any) { see(h.as(t, who, method, path, v)) }
	made := func(name string, who person, path string, v any, field string) string {
		t.Helper()
		secret, _ := h.as(t, who, "POST", path, v).Expect(t, 200).Object(t)[field].(string)
		if secret == "" {
			t.Fatalf("%s gave no %s", path, field)
		}
		secrets[name] = secret
		return secret
	}
	key := person{"key", http.Header{"X-Api-Key": {secrets["API_KEY"]}}}
	signIn := func(password, code string) person {
		t.Helper()
		answer := h.as(t, person{}, "POST", "/api/v1/session", map[string]string{"name": "ada", "password": password, "code": code}).Expect(t, 200)
		pair := cookie(t, answer)
		_, secret, _ := strings.Cut(pair, "=")
		secrets[fmt.Sprintf("session %d", len(secrets))] = secret
		return person{"ada", http.Header{"Cookie": {pair}}}
	}

	try(key, "POST", "/api/v1/users", map[string]string{"name": "ada", "role": "administrator", "password": secrets["password"]})
	try(person{}, "POST", "/api/v1/session", map[string]string{"name": "ada", "password": secrets["wrong password"]})
	try(person{}, "POST", "/api/v1/session", map[string]string{"name": secrets["wrong password"], "password": "x"})
	try(person{}, "POST", "/api/v1/session", map[string]string{"api_key": secrets["wrong key"]})
	try(person{}, "POST", "/api/v1/session", map[string]any{"name": "ada", "password": secrets["password"], "more": secrets["wrong key"]})
	try(person{}, "POST", "/api/v1/session", map[string]any{"name": 1, "password": secrets["password"]})
	try(person{"", http.Header{"Authorization": {"Bearer " + secrets["wrong key"]}}}, "GET", "/api/v1/files/list", nil)
	try(person{"", http.Header{"X-Api-Key": {secrets["wrong key"]}}}, "GET", "/api/v1/files/list", nil)
	try(person{}, "POST", "/api/v1/setup", map[string]string{"code": secrets["wrong key"], "name": "x", "password": secrets["password"]})
	ada := signIn(secrets["password"], "")
	try(ada, "PUT", "/api/v1/account/password", map[string]string{"current": secrets["wrong password"], "new": secrets["new password"]})
	changed := h.as(t, ada, "PUT", "/api/v1/account/password", map[string]string{"current": secrets["password"], "new": secrets["new password"]}).Expect(t, 204)
	ada.header.Set("Cookie", cookie(t, changed))
	secrets["rotated session"] = strings.SplitN(cookie(t, changed), "=", 2)[1]
	byKey := cookie(t, h.as(t, person{}, "POST", "/api/v1/session", map[string]string{"api_key": secrets["API_KEY"]}).Expect(t, 200))
	secrets["session of the key"] = strings.SplitN(byKey, "=", 2)[1]
	try(person{"", http.Header{"Cookie": {byKey}}}, "GET", "/api/v1/account/sessions", nil)

	token := made("token", ada, "/api/v1/account/tokens", map[string]any{"kind": "token", "name": "t", "scopes": []string{"files:read"}}, "secret")
	app := made("app password", ada, "/api/v1/account/tokens", map[string]any{"kind": "app_password", "name": "a", "scopes": []string{"files:read"}}, "secret")
	try(person{"", http.Header{"Authorization": {"Bearer " + token}}}, "GET", "/api/v1/files/list", nil)
	request, _ := http.NewRequest("GET", "http://x", nil)
	request.SetBasicAuth("ada", app)
	try(person{"", request.Header}, "GET", "/api/v1/files/list", nil)
	invitation := made("invitation", ada, "/api/v1/invitations", map[string]any{"role": "member"}, "code")
	try(person{}, "POST", "/api/v1/invitations/look", map[string]string{"code": invitation})
	try(person{}, "POST", "/api/v1/invitations/accept", map[string]string{"code": invitation, "name": "bob", "password": "short"})
	made("link for a new password", ada, "/api/v1/users/"+h.userIDAs(t, key, "ada")+"/reset", nil, "code")

	var begun struct{ ID, Secret string }
	h.as(t, ada, "POST", "/api/v1/account/totp/begin", map[string]any{}).Expect(t, 200).Decode(t, &begun)
	secrets["TOTP secret"] = begun.Secret
	code, err := totp.GenerateCode(begun.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	finished := h.as(t, ada, "POST", "/api/v1/account/totp", map[string]string{"id": begun.ID, "code": code}).Expect(t, 200)
	var recovery struct {
		Codes []string `json:"recovery_codes"`
	}
	finished.Decode(t, &recovery)
	for i, code := range recovery.Codes {
		secrets[fmt.Sprint("recovery code ", i)] = code
		secrets[fmt.Sprint("recovery code, plain ", i)] = regexp.MustCompile(`[^A-Za-z0-9]`).ReplaceAllString(code, "")
	}
	ada = signIn(secrets["new password"], recovery.Codes[0])
	for _, path := range []string{"/api/v1/session", "/api/v1/account", "/api/v1/account/sessions", "/api/v1/account/tokens", "/api/v1/users", "/api/v1/invitations", "/api/v1/audit?limit=500", "/api/v1/info", "/openapi.json", "/health/ready", "/api/v1/session/oidc"} {
		answer := h.as(t, ada, "GET", path, nil)
		answer.Header.Del("Set-Cookie") // the session's own, renewed
		see(answer)
	}
	return all.String()
}

// userIDAs is userID for a house whose key is another.
func (h *house) userIDAs(t *testing.T, who person, name string) string {
	t.Helper()
	var list struct{ Users []struct{ ID, Name string } }
	h.as(t, who, "GET", "/api/v1/users", nil).Expect(t, 200).Decode(t, &list)
	for _, u := range list.Users {
		if u.Name == name {
			return u.ID
		}
	}
	t.Fatalf("there is no account %q", name)
	return ""
}

// dump is everything that a backup would hold: the bytes of SQLite's files, or every row.
func (h *house) dump(t *testing.T, env map[string]string) string {
	t.Helper()
	if env["DATABASE_URL"] != "" {
		return h.Rows()
	}
	files, err := filepath.Glob(filepath.Join(h.Dir, "data", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range files {
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}
