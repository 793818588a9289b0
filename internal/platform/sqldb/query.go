package sqldb

import (
	"context"
	"database/sql"
)

// ErrNoRows is what Row.Scan returns when the query found nothing.
var ErrNoRows = sql.ErrNoRows

// Querier runs statements: on the database itself (*DB) or inside a transaction (*Tx).
type Querier interface {
	// Exec runs a statement and returns how many rows it changed.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	// Query runs a statement that returns rows. The caller closes them.
	Query(ctx context.Context, query string, args ...any) (*Rows, error)
	// QueryRow runs a statement of which the first row counts. Errors wait for Scan.
	QueryRow(ctx context.Context, query string, args ...any) *Row
}

var (
	_ Querier = (*DB)(nil)
	_ Querier = (*Tx)(nil)
)

// runner is what *sql.DB, *sql.Conn and *sql.Tx have in common.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// readAttempts bounds how often a read is tried when its connection turns out to be dead. The
// second attempt already runs on a fresh connection; the third is for a server that is just restarting.
const readAttempts = 3

// Exec runs one statement on its own, committed at once.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if db.dialect == Postgres {
		return db.exec(ctx, ctx, db.write, query, args)
	}
	conn, err := db.write.Conn(ctx) // the wait for the writer ends with ctx, the statement does not
	if err != nil {
		return 0, db.wrap(ctx, err)
	}
	defer conn.Close()
	return db.exec(ctx, context.WithoutCancel(ctx), conn, query, args)
}

// exec runs a statement under run and judges its error by ctx.
func (db *DB) exec(ctx, run context.Context, on runner, query string, args []any) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	res, err := on.ExecContext(run, query, args...)
	if err != nil {
		return 0, db.wrap(ctx, err)
	}
	n, err := res.RowsAffected()
	return n, db.wrap(ctx, err)
}

// Query reads rows. It must not write; writes that return rows belong into a Tx.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	rows, err := db.readRows(ctx, ctx, db.read, query, args)
	if err != nil {
		return nil, db.wrap(ctx, err)
	}
	return &Rows{rows: rows, db: db, ctx: ctx}, nil
}

// QueryRow reads one row. It must not write; writes that return rows belong into a Tx.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *Row {
	if err := ctx.Err(); err != nil {
		return &Row{err: err}
	}
	run := ctx
	if db.dialect == SQLite {
		run = context.Background() // see the package comment
	}
	rows, err := db.readRows(ctx, run, db.point, query, args)
	return &Row{rows: rows, err: db.wrap(ctx, err), db: db, ctx: ctx}
}

// readRows runs a read and repeats it when the connection was lost, which is safe because it changes nothing.
func (db *DB) readRows(ctx, run context.Context, pool *sql.DB, query string, args []any) (*sql.Rows, error) {
	for attempt := 1; ; attempt++ {
		rows, err := pool.QueryContext(run, query, args...)
		if err == nil || db.dialect == SQLite || attempt == readAttempts {
			return rows, err
		}
		switch {
		case ctx.Err() != nil:
			return nil, err
		case connectionLost(err):
			db.dropIdle()
		case !stalePlan(err):
			return nil, err
		}
	}
}

// Row is the answer to QueryRow.
type Row struct {
	rows *sql.Rows
	err  error
	db   *DB
	ctx  context.Context // of the query, to tell its end from the database's errors
}

// Scan copies the first row's columns. It returns ErrNoRows when there is none.
func (r *Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return r.db.wrap(r.ctx, err)
		}
		return ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return r.db.wrap(r.ctx, err)
	}
	return r.db.wrap(r.ctx, r.rows.Close())
}

// Rows is the answer to Query. Use it from one goroutine, and close it.
type Rows struct {
	rows *sql.Rows
	db   *DB
	ctx  context.Context
}

// Next moves to the next row; false at the end or on an error, which Err then tells.
func (r *Rows) Next() bool { return r.rows.Next() }

// Scan copies the row's columns.
func (r *Rows) Scan(dest ...any) error { return r.db.wrap(r.ctx, r.rows.Scan(dest...)) }

// Err is what ended the iteration early, nil when all rows were read.
func (r *Rows) Err() error { return r.db.wrap(r.ctx, r.rows.Err()) }

// Close ends the query. It may be called more than once.
func (r *Rows) Close() error { return r.db.wrap(r.ctx, r.rows.Close()) }

// Texts collects the rows of a query for one text column.
func Texts(ctx context.Context, q Querier, query string, args ...any) ([]string, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}
