package auth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/auth/password"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_800_000_000, 0)} }

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// lightHash is what a hash uses here, in KiB: one of the size that people's passwords get takes
// most of a test's time under the race detector. That size is tested in the package password.
const lightHash = 64

const goodPassword = "correct horse battery"

// door is the room behind a server, with operations that others would have.
type door struct {
	*Auth
	t     *testing.T
	clock *clock
	log   *bytes.Buffer
	url   string
}

// open furnishes a room on db. Requests that bear X-From come from that address.
func open(t *testing.T, db *sqldb.DB, config Config) *door {
	t.Helper()
	d := &door{t: t, clock: newClock(), log: &bytes.Buffer{}}
	if config.DataDir == "" { // a temporary directory may be in memory, where no key is kept
		config.DataDir, config.SecretKey = t.TempDir(), "secret key of the tests, 32 characters and more"
	}
	d.Auth = New(db, config, slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})), d.clock.read)
	d.passwords = password.New(lightHash)
	service := d.Service()
	if err := db.Migrate(t.Context(), service.Name, service.Migrations); err != nil {
		t.Fatal(err)
	}
	if err := d.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	router := httpd.NewRouter("Test", "1")
	service.Routes(router)
	for path, action := range map[string]identity.Action{"/read": identity.ReadFile, "/write": identity.CreateFile, "/machine": identity.ReadMonitoring} {
		httpd.Register(router, httpd.Op{Action: action, Operation: huma.Operation{Method: "GET", Path: path, OperationID: path[1:]}},
			func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	}
	server := httptest.NewServer(httpd.NewServer(httpd.Config{TrustedProxies: []string{"127.0.0.1"}}, router, d.Auth, d.Auth.log).Handler())
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

// tables are the room's, made once and copied for each test.
var tables = func() *sqldbtest.Template {
	room := New(nil, Config{}, slog.New(slog.DiscardHandler), time.Now).Service()
	return sqldbtest.NewTemplate(room.Name, room.Migrations)
}()

// each runs test on both databases, with an administrator called ada.
func each(t *testing.T, test func(t *testing.T, d *door)) {
	t.Helper()
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		d := open(t, db, Config{})
		d.add("ada", "administrator")
		test(t, d)
	})
}

func (d *door) add(name, role string) *User {
	d.t.Helper()
	u, err := d.AddUser(d.t.Context(), NewUser{Name: name, Role: role, Password: goodPassword})
	if err != nil {
		d.t.Fatal(err)
	}
	return u
}

// answer is what came back.
type answer struct {
	status int
	body   string
	header http.Header
}

func (a answer) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

// visitor is somebody with a cookie and headers.
type visitor struct {
	d       *door
	cookie  string
	headers map[string]string
}

func (d *door) visitor(headers ...string) *visitor {
	v := &visitor{d: d, headers: map[string]string{}}
	for i := 0; i+1 < len(headers); i += 2 {
		v.headers[headers[i]] = headers[i+1]
	}
	return v
}

// signIn signs a person in, who must get in.
func (d *door) signIn(name string, headers ...string) *visitor {
	d.t.Helper()
	v := d.visitor(headers...)
	if got := v.do("POST", "/api/v1/session", map[string]string{"name": name, "password": goodPassword}); got.status != 200 {
		d.t.Fatalf("%s cannot sign in: %d %s", name, got.status, got.body)
	}
	return v
}

// do sends a request; body is sent as JSON unless nil. Cookies are kept.
func (v *visitor) do(method, path string, body any) answer {
	v.d.t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			v.d.t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, v.d.url+path, content)
	if err != nil {
		v.d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range v.headers {
		r.Header.Set(name, value)
	}
	if v.cookie != "" {
		r.Header.Set("Cookie", v.cookie)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		v.d.t.Fatalf("%v\n%s", err, v.d.log)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		v.d.t.Fatal(err)
	}
	for _, c := range response.Cookies() {
		v.cookie = c.Name + "=" + c.Value
	}
	return answer{response.StatusCode, string(text), response.Header}
}

func (v *visitor) expect(method, path string, body any, status int) answer {
	v.d.t.Helper()
	got := v.do(method, path, body)
	if got.status != status {
		v.d.t.Fatalf("%s %s: got %d want %d: %s", method, path, got.status, status, got.body)
	}
	return got
}

