package alerts

import (
	"context"
	"math"
	"time"

	"homeserver/internal/monitor/history"
)

const (
	// trendTimeout bounds one question to the history.
	trendTimeout = 10 * time.Second
	// beforeSpan is how far back the last figure of a counter is looked for.
	beforeSpan = 7 * day
	// beforePoints makes of that span points of 20 minutes.
	beforePoints = 500
	// beforeFine is looked at first, in points of one sample: longer than a point of the others.
	beforeFine       = 30 * time.Minute
	beforeFinePoints = 900
)

// foretell makes the forecasts of trends every few minutes, and tells increases what their
// counters stood at before the server started, until ctx ends. It has a goroutine of its own: the
// history may be slow.
func (a *Alerts) foretell(ctx context.Context) {
	timer := time.NewTimer(firstTrend)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := a.lookBack(ctx); err != nil && ctx.Err() == nil {
			a.log.Debug("the history of the figures cannot be asked; there are no forecasts", "error", err)
		}
		timer.Reset(trendEvery)
	}
}

// question is what is to be asked of the history for a watch.
type question struct {
	key    watchKey
	series string
	rule   *Rule
	first  float64
}

// lookBack asks once for every watch that needs it.
func (a *Alerts) lookBack(ctx context.Context) error {
	questions := a.questions()
	if len(questions) == 0 || a.lent.History == nil {
		return nil
	}
	h, err := a.lent.History(ctx)
	if err != nil {
		return err
	}
	for _, q := range questions {
		if err := a.answer(ctx, h, q); err != nil {
			return err
		}
	}
	return nil
}

func (a *Alerts) questions() (list []question) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, w := range a.engine.watches {
		if w.rule.Condition == Trend || w.rule.Condition == Increase && !w.seeded && w.grown.known {
			list = append(list, question{key, w.key(), w.rule, w.first})
		}
	}
	return list
}

// answer asks and hands the answer to the watch, if there still is one.
func (a *Alerts) answer(ctx context.Context, h *history.History, q question) error {
	ctx, cancel := context.WithTimeout(ctx, trendTimeout)
	defer cancel()
	now := a.lent.Now()
	var ahead time.Duration
	var old float64
	if q.rule.Condition == Trend {
		found, err := h.Query(ctx, history.Range{From: now.Add(-q.rule.Window), To: now, Points: trendPoints}, q.series)
		if err != nil {
			return err
		}
		ahead = forecast(found.Series[0].Mean, found.Step, q.rule.Limit)
	} else {
		var err error
		if old, err = valueBefore(ctx, h, q.series, now.Add(-time.Since(a.started))); err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.engine.watches[q.key]
	switch {
	case w == nil || w.rule.Condition != q.rule.Condition:
	case q.rule.Condition == Trend:
		w.ahead, w.aheadAt = ahead, a.engine.now
	default:
		w.seeded = true
		if !math.IsNaN(old) {
			w.grown.before(a.engine.now, w.first, old)
		}
	}
	return nil
}

// valueBefore is what a series was last before a time; NaN of what nobody knows. The minutes before are
// looked at sample by sample: a server that starts again in the same point would else take what it
// measures now for what was.
func valueBefore(ctx context.Context, h *history.History, series string, to time.Time) (float64, error) {
	for _, r := range []history.Range{{From: to.Add(-beforeFine), To: to, Points: beforeFinePoints}, {From: to.Add(-beforeSpan), To: to, Points: beforePoints}} {
		found, err := h.Query(ctx, r, series)
		if err != nil {
			return math.NaN(), err
		}
		whole := min(max(0, int(to.Sub(found.From)/found.Step)), len(found.Series[0].Max)) // points that ended by then
		if v := lastKnown(found.Series[0].Max[:whole]); !math.IsNaN(v) {
			return v, nil
		}
	}
	return math.NaN(), nil
}

// lastKnown is the last figure that is one.
func lastKnown(values []float64) float64 {
	for i := len(values) - 1; i >= 0; i-- {
		if !math.IsNaN(values[i]) {
			return values[i]
		}
	}
	return math.NaN()
}
