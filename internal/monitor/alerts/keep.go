package alerts

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/monitor/history"
	"homeserver/internal/platform/sqldb"
)

const (
	// writeTimeout bounds one transaction: what takes longer is tried again.
	writeTimeout = 5 * time.Second
	// writeRetry is the pause after one that failed.
	writeRetry = 10 * time.Second
	// mostWrites bounds what is kept while the database is away.
	mostWrites = 4096
	// owedAtOnce is how many notifications are handed over again at once.
	owedAtOnce = 100
	// keepPast is how long alerts that are over are remembered, as the figures are.
	keepPast = 5 * 365 * day
	// chartSpan and chartPoints are the small chart of a notification; chartTimeout is how long
	// it may take to be found, which is worth less than the notification.
	chartSpan    = time.Hour
	chartPoints  = 60
	chartTimeout = 2 * time.Second
)

// write is what is to be written: that an alert was raised, or that it is over.
type write struct {
	entry *Entry
	over  bool
}

// happened makes of what a tick brought about what is to be written. The caller holds mu.
func (a *Alerts) happened(h happening, at time.Time) {
	w := h.watch
	switch h.event {
	case raised, lost:
		w.alert = a.newEntry(w, at)
		a.open[w.alert.ID] = w.alert
		a.put(write{entry: w.alert})
		if a.lent.Raised != nil {
			a.lent.Raised()
		}
	case cleared, found:
		if w.alert == nil {
			return
		}
		w.alert.Last = w.figure
		ended := endedRecovered
		if h.event == found {
			ended = endedFound
		}
		a.finish(w.alert, ended, at)
		w.alert = nil
	}
}

// newEntry is a new alert. The caller holds mu.
func (a *Alerts) newEntry(w *watch, at time.Time) *Entry {
	wrong := a.engine.now - w.machine.wrong
	return &Entry{
		ID: uuid.NewString(), RuleID: w.rule.ID, RuleName: w.rule.Name, Severity: w.rule.Severity, Series: w.key(), SeriesTitle: w.title,
		Unit: w.rule.unit(w.metric), Condition: w.rule.Condition, NoFigure: w.machine.noFigure, Flapping: w.machine.damped, Threshold: w.rule.Raise,
		First: w.figure, Worst: w.figure, Last: w.figure, Advice: w.rule.Advice, Began: at.Add(-wrong), Raised: at, opened: w.machine.wrong,
	}
}

// finish ends an open alert. The caller holds mu.
func (a *Alerts) finish(e *Entry, why string, at time.Time) {
	over := *e // the open one may still have to be written as it was
	over.Cleared, over.Ended = at, why
	if e.resumed {
		over.Lasted = max(0, at.Sub(e.Began))
	} else {
		over.Lasted = a.engine.now - e.opened
	}
	if over.Cleared.Before(over.Raised) { // the clock was set back
		over.Cleared = over.Raised
	}
	delete(a.open, e.ID)
	a.put(write{entry: &over, over: true})
}

// put keeps a write until it is done. The caller holds mu.
func (a *Alerts) put(w write) {
	if len(a.writes) >= mostWrites {
		a.log.Error("an alert cannot be kept: the database has been away for too long", "rule", w.entry.RuleName, "series", w.entry.Series)
		return
	}
	a.writes = append(a.writes, w)
}

// settle writes what is to be written, in order, unless that failed a moment ago.
func (a *Alerts) settle(ctx context.Context) {
	for {
		a.mu.Lock()
		if len(a.writes) == 0 || a.failing && time.Since(a.started) < a.retryAt {
			a.mu.Unlock()
			return
		}
		next := a.writes[0]
		a.mu.Unlock()
		err := a.write(ctx, next)
		if ctx.Err() != nil {
			return
		}
		a.mu.Lock()
		if err != nil && !a.failing {
			a.log.Warn("an alert cannot be written; it is kept and tried again", "rule", next.entry.RuleName, "series", next.entry.Series, "error", err)
		}
		a.failing = err != nil
		if err == nil {
			a.writes = a.writes[1:]
		} else {
			a.retryAt = time.Since(a.started) + writeRetry
		}
		a.mu.Unlock()
		a.tell()
	}
}

// errOutbox is the error of a message that was not taken over.
type errOutbox struct{ error }

func (e errOutbox) Unwrap() error { return e.error }

// write writes one alert with its notification. When only the notification is refused the alert
// is written without, and it is owed.
func (a *Alerts) write(ctx context.Context, w write) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	points := a.chart(ctx, w.entry)
	do := a.writeRaised
	if w.over {
		do = a.writeOver
	}
	err := do(ctx, w.entry, points, true)
	var refused errOutbox
	if errors.As(err, &refused) && ctx.Err() == nil {
		a.log.Warn("a notification was not taken over; it is tried again", "rule", w.entry.RuleName, "error", err)
		err = do(ctx, w.entry, points, false)
	}
	return err
}

