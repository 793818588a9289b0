package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// household is a watch with a database, a clock and an outbox of its own.
type household struct {
	t      *testing.T
	db     *sqldb.DB
	alerts *Alerts
	wall   time.Time     // what the clock on the wall shows
	at     time.Duration // the clock that only runs forward
	refuse error         // what the outbox answers
}

var errNotifier = errors.New("the notifier is broken")

// Enqueue is the outbox: a table, so that what is rolled back is not sent.
func (h *household) Enqueue(ctx context.Context, tx *sqldb.Tx, m Message) error {
	if h.refuse != nil {
		return h.refuse
	}
	_, err := tx.Exec(ctx, `INSERT INTO sent (line) VALUES ($1)`, m.State+" "+m.Title)
	return err
}

// tables are the monitoring room's, made once and copied for each test.
var tables = sqldbtest.NewTemplate("monitoring", os.DirFS("../migrations"))

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, h *household)) {
	t.Helper()
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		h := &household{t: t, db: db, wall: time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)}
		h.exec(`CREATE TABLE sent (line TEXT NOT NULL)`)
		h.start()
		test(t, h)
	})
}

func (h *household) exec(query string, args ...any) {
	h.t.Helper()
	if _, err := h.db.Exec(h.t.Context(), query, args...); err != nil {
		h.t.Fatal(err)
	}
}

// start begins another life of the server; the one before ended as by kill -9.
func (h *household) start() {
	h.t.Helper()
	h.alerts = New(h.db, metric.New(), Lent{Outbox: h, Now: func() time.Time { return h.wall }}, slog.New(slog.DiscardHandler))
	if err := h.alerts.load(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// tick measures figures, in pairs of key and value, n times, every 2 s.
func (h *household) tick(n int, pairs ...any) {
	h.t.Helper()
	for range n {
		h.wall, h.at = h.wall.Add(2*time.Second), h.at+2*time.Second
		t := metric.Tick{At: h.wall}
		for i := 0; i < len(pairs); i += 2 {
			name, instance, _ := metric.ParseKey(pairs[i].(string))
			t.Readings = append(t.Readings, h.alerts.metrics.Of(name, instance, "", pairs[i+1].(float64)))
		}
		h.alerts.evaluate(arrival{t, h.at})
		h.alerts.settle(h.t.Context())
	}
}

// sent is what was handed over, oldest first.
func (h *household) sent() string {
	h.t.Helper()
	list, err := sqldb.Texts(h.t.Context(), h.db, `SELECT line FROM sent`)
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Join(list, "; ")
}

func (h *household) wantSent(want string) {
	h.t.Helper()
	if got := h.sent(); got != want {
		h.t.Errorf("sent: got %q, want %q", got, want)
	}
}

// list is every alert in the database, oldest first.
func (h *household) list() []*Entry {
	h.t.Helper()
	list, err := h.alerts.store.list(h.t.Context(), page{from: math.MinInt64, to: math.MaxInt64, at: math.MaxInt64, limit: 100})
	if err != nil {
		h.t.Fatal(err)
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// rule makes a rule of the test's own.
func (h *household) rule() *Rule {
	h.t.Helper()
	r, err := h.alerts.addRule(h.t.Context(), *memoryRule())
	if err != nil {
		h.t.Fatal(err)
	}
	h.alerts.reload(h.t.Context())
	return r
}

const key = metric.MemoryPercent

func TestAlertIsKeptAndTold(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		h.rule()
		h.tick(3, key, 50.0)
		h.tick(6, key, 93.0)
		h.tick(1, key, 97.0)
		h.wantSent("raised Memory")
		list := h.list()
		if len(list) != 1 || !list[0].Cleared.IsZero() || list[0].Raised.Sub(list[0].Began) != 10*time.Second || list[0].First != 93 {
			t.Fatalf("got %+v", list)
		}
		h.tick(11, key, 50.0)
		h.wantSent("raised Memory; recovered Over: Memory")
		e := h.list()[0]
		if e.Ended != endedRecovered || e.Worst != 97 || e.Last != 50 || e.Lasted != 34*time.Second {
			t.Errorf("got %+v", e)
		}
		if text := recoveredMessage(e, nil).Text; text != "It is 50 % now. It lasted 34 seconds; the worst was 97 %." {
			t.Errorf("recovered: got %q", text)
		}
	})
}

// TestRestartInEveryPhase kills the server in each phase: what was open stays open and is not told
// again, what was not is not lost.
func TestRestartInEveryPhase(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		h.rule()
		h.tick(3, key, 95.0) // pending
		h.start()
		h.tick(5, key, 95.0)
		h.wantSent("") // it waits anew
		h.tick(1, key, 95.0)
		h.wantSent("raised Memory")
		h.start() // firing
		h.tick(20, key, 95.0)
		h.wantSent("raised Memory")
		h.tick(5, key, 50.0)
		h.start() // clearing
		h.tick(10, key, 50.0)
		h.wantSent("raised Memory")
		h.tick(1, key, 50.0)
		h.wantSent("raised Memory; recovered Over: Memory")
		h.start() // well
		h.tick(20, key, 50.0)
		h.tick(6, key, 95.0)
		h.tick(40) // no data
		h.start()
		h.tick(40)
		list := h.list()
		if len(list) != 2 || !list[1].Cleared.IsZero() {
			t.Fatalf("without data: got %d alerts, the last over at %s", len(list), list[1].Cleared)
		}
		h.tick(11, key, 50.0)
		h.wantSent("raised Memory; recovered Over: Memory; raised Memory; recovered Over: Memory")
	})
}

