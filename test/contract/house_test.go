package contract

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"homeserver/test/server"
)

func testRoot(t *testing.T, s target) {
	anyone := s.anonymous()
	for _, accept := range []string{"", "*/*", "application/json"} {
		header := http.Header{}
		if accept != "" {
			header.Set("Accept", accept)
		}
		got := anyone.Do(t, "GET", "/", header, nil).Expect(t, 200).Object(t)
		want := map[string]any{"message": "Welcome to HomeServer", "version": got["version"], "status": "running"}
		if s.version != "" {
			want["version"] = s.version
		}
		if diff := cmp.Diff(want, got); diff != "" || got["version"] == "" {
			t.Errorf("GET / with Accept %q (-want +got):\n%s", accept, diff)
		}
	}
	if page := anyone.Do(t, "GET", "/", browser(), nil); page.Status != 303 || page.Header.Get("Location") != "/static/dashboard.html" {
		t.Errorf("GET / by a browser: got %d to %q, want 303 to the dashboard", page.Status, page.Header.Get("Location"))
	}

	health := anyone.Get(t, "/health").Expect(t, 200).Object(t)
	if health["status"] != "healthy" || health["app"] != "HomeServer" {
		t.Errorf("GET /health: got %v, want status healthy and app HomeServer", health)
	}
	fields(t, health, map[string]string{"status": "string", "app": "string", "version": "string"})
	ready := anyone.Get(t, "/health/ready").Expect(t, 200).Object(t)
	fields(t, ready, map[string]string{"status": "string", "checks": "object"})

	info := anyone.Get(t, "/api/v1/info").Expect(t, 200).Object(t)
	fields(t, info, map[string]string{"api_version": "string", "services": "object"})
	services, _ := info["services"].(map[string]any)
	for name, want := range map[string][]any{
		"media": {"planned", "active"}, "files": {"active"}, "automation": {"planned", "active"},
		"ai": {"planned", "active"}, "monitoring": {"active"}, "web": {"planned", "active"},
	} {
		if !slices.Contains(want, services[name]) {
			t.Errorf("GET /api/v1/info: service %s: got %v, want one of %v", name, services[name], want)
		}
	}
	if info["api_version"] != "v1" {
		t.Errorf("api_version: got %v, want v1", info["api_version"])
	}
}

func testPages(t *testing.T, s target) {
	for path, title := range map[string]string{"/static/dashboard.html": "HomeServer Dashboard", "/static/files.html": "HomeServer Files"} {
		page := s.anonymous().Get(t, path).Expect(t, 200)
		if kind := page.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/html") {
			t.Errorf("%s: got Content-Type %q, want text/html", path, kind)
		}
		if !strings.Contains(string(page.Body), "<title>"+title+"</title>") {
			t.Errorf("%s: no title %q in %.400s", path, title, page.Body)
		}
	}
}

func testDescription(t *testing.T, s target) {
	if docs := s.anonymous().Get(t, "/docs").Expect(t, 200); !strings.HasPrefix(docs.Header.Get("Content-Type"), "text/html") {
		t.Errorf("/docs: got Content-Type %q, want text/html", docs.Header.Get("Content-Type"))
	}
	description := s.anonymous().Get(t, "/openapi.json").Expect(t, 200).Object(t)
	if version, _ := description["openapi"].(string); !strings.HasPrefix(version, "3.") {
		t.Errorf("openapi: got %q, want 3.x", version)
	}
	paths, _ := description["paths"].(map[string]any)
	for _, operation := range []string{
		"get /", "get /health", "get /health/ready", "get /api/v1/info", "post /api/v1/files/upload", "get /api/v1/files/list",
		"get /api/v1/files/{id}/metadata", "get /api/v1/files/{id}/download", "delete /api/v1/files/{id}",
		"get /api/v1/monitoring/system", "get /api/v1/monitoring/storage", "get /api/v1/monitoring/dashboard", "get /api/v1/monitoring/ws",
	} {
		method, path, _ := strings.Cut(operation, " ")
		if item, _ := paths[path].(map[string]any); item[method] == nil {
			t.Errorf("/openapi.json does not describe %s", operation)
		}
	}
}

