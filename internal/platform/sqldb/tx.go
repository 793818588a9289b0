package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"math/rand/v2"
	"time"
)

const (
	// txAttempts bounds how often a transaction is run when it met a conflict or a lost connection.
	txAttempts = 5
	// txPause is the mean wait before the second attempt; it doubles with each, with jitter, so
	// that two transactions in each other's way do not meet again.
	txPause = 10 * time.Millisecond
	// rollbackTimeout bounds the clean-up after the caller's context has ended.
	rollbackTimeout = 5 * time.Second
)

// Tx is a write transaction. It must not be used after the function it was given to returned.
type Tx struct {
	db   *DB
	on   runner
	lost error // the first error that makes running the whole function again safe and useful
}

// Tx runs fn in a write transaction and commits when it returns nil; an error or a panic
// rolls back. fn may run more than once (conflict, deadlock, or a connection lost before
// COMMIT was sent), so it changes nothing outside the transaction but what it assigns anew.
func (db *DB) Tx(ctx context.Context, fn func(tx *Tx) error) error {
	for attempt := 1; ; attempt++ {
		again, err := db.runTx(ctx, fn)
		if err == nil || !again || attempt == txAttempts || ctx.Err() != nil {
			return err
		}
		if connectionLost(err) {
			db.dropIdle()
		}
		db.log.DebugContext(ctx, "transaction is run again", "attempt", attempt, "error", err)
		if err := pause(ctx, jitter(txPause<<(attempt-1))); err != nil {
			return err
		}
	}
}

// runTx runs fn once; again says that a second run is safe and may succeed.
func (db *DB) runTx(ctx context.Context, fn func(tx *Tx) error) (again bool, err error) {
	if db.dialect == SQLite {
		return false, db.runSQLiteTx(ctx, fn)
	}
	sqlTx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return connectionLost(err), db.wrap(ctx, err)
	}
	defer func() { _ = sqlTx.Rollback() }() // no effect after Commit; covers errors, panics and Goexit
	tx := &Tx{db: db, on: sqlTx}
	if err := fn(tx); err != nil {
		return tx.lost != nil || repeatable(err), err
	}
	if tx.lost != nil { // fn swallowed the error, but the transaction is gone all the same
		return true, db.wrap(ctx, tx.lost)
	}
	err = sqlTx.Commit()
	return commitNeverHappened(err), db.wrap(ctx, err)
}

// runSQLiteTx holds the only writer connection from BEGIN to COMMIT. It speaks to it directly
// rather than through sql.Tx, which starts a goroutine for each transaction.
func (db *DB) runSQLiteTx(ctx context.Context, fn func(tx *Tx) error) error {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return db.wrap(ctx, err)
	}
	defer conn.Close()
	run := context.Background()
	if _, err := conn.ExecContext(run, "BEGIN IMMEDIATE"); err != nil {
		return db.wrap(ctx, err)
	}
	committed := false
	defer func() {
		if !committed {
			rollbackSQLite(conn)
		}
	}()
	if err := fn(&Tx{db: db, on: conn}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := conn.ExecContext(run, "COMMIT"); err != nil {
		return db.wrap(ctx, err)
	}
	committed = true
	return nil
}

// rollbackSQLite ends the transaction; if even that fails the connection is thrown away.
func rollbackSQLite(conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	_, err := conn.ExecContext(ctx, "ROLLBACK")
	if err == nil || sqliteNoTransaction(err) {
		return // some errors, such as a full disk, roll back by themselves
	}
	discard(conn)
}

// discard closes the connection under conn instead of giving it back to the pool.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// Exec implements Querier.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	n, err := tx.db.exec(ctx, tx.detach(ctx), tx.on, query, args)
	return n, tx.note(err)
}

// Query implements Querier. Close the rows before the next statement: PostgreSQL's
// connection can carry only one answer at a time.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	rows, err := tx.on.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, tx.note(tx.db.wrap(ctx, err))
	}
	return &Rows{rows: rows, db: tx.db, ctx: ctx}, nil
}

// QueryRow implements Querier. It may write (INSERT ... RETURNING).
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *Row {
	if err := ctx.Err(); err != nil {
		return &Row{err: err}
	}
	rows, err := tx.on.QueryContext(tx.detach(ctx), query, args...)
	if err != nil {
		return &Row{err: tx.note(tx.db.wrap(ctx, err))}
	}
	return &Row{rows: rows, db: tx.db, ctx: ctx}
}

// Time is DB.Time.
func (tx *Tx) Time(t time.Time) any { return tx.db.Time(t) }

// Dialect is DB.Dialect.
func (tx *Tx) Dialect() Dialect { return tx.db.dialect }

// detach keeps SQLite from starting a goroutine per statement to watch ctx.
func (tx *Tx) detach(ctx context.Context) context.Context {
	if tx.db.dialect == SQLite {
		return context.Background()
	}
	return ctx
}

// note remembers that a statement failed in a way that a second run of the transaction cures.
func (tx *Tx) note(err error) error {
	if err != nil && tx.lost == nil && tx.db.dialect == Postgres && repeatable(err) {
		tx.lost = err
	}
	return err
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// jitter spreads d over half to one and a half of itself.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }
