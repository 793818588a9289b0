package notify

import (
	"strings"
	"testing"
	"time"
)

// TestAClockThatIsPutBack has a channel wait for a time that a wrong clock has set.
func TestAClockThatIsPutBack(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		c := h.hook("phone", r, nil)
		h.at = noon().AddDate(0, 1, 0)
		r.set(true)
		h.say(Message{Title: "from the future"})
		h.pass(time.Minute, 10*time.Second)
		h.at = noon()
		r.set(false)
		if due, err := h.store.dueChannels(t.Context(), h.at.UnixMicro()); err != nil || len(due) != 1 || h.channel(c.ID).waits(h.at) {
			t.Errorf("got %v, %v, want the channel due", due, err)
		}
		h.say(Message{Title: "from now"})
		h.settle()
		if got := r.all(); len(got) != 2 {
			t.Errorf("got %+v, want both", got)
		}
		// One that waits as it should is left alone.
		r.set(true)
		h.say(Message{Title: "later"})
		h.pass(8*time.Hour, time.Minute)
		if d := h.outbox(); d[0].message.Title != "later" && d[1].message.Title != "later" {
			t.Fatalf("got %+v", d)
		}
		if failures := h.channel(c.ID).Failures; failures < 12 || failures > 20 {
			t.Errorf("got %d tries in 8 hours, want about 16", failures)
		}
	})
}

func TestQuietHoursOfAClockThatIsPutBack(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		h.must(h.change(t.Context(), Settings{QuietFrom: "22:00", QuietTo: "07:00", TimeZone: "UTC", Watchdog: Watchdog{Minutes: 5}}))
		h.at = noon().AddDate(0, 1, 0).Add(11 * time.Hour)
		h.say(Message{Title: "in a night to come"})
		h.settle()
		if d := h.outbox()[0]; d.state != stateHeld {
			t.Fatalf("got %s", d.state)
		}
		h.at = noon()
		h.settle()
		if got := r.all(); len(got) != 1 {
			t.Errorf("got %+v, want it told: there is no night now", got)
		}
	})
}

// TestAClockThatIsPutForward makes everything old before it was tried.
func TestAClockThatIsPutForward(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		r.set(true)
		h.say(Message{Title: "one"})
		h.say(Message{Title: "two"})
		h.at = h.at.Add(10 * 24 * time.Hour)
		h.pass(30*time.Minute, 10*time.Second)
		for _, d := range h.outbox() {
			if d.state != statePending {
				t.Errorf("%s: got %s %s", d.message.Title, d.state, d.err)
			}
		}
		h.pass(10*time.Hour, time.Minute)
		for _, d := range h.outbox() {
			if d.state != stateFailed || !strings.HasPrefix(d.err, "Given up") {
				t.Errorf("%s: got %s %s, want it given up after enough tries", d.message.Title, d.state, d.err)
			}
		}
	})
}

// TestRemovingAfterTheClockWasPutBack gives up what was made in the future too.
func TestRemovingAfterTheClockWasPutBack(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		c := h.hook("phone", r, nil)
		h.at = noon().AddDate(0, 1, 0)
		h.say(Message{Title: "from the future"})
		h.at = noon()
		if _, err := h.removeChannel(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		if d := h.outbox()[0]; d.state != stateFailed {
			t.Errorf("got %s", d.state)
		}
	})
}
