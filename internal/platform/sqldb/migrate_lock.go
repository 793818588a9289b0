package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

const (
	// migrationLockKey names the advisory lock on PostgreSQL: "homeserv" in ASCII, unlikely to be another program's.
	migrationLockKey = 0x686f6d6573657276
	// lockPause is how often a waiting process looks whether the lock is free.
	lockPause = 200 * time.Millisecond
)

// lockHeld marks a context in which this database's migration lock is already held.
type lockHeld struct{ db *DB }

// WithMigrationLock runs fn while no other process migrates this database. Migrate inside fn
// (with the context fn was given) does not lock again.
func (db *DB) WithMigrationLock(ctx context.Context, fn func(ctx context.Context) error) error {
	if ctx.Value(lockHeld{db}) != nil {
		return fn(ctx)
	}
	lock := db.lockSQLite
	if db.dialect == Postgres {
		lock = db.lockPostgres
	}
	unlock, err := lock(ctx)
	if err != nil {
		return fmt.Errorf("wait for the migration lock: %w", db.wrap(ctx, err))
	}
	defer unlock()
	return fn(context.WithValue(ctx, lockHeld{db}, true))
}

// lockPostgres takes a session lock on a connection of its own. It asks again and again rather
// than waiting inside the server, where the waiting statement would hold up CREATE INDEX CONCURRENTLY.
func (db *DB) lockPostgres(ctx context.Context) (unlock func(), err error) {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	for said := false; ; said = true {
		var got bool
		if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(migrationLockKey)).Scan(&got); err != nil {
			conn.Close()
			return nil, err
		}
		if got {
			break
		}
		db.sayWaiting(ctx, said)
		if err := pause(ctx, jitter(lockPause)); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, int64(migrationLockKey)); err != nil {
			db.log.WarnContext(ctx, "the migration lock was not given back; its connection is closed instead", "error", err)
			discard(conn)
		}
		conn.Close()
	}, nil
}

// lockSQLite holds a second, empty SQLite file <db>.lock exclusively: SQLite's own file locks
// work on every platform, and the operating system releases them when a process dies.
func (db *DB) lockSQLite(ctx context.Context) (unlock func(), err error) {
	path := db.path + ".lock"
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", plainDSN(path))
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	conn, err := pool.Conn(ctx)
	for said := false; err == nil; said = true {
		if _, err = conn.ExecContext(ctx, "BEGIN EXCLUSIVE"); err == nil {
			break
		}
		if !sqliteBusy(err) {
			break
		}
		db.sayWaiting(ctx, said)
		err = pause(ctx, jitter(lockPause))
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return func() {
		conn.Close()
		pool.Close() // closing the file gives the lock back
	}, nil
}

func (db *DB) sayWaiting(ctx context.Context, said bool) {
	if !said {
		db.log.InfoContext(ctx, "another process is migrating the database; waiting for it to finish")
	}
}
