package alerts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

const (
	// writeTimeout bounds one transaction: what takes longer is tried again.
	writeTimeout = 5 * time.Second
	// writeRetry is the pause after one that failed.
	writeRetry = 10 * time.Second
	// mostWrites bounds what is kept while the database is away.
	mostWrites = 4096
	// writeTries is how often one is tried that the database refuses while it takes others, which
	// is for five minutes.
	writeTries = 30
	// keepPast is how long alerts that are over are remembered, as the figures are.
	keepPast = 5 * 365 * day
)

// write is what is to be written: that an alert was raised, or that it is over.
type write struct {
	entry *Entry
	over  bool
	tries int // how often it was refused
}

// watched is the rule and series that it is about: writes of the same stay in order.
func (w write) watched() [2]string { return [2]string{w.entry.RuleID, w.entry.Series} }

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
		ID: uuid.NewString(), RuleID: w.rule.ID, RuleName: metric.Text(w.rule.Name), Severity: w.rule.Severity, Series: w.key(), SeriesTitle: metric.Text(w.title),
		Unit: w.rule.unit(w.metric), Condition: w.rule.Condition, NoFigure: w.machine.noFigure, Flapping: w.machine.damped, Threshold: w.rule.Raise,
		First: w.figure, Worst: w.figure, Last: w.figure, Advice: metric.Text(w.rule.Advice), Began: at.Add(-wrong), Raised: at, opened: w.machine.wrong,
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

// settle writes what is to be written, in order, unless that failed a moment ago. What the database
// refuses is passed over: only what is about the same rule and series waits for it.
func (a *Alerts) settle(ctx context.Context) {
	a.mu.Lock()
	pause := a.failing && time.Since(a.started) < a.retryAt
	a.mu.Unlock()
	behind := map[[2]string]bool{}
	for at := 0; ; {
		a.mu.Lock()
		for at < len(a.writes) && (behind[a.writes[at].watched()] || pause && (a.away || a.writes[at].tries > 0)) {
			behind[a.writes[at].watched()] = true
			at++
		}
		if at == len(a.writes) {
			a.mu.Unlock()
			return
		}
		next := a.writes[at]
		a.mu.Unlock()
		err := a.write(ctx, next)
		if ctx.Err() != nil {
			return
		}
		a.mu.Lock()
		switch {
		case err == nil:
			a.written(at)
		case isAway(err):
			a.failed(next, err)
			a.away = true
		default:
			a.failed(next, err)
			a.refused(at, err)
			behind[next.watched()] = true
		}
		away := a.away
		a.mu.Unlock()
		a.tell()
		if away {
			return
		}
	}
}

// isAway reports whether an error is about the database as a whole, not about what it was given.
func isAway(err error) bool {
	return errs.Is(err, errs.Unavailable) || errs.Is(err, errs.StorageFull) || errors.Is(err, context.DeadlineExceeded)
}

// written takes out a write that is done. The caller holds mu.
func (a *Alerts) written(at int) {
	a.writes = slices.Delete(a.writes, at, at+1)
	a.away = false
	a.failing = slices.ContainsFunc(a.writes, func(w write) bool { return w.tries > 0 })
}

// failed notes that a write failed. The caller holds mu.
func (a *Alerts) failed(w write, err error) {
	if !a.failing {
		a.log.Warn("an alert cannot be written; it is kept and tried again", "rule", w.entry.RuleName, "series", w.entry.Series, "error", err)
	}
	a.failing, a.away, a.retryAt = true, false, time.Since(a.started)+writeRetry
}

// refused counts that the database did not take a write, and gives up one that it never does. The
// caller holds mu.
func (a *Alerts) refused(at int, err error) {
	w := &a.writes[at]
	w.tries++
	if w.tries >= writeTries {
		a.log.Error("an alert cannot be kept: the database refuses it", "rule", w.entry.RuleName, "series", w.entry.Series, "error", err)
		a.writes = slices.Delete(a.writes, at, at+1)
	}
}

// errOutbox is the error of a message that was not taken over.
type errOutbox struct{ error }

func (e errOutbox) Unwrap() error { return e.error }

// write writes one alert with its notification. When only the notification is refused the alert
// is written without, and it is owed.
func (a *Alerts) write(ctx context.Context, w write) error {
	points := a.chart(ctx, w.entry)
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
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

// writeOver writes that an alert is over. Of what nobody was told of, because it was silenced or the
// outbox did not work, nobody is told that it is over; who was told is told that too, if need be
// when the silence ends.
func (a *Alerts) writeOver(ctx context.Context, e *Entry, points []Point, notify bool) error {
	row := a.copyOf(e)
	now := notify && !a.silenced(&row)
	row.owed = owedNothing
	if a.lent.Outbox != nil && !now {
		row.owed = owedRecovered
	}
	return a.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		owed, ok, err := a.store.end(ctx, tx, &row)
		if err != nil || !ok || !now || owed == owedRaised {
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
	err := errors.Join(a.note(ctx, notes), a.forget(ctx, now.Add(-keepPast)))
	if err != nil && ctx.Err() == nil {
		a.log.Debug("how alerts go on cannot be written", "error", err)
	}
	a.settleOwed(ctx)
}

// note writes how open alerts go on. What the next minute writes anyway may be left out.
func (a *Alerts) note(ctx context.Context, open []Entry) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var failures error
	for i := range open {
		err := a.store.note(ctx, &open[i])
		if isAway(err) {
			return err
		}
		failures = errors.Join(failures, err)
	}
	return failures
}

// forget drops alerts that were over before a time.
func (a *Alerts) forget(ctx context.Context, before time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return a.store.forget(ctx, before)
}
