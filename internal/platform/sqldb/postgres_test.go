package sqldb_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// warm fills the pool with idle connections, which a restart of the server then makes stale.
func warm(t *testing.T, db *sqldb.DB) {
	t.Helper()
	var group sync.WaitGroup
	for range 12 {
		group.Go(func() {
			var n int
			if err := db.QueryRow(t.Context(), `SELECT 1 FROM pg_sleep(0.1)`).Scan(&n); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestFirstRequestAfterARestartSucceeds(t *testing.T) {
	cluster := sqldbtest.StartCluster(t)
	db := sqldbtest.Open(t, cluster.URL)
	ctx := t.Context()
	mustExec(t, db, `CREATE TABLE things (n BIGINT)`)
	for _, down := range []struct {
		name string
		stop func()
	}{{"stopped", cluster.Stop}, {"crashed", cluster.Crash}} {
		for _, c := range []struct {
			name string
			ask  func() error
		}{
			{"QueryRow", func() error { var n int; return db.QueryRow(ctx, `SELECT count(*) FROM things`).Scan(&n) }},
			{"Query", func() error {
				rows, err := db.Query(ctx, `SELECT n FROM things`)
				if err == nil {
					rows.Close()
				}
				return err
			}},
			{"Exec", func() error { _, err := db.Exec(ctx, `INSERT INTO things VALUES (1)`); return err }},
			{"Tx", func() error {
				return db.Tx(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, `INSERT INTO things VALUES (2)`); return err })
			}},
		} {
			warm(t, db)
			down.stop()
			if err := c.ask(); !errs.Is(err, errs.Unavailable) || !strings.HasPrefix(errs.Detail(err), "The database is not available") {
				t.Errorf("%s, %s: got %v; want Unavailable with a sentence", c.name, down.name, err)
			}
			cluster.Start()
			if err := c.ask(); err != nil {
				t.Errorf("%s after the server was %s and started: %v", c.name, down.name, err)
			}
			warm(t, db)
			down.stop()
			cluster.Start() // nobody asked meanwhile: every pooled connection is stale
			if err := c.ask(); err != nil {
				t.Errorf("%s after a %s nobody saw: %v", c.name, down.name, err)
			}
		}
	}
}

func TestRestartUnderLoadLosesNothing(t *testing.T) {
	cluster := sqldbtest.StartCluster(t)
	db := sqldbtest.Open(t, cluster.URL)
	mustExec(t, db, `CREATE TABLE things (n BIGINT PRIMARY KEY)`)
	var next, acknowledged, refused atomic.Int64
	var said sync.Map
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				n := next.Add(1)
				err := db.Tx(context.Background(), func(tx *sqldb.Tx) error {
					if _, err := tx.Exec(context.Background(), `INSERT INTO things VALUES ($1)`, n); err != nil {
						return err
					}
					_, err := tx.Exec(context.Background(), `UPDATE things SET n = n WHERE n = $1`, n)
					return err
				})
				switch {
				case err == nil:
					said.Store(n, true)
					acknowledged.Add(1)
				case errs.Is(err, errs.Unavailable):
					refused.Add(1)
				default:
					t.Errorf("got %v; want success or Unavailable", err)
					return
				}
			}
		})
	}
	for _, down := range []func(){cluster.Stop, cluster.Crash, cluster.Stop} {
		waitFor(t, func() bool { return acknowledged.Load() > 100 })
		down()
		before := refused.Load()
		waitFor(t, func() bool { return refused.Load() > before })
		cluster.Start()
		acknowledged.Store(0)
	}
	waitFor(t, func() bool { return acknowledged.Load() > 100 })
	close(stop)
	group.Wait()
	rows, err := db.Query(t.Context(), `SELECT n FROM things`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		said.Delete(n)
	}
	said.Range(func(n, _ any) bool {
		t.Errorf("row %v was acknowledged and is gone", n)
		return true
	})
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("waited 30 s in vain")
		}
	}
}

