package jobs

import (
	"context"
	"errors"
	"math"
	"time"

	"homeserver/internal/platform/sqldb"
)

const (
	// leaseTime is how long a dead copy keeps a job from the others.
	leaseTime = time.Minute
	// renewEvery leaves room for two failures before the lease ends; runs shorter than this write nothing for it.
	renewEvery = 20 * time.Second
	// renewRetry is the pause after a failed renewal.
	renewRetry = 5 * time.Second
	// giveUpAfter is how long after the last success the function is told to stop: before the
	// lease ends, so that it has time to obey.
	giveUpAfter = 45 * time.Second
	// leaseCallTimeout bounds one statement about leases.
	leaseCallTimeout = 5 * time.Second
	// firstLook and lastLook bound how often a requested run looks whether the copy that runs
	// the job is done; the pause doubles in between.
	firstLook = 100 * time.Millisecond
	lastLook  = 10 * time.Second
)

// claim takes the lease if the job is free and, unless forced, due. Otherwise it says when to look again.
func (w *Workers) claim(ctx context.Context, j *job, force bool) (wait time.Duration, got bool, err error) {
	now, err := w.now(ctx, w.db)
	if err != nil {
		return 0, false, err
	}
	// Reading first: a copy that is not to run it writes nothing.
	wait, err = w.look(ctx, j, now, force)
	if err != nil || wait > 0 {
		return wait, false, err
	}
	bound := int64(math.MaxInt64)
	err = w.db.Tx(ctx, func(tx *sqldb.Tx) error {
		now, err := w.now(ctx, tx)
		if err != nil {
			return err
		}
		if !force {
			bound = now
		}
		// A time further ahead than any copy would have written comes from a clock that was wrong.
		n, err := tx.Exec(ctx, `
			INSERT INTO jobs_leases (name, holder, expires_at, due_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
			WHERE (jobs_leases.expires_at <= $4 OR jobs_leases.expires_at > $3 OR jobs_leases.holder = $2)
			  AND (jobs_leases.due_at <= $5 OR jobs_leases.due_at > $6)`,
			j.name, w.holder, now+leaseTime.Microseconds(), now, bound, now+j.period.Microseconds())
		got = n > 0
		return err
	})
	if err != nil || got {
		return 0, got, err
	}
	wait, err = w.look(ctx, j, now, force) // another copy was quicker
	return max(wait, firstLook), false, err
}

// look says how long the job is not to be run: 0 when it may be now.
func (w *Workers) look(ctx context.Context, j *job, now int64, force bool) (time.Duration, error) {
	var holder string
	var expires, due int64
	err := w.db.QueryRow(ctx, `SELECT holder, expires_at, due_at FROM jobs_leases WHERE name = $1`, j.name).Scan(&holder, &expires, &due)
	if errors.Is(err, sqldb.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	held, early := micros(expires-now), micros(due-now)
	// Our own lease stands when the database was away at the end of the last run; one from
	// further ahead than a lease lasts was written by a clock that was wrong.
	if holder == w.holder || held > leaseTime {
		held = 0
	}
	if early > j.period {
		early = 0
	}
	switch {
	case force && held > 0:
		j.looks++
		return min(held, firstLook<<min(j.looks-1, 10), lastLook), nil
	case force:
		return 0, nil
	case held > 0: // whoever runs it sets the next time when done; look then, or when it died
		return held, nil
	}
	return max(early, 0), nil
}

// keep renews the lease until ctx ends; lost is called when this copy must stop.
func (w *Workers) keep(ctx context.Context, j *job, lost func()) {
	timer := time.NewTimer(renewEvery)
	defer timer.Stop()
	for renewed := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		asked := time.Now()
		ours, err := w.renew(ctx, j)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && ours:
			renewed = asked
			timer.Reset(renewEvery)
		case err == nil, time.Since(renewed) >= giveUpAfter:
			lost()
			return
		default:
			timer.Reset(renewRetry)
		}
	}
}

// renew prolongs the lease; ours is false when somebody else has it.
func (w *Workers) renew(ctx context.Context, j *job) (ours bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, leaseCallTimeout)
	defer cancel()
	now, err := w.now(ctx, w.db)
	if err != nil {
		return false, err
	}
	n, err := w.db.Exec(ctx, `UPDATE jobs_leases SET expires_at = $1 WHERE name = $2 AND holder = $3 AND expires_at > $4`,
		now+leaseTime.Microseconds(), j.name, w.holder, now)
	return n > 0, err
}

// finish gives the lease back and tells all copies when the job is due next. It also runs
// when ctx has ended, so that another copy need not wait for the lease to expire.
func (w *Workers) finish(ctx context.Context, j *job, wait time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseCallTimeout)
	defer cancel()
	now, err := w.now(ctx, w.db)
	if err == nil {
		_, err = w.db.Exec(ctx, `UPDATE jobs_leases SET expires_at = 0, due_at = $1 WHERE name = $2 AND holder = $3`,
			now+wait.Microseconds(), j.name, w.holder)
	}
	if err != nil { // no harm: the lease expires by itself, and the job is run once more
		w.log.DebugContext(ctx, "a job's lease was not given back", "job", j.name, "error", err)
	}
}

// now is the time all copies agree on: PostgreSQL's clock. SQLite is in this process, or at least on this machine.
func (w *Workers) now(ctx context.Context, q sqldb.Querier) (int64, error) {
	if w.db.Dialect() == sqldb.SQLite {
		return time.Now().UnixMicro(), nil
	}
	var now int64
	err := q.QueryRow(ctx, `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`).Scan(&now)
	return now, err
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
