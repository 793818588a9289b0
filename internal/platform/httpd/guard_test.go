package httpd

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// TestTheEndOfACredentialIsSaid: who is signed out while a request is under way reads that, and
// not that the server is in trouble.
func TestTheEndOfACredentialIsSaid(t *testing.T) {
	away := func(ctx context.Context) error {
		<-ctx.Done()
		return errs.Wrap(errs.Unavailable, "The drive is away.", ctx.Err())
	}
	for name, c := range map[string]struct {
		method string
		whole  bool // the body comes to its end
		fail   func(life context.Context, r *http.Request) error
	}{
		"a body that stands still": {"POST", false, func(_ context.Context, r *http.Request) error {
			_, err := io.Copy(io.Discard, r.Body)
			return err
		}},
		"a query of the database": {"POST", true, func(_ context.Context, r *http.Request) error {
			<-r.Context().Done()
			return r.Context().Err()
		}},
		"a drive that is asked": {"POST", true, func(_ context.Context, r *http.Request) error { return away(r.Context()) }},
		"without a body":        {"GET", true, func(life context.Context, _ *http.Request) error { return away(life) }},
	} {
		t.Run(name, func(t *testing.T) {
			life, end := context.WithCancel(t.Context())
			defer end()
			begun := make(chan struct{}, 1)
			r := NewRouter("Test", "1")
			r.Handle(Op{Operation: huma.Operation{Method: c.method, Path: "/", OperationID: "do"}, Action: identity.ReadFile}, func(_ http.ResponseWriter, r *http.Request) error {
				if c.whole {
					_, _ = io.Copy(io.Discard, r.Body)
				}
				begun <- struct{}{}
				return c.fail(life, r)
			})
			by := Recognise(func(*http.Request) identity.Principal {
				return identity.Principal{Method: identity.Session, UserID: "ada", Role: identity.Member, Life: life}
			})
			server := httptest.NewServer(NewServer(Config{}, r, by, slog.New(slog.DiscardHandler)).Handler())
			defer server.Close()
			rest, stop := io.Pipe()
			defer stop.Close()
			var body io.Reader
			switch {
			case !c.whole:
				body = io.MultiReader(strings.NewReader("x"), rest)
			case c.method == "POST":
				body = strings.NewReader("x")
			}
			request, err := http.NewRequestWithContext(t.Context(), c.method, server.URL, body)
			if err != nil {
				t.Fatal(err)
			}
			go func() { <-begun; end() }()
			response, err := (&http.Client{Timeout: 20 * time.Second}).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, _ := io.ReadAll(response.Body)
			if response.StatusCode != 401 || !strings.Contains(string(text), "has ended") {
				t.Errorf("got %d %s, want 401 that says why", response.StatusCode, text)
			}
		})
	}
}
