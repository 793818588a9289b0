// Package sqldbtest runs a test on both databases: a fresh SQLite file, and a fresh database
// in a real PostgreSQL server that the test process starts from the installed binaries.
//
// The server belongs to the process: a small shell holds the reading end of a pipe, and when
// the process ends in whatever way, even killed, the pipe closes and the shell stops the
// server and removes its files. Nothing is left over and no TestMain is needed.
package sqldbtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/platform/sqldb"
)

const (
	// memoryPlace is Linux's directory in memory, and memoryLeast how many bytes must be free
	// there: some tests store tens of megabytes, and containers often have 64 in all.
	memoryPlace = "/dev/shm"
	memoryLeast = 512 << 20
)

// openTimeout bounds opening a database that is known to be up, on a busy machine.
const openTimeout = 30 * time.Second

// shared is the one server of this test process, started by the first test that asks.
var shared = sync.OnceValues(func() (*server, error) { return newServer(quickSettings) })

// Run runs test twice, as the parallel subtests "sqlite" and "postgres", each with an empty
// database of its own. They begin when the test that calls Run has returned, and share nothing
// that either changes. What is durable is not their matter: SQLite's file lies in memory where
// that can be, as PostgreSQL goes without fsync.
func Run(t *testing.T, test func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, Open(t, "sqlite:"+filepath.Join(Memory(t), "test.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, Open(t, Postgres(t)))
	})
}

// Memory returns a directory in memory where there is room for one, and a temporary one
// elsewhere, removed when the test ends. It is for tests that make and remove thousands of
// files and do not ask a disk what it kept.
func Memory(t testing.TB) string {
	t.Helper()
	if memoryFree() < memoryLeast {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memoryPlace, "homeserver-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove a test's files: %v", err)
		}
	})
	return dir
}

// SQLite returns the URL of a SQLite file that does not exist yet.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

// Postgres returns the URL of a fresh, empty PostgreSQL database, dropped when the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	return database(t, "")
}

// database makes a database of the test process's server; how ends the statement that makes it.
func database(t testing.TB, how string) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	name := "t" + strings.ToLower(rand.Text())
	if err := administer(s, `CREATE DATABASE `+name+how); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := administer(s, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	return s.url(name)
}

// Open opens url and closes it when the test ends.
func Open(t testing.TB, url string) *sqldb.DB {
	t.Helper()
	db, err := open(url)
	if err != nil {
		t.Fatalf("open %s: %v", sqldb.Redact(url), err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return db
}

// Cluster is a PostgreSQL server of one test, which may stop and start it. What was committed
// survives Stop and Crash.
type Cluster struct {
	URL string // of its database "postgres"; the same after each Start

	t testing.TB
	s *server
}

// StartCluster starts a server for this test alone and removes it when the test ends.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	s, err := newServer(durableSettings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.remove)
	return &Cluster{URL: s.url("postgres"), t: t, s: s}
}

// Stop shuts the server down, cutting off whoever is connected.
func (c *Cluster) Stop() {
	c.t.Helper()
	c.do(orderStop)
}

// Crash ends the server at once, without a word to its clients.
func (c *Cluster) Crash() {
	c.t.Helper()
	c.do(orderCrash)
}

func (c *Cluster) do(order string) {
	c.t.Helper()
	if err := c.s.order(order); err != nil {
		c.t.Fatal(err)
	}
}

// Start starts the server again, on the same address.
func (c *Cluster) Start() {
	c.t.Helper()
	if err := c.s.start(); err != nil {
		c.t.Fatal(err)
	}
}

func open(url string) (*sqldb.DB, error) {
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	return sqldb.Open(ctx, url, nil)
}

// administer runs one statement as the server's superuser.
func administer(s *server, statement string) error {
	db, err := s.admin()
	if err != nil {
		return fmt.Errorf("open the test server: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if _, err := db.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
