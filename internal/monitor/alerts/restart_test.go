package alerts

import (
	"context"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	"homeserver/internal/monitor/history"
	"homeserver/internal/monitor/metric"
)

// growing is a rule for a figure that must not grow.
func (h *household) growing(of string) {
	h.t.Helper()
	r := Rule{Name: "Grows", Enabled: true, Severity: Warning, Metric: of, Instance: everyInstance, Condition: Increase, Raise: 1, Clear: 0, Window: time.Hour, NoData: Keep, After: time.Minute}
	if _, err := h.alerts.addRule(h.t.Context(), r); err != nil {
		h.t.Fatal(err)
	}
	h.alerts.reload(h.t.Context())
}

// TestRestartWhileGrown: what grew before the restart is no less so after it, and is over when its
// window is, or when the state ends.
func TestRestartWhileGrown(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		counter, state := metric.Key(metric.SMARTPowerOnHours, "disk"), metric.Key(metric.FileSystemReadOnly, "/srv")
		h.growing(metric.SMARTPowerOnHours)
		h.tick(3, counter, 7.0)
		h.tick(3, counter, 9.0)
		h.wantSent("raised Grows: disk")
		h.alerts.care(t.Context()) // how it goes on is written
		h.start()
		h.tick(3)
		h.tick(60, counter, 9.0)
		h.wantSent("raised Grows: disk")
		if e := h.list()[0]; !e.Cleared.IsZero() || e.Last != 2 {
			t.Fatalf("after the restart: got %+v, want it open with a growth of 2", e)
		}
		h.tick(1, counter, 10.0)
		h.alerts.care(t.Context())
		if e := h.list()[0]; e.Last != 3 {
			t.Errorf("it grew on: got %v, want 3", e.Last)
		}
		h.tick(1800, counter, 10.0)
		h.wantSent("raised Grows: disk; recovered Over: Grows: disk")

		h.exec(`DELETE FROM sent`)
		const title = "File system went read-only: /srv" // a default
		h.tick(3, state, 0.0)
		h.tick(40, state, 1.0)
		h.wantSent("raised " + title)
		h.start()
		h.tick(2000, state, 1.0)
		h.wantSent("raised " + title)
		h.tick(40, state, 0.0)
		h.wantSent("raised " + title + "; recovered Over: " + title)
	})
}

// TestGrowthWhileStopped: what an open alert's counter did while the server was stopped is added to
// what it did before, and what had no alert yet gets one.
func TestGrowthWhileStopped(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		h.wall = time.Now().Add(-10 * time.Minute)
		past, err := history.Open(t.Context(), history.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "history.db")}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer past.Close()
		before := map[string]float64{metric.Key(metric.SMARTPowerOnHours, "a"): 9, metric.Key(metric.SMARTPowerOnHours, "b"): 5}
		for key, v := range before {
			n, err := past.Series(t.Context(), key, "", 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := past.Append(t.Context(), h.wall, []history.Sample{{Series: n, Value: v}}); err != nil {
				t.Fatal(err)
			}
		}
		h.growing(metric.SMARTPowerOnHours)
		a, b := metric.Key(metric.SMARTPowerOnHours, "a"), metric.Key(metric.SMARTPowerOnHours, "b")
		h.tick(2, a, 7.0, b, 5.0)
		h.tick(2, a, 9.0, b, 5.0)
		h.alerts.care(t.Context())
		h.start()
		h.wall = time.Now()
		h.alerts.lent.History = func(context.Context) (*history.History, error) { return past, nil }
		look := func() {
			t.Helper()
			if err := h.alerts.lookBack(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		look() // nothing was measured yet
		h.tick(1, a, 12.0, b, 6.0)
		look()
		h.tick(1, a, 12.0, b, 6.0)
		h.alerts.care(t.Context())
		h.wantSent("raised Grows: a; raised Grows: b")
		if list := h.list(); len(list) != 2 || list[0].Last != 5 || list[1].Last != 1 {
			t.Errorf("got %+v", list)
		}
	})
}

// TestKillOfTheServerItself: what was killed for want of memory while nobody counted, as HomeServer
// itself is, is told after the start; what was before that is not told again.
func TestKillOfTheServerItself(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		h.wall = time.Now()
		past := emptyHistory(t)
		defer past.Close()
		kills, err := past.Series(t.Context(), metric.OOMKillsSinceBoot, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := past.Append(t.Context(), h.wall.Add(-time.Minute), []history.Sample{{Series: kills, Value: 2}}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			counted float64
			want    string
		}{{2, ""}, {3, "raised Program killed for want of memory"}} {
			h.start()
			h.alerts.lent.History = func(context.Context) (*history.History, error) { return past, nil }
			h.alerts.started = h.alerts.started.Add(-5 * time.Second)
			if err := past.Append(t.Context(), h.wall, []history.Sample{{Series: kills, Value: c.counted}}); err != nil { // it is remembered at once
				t.Fatal(err)
			}
			h.tick(1, metric.OOMKills, math.NaN(), metric.OOMKillsSinceBoot, c.counted) // the first look at a count tells no growth
			if err := h.alerts.lookBack(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.tick(1, metric.OOMKills, 0.0, metric.OOMKillsSinceBoot, c.counted)
			h.wantSent(c.want)
		}
	})
}
