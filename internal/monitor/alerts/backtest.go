package alerts

import (
	"context"
	"math"
	"time"

	"homeserver/internal/monitor/history"
	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/errs"
)

const (
	// backtestStep is the tier that a rule is tried on.
	backtestStep = time.Minute
	// backtestChunk is how much is asked of the history at once.
	backtestChunk = 2 * day
	// backtestSeries and backtestEpisodes bound what is tried, and what is told of it.
	backtestSeries   = 50
	backtestEpisodes = 20
	// backtestTrendEvery is how often a forecast is made in the trial.
	backtestTrendEvery = time.Hour
)

// episode is one alert that would have been.
type episode struct {
	series, title string
	from, to      time.Time // to is zero when it would be open
	worst         float64
}

// trial is what a rule would have done.
type trial struct {
	fired    int
	series   int
	total    time.Duration
	episodes []episode // the newest
}

// backtest tries a rule on the history of some days, in steps of a minute. A rule that alarms at
// once is tried on each minute's worst figure, one that waits on the mean, since a single dip ends
// its waiting.
func (a *Alerts) backtest(ctx context.Context, r *Rule, days int) (trial, error) {
	if a.lent.History == nil {
		return trial{}, errs.New(errs.Unavailable, "This server keeps no history of its figures.")
	}
	h, err := a.lent.History(ctx)
	if err != nil {
		return trial{}, err
	}
	to := a.lent.Now()
	var t trial
	for _, known := range h.List() {
		name, instance, err := metric.ParseKey(known.Key)
		if err != nil || name != r.Metric || !r.matches(instance) {
			continue
		}
		if t.series++; t.series > backtestSeries {
			break
		}
		values, from, err := a.minutes(ctx, h, r, known.Key, instance, to.Add(-time.Duration(days)*day), to)
		if err != nil {
			return trial{}, err
		}
		t.try(r, a.metrics.Find(name).Unit == metric.State, known, values, from)
	}
	return t, nil
}

// minutes are the figures of a series in steps of a minute, as the rule compares them.
func (a *Alerts) minutes(ctx context.Context, h *history.History, r *Rule, key, instance string, from, to time.Time) (values []float64, first time.Time, err error) {
	from = from.Truncate(backtestStep)
	for at := from; at.Before(to); at = at.Add(backtestChunk) {
		end := at.Add(backtestChunk)
		if end.After(to) {
			end = to.Truncate(backtestStep).Add(backtestStep)
		}
		span := history.Range{From: at, To: end, Points: int(end.Sub(at) / backtestStep)}
		keys := []string{key}
		if r.Against != "" {
			keys = append(keys, metric.Key(r.Against, instance))
		}
		found, err := h.Query(ctx, span, keys...)
		if err != nil {
			return nil, from, err
		}
		column := r.column(found.Series[0])
		for i := range column {
			v := column[i]
			if r.Against != "" {
				v = found.Series[1].Mean[i] - v
			}
			for range max(1, int(found.Step/backtestStep)) { // of what is no longer known by the minute
				values = append(values, v)
			}
		}
	}
	return values, from, nil
}

// column is the figures of a series that the rule is tried on.
func (r *Rule) column(p history.Points) []float64 {
	switch {
	case r.Condition == Increase:
		return p.Max
	case r.For >= backtestStep || r.Condition == Trend:
		return p.Mean
	case r.rises() || r.Against != "":
		return p.Max
	}
	return p.Min
}

// try runs the rule's state machine over the minutes.
func (t *trial) try(r *Rule, state bool, known history.Known, values []float64, from time.Time) {
	m := newMachine(0)
	var grown growth
	ahead := never
	var open *episode
	for i, v := range values {
		now := time.Duration(i) * backtestStep
		if !math.IsNaN(v) {
			switch r.Condition {
			case Increase:
				v = grown.take(now, v, r.Window, state)
			case Trend:
				if i%int(backtestTrendEvery/backtestStep) == 0 {
					ahead = tryForecast(r, values[:i+1])
				}
				if v < r.AtLeast {
					v = never.Seconds()
				} else {
					v = ahead.Seconds()
				}
			}
		}
		at := from.Add(now)
		what := m.step(r, now, v)
		if open != nil && !math.IsNaN(v) {
			open.worst = r.worse(open.worst, v)
		}
		switch what {
		case raised, lost:
			t.fired++
			open = &episode{series: known.Key, title: known.Title, from: at, worst: v}
		case cleared, found:
			open.to = at
			t.close(open, at)
			open = nil
		}
	}
	if open != nil {
		t.close(open, from.Add(time.Duration(len(values))*backtestStep))
	}
}

// tryForecast makes a forecast from the last window of minutes.
func tryForecast(r *Rule, values []float64) time.Duration {
	n := int(r.Window / backtestStep)
	values = values[max(0, len(values)-n):]
	every := max(1, n/trendPoints)
	thin := make([]float64, 0, len(values)/every+1)
	for i := len(values) - 1; i >= 0; i -= every {
		thin = append(thin, values[i])
	}
	for i, j := 0, len(thin)-1; i < j; i, j = i+1, j-1 {
		thin[i], thin[j] = thin[j], thin[i]
	}
	return forecast(thin, time.Duration(every)*backtestStep, r.Limit)
}

func (t *trial) close(e *episode, at time.Time) {
	t.total += at.Sub(e.from)
	t.episodes = append(t.episodes, *e)
	if len(t.episodes) > backtestEpisodes {
		t.episodes = t.episodes[1:]
	}
}