// TestClockOnTheWall sets the clock back, forth and over the change to summer time while a rule
// waits and while an alert is open. Nothing comes early, late or twice.
func TestClockOnTheWall(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, h *household) {
		h.rule()
		for _, jump := range []struct {
			name string
			by   time.Duration
		}{{"back", -time.Hour}, {"forth", time.Hour}, {"a year back", -365 * day}, {"to 1970", -time.Since(time.Unix(0, 0))}, {"and here again", time.Since(time.Unix(0, 0)) + 365*day}} {
			h.exec(`DELETE FROM sent`)
			h.tick(3, key, 95.0)
			h.wall = h.wall.Add(jump.by)
			h.tick(2, key, 95.0)
			h.wantSent("")
			h.tick(1, key, 95.0)
			h.wantSent("raised Memory")
			h.tick(5, key, 50.0)
			h.wall = h.wall.Add(-jump.by)
			h.tick(5, key, 50.0)
			h.wantSent("raised Memory")
			h.tick(1, key, 50.0)
			h.wantSent("raised Memory; recovered Over: Memory")
			list := h.list()
			for _, e := range list {
				if e.Lasted != 32*time.Second || e.Cleared.Before(e.Raised) {
					t.Fatalf("%s: got %s, from %s to %s", jump.name, e.Lasted, e.Raised, e.Cleared)
				}
			}
			h.exec(`DELETE FROM alerts`)
			h.start() // or it would flap
		}
		// In the night of 29 March 2026 it is 3 o'clock after 1:59.
		h.exec(`DELETE FROM sent`)
		h.wall = time.Date(2026, 3, 29, 1, 59, 54, 0, berlin)
		h.tick(6, key, 95.0)
		h.tick(11, key, 50.0)
		if e := h.list()[0]; e.Lasted != 32*time.Second || e.Cleared.Sub(e.Began) != e.Lasted {
			t.Errorf("over summer time: got %s, from %s to %s", e.Lasted, e.Began, e.Cleared)
		}
	})
}

// TestSleep: what the machine slept is no time in which something was wrong.
func TestSleep(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		r := h.rule()
		r.For = 10 * time.Minute
		if _, err := h.alerts.changeRule(t.Context(), *r, ""); err != nil {
			t.Fatal(err)
		}
		h.alerts.reload(t.Context())
		h.tick(2, key, 95.0)
		h.at, h.wall = h.at+8*time.Hour, h.wall.Add(8*time.Hour) // where the forward clock counts sleep
		h.tick(5, key, 95.0)
		h.wantSent("")
	})
}

// TestDatabaseAway: what happens meanwhile is written when it is back, in order and once.
func TestDatabaseAway(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		h.rule()
		h.tick(1, key, 50.0)
		h.exec(`ALTER TABLE alerts RENAME TO elsewhere`)
		h.tick(6, key, 95.0)
		h.tick(11, key, 50.0)
		h.tick(6, key, 95.0)
		h.exec(`ALTER TABLE elsewhere RENAME TO alerts`)
		if !h.alerts.failing || len(h.alerts.writes) != 3 {
			t.Fatalf("got %d kept", len(h.alerts.writes))
		}
		h.alerts.failing = false // the pause is over
		h.tick(1, key, 95.0)
		h.wantSent("raised Memory; recovered Over: Memory; raised Memory")
		if list := h.list(); len(list) != 2 || list[0].Cleared.IsZero() || !list[1].Cleared.IsZero() {
			t.Errorf("got %d alerts", len(list))
		}
	})
}

