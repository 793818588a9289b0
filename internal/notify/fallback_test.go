package notify

import (
	"fmt"
	"strings"
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

// titles are what a receiver was told, in order.
func titles(r *receiver) string {
	var list []string
	for _, m := range r.all() {
		list = append(list, m.Title)
	}
	return strings.Join(list, ", ")
}

// TestOneThatIsToldItselfDoesNotStandIn has a second channel that is told everything anyway.
func TestOneThatIsToldItselfDoesNotStandIn(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		first, second, _ := pair(h, nil)
		first.set(true)
		for n := range 2 {
			h.say(Message{Key: "disk", State: Raised, Severity: Warning, Title: fmt.Sprintf("alert %d", n)})
			h.pass(2*time.Minute, 5*time.Second)
		}
		first.set(false)
		h.pass(2*time.Hour, time.Minute)
		if got := titles(second); got != "alert 0, alert 1" {
			t.Errorf("the second told %q, want each once", got)
		}
		if got := titles(first); got != "alert 1" {
			t.Errorf("the first told %q", got)
		}
	})
}

// TestOneThatIsToldLessStandsIn wants only what is critical, and is told the rest of another.
func TestOneThatIsToldLessStandsIn(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		first, second, _ := pair(h, func(c *Channel) { c.Minimum = Critical })
		first.set(true)
		h.say(Message{Title: "small"})
		h.say(Message{Title: "large", Severity: Critical})
		h.pass(2*time.Minute, 5*time.Second)
		if got := titles(second); got != "large, small" {
			t.Errorf("the second told %q, want each once", got)
		}
	})
}

// TestADigestOfWhatTheOtherWasToldStaysWhereItIs has a second channel without quiet hours.
func TestADigestOfWhatTheOtherWasToldStaysWhereItIs(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		first, second, _ := pair(h, func(c *Channel) { c.Quiet = false })
		h.must(h.change(t.Context(), Settings{QuietFrom: "11:00", QuietTo: "13:00", TimeZone: "UTC", Watchdog: Watchdog{Minutes: 5}}))
		h.say(Message{Title: "one"})
		h.say(Message{Title: "two"})
		h.settle()
		first.set(true)
		h.pass(90*time.Minute, time.Minute)
		if got := titles(second); got != "one, two" {
			t.Errorf("the second told %q, want no digest of what it told", got)
		}
	})
}

// TestTryingNowDoesNotTellTwice presses the button while another channel stands in.
func TestTryingNowDoesNotTellTwice(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		first, second, _ := pair(h, onlyFallback)
		first.set(true)
		second.set(true)
		h.say(Message{Title: "alert"})
		h.pass(2*time.Minute, 5*time.Second)
		for _, d := range h.outbox() {
			if d.standsFor == "" {
				h.must(h.retry(t.Context(), d.id))
			}
		}
		h.settle()
		if list := h.outbox(); len(list) != 2 {
			t.Errorf("got %d deliveries, want the first's and what stands in for it", len(list))
		}
		second.set(false)
		h.pass(2*time.Hour, time.Minute)
		if got := titles(second); got != "alert" {
			t.Errorf("the second told %q, want it once", got)
		}
		for _, d := range h.outbox() {
			if d.state != stateSent {
				t.Errorf("%s %s: got %s", d.channel, d.message.Title, d.state)
			}
		}
	})
}

// TestWhatStandsInDoesNotReplaceWhatIsNewer has two channels that both fall back on a third, and
// the one that is told less gives up later, with older news.
func TestWhatStandsInDoesNotReplaceWhatIsNewer(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		few, all, third := newReceiver(t), newReceiver(t), newReceiver(t)
		last := h.hook("third", third, onlyFallback)
		h.hook("few", few, func(c *Channel) { c.Minimum, c.FallbackID, c.FallbackAfter = Critical, last.ID, 6 })
		h.hook("all", all, func(c *Channel) { c.FallbackID, c.FallbackAfter = last.ID, 3 })
		for _, r := range []*receiver{few, all, third} {
			r.set(true)
		}
		h.say(Message{Key: "disk", State: Raised, Severity: Critical, Title: "full"})
		h.pass(time.Second, time.Second)
		h.say(Message{Key: "disk", State: Raised, Severity: Warning, Title: "nearly full"})
		h.pass(2*time.Hour, 5*time.Second)
		third.set(false)
		h.pass(2*time.Hour, time.Minute)
		if got := titles(third); got != "nearly full" {
			t.Errorf("the third told %q, want the last word only", got)
		}
		for _, d := range h.outbox() {
			if d.state != stateSent {
				t.Errorf("%s %s: got %s", d.channel, d.message.Title, d.state)
			}
		}
	})
}

// TestWhatStandsInDoesNotTakeWhatIsTheChannelsOwn has a second channel with something of its own
// to tell about the same, while the first works again in time.
func TestWhatStandsInDoesNotTakeWhatIsTheChannelsOwn(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		first, second, _ := pair(h, func(c *Channel) { c.Minimum = Critical })
		first.set(true)
		second.set(true)
		h.say(Message{Key: "disk", State: Raised, Severity: Critical, Title: "full"})
		h.pass(time.Second, time.Second)
		h.say(Message{Key: "disk", State: Raised, Severity: Warning, Title: "nearly full"})
		h.pass(10*time.Minute, 5*time.Second)
		first.set(false)
		h.pass(2*time.Hour, time.Minute)
		second.set(false)
		h.pass(2*time.Hour, time.Minute)
		if got := titles(first); got != "nearly full" {
			t.Errorf("the first told %q", got)
		}
		if got := titles(second); got != "full" {
			t.Errorf("the second told %q, want what it was told itself", got)
		}
	})
}

// TestWhatIsToldForTwoIsGivenAgain has a channel tell for two at once, of which one works again
// before: the other's news must not be lost with what stood in for both.
func TestWhatIsToldForTwoIsGivenAgain(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		few, all, third := newReceiver(t), newReceiver(t), newReceiver(t)
		last := h.hook("third", third, onlyFallback)
		h.hook("few", few, func(c *Channel) { c.Minimum, c.FallbackID, c.FallbackAfter = Critical, last.ID, 3 })
		h.hook("all", all, func(c *Channel) { c.FallbackID, c.FallbackAfter = last.ID, 3 })
		for _, r := range []*receiver{few, all, third} {
			r.set(true)
		}
		h.say(Message{Key: "disk", State: Raised, Severity: Critical, Title: "full"})
		h.pass(time.Second, time.Second)
		h.say(Message{Key: "disk", State: Raised, Severity: Warning, Title: "nearly full"})
		h.pass(2*time.Hour, 5*time.Second)
		all.set(false)
		h.pass(2*time.Hour, time.Minute)
		third.set(false)
		h.pass(2*time.Hour, time.Minute)
		if got := titles(third); got != "full" {
			t.Errorf("the third told %q, want what the first of the two could not tell", got)
		}
	})
}
