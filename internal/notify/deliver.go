package notify

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"homeserver/internal/notify/channel"
	"homeserver/internal/platform/failpoint"
	"homeserver/internal/platform/sqldb"
)

const (
	// firstRetry is the pause after the first failure; it doubles up to lastRetry.
	firstRetry = 10 * time.Second
	lastRetry  = time.Hour
	// giveUpAfter is how long a message is tried. What is older helps nobody, and a channel that
	// does not work for so long will not mend itself.
	giveUpAfter = 3 * 24 * time.Hour
	// fewestTries is how often it is tried at least, some four hours: a clock that was put forward
	// makes everything old at once.
	fewestTries = 12
	// clockSlack is how much the clocks of copies of the server may differ.
	clockSlack = time.Minute
	// longestWait is how far ahead the next try can be, and longestHold the end of quiet hours, on a
	// day of 25 hours. What waits for longer was put off by a clock that was wrong, and is due.
	longestWait = lastRetry + clockSlack
	longestHold = 25*time.Hour + clockSlack
	// finishing is how long a note that is being sent may take when the server ends.
	finishing = 5 * time.Second
	// noteTimeout bounds writing down how it went when the server ends.
	noteTimeout = 5 * time.Second
	// patience is how often a service may refuse one message before another channel tells it: the
	// second time it was no hiccup.
	patience = 2
)

// work sends what is due by a channel, in order, until nothing is.
func (n *Notify) work(ctx context.Context, id string) {
	stop := n.holdOn(ctx, id)
	defer func() {
		stop()
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
		defer cancel()
		if err := n.store.release(after, id, n.holder); err != nil { // no harm: the lease ends by itself
			n.log.DebugContext(ctx, "a channel was not given back", "channel", id, "error", err)
		}
	}()
	for ctx.Err() == nil {
		more, err := n.step(ctx, id)
		if err != nil {
			if ctx.Err() == nil {
				n.log.WarnContext(ctx, "notifications wait", "channel", id, "error", err)
			}
			return
		}
		if !more {
			return
		}
	}
}

// step does the next thing at a channel; false when there is nothing to do now.
func (n *Notify) step(ctx context.Context, id string) (more bool, err error) {
	c, ok, err := n.store.lease(ctx, id, n.holder)
	if errors.Is(err, sqldb.ErrNoRows) || err == nil && !ok {
		return false, nil // removed, or another copy is at it
	}
	if err != nil {
		return false, err
	}
	now := n.now()
	if !c.Enabled {
		return false, n.store.giveUp(ctx, n.store.db, id, now.UnixMicro(), "The channel was switched off.")
	}
	if err := n.store.orphans(ctx, id, now.UnixMicro()); err != nil {
		return false, err
	}
	settings, err := n.settings(ctx)
	if err != nil {
		return false, err
	}
	if err := n.keepQuiet(ctx, c, settings, now); err != nil {
		return false, err
	}
	if c.waits(now) {
		return false, n.divert(ctx, c, now)
	}
	d, err := n.store.begin(ctx, id, now.UnixMicro())
	if err != nil || d == nil {
		return false, err
	}
	failpoint.Hit("notify-claimed")
	return n.deliver(ctx, c, d, settings)
}

// deliver sends one and notes how it went; true when the channel may go on.
func (n *Notify) deliver(ctx context.Context, c *Channel, d *delivery, settings Settings) (more bool, err error) {
	after, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(finishing, cancel) })
	defer stop()
	var warning string
	var failure error
	if target, err := n.target(c); err != nil {
		failure = err
	} else {
		warning, failure = n.senders.Send(after, target, n.note(d, settings))
	}
	failpoint.Hit("notify-sent")

	noting, done := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer done()
	now := n.now()
	switch {
	case failure == nil:
		if c.Failures > 0 {
			n.log.InfoContext(ctx, "notifications are sent again", "channel", c.Name, "failures", c.Failures)
		}
		return true, n.store.sent(noting, d, c.Name, warning, now.UnixMicro())
	case after.Err() != nil:
		return false, n.store.interrupted(noting, d, now.UnixMicro())
	}
	return n.noteFailure(noting, c, d, failure, now)
}

func (n *Notify) noteFailure(ctx context.Context, c *Channel, d *delivery, failure error, now time.Time) (more bool, err error) {
	var known *channel.Failure
	reason := sentenceOf(failure)
	refused := errors.As(failure, &known) && known.Refused
	if c.Failures == 0 { // once, not at every attempt
		n.log.WarnContext(ctx, "a notification could not be sent; it is tried again", "channel", c.Name, "kind", c.Kind, "error", reason)
	}
	if refused {
		err = n.store.refused(ctx, d, reason, now.Add(pauseAfter(d.attempts+1)).UnixMicro(), now.UnixMicro())
		c.Failures += number(d.refusals == 0)
	} else {
		pause := pauseAfter(c.Failures + 1)
		if known != nil { // who asks for a longer pause (429, 503) gets it, or counts every try against the house
			pause = max(pause, min(known.RetryAfter, lastRetry))
		}
		next := now.Add(pause)
		err = n.store.failed(ctx, d, reason, next.UnixMicro(), now.UnixMicro())
		c.Failures++
	}
	if err != nil {
		return false, err
	}
	tries := int64(fewestTries)
	if c.Failures >= fewestTries {
		tries = 0 // what waits behind others was not tried itself
	}
	if err := n.store.giveUpOld(ctx, c.ID, tries, now.Add(-giveUpAfter).UnixMicro(), now.UnixMicro(), "Given up after 3 days."); err != nil {
		return false, err
	}
	if refused { // the next may be taken, and so only what was refused is told by another
		least := int64(patience)
		if c.Failures >= c.FallbackAfter {
			least = 1
		}
		return true, n.divertRefused(ctx, c, least, now)
	}
	return false, n.divert(ctx, c, now)
}

// waits reports whether nothing is tried by the channel yet.
func (c *Channel) waits(now time.Time) bool {
	ahead := micro(c.waitUntil).Sub(now)
	return ahead > 0 && ahead <= longestWait
}

// pauseAfter is the pause after so many failures in a row, somewhat random, so that what
// failed together is not repeated together.
func pauseAfter(failures int64) time.Duration {
	pause := lastRetry
	if shift := failures - 1; shift < 20 {
		pause = min(firstRetry<<max(shift, 0), lastRetry)
	}
	return min(pause*4/5+rand.N(pause*2/5), lastRetry)
}

// divert has another channel stand in for one that failed so many times in a row.
func (n *Notify) divert(ctx context.Context, c *Channel, now time.Time) error {
	if c.Failures < c.FallbackAfter {
		return nil
	}
	return n.divertRefused(ctx, c, 0, now)
}

// divertRefused has another channel tell what was refused at least so often.
func (n *Notify) divertRefused(ctx context.Context, c *Channel, least int64, now time.Time) error {
	if c.FallbackID == "" {
		return nil
	}
	diverted := false
	err := n.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		diverted = false
		other, err := n.store.channel(ctx, tx, c.FallbackID)
		if errors.Is(err, sqldb.ErrNoRows) || err == nil && !other.Enabled {
			return nil
		}
		if err != nil {
			return err
		}
		list, err := n.store.undiverted(ctx, tx, c.ID, least)
		if err != nil {
			return err
		}
		for _, d := range list {
			ok, err := n.store.divert(ctx, tx, d, other.ID, now.UnixMicro())
			if err != nil {
				return err
			}
			diverted = diverted || ok
		}
		return nil
	})
	if diverted {
		n.wake()
	}
	return err
}
