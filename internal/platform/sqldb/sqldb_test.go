package sqldb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

func mustExec(t testing.TB, q sqldb.Querier, query string, args ...any) {
	t.Helper()
	if _, err := q.Exec(context.Background(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func count(t testing.TB, q sqldb.Querier, table string) int {
	t.Helper()
	var n int
	if err := q.QueryRow(context.Background(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		t.Fatalf("count %s: %v", table, err)
	}
	return n
}

func TestReadAndWrite(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		mustExec(t, db, `CREATE TABLE things (id TEXT PRIMARY KEY, n BIGINT)`)
		n, err := db.Exec(ctx, `INSERT INTO things (id, n) VALUES ($1, $2), ($3, $4)`, "a", 1, "b", 2)
		if err != nil || n != 2 {
			t.Fatalf("insert: got %d, %v; want 2 rows", n, err)
		}
		if _, err := db.Exec(ctx, `INSERT INTO things (id, n) VALUES ($1, 1)`, "a"); !sqldb.IsUnique(err) {
			t.Errorf("second insert of the same key: got %v; want a unique violation", err)
		}
		rows, err := db.Query(ctx, `SELECT id, n FROM things ORDER BY id`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		got := map[string]int64{}
		for rows.Next() {
			var id string
			var n int64
			if err := rows.Scan(&id, &n); err != nil {
				t.Fatal(err)
			}
			got[id] = n
		}
		if err := rows.Err(); err != nil || len(got) != 2 || got["b"] != 2 {
			t.Errorf("rows: got %v, %v; want a:1 b:2", got, err)
		}
		var id string
		if err := db.QueryRow(ctx, `SELECT id FROM things WHERE n = $1`, 7).Scan(&id); !errors.Is(err, sqldb.ErrNoRows) {
			t.Errorf("no row: got %v; want the bare ErrNoRows", err)
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if err := db.QueryRow(gone, `SELECT id FROM things`).Scan(&id); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled QueryRow: got %v; want context.Canceled", err)
		}
		if _, err := db.Query(gone, `SELECT id FROM things`); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled Query: got %v; want context.Canceled", err)
		}
		if _, err := db.Exec(gone, `DELETE FROM things`); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled Exec: got %v; want context.Canceled", err)
		}
		if err := db.Ping(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestTimesKeepMicroseconds(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		column := map[sqldb.Dialect]string{sqldb.SQLite: "INTEGER", sqldb.Postgres: "timestamptz"}[db.Dialect()]
		mustExec(t, db, `CREATE TABLE moments (at `+column+`)`)
		zone := time.FixedZone("somewhere", 5*3600+1800)
		for _, want := range []time.Time{
			time.Date(2026, 11, 24, 3, 4, 5, 123456789, zone),
			time.Date(1961, 4, 12, 6, 7, 0, 999999999, time.UTC),
			time.Unix(0, 0),
		} {
			mustExec(t, db, `DELETE FROM moments`)
			mustExec(t, db, `INSERT INTO moments (at) VALUES ($1)`, db.Time(want))
			var got sqldb.Time
			if err := db.QueryRow(t.Context(), `SELECT at FROM moments WHERE at = $1`, db.Time(want)).Scan(&got); err != nil {
				t.Fatalf("%s: %v", want, err)
			}
			if !got.Equal(want.Truncate(time.Microsecond)) || got.Location() != time.UTC {
				t.Errorf("got %s; want %s in UTC", got, want.Truncate(time.Microsecond).UTC())
			}
			mustExec(t, db, `DELETE FROM moments WHERE at = $1`, want) // a bare time.Time means the same
			if n := count(t, db, "moments"); n != 0 {
				t.Errorf("a bare time.Time did not match what DB.Time had stored")
			}
		}
		mustExec(t, db, `INSERT INTO moments (at) VALUES (NULL)`)
		var got sqldb.Time
		if err := db.QueryRow(t.Context(), `SELECT at FROM moments`).Scan(&got); err != nil || !got.IsZero() {
			t.Errorf("NULL: got %v, %v; want the zero time", got, err)
		}
	})
}
