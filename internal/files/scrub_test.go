package files

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestPassIsDue(t *testing.T) {
	now := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixMicro() }
	const month = scrubPass
	for name, c := range map[string]struct {
		pass   pass
		due    bool
		total  int64
		budget int64
	}{
		"never":                      {pass: pass{}, due: true, budget: scrubFloor},
		"running":                    {pass: pass{started: ago(2 * month)}, budget: scrubFloor},
		"ended just now":             {pass: pass{started: ago(time.Hour), position: positionEnd}, budget: scrubFloor},
		"ended, and a month ago":     {pass: pass{started: ago(month), position: positionEnd}, due: true, budget: scrubFloor},
		"the clock went back":        {pass: pass{started: ago(-month), position: positionEnd}, due: true, budget: scrubFloor},
		"half the month":             {pass: pass{started: ago(month / 2), position: "ab"}, total: 1 << 40, budget: 1 << 39},
		"half the month, half read":  {pass: pass{started: ago(month / 2), position: "ab", verified: counts{bytes: 1 << 39}}, total: 1 << 40, budget: scrubFloor},
		"late: all that is left":     {pass: pass{started: ago(9 * month), position: "ab", verified: counts{bytes: 1 << 39}}, total: 1 << 40, budget: 1 << 39},
		"the clock is far behind":    {pass: pass{started: ago(-100 * month), position: "ab"}, total: 1 << 40, budget: scrubFloor},
		"somebody waits for it":      {pass: pass{started: ago(0), position: "ab", fast: true}, total: 1 << 40, budget: 1<<63 - 1},
		"an impossible library size": {pass: pass{started: ago(month), position: "ab"}, total: -5, budget: scrubFloor},
	} {
		if got := c.pass.due(now); got != c.due {
			t.Errorf("%s: due: got %v", name, got)
		}
		if got := c.pass.budget(now, c.total); got != c.budget {
			t.Errorf("%s: budget: got %d, want %d", name, got, c.budget)
		}
	}
}

// TestPace: work rests in proportion, whatever the size of its pieces.
func TestPace(t *testing.T) {
	for _, piece := range []time.Duration{time.Microsecond, time.Millisecond, time.Second} {
		var rested time.Duration
		p := pace{share: restShare, pause: func(_ context.Context, d time.Duration) error {
			if d > restMost {
				t.Errorf("a pause of %s", d)
			}
			rested += d
			return nil
		}}
		const pieces = 100_000
		for range pieces {
			if err := p.spent(t.Context(), piece); err != nil {
				t.Fatal(err)
			}
		}
		if work := piece * pieces; rested < (restShare-1)*work || rested > restShare*work {
			t.Errorf("%s of work in pieces of %s: rested %s", work, piece, rested)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&pace{share: restShare, pause: rest}).spent(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestQuietThread: a panic is the caller's, and the thread goes on.
func TestQuietThread(t *testing.T) {
	q := newQuietThread()
	defer q.end()
	func() {
		defer func() {
			if got := recover(); got != "broken" {
				t.Errorf("got %v", got)
			}
		}()
		q.do(func() { panic("broken") })
	}()
	done := false
	if q.do(func() { done = true }); !done {
		t.Error("it does no more work")
	}
}