// TestNotifierFails: alerts are raised and cleared all the same, and told once when it works.
func TestNotifierFails(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		h.rule()
		h.refuse = errNotifier
		h.tick(6, key, 95.0)
		if list := h.list(); len(list) != 1 || list[0].owed != owedRaised {
			t.Fatalf("got %d alerts", len(list))
		}
		for range 60 {
			h.tick(5, key, 92.0) // long enough for the default, too, were it bad enough
			h.alerts.care(t.Context())
		}
		h.refuse = nil
		h.alerts.care(t.Context())
		h.alerts.care(t.Context())
		h.wantSent("raised Memory")
		h.refuse = errNotifier
		h.tick(11, key, 50.0)
		if list := h.list(); list[0].Cleared.IsZero() || list[0].owed != owedRecovered {
			t.Fatalf("got %+v", list[0])
		}
		h.start() // what is owed outlives the server
		h.refuse = nil
		h.alerts.care(t.Context())
		h.alerts.care(t.Context())
		h.wantSent("raised Memory; recovered Over: Memory")
	})
}

// TestSilence: nobody is told before the silence ends, and then only of what is still so.
func TestSilence(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		r := h.rule()
		if err := h.alerts.silence(t.Context(), r.ID, "", &Pause{Seconds: 3600}); err != nil {
			t.Fatal(err)
		}
		h.tick(6, key, 95.0)
		h.tick(11, key, 50.0)
		h.tick(6, key, 95.0)
		h.alerts.care(t.Context())
		h.wantSent("")
		if len(h.list()) != 2 {
			t.Errorf("got %d alerts; what is silenced is one all the same", len(h.list()))
		}
		h.wall = h.wall.Add(time.Hour)
		h.alerts.care(t.Context())
		h.alerts.care(t.Context())
		h.wantSent("raised Memory")
		for _, bad := range []Pause{{}, {Until: h.wall}, {Until: h.wall.Add(-time.Hour)}, {Until: h.wall.Add(400 * day)}} {
			if err := h.alerts.silence(t.Context(), r.ID, "", &bad); err == nil {
				t.Errorf("%+v is a silence", bad)
			}
		}
	})
}

// TestTwoCopies of the server watch the same machine: each alert is one.
func TestTwoCopies(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		h.rule()
		first := h.alerts
		h.start()
		second := h.alerts
		play := func(n int, v float64) {
			for range n {
				h.alerts = first
				h.tick(1, key, v)
				h.alerts = second
				h.tick(1, key, v)
			}
		}
		play(10, 95)
		play(20, 50)
		h.wantSent("raised Memory; recovered Over: Memory")
		if len(first.open)+len(second.open)+len(first.writes)+len(second.writes) != 0 {
			t.Error("a copy has an alert open, or something to write")
		}
	})
}

// TestEverythingAtOnce runs the real loop with ticks, people and readers at once, for the race
// detector; a tick never waits.
func TestEverythingAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		a := New(h.db, metric.New(), Lent{Outbox: h}, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { _ = a.Run(ctx) })
		rule := memoryRule()
		rule.For, rule.Hold = 0, 0
		for person := range 3 {
			group.Go(func() {
				for i := range 10 {
					r := *rule
					r.Name = fmt.Sprint("rule ", person, i)
					made, err := a.addRule(ctx, r)
					if err != nil {
						t.Error(err)
						return
					}
					a.summary()
					_, _ = a.getRules(ctx, nil)
					_, _ = a.getAlerts(ctx, &listInput{Limit: 5})
					if err := a.silence(ctx, made.ID, "", &Pause{Seconds: 60}); err != nil {
						t.Error(err)
					}
					if i%2 == 0 {
						if err := a.dropRule(ctx, made.ID); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		for i := range 300 {
			began := time.Now()
			a.Take(metric.Tick{At: began, Readings: []metric.Reading{a.metrics.Reading(key, float64(i%2*95))}})
			if took := time.Since(began); took > time.Second {
				t.Errorf("a tick waited for %s", took)
			}
		}
		stopSoon := time.AfterFunc(2*time.Second, stop)
		defer stopSoon.Stop()
		group.Wait()
	})
}
