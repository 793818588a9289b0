package notify

import (
	"testing"
	"time"
)

// TestOverWhereItWasTold: that something is over is told by the channels that told, or still have to
// tell, that it began, and by no other.
func TestOverWhereItWasTold(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		told, waits, givenUp, later, critical := newReceiver(t), newReceiver(t), newReceiver(t), newReceiver(t), newReceiver(t)
		h.hook("told", told, nil)
		h.hook("waits", waits, nil)
		off := h.hook("given up", givenUp, nil)
		h.hook("critical", critical, func(c *Channel) { c.Minimum = Critical })
		waits.set(true)
		givenUp.set(true)
		h.say(Message{Key: "disk", State: Raised, Severity: Warning, Title: "Disk full"})
		h.settle()
		switched := func(on bool) {
			t.Helper()
			c := *off
			c.Enabled = on
			h.must(h.changeChannel(t.Context(), &c, map[string]string{}))
			h.settle()
		}
		switched(false)
		switched(true)
		h.hook("later", later, nil)
		waits.set(false)
		givenUp.set(false)
		h.say(Message{Key: "disk", State: Recovered, Severity: Warning, Title: "Over: disk full"})
		h.pass(time.Minute, 5*time.Second)
		for name, c := range map[string]struct {
			r    *receiver
			want string
		}{
			"told": {told, "Disk full, Over: disk full"}, "waits": {waits, "Over: disk full"}, "given up": {givenUp, ""}, "later": {later, ""}, "critical": {critical, ""},
		} {
			if got := titles(c.r); got != c.want {
				t.Errorf("%s: got %q, want %q", name, got, c.want)
			}
		}
		// Of what nobody knows when it began, all are told.
		h.say(Message{Key: "script", State: Recovered, Severity: Warning, Title: "Script works"})
		h.settle()
		h.at = h.at.Add(keptFor + time.Hour)
		h.must(h.Tidy(t.Context()))
		h.say(Message{Key: "disk", State: Recovered, Severity: Warning, Title: "Over at last"})
		h.settle()
		if got := titles(later); got != "Script works, Over at last" {
			t.Errorf("later: got %q", got)
		}
	})
}

// TestOverWhereAnotherStoodIn: what another channel told in its stead counts as told.
func TestOverWhereAnotherStoodIn(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		first, second, _ := pair(h, onlyFallback)
		first.set(true)
		h.say(Message{Key: "disk", State: Raised, Severity: Warning, Title: "Disk full"})
		h.pass(10*time.Minute, 10*time.Second)
		h.say(Message{Key: "disk", State: Recovered, Severity: Warning, Title: "Over: disk full"})
		h.pass(10*time.Minute, 10*time.Second)
		if got := titles(second); got != "Disk full, Over: disk full" {
			t.Errorf("the second told %q", got)
		}
	})
}
