package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"homeserver/internal/monitor/machine"
)

// errLate is the error of a collector that had not answered by the deadline of its tick.
var errLate = errors.New("no answer in time")

// errUnsupported is the error of a figure that this platform does not offer.
var errUnsupported = machine.ErrUnsupported

// collector asks the system one question, in a goroutine of its own, so that a question that
// hangs (statfs on a dead network mount) holds up nobody. At most one is outstanding.
// A collector belongs to the sampler's goroutine.
type collector[T any] struct {
	name  string
	read  func() (T, error)
	log   *slog.Logger
	done  chan reading[T]
	busy  bool // a read is outstanding
	asked bool // it was begun at this tick
	last  error
	value T    // newest that was read, at this tick or earlier
	known bool // value was read at least once
}

// reading is one answer, when it was given and how long it took.
type reading[T any] struct {
	value T
	at    time.Time
	took  time.Duration
	err   error
}

func newCollector[T any](name string, log *slog.Logger, read func() (T, error)) *collector[T] {
	return &collector[T]{name: name, read: read, log: log, done: make(chan reading[T], 1)}
}

// start begins a read unless the last one is still under way. An answer that came after its
// tick is no longer a measurement of any tick, but the newest that is known.
func (c *collector[T]) start() {
	c.asked = false
	if c.busy {
		select {
		case late := <-c.done:
			c.busy = false
			c.keep(late)
		default:
			return
		}
	}
	c.busy, c.asked = true, true
	go func() {
		r, began := reading[T]{}, time.Now()
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("panic: %v", p)
			}
			r.at = time.Now()
			r.took = r.at.Sub(began)
			c.done <- r
		}()
		r.value, r.err = c.read()
	}()
}

// take returns the answer to this tick's start, waiting for it until ctx ends.
func (c *collector[T]) take(ctx context.Context) (reading[T], bool) {
	r := reading[T]{err: errLate}
	if c.asked {
		select {
		case r = <-c.done:
			c.busy = false
			c.keep(r)
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return r, false // the house stops: nobody's fault
			}
		}
	}
	c.report(r.err)
	return r, r.err == nil
}

// poll returns the answer if it has come by now.
func (c *collector[T]) poll() (r reading[T], answered bool) {
	if !c.asked {
		return r, false
	}
	select {
	case r = <-c.done:
		c.busy = false
		c.keep(r)
		c.report(r.err)
		return r, true
	default:
		return r, false
	}
}

func (c *collector[T]) keep(r reading[T]) {
	if r.err == nil {
		c.value, c.known = r.value, true
	}
}

// report logs when a collector begins to fail, fails in another way, or recovers; not each tick.
func (c *collector[T]) report(err error) {
	was := c.last
	c.last = err
	switch {
	case err == nil && was != nil:
		c.log.Info("measuring works again", "collector", c.name)
	case err == nil || was != nil && was.Error() == err.Error():
	case errors.Is(err, errUnsupported):
		c.log.Debug("not measured here", "collector", c.name, "error", err)
	default:
		c.log.Warn("cannot measure", "collector", c.name, "error", err)
	}
}
