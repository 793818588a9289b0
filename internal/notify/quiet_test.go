package notify

import (
	"strings"
	"testing"
	"time"
)

func TestQuietHoursHoldAndThenSendOneDigest(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r, always := newReceiver(t), newReceiver(t)
		h.hook("phone", r, nil)
		h.hook("log", always, func(c *Channel) { c.Quiet = false })
		h.must(h.change(t.Context(), Settings{QuietFrom: "22:00", QuietTo: "07:00", TimeZone: "Europe/Berlin", Watchdog: Watchdog{Minutes: 5}}))
		h.at = time.Date(2026, 11, 26, 23, 30, 0, 0, time.UTC) // half past midnight in Berlin
		h.say(Message{Key: "disk", State: Raised, Severity: Warning, Title: "Disk 81 % full"})
		h.pass(time.Hour, 10*time.Minute)
		h.say(Message{Key: "disk", State: Recovered, Severity: Warning, Title: "Disk has space"})
		h.say(Message{Title: "Backup done"})
		h.say(Message{Title: "Smoke", Severity: Critical})
		h.pass(3*time.Hour, 10*time.Minute)
		if got := r.all(); len(got) != 1 || got[0].Title != "Smoke" {
			t.Fatalf("in the night: got %+v, want only what is critical", got)
		}
		if len(always.all()) != 4 {
			t.Errorf("without quiet hours: got %+v", always.all())
		}
		h.pass(150*time.Minute, 10*time.Minute) // 06:00 UTC is 07:00
		got := r.all()
		if len(got) != 2 || got[1].Title != "2 notifications from the quiet hours" || got[1].Severity != "warning" ||
			!strings.Contains(got[1].Text, "27 Nov 01:30  Disk has space (It was so from 27 Nov 00:30 to 27 Nov 01:30 (1 h 0 min), at worst warning)\n27 Nov 01:30  Backup done") {
			t.Fatalf("in the morning: got %+v", got)
		}
		h.pass(26*time.Hour, 10*time.Minute)
		if len(r.all()) != 2 {
			t.Errorf("later: got %+v, want nothing twice", r.all())
		}
		for _, d := range h.outbox() {
			if d.state != stateSent {
				t.Errorf("%s: got %s", d.message.Title, d.state)
			}
		}
	})
}

func TestOneThatWasHeldIsSentAsItIs(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		h.must(h.change(t.Context(), Settings{QuietFrom: "11:00", QuietTo: "13:00", TimeZone: "UTC", Watchdog: Watchdog{Minutes: 5}}))
		h.say(Message{Title: "Backup done"})
		h.settle()
		if d := h.outbox()[0]; d.state != stateHeld || h.retry(t.Context(), d.id) == nil {
			t.Errorf("got %s, want held, and no retry", d.state)
		}
		// Other quiet hours are heeded at once.
		h.must(h.change(t.Context(), Settings{TimeZone: "UTC", Watchdog: Watchdog{Minutes: 5}}))
		h.settle()
		if got := r.all(); len(got) != 1 || got[0].Title != "Backup done" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestADigestThatFailsIsTriedAgain(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		h.must(h.change(t.Context(), Settings{QuietFrom: "11:00", QuietTo: "13:00", TimeZone: "UTC", Watchdog: Watchdog{Minutes: 5}}))
		for _, title := range []string{"one", "two", "three"} {
			h.say(Message{Title: title})
		}
		h.settle()
		r.set(true)
		h.pass(90*time.Minute, time.Minute)
		r.set(false)
		h.pass(90*time.Minute, time.Minute)
		if got := r.all(); len(got) != 1 || got[0].Title != "3 notifications from the quiet hours" || strings.Count(got[0].Text, "\n") != 2 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestQuietHoursByTheWallClock(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		when, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	night := quietHours{22 * time.Hour, 7 * time.Hour, berlin}
	for now, want := range map[string]string{
		"2026-11-26 21:59": "", "2026-11-26 22:00": "2026-11-27 07:00", "2026-11-27 06:59": "2026-11-27 07:00", "2026-11-27 07:00": "",
		"2026-03-28 23:00": "2026-03-29 07:00", // clocks go forward
		"2026-10-24 23:00": "2026-10-25 07:00", // and back
	} {
		end, quiet := night.until(at(now))
		if quiet != (want != "") || quiet && !end.Equal(at(want)) {
			t.Errorf("%s: got %v %v, want %q", now, end, quiet, want)
		}
	}
	if _, quiet := (quietHours{}).until(at("2026-11-26 00:00")); quiet {
		t.Error("no quiet hours are quiet")
	}
}

// TestADigestThatFailsUntilTheNextQuietHours neither breaks them nor gets lost.
func TestADigestThatFailsUntilTheNextQuietHours(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		r := newReceiver(t)
		h.hook("phone", r, nil)
		h.must(h.change(t.Context(), Settings{QuietFrom: "11:00", QuietTo: "13:00", TimeZone: "UTC", Watchdog: Watchdog{Minutes: 5}}))
		h.say(Message{Title: "one"})
		h.say(Message{Title: "two"})
		h.settle()
		r.set(true)
		h.pass(23*time.Hour, 5*time.Minute) // 11:00 the next day
		r.set(false)
		h.say(Message{Title: "three"})
		h.pass(110*time.Minute, 5*time.Minute)
		if got := r.all(); len(got) != 0 {
			t.Fatalf("in the quiet hours: got %+v", got)
		}
		h.pass(90*time.Minute, 5*time.Minute)
		if got := r.all(); len(got) != 1 || got[0].Title != "3 notifications from the quiet hours" || !strings.Contains(got[0].Text, "one\n") || !strings.Contains(got[0].Text, "two\n") {
			t.Errorf("got %+v", got)
		}
		for _, d := range h.outbox() {
			if d.state != stateSent {
				t.Errorf("%s: got %s", d.message.Title, d.state)
			}
		}
	})
}

// TestQuietHoursWhileAnotherChannelStandsIn tells everything once, by one of the two.
func TestQuietHoursWhileAnotherChannelStandsIn(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		first, second := newReceiver(t), newReceiver(t)
		mail := h.hook("mail", second, func(c *Channel) { c.OnlyFallback = true })
		h.hook("phone", first, func(c *Channel) { c.FallbackID, c.FallbackAfter = mail.ID, 1 })
		h.must(h.change(t.Context(), Settings{QuietFrom: "12:10", QuietTo: "13:00", TimeZone: "UTC", Watchdog: Watchdog{Minutes: 5}}))
		first.set(true)
		second.set(true)
		h.say(Message{Title: "before"})
		h.pass(15*time.Minute, 10*time.Second)
		h.say(Message{Title: "smoke", Severity: Critical})
		second.set(false)
		h.pass(20*time.Minute, 10*time.Second)
		if got := second.all(); len(got) != 1 || got[0].Title != "smoke" {
			t.Errorf("in the quiet hours: got %+v", got)
		}
		first.set(false)
		h.pass(3*time.Hour, 10*time.Second)
		titles := map[string]int{}
		for _, m := range append(first.all(), second.all()...) {
			titles[m.Title]++
		}
		if len(titles) != 2 || titles["before"] != 1 || titles["smoke"] != 1 {
			t.Errorf("got %v, want each once", titles)
		}
	})
}
