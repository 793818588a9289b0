package alerts

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homeserver/internal/monitor/history"
	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/sqldb"
)

// refuseSeries has the database refuse alerts of a series, and nothing else.
func (h *household) refuseSeries(series string) {
	h.t.Helper()
	if h.db.Dialect() == sqldb.Postgres {
		h.exec(`ALTER TABLE alerts ADD CONSTRAINT refused CHECK (series <> '` + series + `')`)
		return
	}
	h.exec(`CREATE TRIGGER refused BEFORE INSERT ON alerts WHEN NEW.series = '` + series + `' BEGIN SELECT RAISE(ABORT, 'refused'); END`)
}

// TestRefusedAlert: one that the database never takes holds up none of the others, and is given up.
func TestRefusedAlert(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		a, b := metric.Key(metric.PoolUnhealthy, "a"), metric.Key(metric.PoolUnhealthy, "b")
		h.refuseSeries(a)
		h.tick(1, a, 1.0, b, 0.0)
		h.tick(1, a, 1.0, b, 1.0)
		h.wantSent("raised Pool is not healthy: b")
		for range writeTries - 1 {
			if len(h.alerts.writes) != 1 {
				t.Fatalf("got %d writes kept, want the refused one", len(h.alerts.writes))
			}
			h.alerts.retryAt = 0 // the pause is over
			h.tick(1, a, 1.0, b, 1.0)
		}
		h.tick(70, a, 0.0, b, 0.0)
		if len(h.alerts.writes) != 0 || h.alerts.failing || len(h.alerts.open) != 0 {
			t.Errorf("got %d writes kept and %d open, want none", len(h.alerts.writes), len(h.alerts.open))
		}
		h.wantSent("raised Pool is not healthy: b; recovered Over: Pool is not healthy: b")
	})
}

// TestNamesThatAreNoText: a mount point whose name is in no encoding, or in that of long ago, has
// its alerts told and kept, on both databases.
func TestNamesThatAreNoText(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		odd := metric.Key(metric.PoolUnhealthy, "b\xfccher\x00")
		h.tick(1, odd, 1.0)
		h.wantSent("raised Pool is not healthy: b\uFFFDcher")
		h.start()
		h.tick(70, odd, 0.0)
		h.wantSent("raised Pool is not healthy: b\uFFFDcher; recovered Over: Pool is not healthy: b\uFFFDcher")
		r := memoryRule()
		r.Name = "Mem\x00ory"
		if _, err := h.alerts.addRule(t.Context(), *r); err == nil {
			t.Error("a rule may be called with a character of code 0")
		}
	})
}

// TestSilencedWhileOver: who was told of an alert is told that it is over when the silence ends; who
// was not is not.
func TestSilencedWhileOver(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		r := h.rule()
		h.tick(6, key, 95.0)
		h.wantSent("raised Memory")
		if err := h.alerts.silence(t.Context(), r.ID, "", &Pause{Seconds: 3600}); err != nil {
			t.Fatal(err)
		}
		h.tick(11, key, 50.0)
		h.alerts.care(t.Context())
		h.wantSent("raised Memory")
		h.tick(6, key, 95.0) // of this one nobody is told
		h.wall = h.wall.Add(time.Hour)
		h.tick(11, key, 50.0) // nobody looked between the end of the silence and that of the alert
		h.alerts.care(t.Context())
		h.alerts.care(t.Context())
		h.wantSent("raised Memory; recovered Over: Memory")
		if list := h.list(); len(list) != 2 || list[0].owed != owedNothing || list[1].owed != owedNothing {
			t.Errorf("got %d alerts, of some of which somebody is still to be told", len(list))
		}
	})
}

// picky is an outbox that refuses what names a word.
type picky struct {
	*household
	word string
}

func (p picky) Enqueue(ctx context.Context, tx *sqldb.Tx, m Message) error {
	if strings.Contains(m.Title, p.word) {
		return errors.New("not that one")
	}
	return p.household.Enqueue(ctx, tx, m)
}

// TestOwedOneByOne: a notification that cannot be handed over keeps none of the others.
func TestOwedOneByOne(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		h.refuse = errNotifier
		var pairs []any
		for _, name := range []string{"bad", "good", "well"} {
			pairs = append(pairs, metric.Key(metric.PoolUnhealthy, name), 1.0)
		}
		for i := 0; i < len(pairs); i += 2 {
			h.tick(1, pairs[:i+2]...)
		}
		h.wantSent("")
		h.refuse, h.alerts.lent.Outbox = nil, picky{h, "bad"}
		h.alerts.settleOwed(t.Context())
		h.wantSent("raised Pool is not healthy: good; raised Pool is not healthy: well")
	})
}

// TestChartThatHangs: a history that heeds no deadline costs a notification its chart, once two
// seconds, and no more goroutines than one.
func TestChartThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var asked atomic.Int64
		hang := func(context.Context) (*history.History, error) {
			asked.Add(1)
			<-release
			return nil, errors.New("closed")
		}
		a := New(nil, metric.New(), Lent{Outbox: &household{}, History: hang}, slog.New(slog.DiscardHandler))
		began := time.Now()
		for range 5 {
			a.chart(t.Context(), &Entry{Series: key})
		}
		if took := time.Since(began); took != chartTimeout || asked.Load() != 1 {
			t.Errorf("five charts took %s, and asked %d times; want %s and one", took, asked.Load(), chartTimeout)
		}
		close(release)
		synctest.Wait()
		a.chart(t.Context(), &Entry{Series: key})
		if asked.Load() != 2 {
			t.Errorf("the history answers again: asked %d times, want 2", asked.Load())
		}
	})
}
