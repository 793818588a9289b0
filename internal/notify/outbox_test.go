package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/platform/sqldb"
)

func TestAMessageIsToldIfItsTransactionCommits(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		undone := errors.New("undone")
		err := h.store.db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			h.must(h.Enqueue(t.Context(), tx, Message{Title: "never was"}))
			return undone
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		h.say(Message{Title: "was", Text: "so", Severity: Critical})
		h.settle()
		if got := r.all(); len(got) != 1 || got[0].Title != "was" || got[0].Text != "so" || got[0].Severity != "critical" || got[0].Header.Get("Idempotency-Key") != got[0].ID {
			t.Errorf("got %+v", got)
		}
		if list := h.outbox(); len(list) != 1 || list[0].state != stateSent || list[0].attempts != 1 {
			t.Errorf("outbox: got %+v", list)
		}
	})
}

// TestANotifierThatFailsForAnHour raises alerts while the channel is down: nothing is lost, and
// nothing is sent twice.
func TestANotifierThatFailsForAnHour(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		c := h.hook("phone", r, nil)
		r.set(true)
		var want []string
		for n := range 12 {
			title := fmt.Sprintf("alert %d", n)
			h.say(Message{Key: title, State: Raised, Severity: Warning, Title: title})
			want = append(want, title)
			h.pass(5*time.Minute, 10*time.Second)
		}
		first := h.outbox()[11]
		if first.attempts < 8 || first.attempts > 12 {
			t.Errorf("got %d attempts in an hour, want about 9: 10 s, 20 s, 40 s ...", first.attempts)
		}
		r.set(false)
		h.pass(90*time.Minute, 10*time.Second)
		seen := map[string]int{}
		var order []string
		for _, m := range r.all() {
			seen[m.ID]++
			order = append(order, m.Title)
		}
		if strings.Join(order, ",") != strings.Join(want, ",") || len(seen) != 12 {
			t.Errorf("got %v, want each once and in order", order)
		}
		list, err := h.store.channels(t.Context(), h.store.db)
		if err != nil || list[0].ID != c.ID || list[0].Failures != 0 || list[0].Error != "" {
			t.Errorf("the channel: got %+v, %v; want its failures forgotten", list[0], err)
		}
		if text := r.all()[0].Text; !strings.Contains(text, "26 Nov 12:00") {
			t.Errorf("a late message says %q, want when it was", text)
		}
	})
}

func TestDuplicatesCollapse(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		r.set(true)
		h.say(Message{Key: "disk", State: Raised, Severity: Warning, Title: "Disk 81 % full"})
		h.pass(time.Minute, 5*time.Second)
		h.say(Message{Key: "disk", State: Raised, Severity: Critical, Title: "Disk 96 % full"})
		h.pass(time.Minute, 5*time.Second)
		h.say(Message{Key: "disk", State: Raised, Severity: Warning, Title: "Disk 85 % full"})
		h.say(Message{Key: "door", State: Raised, Severity: Warning, Title: "Door open"})
		r.set(false)
		h.pass(time.Hour, 5*time.Second)
		got := r.all()
		if len(got) != 2 || got[0].Title != "Disk 85 % full" || got[0].Times != 3 || !strings.Contains(got[0].Text, "Said 3 times since 26 Nov 12:00, at worst critical") {
			t.Errorf("got %+v", got)
		}
	})
}

func TestRaiseAndRecoveryThatBothWaitBecomeOne(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		r.set(true)
		h.say(Message{Key: "disk", State: Raised, Severity: Critical, Title: "Disk full"})
		h.pass(20*time.Minute, 10*time.Second)
		h.say(Message{Key: "disk", State: Recovered, Severity: Critical, Title: "Disk has space again"})
		r.set(false)
		h.pass(time.Hour, 10*time.Second)
		got := r.all()
		if len(got) != 1 || got[0].State != "recovered" || !strings.Contains(got[0].Text, "It was so from 26 Nov 12:00 to 26 Nov 12:20 (20 min), at worst critical.") {
			t.Errorf("got %+v", got)
		}
		// One that was told is not told again with its recovery.
		h.say(Message{Key: "disk", State: Raised, Severity: Critical, Title: "Disk full"})
		h.settle()
		h.say(Message{Key: "disk", State: Recovered, Severity: Critical, Title: "Disk has space again"})
		h.settle()
		if got := r.all(); len(got) != 3 || got[2].Text != "" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestTheSecondChannelStandsIn(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		first, second := newReceiver(t), newReceiver(t)
		mail := h.hook("mail", second, func(c *Channel) { c.OnlyFallback = true })
		h.hook("phone", first, func(c *Channel) { c.FallbackID, c.FallbackAfter = mail.ID, 3 })
		h.say(Message{Key: "a", State: Raised, Title: "by the first"})
		h.settle()
		first.set(true)
		h.say(Message{Key: "b", State: Raised, Title: "by the second"})
		h.pass(20*time.Second, time.Second)
		if got := second.all(); len(got) != 0 {
			t.Errorf("after 20 s the second told %+v, want nothing before 3 failures", got)
		}
		h.pass(40*time.Second, time.Second)
		h.say(Message{Key: "c", State: Raised, Title: "at once by the second"})
		h.settle()
		if got := second.all(); len(got) != 2 || got[0].Title != "by the second" || got[1].Title != "at once by the second" {
			t.Errorf("the second told %+v", got)
		}
		first.set(false)
		h.pass(2*time.Hour, 30*time.Second)
		h.say(Message{Key: "d", State: Raised, Title: "by the first again"})
		h.settle()
		if got := first.all(); len(got) != 2 || got[1].Title != "by the first again" {
			t.Errorf("the first told %+v, want nothing twice", got)
		}
		for _, d := range h.outbox() {
			if d.state != stateSent {
				t.Errorf("%s: got %s %s", d.message.Title, d.state, d.err)
			}
		}
	})
}

