package app

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"homeserver/internal/config"
)

var update = flag.Bool("update", false, "renew the golden API description")

const golden = "testdata/openapi.golden.json"

// describe wires the house without a database.
func describe(t *testing.T, environ ...string) http.Handler {
	t.Helper()
	c, err := config.Load(environ, "")
	if err != nil {
		t.Fatal(err)
	}
	router, err := Describe(c, "golden")
	if err != nil {
		t.Fatal(err)
	}
	return router
}

func get(t *testing.T, h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestDescription compares /openapi.json with the golden file, so that every change of the
// API is a visible difference. Renew it with: go test ./internal/app -update
func TestDescription(t *testing.T) {
	got := get(t, describe(t), "/openapi.json").Body.String()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the API description changed (-golden +now); renew it with -update if that is meant:\n%s", diff)
	}
}

// TestDescriptionIsWhole walks every route: each is described, with a summary, a success, an
// error and, where it answers JSON, an example or a schema.
func TestDescriptionIsWhole(t *testing.T) {
	c, err := config.Load(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	router, err := Describe(c, "golden")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := router.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	type operation struct {
		Summary, Description, OperationID string
		Responses                         map[string]json.RawMessage
		Security                          []json.RawMessage
	}
	var api struct {
		OpenAPI string
		Paths   map[string]map[string]operation
	}
	if err := json.Unmarshal(raw, &api); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(api.OpenAPI, "3.1") {
		t.Errorf("got OpenAPI %s want 3.1", api.OpenAPI)
	}
	for _, route := range router.Routes() {
		path := strings.TrimSuffix(route.Path, "{$}")
		if strings.HasPrefix(path, "/docs") || path == "/openapi.json" || path == "/static/" {
			continue
		}
		op, found := api.Paths[path][strings.ToLower(route.Method)]
		if !found || op.Summary == "" || op.OperationID == "" || op.Responses["default"] == nil || len(op.Responses) < 2 {
			t.Errorf("%s %s is not described whole: %+v", route.Method, path, op)
		}
		if route.Public == (len(op.Security) > 0) {
			t.Errorf("%s %s: public %v, but its description names %d ways to sign in", route.Method, path, route.Public, len(op.Security))
		}
	}
}

func TestRoot(t *testing.T) {
	h := describe(t, "APP_VERSION=9.9.9", "APP_NAME=Ours")
	for _, accept := range []string{"", "*/*", "application/json"} {
		if got, want := get(t, h, "/", "Accept", accept).Body.String(), `{"message":"Welcome to HomeServer","version":"9.9.9","status":"running"}`+"\n"; got != want {
			t.Errorf("Accept %q: got %s want %s", accept, got, want)
		}
	}
	browser := get(t, h, "/", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	if browser.Code != http.StatusSeeOther || browser.Header().Get("Location") != "/static/dashboard.html" {
		t.Errorf("browser: got %d to %q", browser.Code, browser.Header().Get("Location"))
	}
	if got, want := get(t, h, "/health").Body.String(), `{"status":"healthy","app":"Ours","version":"golden"}`+"\n"; got != want {
		t.Errorf("health: got %s want %s", got, want)
	}
}
