package sqldb

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"homeserver/internal/platform/failpoint"
)

// maxColumns is the length of the longest line of column names that is read, in bytes.
const maxColumns = 64 << 10

// tablePart is the file of a snapshot that holds a table: a line of JSON with the names of its
// columns, then what COPY writes, compressed.
func tablePart(table string) string { return "database/" + table + ".copy.zst" }

// snapshotPostgres reads everything in one transaction that sees one state.
func (db *DB) snapshotPostgres(ctx context.Context, place Place, fn func(q Querier) error) (tables []string, err error) {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, db.wrap(ctx, err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
		return nil, db.wrap(ctx, err)
	}
	defer rollbackPostgres(conn)
	tx := &Tx{db: db, on: conn}
	// Locked first, so that no migration changes a table between its columns and its rows.
	if tables, err = lockedTables(ctx, tx); err != nil {
		return nil, err
	}
	if err := fn(tx); err != nil {
		return nil, err
	}
	for _, table := range tables {
		if err := db.copyOut(ctx, tx, conn, place, table); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

// rollbackPostgres ends the transaction; a connection on which even that fails is thrown away.
func rollbackPostgres(conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
	defer cancel()
	if _, err := conn.ExecContext(ctx, `ROLLBACK`); err != nil {
		discard(conn)
	}
}

// lockedTables lists the tables, those that others refer to first, but for the lists of
// migrations, which whoever restores makes anew.
func lockedTables(ctx context.Context, tx *Tx) ([]string, error) {
	names, err := Texts(ctx, tx, `
		SELECT c.relname::text FROM pg_catalog.pg_class c
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'schema\_%' ORDER BY c.relname`)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := tx.Exec(ctx, `LOCK TABLE `+quote(name)+` IN ACCESS SHARE MODE`); err != nil {
			return nil, err
		}
	}
	edges, err := Texts(ctx, tx, `
		SELECT DISTINCT c.conrelid::regclass::text || ' ' || c.confrelid::regclass::text FROM pg_catalog.pg_constraint c
		WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace AND c.conrelid <> c.confrelid`)
	if err != nil {
		return nil, err
	}
	needs := map[string][]string{}
	for _, edge := range edges {
		from, to, _ := strings.Cut(edge, " ")
		needs[strings.Trim(from, `"`)] = append(needs[strings.Trim(from, `"`)], strings.Trim(to, `"`))
	}
	return referredFirst(names, needs), nil
}

// referredFirst orders names so that each comes after those it needs.
func referredFirst(names []string, needs map[string][]string) []string {
	done := make(map[string]bool, len(names))
	ordered := make([]string, 0, len(names))
	var visit func(name string)
	visit = func(name string) {
		if done[name] {
			return
		}
		done[name] = true
		for _, other := range needs[name] {
			visit(other)
		}
		ordered = append(ordered, name)
	}
	for _, name := range names {
		visit(name)
	}
	return ordered
}

// columns are those of a table that are stored, in order.
func columns(ctx context.Context, q Querier, table string) ([]string, error) {
	return Texts(ctx, q, `
		SELECT a.attname::text FROM pg_catalog.pg_attribute a
		WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum`, quote(table))
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return strings.Join(quoted, ", ")
}

// copyOut writes one table.
func (db *DB) copyOut(ctx context.Context, tx *Tx, conn *sql.Conn, place Place, table string) error {
	names, err := columns(ctx, tx, table)
	if err != nil {
		return err
	}
	header, err := json.Marshal(names)
	if err != nil {
		return err
	}
	return pack(ctx, place, tablePart(table), func(w io.Writer) error {
		if _, err := w.Write(append(header, '\n')); err != nil {
			return err
		}
		return db.wrap(ctx, onWire(conn, func(wire *pgconn.PgConn) error {
			_, err := wire.CopyTo(ctx, w, `COPY `+quote(table)+` (`+quoteAll(names)+`) TO STDOUT`)
			return err
		}))
	})
}

// onWire calls fn with the connection below database/sql, which alone can COPY.
func onWire(conn *sql.Conn, fn func(*pgconn.PgConn) error) error {
	return conn.Raw(func(driver any) error {
		c, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the driver's connection is a %T", driver)
		}
		return fn(c.Conn().PgConn())
	})
}