// writeRaised writes a new alert. With notify false its notification is owed.
func (a *Alerts) writeRaised(ctx context.Context, e *Entry, points []Point, notify bool) error {
	row := a.copyOf(e)
	quiet := a.silenced(&row)
	row.owed = owedNothing
	if a.lent.Outbox != nil && (quiet || !notify) {
		row.owed = owedRaised
	}
	var there *Entry
	err := a.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		there = nil
		ok, err := a.store.raise(ctx, tx, &row)
		switch {
		case err != nil:
			return err
		case !ok: // another copy of the server was first
			there, err = a.store.openOf(ctx, tx, row.RuleID, row.Series)
			return err
		case quiet || !notify:
			return nil
		}
		return a.enqueue(ctx, tx, raisedMessage(&row, points))
	})
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if there != nil && there.ID != e.ID {
		a.adopt(e, there.ID)
	}
	e.saved = true
	return nil
}

// adopt gives an alert the id that another copy of the server raised it with. The caller holds mu.
func (a *Alerts) adopt(e *Entry, id string) {
	old := e.ID
	if a.open[old] == e {
		delete(a.open, old)
		a.open[id] = e
	}
	e.ID = id
	for _, w := range a.writes {
		if w.entry.ID == old {
			w.entry.ID = id
		}
	}
}

// writeOver writes that an alert is over. Of what nobody was told of, because it was silenced, nobody
// is told that it is over.
func (a *Alerts) writeOver(ctx context.Context, e *Entry, points []Point, notify bool) error {
	row := a.copyOf(e)
	quiet := a.silenced(&row) || a.lent.Outbox == nil || e.Ended == endedRule
	row.owed = owedNothing
	if !quiet && !notify {
		row.owed = owedRecovered
	}
	return a.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		_, ok, err := a.store.end(ctx, tx, &row)
		if err != nil || !ok || quiet || !notify {
			return err
		}
		return a.enqueue(ctx, tx, recoveredMessage(&row, points))
	})
}

func (a *Alerts) enqueue(ctx context.Context, tx *sqldb.Tx, m Message) error {
	if a.lent.Outbox == nil {
		return nil
	}
	if err := a.lent.Outbox.Enqueue(ctx, tx, m); err != nil {
		return errOutbox{fmt.Errorf("enqueue: %w", err)}
	}
	return nil
}

// copyOf is the entry as it is now.
func (a *Alerts) copyOf(e *Entry) Entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	return *e
}

// silenced reports whether nobody is to be notified of an alert now.
func (a *Alerts) silenced(e *Entry) bool { return !a.silencedUntil(e).IsZero() }

// silencedUntil is until when; zero when it is not.
func (a *Alerts) silencedUntil(e *Entry) (until time.Time) {
	now := a.lent.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.silences {
		if s := &a.silences[i]; s.covers(e.RuleID, e.Series, now) && s.Until.After(until) {
			until = s.Until
		}
	}
	return until
}

// settleOwed hands over what could not be before: a silence is over, or the outbox works again.
func (a *Alerts) settleOwed(ctx context.Context) {
	if a.lent.Outbox == nil {
		return
	}
	list, err := a.store.owing(ctx, owedAtOnce)
	for _, e := range list {
		if err != nil || ctx.Err() != nil {
			break
		}
		if !a.silenced(e) {
			err = a.handOver(ctx, e)
		}
	}
	if err != nil && ctx.Err() == nil {
		a.log.Warn("notifications that are owed cannot be handed over; it is tried again in a minute", "error", err)
	}
}

func (a *Alerts) handOver(ctx context.Context, e *Entry) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	points := a.chart(ctx, e)
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

// care looks after what changes slowly.
func (a *Alerts) care(ctx context.Context) {
	a.reload(ctx)
	now := a.lent.Now()
	a.mu.Lock()
	for _, w := range a.engine.gone() {
		if w.alert != nil {
			a.finish(w.alert, endedGone, now)
		}
	}
	var notes []Entry
	for _, e := range a.open {
		if e.saved {
			notes = append(notes, *e)
		}
	}
	a.mu.Unlock()
	a.settle(ctx)
	var err error
	for i := range notes {
		err = errors.Join(err, a.store.note(ctx, &notes[i]))
	}
	err = errors.Join(err, a.store.forget(ctx, now.Add(-keepPast)))
	if err != nil && ctx.Err() == nil {
		a.log.Debug("how alerts go on cannot be written", "error", err)
	}
	a.settleOwed(ctx)
}

// chart is the figure of the last hour, empty when it cannot be had at once.
func (a *Alerts) chart(ctx context.Context, e *Entry) []Point {
	if a.lent.History == nil || a.lent.Outbox == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, chartTimeout)
	defer cancel()
	h, err := a.lent.History(ctx)
	if err != nil {
		return nil
	}
	to := a.lent.Now()
	answer, err := h.Query(ctx, history.Range{From: to.Add(-chartSpan), To: to, Points: chartPoints}, e.Series)
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
