package sqldb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"modernc.org/sqlite"
)

const (
	// statementsKept bounds the compiled statements each SQLite connection keeps: about a room's
	// worth of queries times all rooms; each costs a few kilobytes.
	statementsKept = 160
	// longestKept is the longest SQL text, in bytes, worth keeping compiled: longer ones are
	// generated lists that hardly ever come again.
	longestKept = 4096
)

// cachingConnector opens SQLite connections that keep their compiled statements. Compiling a
// point select costs more than running it, and modernc compiles anew for each plain query.
type cachingConnector struct{ driver.Connector }

func newCachingConnector(dsn string) (driver.Connector, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return cachingConnector{c}, nil
}

// Connect implements driver.Connector.
func (c cachingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	raw, ok := conn.(sqliteConn)
	if !ok {
		return nil, fmt.Errorf("sqlite: the driver's %T lacks a method this package needs", conn)
	}
	return &cachingConn{sqliteConn: raw, kept: make(map[string]*keptStatement)}, nil
}

// sqliteConn is what modernc's connection can do and this package uses.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// sqliteStatement is the same for its statements.
type sqliteStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// cachingConn is used by one goroutine at a time, as database/sql promises.
type cachingConn struct {
	sqliteConn
	kept map[string]*keptStatement
}

// keptStatement is a compiled statement; busy while rows of it are being read.
type keptStatement struct {
	stmt sqliteStatement
	busy bool
}

// CheckNamedValue makes a bare time.Time the integer our time columns hold; the driver would store text.
func (c *cachingConn) CheckNamedValue(v *driver.NamedValue) error {
	if t, ok := v.Value.(time.Time); ok {
		v.Value = t.UnixMicro()
		return nil
	}
	return driver.ErrSkip
}

// ExecContext implements driver.ExecerContext.
func (c *cachingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	k, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	return k.stmt.ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *cachingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	k, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	rows, err := k.stmt.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	k.busy = true
	return &keptRows{Rows: rows, of: k}, nil
}

// keptRows gives its statement back when closed.
type keptRows struct {
	driver.Rows
	of *keptStatement
}

// Close implements driver.Rows.
func (r *keptRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}

// statement returns the compiled form of query, nil when it is not one to keep or is being read right now.
func (c *cachingConn) statement(ctx context.Context, query string) (*keptStatement, error) {
	if k, ok := c.kept[query]; ok {
		if k.busy {
			return nil, nil
		}
		return k, nil
	}
	if !worthKeeping(query) {
		return nil, nil
	}
	if len(c.kept) >= statementsKept {
		c.forget()
	}
	stmt, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s, ok := stmt.(sqliteStatement)
	if !ok {
		return nil, stmt.Close()
	}
	k := &keptStatement{stmt: s}
	c.kept[strings.Clone(query)] = k
	return k, nil
}

// worthKeeping is true for statements that come again; scripts and changes of the schema do not.
func worthKeeping(query string) bool {
	if len(query) > longestKept {
		return false
	}
	word := strings.TrimLeft(query, " \t\r\n")
	if i := strings.IndexAny(word, " \t\r\n("); i >= 0 {
		word = word[:i]
	}
	switch strings.ToUpper(word) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "COMMIT", "ROLLBACK", "REPLACE":
		return true
	}
	return false
}

// forget drops every statement that is not being read. Starting over is simpler than keeping
// an order of use, and rare: the limit is above what the rooms have.
func (c *cachingConn) forget() {
	for query, k := range c.kept {
		if !k.busy {
			_ = k.stmt.Close()
			delete(c.kept, query)
		}
	}
}

// Close implements driver.Conn: statements first, or the file would stay open.
func (c *cachingConn) Close() error {
	for query, k := range c.kept {
		_ = k.stmt.Close()
		delete(c.kept, query)
	}
	return c.sqliteConn.Close()
}