func testPaths(t *testing.T, s target) {
	for _, path := range []string{"/nope", "/api", "/api/v1", "/api/v1/files", "/api/v1/files/", "/static/nope.html", "/static/../go.mod", "/%00", "//health", "/health/"} {
		answer := s.Get(t, path)
		if answer.Status != 404 || answer.Detail() != "Not Found" {
			t.Errorf(`GET %s: got %d %q, want 404 "Not Found"`, path, answer.Status, answer.Detail())
		}
		if kind := answer.Header.Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("GET %s: got Content-Type %q, want application/problem+json", path, kind)
		}
	}
	for _, c := range []struct{ method, path, allow string }{
		{"POST", "/", "GET"}, {"POST", "/health", "GET"}, {"DELETE", "/api/v1/info", "GET"}, {"GET", "/api/v1/files/upload", "POST"},
		{"POST", "/api/v1/files/list", "GET"}, {"POST", "/api/v1/monitoring/system", "GET"}, {"PUT", "/api/v1/files/x/download", "GET"},
		{"POST", "/static/files.html", "GET"},
	} {
		answer := s.Do(t, c.method, c.path, nil, nil)
		if answer.Status != 405 || answer.Detail() != "Method Not Allowed" {
			t.Errorf(`%s %s: got %d %q, want 405 "Method Not Allowed"`, c.method, c.path, answer.Status, answer.Detail())
		}
		if allow := answer.Header.Get("Allow"); !strings.Contains(allow, c.allow) {
			t.Errorf("%s %s: got Allow %q, want %s in it", c.method, c.path, allow, c.allow)
		}
	}
}

// testCredentials asks every door without a key, and with the key in each accepted form.
func testCredentials(t *testing.T, s target) {
	const id = "6f3a2f0e-1111-4c4c-8d8d-0123456789ab"
	doors := []string{
		"POST /upload", "GET /list", "GET /" + id + "/metadata", "GET /" + id + "/download", "DELETE /" + id, "PATCH /" + id,
		"POST /delete", "POST /restore", "PATCH /tags", "GET /tags", "POST /archive", "POST /" + id + "/restore",
	}
	for i, door := range doors {
		method, path, _ := strings.Cut(door, " ")
		doors[i] = method + " " + server.Files + path
	}
	for _, path := range []string{"system", "storage", "dashboard", "recent", "ws"} {
		doors = append(doors, "GET /api/v1/monitoring/"+path)
	}
	if s.Key == "" {
		s.anonymous().Get(t, server.Files+"/list?limit=1").Expect(t, 200)
		return
	}
	for _, door := range doors {
		method, path, _ := strings.Cut(door, " ")
		for name, header := range map[string]http.Header{
			"no key": {}, "a wrong key": {"X-Api-Key": {"wrong" + s.Key}}, "a wrong token": {"Authorization": {"Bearer wrong"}},
			"basic": {"Authorization": {"Basic " + s.Key}}, "a forged cookie": {"Cookie": {"homeserver_session=zzzzzz.x.y"}},
		} {
			answer := s.anonymous().Do(t, method, path, header, nil)
			if answer.Status != 401 {
				t.Errorf("%s with %s: got %d, want 401", door, name, answer.Status)
			}
			isSentence(t, answer)
		}
	}
	for _, header := range []http.Header{{"X-Api-Key": {s.Key}}, {"Authorization": {"Bearer " + s.Key}}} {
		s.anonymous().Do(t, "GET", server.Files+"/list?limit=1", header, nil).Expect(t, 200)
	}
	answer := s.anonymous().JSON(t, "POST", "/api/v1/session", map[string]string{"api_key": s.Key}).Expect(t, 200)
	cookie, _, _ := strings.Cut(answer.Header.Get("Set-Cookie"), ";")
	s.anonymous().Do(t, "GET", server.Files+"/list?limit=1", http.Header{"Cookie": {cookie}}, nil).Expect(t, 200)
	session := s.anonymous().Do(t, "GET", "/api/v1/session", http.Header{"Cookie": {cookie}}, nil).Expect(t, 200).Object(t)
	if got := fmt.Sprintln(session["required"], session["authenticated"], session["method"]); got != "true true session\n" {
		t.Errorf("session: got %s, want true true session", got)
	}
}
