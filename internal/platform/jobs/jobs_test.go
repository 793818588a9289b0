package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homeserver/internal/platform/jobs"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// open opens url with the tables of this package.
func open(t *testing.T, url string) *sqldb.DB {
	t.Helper()
	db := sqldbtest.Open(t, url)
	if err := db.Migrate(t.Context(), "jobs", jobs.Migrations()); err != nil {
		t.Fatal(err)
	}
	return db
}

// start runs w until the returned function is called.
func start(t *testing.T, w *jobs.Workers) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

// bubble runs test in fake time with a SQLite database of its own.
func bubble(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	url := sqldbtest.SQLite(t)
	synctest.Test(t, func(t *testing.T) { test(t, url) })
}

// tolerance covers the spread of first runs and a look that comes a moment late.
const tolerance = 10 * time.Second

func near(got, want time.Duration) bool { return got >= want && got <= want+tolerance }

func TestRunsSoonAfterTheStartAndThenEveryPeriod(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		w := jobs.New(open(t, url), nil)
		began := time.Now()
		var at []time.Duration
		w.Every("work", time.Hour, func(context.Context) error {
			at = append(at, time.Since(began))
			return nil
		})
		stop := start(t, w)
		time.Sleep(3*time.Hour + time.Minute) // fake time: no waiting
		stop()
		if len(at) != 4 || !near(at[0], 2*time.Second) || at[3]-at[0] < 3*time.Hour || at[3]-at[0] > 3*time.Hour+time.Second {
			t.Errorf("got runs at %v; want one soon and three an hour apart", at)
		}
	})
}

func TestOneCopyAtATimeAndOneRunPerPeriodForAll(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		var running, runs atomic.Int32
		var stops []func()
		for range 3 {
			w := jobs.New(open(t, url), nil)
			w.Every("work", time.Hour, func(context.Context) error {
				if running.Add(1) != 1 {
					t.Error("two copies at once")
				}
				time.Sleep(7 * time.Minute) // far longer than a lease
				running.Add(-1)
				runs.Add(1)
				return nil
			})
			stops = append(stops, start(t, w))
		}
		time.Sleep(50 * time.Minute)
		first := runs.Load()
		time.Sleep(10 * time.Hour)
		for _, stop := range stops {
			stop()
		}
		if first != 3 {
			t.Errorf("got %d runs after three starts; want one for each", first)
		}
		if got := runs.Load() - first; got < 9 || got > 11 {
			t.Errorf("got %d runs of three copies in ten hours; want about ten", got)
		}
	})
}

func TestADeadCopysJobIsTakenOver(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		db := open(t, url)
		_, err := db.Exec(t.Context(), `INSERT INTO jobs_leases (name, holder, expires_at, due_at) VALUES ($1, $2, $3, $4)`,
			"work", "a copy that died", time.Now().Add(40*time.Second).UnixMicro(), time.Now().UnixMicro())
		if err != nil {
			t.Fatal(err)
		}
		w := jobs.New(db, nil)
		began, ran := time.Now(), make(chan time.Duration, 9)
		w.Every("work", time.Hour, func(context.Context) error { ran <- time.Since(began); return nil })
		stop := start(t, w)
		if got := <-ran; !near(got, 40*time.Second) {
			t.Errorf("taken over after %s; want when the lease of 40 s is over", got)
		}
		stop()
	})
}

func TestTheFunctionIsStoppedWhenTheLeaseIsLost(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		db := open(t, url)
		w := jobs.New(db, nil)
		stopped := make(chan time.Duration, 9)
		w.Every("work", time.Hour, func(ctx context.Context) error {
			_, err := db.Exec(ctx, `UPDATE jobs_leases SET holder = $1`, "somebody else")
			if err != nil {
				t.Error(err)
			}
			began := time.Now()
			<-ctx.Done()
			stopped <- time.Since(began)
			return ctx.Err()
		})
		stop := start(t, w)
		if got := <-stopped; got > 30*time.Second {
			t.Errorf("stopped after %s; want at the next renewal", got)
		}
		stop()
	})
}

func TestTheFunctionIsStoppedWhenTheDatabaseIsAway(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		db := open(t, url)
		w := jobs.New(db, nil)
		stopped := make(chan time.Duration, 9)
		w.Every("work", time.Hour, func(ctx context.Context) error {
			began := time.Now()
			if _, err := db.Exec(ctx, `ALTER TABLE jobs_leases RENAME TO away`); err != nil {
				t.Error(err)
			}
			<-ctx.Done()
			stopped <- time.Since(began)
			return ctx.Err()
		})
		stop := start(t, w)
		if got := <-stopped; got < 40*time.Second || got >= time.Minute {
			t.Errorf("stopped after %s; want after some tries, but before the lease of 1 minute ends", got)
		}
		stop()
	})
}

func TestFailuresAreRepeatedSoonerAndLoggedOnce(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		var log bytes.Buffer
		w := jobs.New(open(t, url), slog.New(slog.NewTextHandler(&log, nil)))
		var at []time.Time
		w.Every("work", 10*time.Minute, func(context.Context) error {
			at = append(at, time.Now())
			switch len(at) {
			case 1, 2:
				return errors.New("broken pipe")
			case 3:
				panic("broken job")
			}
			return nil
		})
		stop := start(t, w)
		time.Sleep(15 * time.Minute)
		stop()
		var gaps []time.Duration
		for i := 1; i < len(at); i++ {
			gaps = append(gaps, at[i].Sub(at[i-1]).Round(time.Second))
		}
		want := []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, 10 * time.Minute}
		if len(gaps) != len(want) || gaps[0] != want[0] || gaps[1] != want[1] || gaps[2] != want[2] || gaps[3] != want[3] {
			t.Errorf("got pauses %v; want %v", gaps, want)
		}
		if got := log.String(); strings.Count(got, "broken pipe") != 1 || strings.Count(got, "broken job") < 1 || !strings.Contains(got, "succeeds again") {
			t.Errorf("log: got %s; want each error once and the recovery", got)
		}
	})
}

func TestAWrongClockDoesNotStopTheWork(t *testing.T) {
	bubble(t, func(t *testing.T, url string) {
		db := open(t, url)
		w := jobs.New(db, nil)
		runs := 0
		w.Every("work", time.Hour, func(context.Context) error { runs++; return nil })
		stop := start(t, w)
		time.Sleep(time.Minute)
		future := time.Now().AddDate(70, 0, 0).UnixMicro()
		if _, err := db.Exec(t.Context(), `UPDATE jobs_leases SET expires_at = $1, due_at = $1`, future); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		stop()
		if runs < 2 {
			t.Errorf("got %d runs; want the times from the future ignored", runs)
		}
	})
}

func TestMistakesAreReported(t *testing.T) {
	fn := func(context.Context) error { return nil }
	for name, register := range map[string]func(w *jobs.Workers){
		"twice":     func(w *jobs.Workers) { w.Every("a", time.Hour, fn); w.Every("a", time.Hour, fn) },
		"no period": func(w *jobs.Workers) { w.Every("a", 0, fn) },
	} {
		w := jobs.New(nil, nil)
		register(w)
		if err := w.Run(t.Context()); err == nil {
			t.Errorf("%s: Run did not complain", name)
		}
	}
}
