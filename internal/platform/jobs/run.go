package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// errLeaseLost is why a function's context ends when this copy may no longer run it.
var errLeaseLost = errors.New("the job's lease was lost")

// loop waits for a job's times and requests. force means: run though it is not due.
func (w *Workers) loop(ctx context.Context, j *job) {
	timer := time.NewTimer(firstRun + rand.N(firstSpread))
	defer timer.Stop()
	for force := true; ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-j.trigger:
			force = true
		}
		if ctx.Err() != nil {
			return
		}
		var wait time.Duration
		wait, force = w.turn(ctx, j, force)
		timer.Reset(wait)
	}
}

// turn runs the job if this copy gets its lease, and says how long to wait for the next look
// and whether that must be a run.
func (w *Workers) turn(ctx context.Context, j *job, force bool) (wait time.Duration, forceNext bool) {
	wait, got, err := w.claim(ctx, j, force)
	if err != nil {
		return w.databaseAway(ctx, j, err), force
	}
	if j.away > 0 {
		w.log.InfoContext(ctx, "periodic work goes on: the database is back", "job", j.name)
		j.away = 0
	}
	if !got {
		return wait, force
	}
	j.looks = 0
	started := time.Now()
	err = w.work(ctx, j)
	if errors.Is(err, errLeaseLost) {
		w.log.WarnContext(ctx, "a run was broken off: the database could not be asked to renew its lease, or another copy has taken over", "job", j.name)
		return w.pauseAfterFailure(j), false
	}
	wait = w.judge(ctx, j, err, started)
	w.finish(ctx, j, wait)
	return wait, false
}

// databaseAway logs the first of a series of errors and says when to try again.
func (w *Workers) databaseAway(ctx context.Context, j *job, err error) time.Duration {
	if j.away == 0 && ctx.Err() == nil {
		w.log.WarnContext(ctx, "periodic work waits: the database did not answer", "job", j.name, "error", err)
	}
	wait := min(awayRetry<<min(j.away, 10), awayLongest)
	j.away++
	return wait/2 + rand.N(wait)
}

// judge logs how the run went and says when the next is due.
func (w *Workers) judge(ctx context.Context, j *job, err error, started time.Time) time.Duration {
	switch {
	case ctx.Err() != nil:
		return 0 // stopped in the middle by our own end: another copy may go on at once
	case err == nil:
		if j.failures > 0 {
			w.log.InfoContext(ctx, "periodic work succeeds again", "job", j.name, "failures", j.failures)
		}
		j.failures, j.said = 0, ""
		// From start to start; work that takes longer than its period still leaves the house some rest.
		return max(j.period-time.Since(started), j.period/10)
	}
	if text := err.Error(); text != j.said {
		w.log.ErrorContext(ctx, "periodic work failed; it is repeated", "job", j.name, "error", err)
		j.said = text
	}
	return w.pauseAfterFailure(j)
}

func (w *Workers) pauseAfterFailure(j *job) time.Duration {
	wait := min(firstRetry<<min(j.failures, 20), j.period)
	j.failures++
	return wait
}

// work calls the function while the lease is kept. It returns errLeaseLost when that failed.
func (w *Workers) work(ctx context.Context, j *job) error {
	runCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	kept := make(chan struct{})
	keepCtx, release := context.WithCancel(ctx)
	go func() {
		defer close(kept)
		w.keep(keepCtx, j, func() { cancel(errLeaseLost) })
	}()
	err := call(runCtx, j)
	release()
	<-kept
	if context.Cause(runCtx) == errLeaseLost { //nolint:errorlint // the cause is the bare value
		return errLeaseLost
	}
	return err
}

// call turns a panic into an error: one broken job must not take the house down.
func call(ctx context.Context, j *job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in job %s: %v\n%s", j.name, p, debug.Stack())
		}
	}()
	return j.fn(ctx)
}