func TestGivingUpIsVisible(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		r.set(true)
		h.say(Message{Title: "old news"})
		h.pass(80*time.Hour, 5*time.Minute)
		d := h.outbox()[0]
		if d.state != stateFailed || !strings.Contains(d.err, "Given up after 3 days. The service answered 503 Service Unavailable: away.") {
			t.Fatalf("got %s %q", d.state, d.err)
		}
		r.set(false)
		h.must(h.retry(t.Context(), d.id))
		h.settle()
		if got := r.all(); len(got) != 1 || h.outbox()[0].state != stateSent {
			t.Errorf("after a retry: got %+v", got)
		}
		if err := h.retry(t.Context(), d.id); err == nil {
			t.Error("one that was sent can be sent again")
		}
	})
}

// TestWhatADeadCopyWasSendingIsSentAgainUnderItsID kills between claim and mark.
func TestWhatADeadCopyWasSendingIsSentAgainUnderItsID(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		c := h.hook("phone", r, nil)
		h.say(Message{Title: "half sent"})
		if _, ok, err := h.store.lease(t.Context(), c.ID, "the dead one"); err != nil || !ok {
			t.Fatal(ok, err)
		}
		d, err := h.store.begin(t.Context(), c.ID, h.at.UnixMicro())
		h.must(err)
		var other house
		other.t, other.at, other.Notify = t, h.at, New(h.store.db, Config{}, nil, func() time.Time { return other.at }, h.lent)
		other.work(t.Context(), c.ID)
		if got := r.all(); len(got) != 0 {
			t.Fatalf("got %+v while another copy has the channel", got)
		}
		h.must(h.store.release(t.Context(), c.ID, "the dead one"))
		other.work(t.Context(), c.ID)
		if got := r.all(); len(got) != 1 || got[0].ID != d.id {
			t.Errorf("got %+v, want one of id %s", got, d.id)
		}
	})
}

func TestSwitchingOffAndRemoving(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		r.set(true)
		off, gone := h.hook("off", r, nil), h.hook("gone", r, nil)
		h.say(Message{Title: "to nobody"})
		h.settle()
		changed := *off
		changed.Enabled = false
		h.must(h.changeChannel(t.Context(), &changed, nil))
		if _, err := h.removeChannel(t.Context(), gone.ID); err != nil {
			t.Fatal(err)
		}
		h.settle()
		for _, d := range h.outbox() {
			if d.state != stateFailed || !strings.Contains(d.err, "The channel was") {
				t.Errorf("got %s %q", d.state, d.err)
			}
		}
	})
}

func TestSeverityChoosesChannels(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		all, bad := newReceiver(t), newReceiver(t)
		h.hook("all", all, nil)
		h.hook("bad", bad, func(c *Channel) { c.Minimum = Critical })
		h.say(Message{Title: "small"})
		h.say(Message{Title: "large", Severity: Critical})
		h.settle()
		if len(all.all()) != 2 || len(bad.all()) != 1 {
			t.Errorf("got %d and %d, want 2 and 1", len(all.all()), len(bad.all()))
		}
	})
}

func TestMessagesAreJudged(t *testing.T) {
	for name, m := range map[string]Message{
		"no title": {}, "long": {Title: strings.Repeat("x", 251)}, "state": {Title: "x", State: "odd"}, "no key": {Title: "x", State: Raised},
		"link outwards": {Title: "x", Link: "//evil.example"}, "other link": {Title: "x", Link: "https://evil.example"}, "not a picture": {Title: "x", Image: []byte("GIF89a")}, "severity": {Title: "x", Severity: 7},
	} {
		if err := m.complete(noon()); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
	m := Message{Title: " x ", Points: samplePoints(noon())}
	if err := m.complete(noon()); err != nil || m.Image == nil || m.Title != "x" || m.State != Plain {
		t.Errorf("got %+v, %v", m, err)
	}
}

// TestTwoCopiesNeverSendTheSame has two copies of the server work at one database, on the real
// clock, while messages come in.
func TestTwoCopiesNeverSendTheSame(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		h.hook("other", r, nil)
		ctx, stop := context.WithCancel(t.Context())
		var copies sync.WaitGroup
		defer copies.Wait()
		defer stop()
		var all []*Notify
		for range 2 {
			n := New(h.store.db, Config{}, nil, time.Now, h.lent)
			all = append(all, n)
			copies.Go(func() { _ = n.Run(ctx) })
		}
		const messages = 30
		for i := range messages {
			h.must(all[i%2].Send(t.Context(), Message{Title: fmt.Sprintf("message %d", i)}))
		}
		for range 2 * messages {
			<-r.calls
		}
		stop() // what is being sent is finished
		copies.Wait()
		ids := map[string]int{}
		for _, m := range r.all() {
			ids[m.ID]++
		}
		if len(ids) != 2*messages || len(r.all()) != 2*messages {
			t.Errorf("got %d ids in %d calls, want %d of each", len(ids), len(r.all()), 2*messages)
		}
	})
}
