package auth

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// clock is a time that tests move.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

// newServer serves the room and one guarded operation.
func newServer(t *testing.T, config Config, now func() time.Time) *httptest.Server {
	t.Helper()
	a := New(config, now)
	r := httpd.NewRouter("Test", "1")
	a.Service().Routes(r)
	httpd.Register(r, httpd.Op{Operation: huma.Operation{Method: "GET", Path: "/guarded", OperationID: "guarded"}, Action: identity.ReadMonitoring},
		func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	server := httptest.NewServer(httpd.NewServer(httpd.Config{}, r, a, slog.New(slog.DiscardHandler)).Handler())
	t.Cleanup(server.Close)
	return server
}

// call sends a request and returns the status and the answer.
func call(t *testing.T, client *http.Client, method, url, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer), response.Header
}

func TestWhoComesIn(t *testing.T) {
	const key = "correct-horse-battery"
	for _, c := range []struct {
		name   string
		config Config
		header string
		want   int
	}{
		{"no key set, nobody is asked", Config{}, "", 204},
		{"AUTH=none", Config{APIKey: key, Auth: "none"}, "", 204},
		{"AUTH=NONE", Config{APIKey: key, Auth: "NONE"}, "", 204},
		{"nothing given", Config{APIKey: key}, "", 401},
		{"X-API-Key", Config{APIKey: key}, "X-API-Key: " + key, 204},
		{"Bearer", Config{APIKey: key}, "Authorization: Bearer " + key, 204},
		{"bearer in lower case", Config{APIKey: key}, "Authorization: bearer " + key, 204},
		{"wrong key", Config{APIKey: key}, "X-API-Key: " + key + "x", 401},
		{"part of the key", Config{APIKey: key}, "X-API-Key: " + key[:5], 401},
		{"Basic is no Bearer", Config{APIKey: key}, "Authorization: Basic " + key, 401},
		{"invented cookie", Config{APIKey: key}, "Cookie: homeserver_session=zzzzzz.nonce.AAAA", 401},
		{"cookie without parts", Config{APIKey: key}, "Cookie: homeserver_session=x", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := newServer(t, c.config, time.Now)
			var headers []string
			if c.header != "" {
				headers = []string{c.header}
			}
			if got, answer, _ := call(t, server.Client(), "GET", server.URL+"/guarded", "", headers...); got != c.want {
				t.Errorf("got %d want %d: %s", got, c.want, answer)
			}
		})
	}
}

func TestSession(t *testing.T) {
	now := &clock{time.Unix(1_800_000_000, 0)}
	server := newServer(t, Config{APIKey: "correct-horse-battery"}, now.read)
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	guarded := func() int { status, _, _ := call(t, client, "GET", server.URL+"/guarded", ""); return status }

	if status, answer, _ := call(t, client, "GET", server.URL+"/api/v1/session", ""); status != 200 || !strings.Contains(answer, `"required":true,"authenticated":false`) {
		t.Fatalf("before: got %d %s", status, answer)
	}
	status, answer, head := call(t, client, "POST", server.URL+"/api/v1/session", `{"api_key":"correct-horse-battery"}`)
	if status != 200 || !strings.Contains(answer, `"authenticated":true,"method":"session"`) {
		t.Fatalf("sign in: got %d %s", status, answer)
	}
	if c := head.Get("Set-Cookie"); !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") || strings.Contains(c, "correct-horse") {
		t.Errorf("got cookie %q", c)
	}
	if got := guarded(); got != 204 {
		t.Errorf("signed in: got %d want 204", got)
	}
	now.now = now.now.Add(sessionLife + time.Second)
	if got := guarded(); got != 401 {
		t.Errorf("after 30 days: got %d want 401", got)
	}
	now.now = now.now.Add(-time.Hour)
	if status, _, _ := call(t, client, "DELETE", server.URL+"/api/v1/session", ""); status != 204 {
		t.Errorf("sign out: got %d want 204", status)
	}
	if got := guarded(); got != 401 {
		t.Errorf("signed out: got %d want 401", got)
	}
}

func TestSessionEndsWithItsKey(t *testing.T) {
	old, renewed := New(Config{APIKey: "first-key-of-all"}, time.Now), New(Config{APIKey: "second-key-of-all"}, time.Now)
	if value := old.issue(); !old.valid(value) || renewed.valid(value) {
		t.Error("a cookie must be valid under its own key and no other")
	}
}

func TestGuessingIsSlowed(t *testing.T) {
	now := &clock{time.Unix(1_800_000_000, 0)}
	server := newServer(t, Config{APIKey: "correct-horse-battery"}, now.read)
	try := func(key string) (int, http.Header) {
		body, _ := json.Marshal(map[string]string{"api_key": key})
		status, _, head := call(t, server.Client(), "POST", server.URL+"/api/v1/session", string(body))
		return status, head
	}
	for i := range guessBurst {
		if status, _ := try("wrong"); status != 401 {
			t.Fatalf("guess %d: got %d want 401", i, status)
		}
	}
	status, head := try("correct-horse-battery")
	if status != 429 || head.Get("Retry-After") == "" {
		t.Fatalf("got %d with Retry-After %q, want 429 and when to come back", status, head.Get("Retry-After"))
	}
	now.now = now.now.Add(guessEvery)
	if status, _ := try("correct-horse-battery"); status != 200 {
		t.Errorf("after waiting: got %d want 200", status)
	}
}