// RestoreTables replaces what is in the tables of a snapshot of PostgreSQL, all or nothing. open
// opens a file of the snapshot. name is what it is noted under in the same transaction, so that
// whoever goes on with a restore that was broken off finds that this was done (Restoring). A table that this database does not have is passed by and
// returned: it was never the house's.
func (db *DB) RestoreTables(ctx context.Context, name string, tables []string, open func(name string) (io.ReadCloser, error)) (strange []string, err error) {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, db.wrap(ctx, err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `BEGIN`); err != nil {
		return nil, db.wrap(ctx, err)
	}
	defer rollbackPostgres(conn) // after COMMIT only a warning of the server's
	tx := &Tx{db: db, on: conn}
	var ours []string
	for _, table := range tables {
		if have, err := columns(ctx, tx, table); err != nil {
			return nil, err
		} else if len(have) == 0 {
			strange = append(strange, table)
			continue
		}
		ours = append(ours, table)
	}
	if len(ours) > 0 {
		if _, err := tx.Exec(ctx, `TRUNCATE `+quoteAll(ours)); err != nil {
			return nil, err
		}
	}
	for _, table := range ours {
		if err := db.copyIn(ctx, conn, table, open); err != nil {
			return nil, fmt.Errorf("table %s: %w", table, err)
		}
		if err := advance(ctx, tx, table); err != nil {
			return nil, err
		}
	}
	for _, statement := range []string{`CREATE TABLE ` + restoringTable + ` (snapshot text NOT NULL)`, `INSERT INTO ` + restoringTable + ` (snapshot) VALUES ($1)`} {
		args := []any{name}[:strings.Count(statement, "$1")]
		if _, err := tx.Exec(ctx, statement, args...); err != nil {
			return nil, err
		}
	}
	_, err = conn.ExecContext(ctx, `COMMIT`)
	failpoint.Hit("restore-tables")
	return strange, db.wrap(ctx, err)
}

// restoringTable says from which snapshot the tables are being restored. Snapshots pass by
// tables of such a name.
const restoringTable = `schema_restoring`

// Restoring is the name of the snapshot that the tables of a PostgreSQL database were filled
// from by a restore that has not come to its end; "" when there is none.
func (db *DB) Restoring(ctx context.Context) (name string, err error) {
	if some, err := db.HasRows(ctx, restoringTable); err != nil || !some {
		return "", err
	}
	err = db.QueryRow(ctx, `SELECT snapshot FROM `+restoringTable).Scan(&name)
	return name, err
}

// Restored notes that a restore has come to its end.
func (db *DB) Restored(ctx context.Context) error {
	_, err := db.Exec(ctx, `DROP TABLE IF EXISTS `+restoringTable)
	return err
}

// copyIn fills one table.
func (db *DB) copyIn(ctx context.Context, conn *sql.Conn, table string, open func(name string) (io.ReadCloser, error)) error {
	f, err := open(tablePart(table))
	if err != nil {
		return err
	}
	defer f.Close()
	packed, err := unpack(f)
	if err != nil {
		return err
	}
	defer packed.Close()
	lines := bufio.NewReaderSize(packed, maxColumns)
	header, err := lines.ReadSlice('\n')
	if err != nil {
		return err
	}
	var names []string
	if err := json.Unmarshal(header, &names); err != nil {
		return err
	}
	return db.wrap(ctx, onWire(conn, func(wire *pgconn.PgConn) error {
		_, err := wire.CopyFrom(ctx, lines, `COPY `+quote(table)+` (`+quoteAll(names)+`) FROM STDIN`)
		return err
	}))
}

// advance lets a table's counters go on after what was put in.
func advance(ctx context.Context, tx *Tx, table string) error {
	names, err := columns(ctx, tx, table)
	if err != nil {
		return err
	}
	for _, name := range names {
		var sequence *string
		if err := tx.QueryRow(ctx, `SELECT pg_get_serial_sequence($1, $2)`, quote(table), name).Scan(&sequence); err != nil {
			return err
		}
		if sequence == nil {
			continue
		}
		column := quote(name)
		if err := tx.QueryRow(ctx, `SELECT setval($1::regclass, coalesce(max(`+column+`), 1), max(`+column+`) IS NOT NULL)::text FROM `+quote(table), *sequence).Scan(new(string)); err != nil {
			return err
		}
	}
	return nil
}
