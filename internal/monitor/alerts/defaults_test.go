package alerts

import (
	"testing"
	"time"

	"homeserver/internal/monitor/metric"
)

// TestEveryDefaultFires: what each rule that comes with the program is about raises its alert, in the
// time that doc/alerts.md says, and ends it when it is over.
func TestEveryDefaultFires(t *testing.T) {
	const step = 2 * time.Second
	type play struct {
		instance  string
		well, bad float64
		within    time.Duration // from when it is bad to the alert
		ahead     time.Duration // Trend: the forecast while it is bad
		stays     bool          // it is over only when a week has passed, or the thing was replaced
	}
	plays := map[string]play{
		"disk-full-soon":         {instance: "/srv", well: 50, bad: 80, ahead: 2 * day, within: 30 * time.Minute},
		"disk-filling-fast":      {instance: "/srv", well: 50, bad: 80, ahead: 3 * time.Hour, within: 10 * time.Minute},
		"disk-nearly-full":       {instance: "/srv", well: 90, bad: 95, within: 5 * time.Minute},
		"inodes-nearly-gone":     {instance: "/srv", well: 10, bad: 96, within: 5 * time.Minute},
		"filesystem-read-only":   {instance: "/srv", bad: 1, within: time.Minute},
		"pool-unhealthy":         {instance: "tank", bad: 1},
		"raid-disk-missing":      {instance: "md0", bad: 1},
		"smart-failed":           {instance: "WD-1", bad: 1},
		"smart-pending":          {instance: "WD-1", bad: 8},
		"smart-reallocated":      {instance: "WD-1", well: 16, bad: 17, stays: true},
		"smart-uncorrectable":    {instance: "WD-1", well: 1, bad: 2, stays: true},
		"smart-wear":             {instance: "S649", well: 50, bad: 90},
		"memory-full":            {well: 60, bad: 97, within: 10 * time.Minute},
		"memory-limit":           {well: 60, bad: 97, within: 10 * time.Minute},
		"memory-pressure":        {instance: "memory", bad: 30, within: 2 * time.Minute},
		"io-pressure":            {instance: "io", well: 10, bad: 60, within: 15 * time.Minute},
		"oom-kill":               {well: 3, bad: 4},
		"processor-busy":         {well: 20, bad: 99, within: time.Hour},
		"temperature":            {instance: "platform/coretemp.0/temp1", well: 30, bad: 4, within: 5 * time.Minute},
		"service-failed":         {instance: "smbd.service", bad: 1, within: 2 * time.Minute},
		"clock-not-synchronised": {well: 1, bad: 0, within: time.Hour},
		"clock-ahead":            {bad: 300, within: 10 * time.Minute},
		"clock-behind":           {bad: -300, within: 10 * time.Minute},
		"files-damaged":          {bad: 2},
		"backup-overdue":         {bad: 2 * time.Hour.Seconds(), within: 10 * time.Minute},
	}
	metrics := metric.New()
	for _, rule := range Defaults(metrics) {
		p, known := plays[rule.ID]
		if !known {
			t.Errorf("%s: nobody has seen it fire", rule.ID)
			continue
		}
		t.Run(rule.ID, func(t *testing.T) {
			e := newEngine(metrics)
			e.use(Defaults(metrics))
			now := time.Duration(0)
			// until plays a figure until the rule brings something about, at most for so long.
			until := func(v float64, ahead, most time.Duration) (event, time.Duration) {
				for began := now; now-began <= most; {
					now += step
					list := e.step(metric.Tick{Readings: []metric.Reading{metrics.Of(rule.Metric, p.instance, "", v)}}, now)
					if w := e.watches[watchKey{rule.ID, p.instance}]; rule.Condition == Trend && w != nil {
						w.ahead, w.aheadAt = ahead, e.now
					}
					for _, h := range list {
						if h.watch.rule.ID == rule.ID {
							return h.event, now - began - step
						}
					}
				}
				return nothing, most
			}
			if what, _ := until(p.well, never, time.Hour); what != nothing {
				t.Fatalf("got event %d while all was well", what)
			}
			switch what, took := until(p.bad, p.ahead, 2*time.Hour); {
			case what != raised:
				t.Fatal("it never fired")
			case took < p.within || took > p.within+2*step:
				t.Errorf("it fired after %s, want %s", took, p.within)
			}
			if what, _ := until(p.well, never, 2*time.Hour); p.stays != (what == nothing) || !p.stays && what != cleared {
				t.Errorf("when it was well again: got event %d, stays open: %v", what, p.stays)
			}
		})
	}
}
