package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func builtSite() http.Handler {
	script := strings.Repeat("console.log(1);", 100)
	pages := fstest.MapFS{
		"dashboard.html":           {Data: []byte("<!doctype html><title>HomeServer Dashboard</title>")},
		"assets/dashboard-x.js":    {Data: []byte(script)},
		"assets/dashboard-x.js.br": {Data: []byte("brotli")},
		"assets/dashboard-x.js.gz": {Data: []byte("gzipped")},
		"favicon.svg":              {Data: []byte("<svg/>")},
	}
	return newSite(pages, nil, missing())
}

// missing stands for the house's JSON 404, which the caller brings.
func missing() http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
}

func ask(h http.Handler, method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestPagesAreAskedForAgainAndAssetsAreKept(t *testing.T) {
	for _, tt := range []struct{ path, contentType, cache string }{
		{"/static/dashboard.html", "text/html; charset=utf-8", askAgain},
		{"/static/assets/dashboard-x.js", "text/javascript; charset=utf-8", keepForEver},
		{"/static/favicon.svg", "image/svg+xml", askAgain},
	} {
		t.Run(tt.path, func(t *testing.T) {
			got := ask(builtSite(), http.MethodGet, tt.path)
			if got.StatusCode != http.StatusOK {
				t.Fatalf("status: got %d, want 200", got.StatusCode)
			}
			for name, want := range map[string]string{
				"Content-Type":           tt.contentType,
				"Cache-Control":          tt.cache,
				"X-Content-Type-Options": "nosniff",
				"Referrer-Policy":        "same-origin",
			} {
				if value := got.Header.Get(name); value != want {
					t.Errorf("%s: got %q, want %q", name, value, want)
				}
			}
			if got.Header.Get("ETag") == "" {
				t.Error("ETag: got none")
			}
		})
	}
}

func TestOnlyPagesBearThePolicy(t *testing.T) {
	page := ask(builtSite(), http.MethodGet, "/static/dashboard.html")
	if got := page.Header.Get("Content-Security-Policy"); got != ContentSecurityPolicy {
		t.Errorf("page: got %q, want the policy", got)
	}
	script := ask(builtSite(), http.MethodGet, "/static/assets/dashboard-x.js")
	if got := script.Header.Get("Content-Security-Policy"); got != "" {
		t.Errorf("script: got %q, want none", got)
	}
}

func TestTheSmallestAcceptedEncodingIsSent(t *testing.T) {
	for _, tt := range []struct{ accept, want string }{
		{"gzip, deflate, br", "br"},
		{"gzip", "gzip"},
		{"br;q=0, gzip;q=0.5", "gzip"},
		{"BR", "br"},
		{"identity", ""},
		{"", ""},
	} {
		t.Run(tt.accept, func(t *testing.T) {
			got := ask(builtSite(), http.MethodGet, "/static/assets/dashboard-x.js", "Accept-Encoding", tt.accept)
			if encoding := got.Header.Get("Content-Encoding"); encoding != tt.want {
				t.Errorf("Content-Encoding: got %q, want %q", encoding, tt.want)
			}
			if vary := got.Header.Get("Vary"); vary != "Accept-Encoding" {
				t.Errorf("Vary: got %q, want Accept-Encoding", vary)
			}
			if got.Header.Get("Content-Length") == "" {
				t.Error("Content-Length: got none")
			}
		})
	}
}

func TestAnUnchangedFileIsNotSentAgain(t *testing.T) {
	first := ask(builtSite(), http.MethodGet, "/static/assets/dashboard-x.js", "Accept-Encoding", "br")
	plain := ask(builtSite(), http.MethodGet, "/static/assets/dashboard-x.js")
	if first.Header.Get("ETag") == plain.Header.Get("ETag") {
		t.Error("ETag: got the same for two encodings")
	}
	again := ask(builtSite(), http.MethodGet, "/static/assets/dashboard-x.js",
		"Accept-Encoding", "br", "If-None-Match", first.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("status: got %d, want 304", again.StatusCode)
	}
	if again.Header.Get("Content-Length") != "" {
		t.Error("Content-Length: got one on a 304")
	}
}

func TestHeadSendsNoBodyAndRangesAreIgnored(t *testing.T) {
	head := ask(builtSite(), http.MethodHead, "/static/dashboard.html")
	if head.StatusCode != http.StatusOK || head.ContentLength != 50 {
		t.Errorf("HEAD: got %d with length %d, want 200 with 50", head.StatusCode, head.ContentLength)
	}
	part := ask(builtSite(), http.MethodGet, "/static/dashboard.html", "Range", "bytes=0-3")
	if part.StatusCode != http.StatusOK {
		t.Errorf("Range: got %d, want 200", part.StatusCode)
	}
}

func TestWhatIsNotThereIsLeftToTheCaller(t *testing.T) {
	for _, path := range []string{
		"/static/", "/static/nothing.html", "/static/assets/", "/static/../web.go",
		"/static/assets/dashboard-x.js.br", "/elsewhere",
	} {
		if got := ask(builtSite(), http.MethodGet, path); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, got.StatusCode)
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	got := ask(builtSite(), http.MethodPost, "/static/dashboard.html")
	if got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("got %d, Allow %q, want 405, GET, HEAD", got.StatusCode, got.Header.Get("Allow"))
	}
}

func TestUnbuiltPagesSayHowToBuildThem(t *testing.T) {
	_, notice := embedded()
	unbuilt := newSite(fstest.MapFS{}, notice, missing())
	got := httptest.NewRecorder()
	unbuilt.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/static/dashboard.html", nil))
	if got.Code != http.StatusServiceUnavailable {
		t.Errorf("status: got %d, want 503", got.Code)
	}
	if body := got.Body.String(); !strings.Contains(body, "go generate ./web") {
		t.Errorf("body: got %q, want the way to build", body)
	}
	if asset := ask(unbuilt, http.MethodGet, "/static/assets/x.js"); asset.StatusCode != http.StatusNotFound {
		t.Errorf("asset: got %d, want 404", asset.StatusCode)
	}
}

func TestTheEmbeddedSiteServesItsPagesOrTheNotice(t *testing.T) {
	got := ask(Handler(missing()), http.MethodGet, "/static/dashboard.html")
	if got.StatusCode != http.StatusOK && got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status: got %d, want 200 when built, 503 when not", got.StatusCode)
	}
}
