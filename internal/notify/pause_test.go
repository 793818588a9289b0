package notify

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// TestAServiceThatAsksForAPauseGetsIt has a service say for how long it wants to hear nothing, as
// ntfy does whose limit is reached.
func TestAServiceThatAsksForAPauseGetsIt(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		var calls atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if calls.Add(1) == 1 {
				w.Header().Set("Retry-After", "600")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}))
		defer s.Close()
		h.hook("phone", &receiver{Server: s}, nil)
		h.say(Message{Title: "something"})
		h.pass(590*time.Second, 10*time.Second)
		if n := calls.Load(); n != 1 {
			t.Errorf("before the pause was over: got %d calls, want one", n)
		}
		h.pass(20*time.Second, 10*time.Second)
		if n := calls.Load(); n != 2 {
			t.Errorf("after it: got %d calls, want the second", n)
		}
	})
}

// TestAPauseOfDaysIsAnHour: no service can keep the house silent for longer than its own failures do.
func TestAPauseOfDaysIsAnHour(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		var calls atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.Header().Set("Retry-After", "999999999")
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		defer s.Close()
		h.hook("phone", &receiver{Server: s}, nil)
		h.say(Message{Title: "something"})
		h.pass(3*time.Hour, time.Minute)
		if n := calls.Load(); n < 3 || n > 4 {
			t.Errorf("got %d calls in 3 hours, want one an hour", n)
		}
	})
}
