package alerts

import (
	"context"
	"math"
	"time"

	"homeserver/internal/monitor/history"
	"homeserver/internal/platform/sqldb"
)

const (
	// owedAtOnce is how many notifications are read at once to be handed over again.
	owedAtOnce = 100
	// chartSpan and chartPoints are the small chart of a notification; chartTimeout is how long
	// it may take to be found, which is worth less than the notification.
	chartSpan    = time.Hour
	chartPoints  = 60
	chartTimeout = 2 * time.Second
)

// settleOwed hands over what could not be before: a silence is over, or the outbox works again. One
// that cannot be handed over keeps none of the others.
func (a *Alerts) settleOwed(ctx context.Context) {
	if a.lent.Outbox == nil {
		return
	}
	var failure error
	var last Entry
	for more := true; more && !isAway(failure) && ctx.Err() == nil; {
		list, err := a.owing(ctx, last)
		if err != nil {
			failure = err
			break
		}
		more = len(list) == owedAtOnce
		for _, e := range list {
			last = *e
			if a.silenced(e) {
				continue
			}
			if err := a.handOver(ctx, e); err != nil {
				failure = err
			}
			if isAway(failure) || ctx.Err() != nil {
				break
			}
		}
	}
	if failure != nil && ctx.Err() == nil {
		a.log.Warn("notifications that are owed cannot be handed over; it is tried again in a minute", "error", failure)
	}
}

// owing is what is owed after an entry.
func (a *Alerts) owing(ctx context.Context, after Entry) ([]*Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return a.store.owing(ctx, &after, owedAtOnce)
}

func (a *Alerts) handOver(ctx context.Context, e *Entry) error {
	points := a.chart(ctx, e)
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	m := raisedMessage(e, points)
	if e.owed == owedRecovered {
		m = recoveredMessage(e, points)
	}
	return a.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		ok, err := a.store.settle(ctx, tx, e.ID, e.owed)
		if err != nil || !ok {
			return err
		}
		return a.enqueue(ctx, tx, m)
	})
}

// chart is the figure of the last hour, empty when it cannot be had at once. It is asked for in a
// goroutine of its own: the history may hang on its disk, and heeds no deadline then. As long as
// it does, no other is asked for.
func (a *Alerts) chart(ctx context.Context, e *Entry) []Point {
	if a.lent.History == nil || a.lent.Outbox == nil || !a.charting.CompareAndSwap(false, true) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, chartTimeout)
	drawn := make(chan []Point, 1)
	series := e.Series
	go func() {
		defer cancel()
		points := a.draw(ctx, series)
		a.charting.Store(false)
		drawn <- points
	}()
	select {
	case points := <-drawn:
		return points
	case <-ctx.Done():
		return nil
	}
}

// draw asks the history for the figure of the last hour.
func (a *Alerts) draw(ctx context.Context, series string) []Point {
	h, err := a.lent.History(ctx)
	if err != nil {
		return nil
	}
	to := a.lent.Now()
	answer, err := h.Query(ctx, history.Range{From: to.Add(-chartSpan), To: to, Points: chartPoints}, series)
	if err != nil || len(answer.Series) == 0 {
		return nil
	}
	var points []Point
	for i, v := range answer.Series[0].Mean {
		if !math.IsNaN(v) {
			points = append(points, Point{answer.From.Add(time.Duration(i) * answer.Step), v})
		}
	}
	return points
}
