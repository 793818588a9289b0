package notify

import (
	"fmt"
	"testing"
	"time"
)

// pair is a channel with another that stands in for it.
func pair(h *house, change func(second *Channel)) (first, second *receiver, of *Channel) {
	first, second = newReceiver(h.t), newReceiver(h.t)
	other := h.hook("second", second, change)
	of = h.hook("first", first, func(c *Channel) { c.FallbackID, c.FallbackAfter = other.ID, 3 })
	return first, second, of
}

func onlyFallback(c *Channel) { c.OnlyFallback = true }

func (h *house) channel(id string) *Channel {
	h.t.Helper()
	c, err := h.store.channel(h.t.Context(), h.store.db, id)
	h.must(err)
	return c
}

// TestTheSecondChannelTellsWhatTheFirstRefuses has the first take offence at one message only.
func TestTheSecondChannelTellsWhatTheFirstRefuses(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		first, second, of := pair(h, onlyFallback)
		first.refuse("odd")
		h.say(Message{Title: "odd"})
		h.say(Message{Title: "even"})
		h.settle()
		if len(first.all()) != 1 || len(second.all()) != 0 {
			t.Errorf("at once: got %+v and %+v, want the other one only", first.all(), second.all())
		}
		h.pass(time.Hour, 10*time.Second)
		if got := second.all(); len(got) != 1 || got[0].Title != "odd" {
			t.Errorf("the second told %+v, want what the first refuses", got)
		}
		h.say(Message{Title: "also even"})
		h.settle()
		if c := h.channel(of.ID); c.Failures != 0 || len(first.all()) != 2 {
			t.Errorf("got %d failures and %+v, want none: it takes others", c.Failures, first.all())
		}
		for _, d := range h.outbox() {
			if d.state != stateSent {
				t.Errorf("%s: got %s %s", d.message.Title, d.state, d.err)
			}
		}
	})
}

// TestAChannelThatRefusesEverythingFails is Telegram's "chat not found" and mail's "relay denied".
func TestAChannelThatRefusesEverythingFails(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		first, second, of := pair(h, onlyFallback)
		first.refuse("alert")
		for n := range 4 {
			h.say(Message{Title: fmt.Sprintf("alert %d", n)})
		}
		h.settle()
		if c := h.channel(of.ID); c.Failures != 4 {
			t.Errorf("got %d failures, want one for each message", c.Failures)
		}
		if got := second.all(); len(got) != 4 {
			t.Errorf("the second told %+v, want all four at once", got)
		}
		h.say(Message{Title: "alert 4"})
		h.settle()
		if got := second.all(); len(got) != 5 || len(first.all()) != 0 {
			t.Errorf("the second told %+v, want the next without waiting", got)
		}
	})
}
