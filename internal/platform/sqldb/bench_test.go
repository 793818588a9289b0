package sqldb_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

const benchRows = 20000

func benchTable(b *testing.B) (*sqldb.DB, *sql.DB) {
	b.Helper()
	url := sqldbtest.SQLite(b)
	db := sqldbtest.Open(b, url)
	mustExec(b, db, `CREATE TABLE f (id TEXT PRIMARY KEY, name TEXT, kind TEXT, size INTEGER, at INTEGER) WITHOUT ROWID`)
	err := db.Tx(b.Context(), func(tx *sqldb.Tx) error {
		for i := range benchRows {
			if _, err := tx.Exec(b.Context(), `INSERT INTO f VALUES ($1, $2, $3, $4, $5)`, benchID(i), "report.txt", "text/plain", i, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	raw, err := sql.Open("sqlite", "file:"+db.Path())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { raw.Close() })
	raw.SetMaxIdleConns(8)
	return db, raw
}

func benchID(i int) string { return fmt.Sprintf("%08d-0000-4000-8000-000000000000", i%benchRows) }

const benchSelect = `SELECT name, kind, size, at FROM f WHERE id = $1`

// BenchmarkPointSelect compares a single-row read through sqldb with the same through plain
// database/sql: as one would write it, and with a prepared statement and no cancellation.
func BenchmarkPointSelect(b *testing.B) {
	db, raw := benchTable(b)
	stmt, err := raw.Prepare(benchSelect)
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Close()
	ctx, cancel := context.WithCancel(b.Context()) // as a request's is
	defer cancel()
	type scanner interface{ Scan(...any) error }
	for _, c := range []struct {
		name string
		row  func(id string) scanner
	}{
		{"sqldb", func(id string) scanner { return db.QueryRow(ctx, benchSelect, id) }},
		{"raw", func(id string) scanner { return raw.QueryRowContext(ctx, benchSelect, id) }},
		{"raw-prepared", func(id string) scanner { return stmt.QueryRowContext(ctx, id) }},
		{"raw-prepared-background", func(id string) scanner { return stmt.QueryRow(id) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i += 7 {
					var name, kind string
					var size, at int64
					if err := c.row(benchID(i)).Scan(&name, &kind, &size, &at); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkGroupInsert is one committed transaction of 32 rows.
func BenchmarkGroupInsert(b *testing.B) {
	db, _ := benchTable(b)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	next := benchRows
	for b.Loop() {
		err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			for range 32 {
				next++
				if _, err := tx.Exec(ctx, `INSERT INTO f VALUES ($1, $2, $3, $4, $5)`, fmt.Sprintf("x%030d", next), "report.txt", "text/plain", 6, 7); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/32, "us/row")
}

// BenchmarkOpen is what the database costs a start that has nothing to migrate.
func BenchmarkOpen(b *testing.B) {
	files := migrationFiles(map[string]string{"00001_init.sql": "CREATE TABLE things (n INT);"})
	for name, url := range map[string]string{"sqlite": sqldbtest.SQLite(b), "postgres": sqldbtest.Postgres(b)} {
		if err := sqldbtest.Open(b, url).Migrate(b.Context(), "things", files); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				db, err := sqldb.Open(b.Context(), url, nil)
				if err != nil {
					b.Fatal(err)
				}
				if err := db.Migrate(b.Context(), "things", files); err != nil {
					b.Fatal(err)
				}
				if err := db.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