func TestSetup(t *testing.T) {
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		d := open(t, db, Config{})
		v := d.visitor()
		if got := v.expect("GET", "/read", nil, 401); !strings.Contains(got.body, "not been set up") {
			t.Errorf("got %s", got.body)
		}
		if got := v.expect("GET", "/api/v1/session", nil, 200); !strings.Contains(got.body, `"setup":true`) {
			t.Errorf("got %s", got.body)
		}
		v.expect("POST", "/api/v1/session", map[string]string{"name": "ada", "password": goodPassword}, 401)
		code, err := d.SetupCode(t.Context())
		if err != nil || code == "" {
			t.Fatal(code, err)
		}
		first := map[string]string{"code": "AAAA-BBBB-CCCC-DDDD", "name": "ada", "password": goodPassword}
		v.expect("POST", "/api/v1/setup", first, 403)
		first["code"] = strings.ToLower(strings.ReplaceAll(code, "-", " "))
		v.expect("POST", "/api/v1/setup", map[string]string{"code": code, "name": "ada", "password": "short"}, 422)
		// Two people at once: one of them is the administrator.
		second := map[string]string{"code": code, "name": "eve", "password": goodPassword}
		results := make([]int, 2)
		var all sync.WaitGroup
		for i, body := range []map[string]string{first, second} {
			all.Go(func() { results[i] = d.visitor().do("POST", "/api/v1/setup", body).status })
		}
		all.Wait()
		// The loser may come when the code is used up, and before the house is known to be set up.
		if sum := results[0] + results[1]; sum != 200+409 && sum != 200+403 {
			t.Errorf("got %v, want one 200 and one 409", results)
		}
		if users, err := d.Users(t.Context()); err != nil || len(users) != 1 || users[0].Role != identity.Administrator {
			t.Errorf("got %+v %v", users, err)
		}
		v.expect("POST", "/api/v1/setup", first, 409)
		if code, err := d.SetupCode(t.Context()); code != "" || err != nil {
			t.Errorf("a house that is set up gives out the code %q, %v", code, err)
		}
	})
}

// basicAuth is the header of HTTP Basic (RFC 7617).
func basicAuth(name, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+secret))
}

func TestWaysIn(t *testing.T) {
	const key = "key-of-the-household-0123456789"
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		d := open(t, db, Config{APIKey: key})
		d.add("ada", "administrator")
		ada := d.signIn("ADA")
		made := ada.expect("POST", "/api/v1/account/tokens", map[string]any{"kind": "token", "name": "reader", "scopes": []string{"files:read"}}, 200)
		var token, app struct{ Secret string }
		made.decode(t, &token)
		ada.expect("POST", "/api/v1/account/tokens", map[string]any{"kind": "app_password", "name": "camera", "scopes": []string{"files:write"}}, 200).decode(t, &app)
		for _, c := range []struct {
			name, header, value string
			read, write         int
		}{
			{"nothing", "X-Nothing", "", 401, 401},
			{"API key", "X-API-Key", key, 204, 204},
			{"API key as Bearer", "Authorization", "bearer " + key, 204, 204},
			{"wrong key", "X-API-Key", key + "x", 401, 401},
			{"part of the key", "X-API-Key", key[:5], 401, 401},
			{"token", "Authorization", "Bearer " + token.Secret, 204, 403},
			{"token as X-API-Key", "X-API-Key", token.Secret, 204, 403},
			{"token as password", "Authorization", basicAuth("ada", token.Secret), 401, 401},
			{"app password", "Authorization", basicAuth("Ada", app.Secret), 403, 204},
			{"app password of another name", "Authorization", basicAuth("bob", app.Secret), 401, 401},
			{"app password as Bearer", "Authorization", "Bearer " + app.Secret, 401, 401},
			{"the account's own password", "Authorization", basicAuth("ada", goodPassword), 401, 401},
			{"session as Bearer", "Authorization", "Bearer " + strings.TrimPrefix(ada.cookie, plainCookie+"="), 401, 401},
			{"invented cookie", "Cookie", plainCookie + "=zzzz", 401, 401},
			{"token as cookie", "Cookie", plainCookie + "=" + token.Secret, 401, 401},
		} {
			v := d.visitor(c.header, c.value)
			if read, write := v.do("GET", "/read", nil).status, v.do("GET", "/write", nil).status; read != c.read || write != c.write {
				t.Errorf("%s: got %d and %d, want %d and %d", c.name, read, write, c.read, c.write)
			}
		}
	})
}

