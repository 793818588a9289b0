package files

import (
	"context"
	"runtime"
	"time"
)

const (
	// restShare and fastShare are how long quiet work rests for each moment of work: it takes a
	// twenty-fifth of a disk and a core at most, or half when somebody waits for it.
	restShare = 24
	fastShare = 1
	// restLeast is the shortest pause worth a timer, restMost the longest at a time.
	restLeast = 20 * time.Millisecond
	restMost  = 30 * time.Second
)

// quietThread does work on a thread of its own that lets everybody else go first. Only work on
// content belongs there: a database that waits for an idle disk would make others wait.
type quietThread struct{ work chan func() }

func newQuietThread() *quietThread {
	q := &quietThread{work: make(chan func())}
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		stepBack()
		for fn := range q.work {
			fn()
		}
	}()
	return q
}

// do runs fn there and waits for it. A panic of fn is the caller's.
func (q *quietThread) do(fn func()) {
	done, failed := make(chan struct{}), any(nil)
	q.work <- func() {
		defer close(done)
		defer func() { failed = recover() }()
		fn()
	}
	if <-done; failed != nil {
		panic(failed)
	}
}

// end lets the thread go.
func (q *quietThread) end() { close(q.work) }

// pace keeps work small by pauses in proportion to it.
type pace struct {
	share time.Duration // of rest for each moment of work
	debt  time.Duration
	pause func(ctx context.Context, d time.Duration) error
}

// spent notes work and rests when enough has come together.
func (p *pace) spent(ctx context.Context, busy time.Duration) error {
	p.debt += busy * p.share
	if p.debt < restLeast {
		return ctx.Err()
	}
	d := min(p.debt, restMost)
	p.debt = 0
	return p.pause(ctx, d)
}

// rest waits for d or until ctx ends.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
