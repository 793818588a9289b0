// Package sqldb is the one door to the database: SQLite (the default, a file) or
// PostgreSQL, behind one small API that speaks one SQL body to both.
//
// The rules that make one SQL body possible: placeholders are $1, $2 ... (each first used in
// ascending order), times go in through [DB.Time] and come out through [Time], and where the
// dialects really differ a room asks [DB.Dialect].
//
// SQLite runs in WAL mode with synchronous=FULL. One connection writes, so writers queue in
// the process instead of fighting over the file's lock; readers never wait for the writer.
// There are two read pools: QueryRow has its own, whose connections are held for
// microseconds, so that long lists being streamed never hold up a point select. Compiled
// statements are kept for each connection. QueryRow, Exec and the statements of a Tx are not
// interrupted half way when the context ends (watching for that costs more than they do);
// the wait for their turn is, and so is Query.
//
// PostgreSQL is reached through a pool that survives restarts of the server: a pooled
// connection is examined before it is used again, reads are repeated on a fresh one, and a
// transaction is run again when its connection was lost before COMMIT was sent. After an
// ambiguous COMMIT nothing is ever repeated: the caller gets errs.Unavailable.
//
// Errors: a database that is away is errs.Unavailable, a full disk errs.StorageFull;
// [ErrNoRows] and the context's own errors come through as they are; everything else is
// Internal and keeps its cause.
//
// Do not hold Rows open while waiting for a slow client: read a page, close, send, and go on.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// Dialect tells the two databases apart.
type Dialect int

// The dialects.
const (
	SQLite Dialect = iota
	Postgres
)

// String is the name used in migration file names: "sqlite" or "postgres".
func (d Dialect) String() string {
	if d == Postgres {
		return "postgres"
	}
	return "sqlite"
}

// DB is an open database. It is safe for use by any number of goroutines.
type DB struct {
	dialect Dialect
	url     string // redacted
	log     *slog.Logger

	write *sql.DB // the only pool on PostgreSQL; one connection on SQLite
	read  *sql.DB // Query
	point *sql.DB // QueryRow

	path     string      // SQLite: the file
	file     os.FileInfo // SQLite: what the path was when it was opened
	pageSize int         // SQLite: of a new file, in bytes; 0 for SQLite's own choice

	idle sync.Mutex // PostgreSQL: one dropIdle at a time
}

// Option is a wish for a database that is opened.
type Option func(*DB)

// PageSize has an SQLite file that does not exist yet made of pages of so many bytes, a power of two from 512 to
// 65,536. One that exists keeps those that it has.
func PageSize(bytes int) Option {
	return func(db *DB) { db.pageSize = bytes }
}

// Open opens the database that url names: "sqlite:PATH", "postgres://...", "postgresql://..."
// or the original's "postgresql+asyncpg://...". A missing SQLite file is created, with its
// directory, readable by the owner only. A PostgreSQL server that is not up yet is waited for
// until ctx ends; a wrong password or database name is an error at once.
func Open(ctx context.Context, url string, log *slog.Logger, options ...Option) (*DB, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	target, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	db := &DB{dialect: target.dialect, url: Redact(url), log: log}
	for _, option := range options {
		option(db)
	}
	if target.dialect == Postgres {
		err = db.openPostgres(ctx, target)
	} else {
		err = db.openSQLite(ctx, target.path)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Dialect says which database this is.
func (db *DB) Dialect() Dialect { return db.dialect }

// URL is the address the database was opened with, without its password.
func (db *DB) URL() string { return db.url }

// Path is the SQLite file, empty on PostgreSQL.
func (db *DB) Path() string { return db.path }

// Ping asks the database for a sign of life. On SQLite it also notices a file that was
// removed or replaced under the running server.
func (db *DB) Ping(ctx context.Context) error {
	if db.dialect == SQLite {
		if err := db.checkFile(); err != nil {
			return err
		}
	}
	var n int
	return db.QueryRow(ctx, pingQuery(db.dialect)).Scan(&n)
}

// Close closes every connection. On SQLite the write-ahead log is folded into the file.
func (db *DB) Close() error {
	var errList []error
	// Readers first: the last connection to close folds the log, and that must be the writer.
	for _, pool := range []*sql.DB{db.point, db.read, db.write} {
		if pool == nil || (pool != db.write && pool == db.read && db.read == db.write) {
			continue
		}
		if err := pool.Close(); err != nil {
			errList = append(errList, fmt.Errorf("close database: %w", err))
		}
	}
	return errors.Join(errList...)
}

func pingQuery(d Dialect) string {
	if d == Postgres {
		return `SELECT 1`
	}
	return `SELECT count(*) FROM sqlite_schema` // reads the first page of the file
}
