package notify

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestAChannelIsRemovedWhileANoteIsOnItsWay: a note that arrives all the same was sent, one that does
// not is given up; neither waits for ever.
func TestAChannelIsRemovedWhileANoteIsOnItsWay(t *testing.T) {
	for name, c := range map[string]struct {
		answer       int
		state, error string
	}{
		"arrives": {200, stateSent, ""}, "fails": {503, stateFailed, removed}, "is refused": {422, stateFailed, removed},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, h *house) {
				var id string
				calls := 0
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if calls++; calls == 1 {
						if _, err := h.removeChannel(t.Context(), id); err != nil {
							t.Error(err)
						}
					}
					w.WriteHeader(c.answer)
				}))
				defer server.Close()
				made := &Channel{Kind: "webhook", Name: "phone", Enabled: true, AllowLocal: true}
				h.must(h.addChannel(t.Context(), made, map[string]string{"url": server.URL}))
				id = made.ID
				h.say(Message{Title: "on its way"})
				h.say(Message{Title: "waits"})
				h.pass(time.Hour, time.Minute)
				list := h.outbox()
				if len(list) != 2 || calls != 1 {
					t.Fatalf("got %d deliveries and %d calls", len(list), calls)
				}
				if d := list[1]; d.state != c.state || d.err != c.error || d.ended == 0 {
					t.Errorf("on its way: got %s %q, ended at %d; want %s %q", d.state, d.err, d.ended, c.state, c.error)
				}
				if d := list[0]; d.state != stateFailed || d.err != removed {
					t.Errorf("what waits: got %s %q", d.state, d.err)
				}
			})
		})
	}
}

// TestWhatWaitsForNobodyIsGivenUp: what was enqueued while its channel was removed ends one day.
func TestWhatWaitsForNobodyIsGivenUp(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		r.set(true)
		h.say(Message{Title: "waits"})
		_, err := h.store.db.Exec(t.Context(), `DELETE FROM notify_channels`)
		h.must(err)
		h.must(h.Tidy(t.Context()))
		if d := h.outbox()[0]; d.state != stateFailed || d.err != removed {
			t.Errorf("got %s %q", d.state, d.err)
		}
	})
}

// TestTheChannelThatStandsInIsRemoved: what it was to tell is told by the one that takes its place.
func TestTheChannelThatStandsInIsRemoved(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		first, second, of := pair(h, onlyFallback)
		third := newReceiver(t)
		first.set(true)
		second.set(true)
		h.say(Message{Title: "waits", Severity: Critical})
		h.pass(10*time.Minute, 10*time.Second)
		_, err := h.removeChannel(t.Context(), h.channel(of.ID).FallbackID)
		h.must(err)
		other := h.hook("third", third, onlyFallback)
		c := *h.channel(of.ID)
		c.FallbackID = other.ID
		h.must(h.changeChannel(t.Context(), &c, map[string]string{"url": first.URL}))
		h.pass(10*time.Minute, 10*time.Second)
		if got := titles(third); got != "waits" {
			t.Errorf("the third told %q", got)
		}
		for _, d := range h.outbox() {
			if d.state == statePending || strings.Contains(d.state, "sending") {
				t.Errorf("got %s at %s", d.state, d.channel)
			}
		}
	})
}
