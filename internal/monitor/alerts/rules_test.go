package alerts

import (
	"math"
	"testing"
	"time"

	"homeserver/internal/monitor/metric"
)

func TestRules(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		ctx := t.Context()
		r, err := h.alerts.rule(ctx, "memory-full")
		if err != nil || !r.Default || r.Changed || r.Raise != 95 {
			t.Fatalf("got %+v, %v", r, err)
		}
		change := *r
		change.Raise, change.Clear, change.For, change.Hold, change.Name = 70, 60, 0, 0, "Something else"
		got, err := h.alerts.changeRule(ctx, change, "")
		if err != nil || !got.Changed || got.Raise != 70 || got.Name != r.Name {
			t.Fatalf("got %+v, %v", got, err)
		}
		h.alerts.reload(ctx)
		h.tick(1, key, 75.0)
		h.wantSent("raised Memory nearly full")
		h.start()
		if r, err = h.alerts.rule(ctx, "memory-full"); err != nil || !r.Changed || r.Raise != 70 {
			t.Errorf("after a restart: got %+v, %v", r, err)
		}
		change.Enabled = false
		if _, err := h.alerts.changeRule(ctx, change, ""); err != nil {
			t.Fatal(err)
		}
		h.alerts.reload(ctx)
		h.tick(1, key, 75.0)
		if e := h.list()[0]; e.Ended != endedOff {
			t.Errorf("switched off: got %+v", e)
		}
		h.wantSent("raised Memory nearly full; recovered No longer watched: Memory nearly full")
		if r, err = h.alerts.resetRule(ctx, "memory-full"); err != nil || r.Changed || r.Raise != 95 || !r.Enabled {
			t.Errorf("reset: got %+v, %v", r, err)
		}
		if err := h.alerts.dropRule(ctx, "memory-full"); err == nil {
			t.Error("a default can be deleted")
		}
		own := h.rule()
		if err := h.alerts.dropRule(ctx, own.ID); err != nil {
			t.Error(err)
		}
		if _, err := h.alerts.rule(ctx, own.ID); err == nil {
			t.Error("a deleted rule is there")
		}
		for name, bad := range map[string]func(r *Rule){
			"no name": func(r *Rule) { r.Name = " " }, "no metric": func(r *Rule) { r.Metric = "nonsense" }, "not a number": func(r *Rule) { r.Raise = math.NaN() },
			"clear above raise": func(r *Rule) { r.Clear = 91 }, "too long": func(r *Rule) { r.For = 8 * day }, "no window": func(r *Rule) { r.Condition = Increase },
			"below": func(r *Rule) { r.Condition = Below }, "against": func(r *Rule) { r.Against = metric.CPUPercent }, "data": func(r *Rule) { r.After = 0 },
			"endless": func(r *Rule) { r.Raise = math.Inf(1) }, "endless limit": func(r *Rule) { r.Limit = math.Inf(-1) }, "huge": func(r *Rule) { r.Raise, r.Clear = 1e300, 1e299 },
			"hugely low": func(r *Rule) { r.Clear = -1e19 }, "backwards": func(r *Rule) { r.For = -1 }, "held backwards": func(r *Rule) { r.Hold = -time.Second },
			"always foretold": func(r *Rule) { r.Condition, r.Window, r.Raise, r.Clear = Trend, day, 1e12, 1e12 },
			"never over":      func(r *Rule) { r.Condition, r.Window, r.Raise, r.Clear = Trend, day, 86400, 1e12 },
		} {
			r := memoryRule()
			bad(r)
			if _, err := h.alerts.addRule(ctx, *r); err == nil {
				t.Errorf("%s: the rule was made", name)
			}
		}
	})
}

// TestSeries: each series of a rule has a life of its own, those that are not for it have none,
// and one is compared with its own limit.
func TestSeries(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		r := memoryRule()
		r.Metric, r.Instance, r.For, r.Hold = metric.DiskReadBytesPerSecond, "sd*", 0, 0
		left := *r
		left.Name, left.Instance, left.Condition, left.Against, left.Raise, left.Clear = "Left", "*", Below, metric.DiskWriteBytesPerSecond, 5, 10
		for _, one := range []*Rule{r, &left} {
			if _, err := h.alerts.addRule(t.Context(), *one); err != nil {
				t.Fatal(err)
			}
		}
		h.alerts.reload(t.Context())
		read, limit := metric.DiskReadBytesPerSecond, metric.DiskWriteBytesPerSecond
		h.tick(1, read, 95.0, read+"{sda}", 95.0, read+"{sdb}", 50.0, read+"{nvme0}", 95.0)
		h.wantSent("raised Memory: sda")
		h.tick(1, read+"{sda}", 50.0, read+"{sdb}", 95.0)
		h.wantSent("raised Memory: sda; recovered Over: Memory: sda; raised Memory: sdb")
		h.exec(`DELETE FROM sent`)
		h.tick(1, limit+"{x}", 60.0, read+"{x}", 56.0, read+"{y}", 99.0)
		h.wantSent("raised Left: x")
		h.tick(1, limit+"{x}", 60.0, read+"{x}", 50.0)
		h.wantSent("raised Left: x; recovered Over: Left: x")
	})
}

// TestDefaults: every rule that comes with the program is one that a person could make, and none
// alarms of a machine that is well.
func TestDefaults(t *testing.T) {
	metrics := metric.New()
	seen := map[string]bool{}
	for _, r := range Defaults(metrics) {
		if err := r.check(metrics); err != nil || r.Advice == "" || seen[r.ID] || r.bad(well(r)) || !r.good(well(r)) {
			t.Errorf("%s: %v", r.ID, err)
		}
		seen[r.ID] = true
	}
	if len(seen) < 20 {
		t.Errorf("got %d rules; metrics are missing", len(seen))
	}
}

// well is a figure of a machine that is well.
func well(r *Rule) float64 {
	switch r.Metric {
	case metric.MemoryPercent, metric.CPUPercent, metric.TemperatureRoomCelsius, metric.CgroupMemoryPercent:
		return 40
	case metric.ClockSynchronised:
		return 1
	}
	if r.Condition == Trend {
		return never.Seconds()
	}
	return 0
}