func TestSessionsLiveAndEnd(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		ada := d.signIn("ada", "User-Agent", "Phone")
		if !strings.HasPrefix(ada.cookie, plainCookie) {
			t.Fatal(ada.cookie)
		}
		// Used every three weeks it lives on, for a year.
		for range 15 {
			d.clock.advance(21 * 24 * time.Hour)
			ada.expect("GET", "/read", nil, 204)
			d.look(t.Context())
			d.noteUses(t.Context())
		}
		d.clock.advance(sessionLife)
		ada.expect("GET", "/read", nil, 401)
		// Left alone it ends.
		ada = d.signIn("ada")
		d.clock.advance(sessionIdle + time.Second)
		ada.expect("GET", "/read", nil, 401)
		// Each sign-in has a secret of its own, and the one before is worthless.
		ada = d.signIn("ada")
		before := ada.cookie
		ada.expect("POST", "/api/v1/session", map[string]string{"name": "ada", "password": goodPassword}, 200)
		if ada.cookie == before {
			t.Error("the secret stayed the same")
		}
		old := d.visitor()
		old.cookie = before
		old.expect("GET", "/read", nil, 401)
		ada.expect("GET", "/read", nil, 204)
		ada.expect("DELETE", "/api/v1/session", nil, 204)
		ada.expect("GET", "/read", nil, 401)
	})
}

func TestDevices(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		phone, laptop, tablet := d.signIn("ada", "User-Agent", "Phone"), d.signIn("ada", "User-Agent", "Laptop", "X-Forwarded-For", "192.0.2.7"), d.signIn("ada")
		var list sessionsBody
		phone.expect("GET", "/api/v1/account/sessions", nil, 200).decode(t, &list)
		if len(list.Sessions) != 3 {
			t.Fatalf("got %+v", list)
		}
		for _, s := range list.Sessions {
			if s.Current != (s.Agent == "Phone") || s.Agent == "Laptop" && s.Address != "192.0.2.7" {
				t.Errorf("got %+v", s)
			}
			if s.Agent == "Laptop" {
				phone.expect("DELETE", "/api/v1/account/sessions/"+s.ID, nil, 204)
				phone.expect("DELETE", "/api/v1/account/sessions/"+s.ID, nil, 404)
			}
		}
		laptop.expect("GET", "/read", nil, 401)
		tablet.expect("GET", "/read", nil, 204)
		phone.expect("DELETE", "/api/v1/account/sessions", nil, 204)
		tablet.expect("GET", "/read", nil, 401)
		phone.expect("GET", "/read", nil, 204)
	})
}

// TestCookie is the cookie's form: over TLS it has a name that only this very host can set, and
// no other is believed there.
func TestCookie(t *testing.T) {
	each(t, func(t *testing.T, d *door) {
		body := map[string]string{"name": "ada", "password": goodPassword}
		plain := d.visitor().expect("POST", "/api/v1/session", body, 200).header.Get("Set-Cookie")
		secure := d.visitor("X-Forwarded-Proto", "https").expect("POST", "/api/v1/session", body, 200).header.Get("Set-Cookie")
		for _, c := range []struct {
			got  string
			with []string
			not  string
		}{
			{plain, []string{plainCookie + "=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=2592000"}, "Secure"},
			{secure, []string{hostCookie + "=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"}, "Domain"},
		} {
			for _, part := range c.with {
				if !strings.Contains(c.got, part) || strings.Contains(c.got, c.not) {
					t.Errorf("got %q, want %q in it and no %s", c.got, part, c.not)
				}
			}
		}
		v := d.visitor("X-Forwarded-Proto", "https")
		v.cookie, _, _ = strings.Cut(secure, ";")
		v.expect("GET", "/read", nil, 204)
		v.cookie = strings.Replace(v.cookie, hostCookie, plainCookie, 1)
		v.expect("GET", "/read", nil, 401)
	})
}