func TestOpenWaitsForTheServer(t *testing.T) {
	cluster := sqldbtest.StartCluster(t)
	cluster.Stop()
	var log lockedBuffer
	opened := make(chan error, 1)
	go func() {
		db, err := sqldb.Open(t.Context(), withUser(t, cluster.URL, "postgres", "s3cret"), slog.New(slog.NewTextHandler(&log, nil)))
		if err == nil {
			err = db.Close()
		}
		opened <- err
	}()
	waitFor(t, func() bool { return strings.Contains(log.String(), "not reachable yet") })
	cluster.Start()
	if err := <-opened; err != nil {
		t.Error(err)
	}
	if got := log.String(); !strings.Contains(got, "connection refused") || strings.Contains(got, "s3cret") {
		t.Errorf("log: got %s; want the reason and no password", got)
	}

	cluster.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := sqldb.Open(ctx, cluster.URL, nil); !errs.Is(err, errs.Unavailable) {
		t.Errorf("with an impatient context: got %v; want Unavailable", err)
	}
}

func TestRefusalsAreFinal(t *testing.T) {
	good := sqldbtest.Postgres(t)
	db := sqldbtest.Open(t, good)
	mustExec(t, db, `DO $$ BEGIN CREATE ROLE guarded LOGIN PASSWORD 'right'; EXCEPTION WHEN duplicate_object THEN NULL; END $$`)
	u, err := url.Parse(withUser(t, good, "guarded", "right"))
	if err != nil {
		t.Fatal(err)
	}
	sqldbtest.Open(t, u.String()) // the right password opens it
	sqldbtest.Open(t, "postgresql+asyncpg"+strings.TrimPrefix(u.String(), "postgres"))
	absent := *u
	absent.Path = "/no_such_database"
	for name, c := range map[string]struct{ url, want string }{
		"wrong password": {withUser(t, good, "guarded", "s3cret"), "password in DATABASE_URL is wrong"},
		"no database":    {absent.String(), "no database \"no_such_database\""},
	} {
		_, err := sqldb.Open(t.Context(), c.url, nil)
		if err == nil || !strings.Contains(errs.Detail(err), c.want) || !strings.Contains(errs.Detail(err), "DATABASE_URL") {
			t.Errorf("%s: got %v; want a sentence with %q", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the password is in %v", name, err)
		}
	}
}

func TestConflictsAreRunAgain(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.Postgres(t))
	ctx := t.Context()
	mustExec(t, db, `CREATE TABLE things (id BIGINT PRIMARY KEY, n BIGINT)`)
	mustExec(t, db, `INSERT INTO things VALUES (1, 0), (2, 0)`)
	// Two transactions lock two rows in opposite order: a deadlock the first time.
	var met sync.WaitGroup
	met.Add(2)
	var runs atomic.Int32
	cross := func(first, second int) error {
		firstRun := true
		return db.Tx(ctx, func(tx *sqldb.Tx) error {
			runs.Add(1)
			if _, err := tx.Exec(ctx, `UPDATE things SET n = n + 1 WHERE id = $1`, first); err != nil {
				return err
			}
			if firstRun {
				firstRun = false
				met.Done()
				met.Wait()
			}
			_, err := tx.Exec(ctx, `UPDATE things SET n = n + 1 WHERE id = $1`, second)
			return err
		})
	}
	result := make(chan error, 2)
	go func() { result <- cross(1, 2) }()
	go func() { result <- cross(2, 1) }()
	if err := errors.Join(<-result, <-result); err != nil {
		t.Error(err)
	}
	var sum int
	if err := db.QueryRow(ctx, `SELECT sum(n) FROM things`).Scan(&sum); err != nil || sum != 4 || runs.Load() != 3 {
		t.Errorf("got sum %d in %d runs, %v; want 4 in 3", sum, runs.Load(), err)
	}
}

func TestChangedTableDoesNotFailPreparedReads(t *testing.T) {
	url := sqldbtest.Postgres(t)
	db, other := sqldbtest.Open(t, url), sqldbtest.Open(t, url)
	mustExec(t, db, `CREATE TABLE things (n INTEGER)`)
	mustExec(t, db, `INSERT INTO things VALUES (7)`)
	for _, change := range []string{`SELECT 1`, `ALTER TABLE things ALTER n TYPE BIGINT`, `ALTER TABLE things ALTER n TYPE TEXT`} {
		mustExec(t, other, change) // as another copy's migration would
		var n string
		if err := db.QueryRow(t.Context(), `SELECT n FROM things`).Scan(&n); err != nil || n != "7" {
			t.Errorf("after %s: got %q, %v; want 7", change, n, err)
		}
	}
}

func withUser(t *testing.T, raw, user, password string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
