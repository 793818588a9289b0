// Package jobs runs periodic work: purging, collecting, adopting. Of all the
// copies of the server that share a database exactly one runs a job at a time.
//
// The story of a run. Each copy knows when a job is due. The first to find it due takes the
// job's lease, one row in jobs_leases, and runs the function; while it runs the lease is
// renewed. When it is done the row says when the job is due next, for all copies. A copy that
// dies lets its lease expire, and another takes over. A copy that cannot renew its lease (the
// database is away, or the machine slept) cancels the function's context before anybody else
// could start, so a function that obeys its context never runs twice at once.
//
// Invariants and habits:
//   - A function is called again after failures, restarts and takeovers, so it is idempotent
//     and works in steps that each leave things whole.
//   - An error is logged once, not at every repetition, and the run is repeated with a growing pause, never later than the next period.
//   - After each start of the server every job runs once soon, due or not.
//   - While nothing is due nothing is written, and nothing is read either.
//   - Leases are judged by the database server's clock, so that the copies' clocks may differ.
//
// Why not River, of which the design speaks: its elector and its producers write and poll all
// the time, on SQLite too, where every write is an fsync that a sleeping disk in a home
// wakes up for; and it is a queue, while the rooms so far need only a timetable. When a
// room needs durable queued work, River or a table goes behind this package.
package jobs

import (
	"context"
	"crypto/rand"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"homeserver/internal/platform/sqldb"
)

const (
	// firstRun and firstSpread place a job's first run after the start: late enough not to slow
	// the start down, spread so that the jobs do not all begin at once.
	firstRun    = 2 * time.Second
	firstSpread = 3 * time.Second
	// firstRetry is the pause after a failed run; it doubles up to the period.
	firstRetry = 10 * time.Second
	// awayRetry and awayLongest bound the pause while the database is away.
	awayRetry   = time.Second
	awayLongest = 30 * time.Second
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are this package's tables, for sqldb's Migrate as the room "jobs".
func Migrations() fs.FS { return migrations }

// Workers is the timetable and those who work by it.
type Workers struct {
	db     *sqldb.DB
	log    *slog.Logger
	holder string

	mu   sync.Mutex
	jobs map[string]*job
	err  error // the first mistake in registering, reported by Run
}

// job is one line of the timetable.
type job struct {
	name    string
	period  time.Duration
	fn      func(ctx context.Context) error
	trigger chan struct{} // one slot: several requests before a run are one

	// Used by the job's loop alone.
	failures int    // runs that failed in a row
	said     string // the error last logged
	away     int    // times in a row the database was away
	looks    int    // times in a row a requested run found another copy at it
}

// New makes an empty timetable. It does no I/O; the tables must exist when Run starts.
func New(db *sqldb.DB, log *slog.Logger) *Workers {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host" // only for people to read; the random part tells holders apart
	}
	return &Workers{db: db, log: log, jobs: make(map[string]*job), holder: fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text())}
}

// Every registers a job: fn runs once soon after the start and then every period, on one copy
// at a time. fn must end soon when its context does. Call it before Run; names are unique.
func (w *Workers) Every(name string, period time.Duration, fn func(ctx context.Context) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
	case name == "" || period <= 0 || fn == nil:
		w.err = fmt.Errorf("jobs: %q needs a name, a period and a function", name)
	case w.jobs[name] != nil:
		w.err = fmt.Errorf("jobs: two jobs are called %q", name)
	default:
		w.jobs[name] = &job{name: name, period: period, fn: fn, trigger: make(chan struct{}, 1)}
	}
}

// Trigger asks for a run now, due or not, and returns at once. During a run it asks for
// another one after it, since that run may have overlooked what the caller has just done.
func (w *Workers) Trigger(name string) {
	w.mu.Lock()
	j := w.jobs[name]
	w.mu.Unlock()
	if j == nil {
		w.log.Error("a job that does not exist was asked for", "job", name)
		return
	}
	select {
	case j.trigger <- struct{}{}:
	default: // asked for already
	}
}

// Run works by the timetable until ctx ends and every function has returned.
func (w *Workers) Run(ctx context.Context) error {
	w.mu.Lock()
	err := w.err
	var group sync.WaitGroup
	if err == nil {
		for _, j := range w.jobs {
			group.Go(func() { w.loop(ctx, j) })
		}
	}
	w.mu.Unlock()
	if err != nil {
		return err
	}
	<-ctx.Done()
	group.Wait()
	return nil
}
