package channel

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestServicesSayHowLongToWait: by a header in seconds or as a date, or as Telegram in the body.
func TestServicesSayHowLongToWait(t *testing.T) {
	for _, test := range []struct {
		name, header, body string
		least, most        time.Duration
	}{
		{"seconds", "600", "", 10 * time.Minute, 10 * time.Minute},
		{"a date", time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat), "", 9 * time.Minute, 10 * time.Minute},
		{"a date that is over", time.Now().Add(-10 * time.Minute).UTC().Format(http.TimeFormat), "", 0, 0},
		{"Telegram", "", `{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":35}}`, 35 * time.Second, 35 * time.Second},
		{"less than nothing", "-5", `{"parameters":{"retry_after":-5}}`, 0, 0},
		{"nonsense", "soon", `{"parameters":{"retry_after":"soon"}}`, 0, 0},
		{"nothing", "", "", 0, 0},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", test.header)
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, test.body)
		}))
		var failure *Failure
		err := send(t, New(Config{}), KindNtfy, note(), "server", s.URL, "topic", "home")
		if !errors.As(err, &failure) || failure.RetryAfter < test.least || failure.RetryAfter > test.most {
			t.Errorf("%s: got %#v, want a pause from %s to %s", test.name, err, test.least, test.most)
		}
		s.Close()
	}
}
