package alerts

import (
	"testing"
	"time"

	"homeserver/internal/monitor/metric"
)

// TestRuleEndsWithItsAlertOpen: whoever was told of an alert is told, too, that its rule was
// switched off, deleted or changed, once and with what was known last; also when the server was
// stopped in between.
func TestRuleEndsWithItsAlertOpen(t *testing.T) {
	change := func(change func(r *Rule)) func(h *household, r *Rule) error {
		return func(h *household, r *Rule) error {
			change(r)
			_, err := h.alerts.changeRule(h.t.Context(), *r, "")
			return err
		}
	}
	const then, lasted = " It was 95 % then.", " It lasted 14 seconds until then; the worst was 97 %."
	for name, c := range map[string]struct {
		do    func(h *household, r *Rule) error
		ended string
		says  string
	}{
		"off":      {change(func(r *Rule) { r.Enabled = false }), endedOff, "The rule was switched off." + then + lasted},
		"metric":   {change(func(r *Rule) { r.Metric = metric.CPUPercent }), endedRule, "The rule was changed and is no longer for this." + then + lasted},
		"instance": {change(func(r *Rule) { r.Instance = "x" }), endedRule, "The rule was changed and is no longer for this." + then + lasted},
		"deleted":  {func(h *household, r *Rule) error { return h.alerts.dropRule(h.t.Context(), r.ID) }, endedDeleted, "The rule was deleted." + then + lasted},
	} {
		for _, stopped := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				each(t, func(t *testing.T, h *household) {
					r := h.rule()
					h.tick(6, key, 97.0)
					h.tick(2, key, 95.0)
					h.alerts.care(t.Context()) // how it goes on is written
					if err := c.do(h, r); err != nil {
						t.Fatal(err)
					}
					if stopped {
						h.start()
					} else {
						h.alerts.reload(t.Context())
					}
					h.alerts.settle(t.Context())
					h.tick(20, key, 95.0)
					h.alerts.care(t.Context())
					h.wantSent("raised Memory; recovered No longer watched: Memory")
					list := h.list()
					if len(list) != 1 || list[0].Ended != c.ended || list[0].owed != owedNothing {
						t.Fatalf("got %+v", list)
					}
					if text := recoveredMessage(list[0], nil).Text; text != c.says {
						t.Errorf("got %q, want %q", text, c.says)
					}
				})
			})
		}
	}
}

// TestRuleEndsUntold: of an alert that nobody was told of, nobody is told that its rule ended; while
// it is silenced, who was told of it is told that when the silence ends; and when the notifier
// does not work, when it works again.
func TestRuleEndsUntold(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		a, b, c := metric.Key(metric.PoolUnhealthy, "a"), metric.Key(metric.PoolUnhealthy, "b"), metric.Key(metric.PoolUnhealthy, "c")
		hour := &Pause{Seconds: 3600}
		silence := func(series string) {
			t.Helper()
			if err := h.alerts.silence(t.Context(), "", series, hour); err != nil {
				t.Fatal(err)
			}
		}
		silence(a)
		h.tick(1, a, 1.0, b, 1.0)
		h.tick(1, a, 1.0, b, 1.0, c, 1.0)
		silence(b)
		h.wantSent("raised Pool is not healthy: b; raised Pool is not healthy: c")
		h.refuse = errNotifier
		r, err := h.alerts.rule(t.Context(), "pool-unhealthy")
		if err != nil {
			t.Fatal(err)
		}
		r.Enabled = false
		if _, err := h.alerts.changeRule(t.Context(), *r, ""); err != nil {
			t.Fatal(err)
		}
		h.alerts.reload(t.Context())
		h.alerts.settle(t.Context())
		h.refuse = nil
		h.exec(`DELETE FROM sent`)
		h.alerts.settleOwed(t.Context())
		h.wantSent("recovered No longer watched: Pool is not healthy: c")
		h.wall = h.wall.Add(2 * time.Hour)
		h.alerts.settleOwed(t.Context())
		h.alerts.settleOwed(t.Context())
		h.wantSent("recovered No longer watched: Pool is not healthy: c; recovered No longer watched: Pool is not healthy: b")
	})
}

// TestLeftAs: the sentence fits what the rule was about.
func TestLeftAs(t *testing.T) {
	for want, e := range map[string]Entry{
		"The rule was deleted. There were no figures then.":                              {Ended: endedDeleted, NoFigure: true},
		"The rule was deleted. Nothing would be left in 2 days if it went on as it did.": {Ended: endedDeleted, Condition: Trend, Unit: metric.Seconds, Last: 2 * 86400},
		"The rule was switched off. It had grown by 3 then.":                             {Ended: endedOff, Condition: Increase, Unit: metric.Count, Last: 3},
		"The rule was changed and is no longer for this. It was still so.":               {Ended: endedRule, Unit: metric.State, Last: 1},
	} {
		if got := e.leftAs(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
