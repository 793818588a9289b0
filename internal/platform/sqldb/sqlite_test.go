package sqldb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

func TestSQLiteFilesArePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "a b?c#d%20&e.db")
	db := sqldbtest.Open(t, "sqlite:"+path)
	mustExec(t, db, `CREATE TABLE things (n INT)`)
	if err := db.Migrate(t.Context(), "things", migrationFiles(map[string]string{"00001_x.sql": "CREATE TABLE x (n INT);"})); err != nil {
		t.Fatal(err)
	}
	for suffix, want := range map[string]os.FileMode{"": 0o600, "-wal": 0o600, "-shm": 0o600, ".lock": 0o600, "/..": 0o700} {
		info, err := os.Stat(filepath.Clean(path + suffix))
		if err != nil {
			t.Errorf("%q: %v", suffix, err)
		} else if got := info.Mode().Perm(); got != want && runtime.GOOS != "windows" {
			t.Errorf("%q: got mode %o; want %o", suffix, got, want)
		}
	}
}

func TestSQLiteSettings(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"}
	err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
		for name, want := range want {
			var got string
			if err := tx.QueryRow(t.Context(), `PRAGMA `+name).Scan(&got); err != nil || got != want {
				t.Errorf("%s: got %q, %v; want %s", name, got, err, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := db.Query(t.Context(), `CREATE TABLE things (n INT)`); err == nil {
		t.Error("a reader could write")
	}
}

func TestSQLiteOpenNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, garbage, filepath.Join(garbage, "below.db")} {
		_, err := sqldb.Open(t.Context(), "sqlite:"+path, nil)
		if detail := errs.Detail(err); err == nil || !strings.Contains(detail, path) || !strings.Contains(detail, "DATABASE_URL") {
			t.Errorf("%s: got %v; want a sentence with the path and DATABASE_URL", path, err)
		}
	}
}

func TestSQLiteDiskFull(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	ctx := t.Context()
	mustExec(t, db, `CREATE TABLE things (b TEXT)`)
	mustExec(t, db, `PRAGMA max_page_count = 8`)
	big := strings.Repeat("x", 1<<16)
	if _, err := db.Exec(ctx, `INSERT INTO things VALUES ($1)`, big); !errs.Is(err, errs.StorageFull) {
		t.Errorf("Exec: got %v; want StorageFull", err)
	}
	err := db.Tx(ctx, func(tx *sqldb.Tx) error { _, err := tx.Exec(ctx, `INSERT INTO things VALUES ($1)`, big); return err })
	if !errs.Is(err, errs.StorageFull) || errs.Detail(err) == "" {
		t.Errorf("Tx: got %v; want StorageFull with a sentence", err)
	}
	mustExec(t, db, `PRAGMA max_page_count = 10000`)
	mustExec(t, db, `INSERT INTO things VALUES ($1)`, big)
	if n := count(t, db, "things"); n != 1 {
		t.Errorf("got %d rows; want 1", n)
	}
}

func TestSQLitePingNoticesAVanishedFile(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	if err := os.Rename(db.Path(), db.Path()+".away"); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(t.Context()); !errs.Is(err, errs.Unavailable) || !strings.Contains(errs.Detail(err), db.Path()) {
		t.Errorf("got %v; want Unavailable naming the file", err)
	}
	if err := os.Rename(db.Path()+".away", db.Path()); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Errorf("put back: %v", err)
	}
}

func TestSQLiteStatementsInUseAndAfterChanges(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	ctx := t.Context()
	mustExec(t, db, `CREATE TABLE things (n INT)`)
	mustExec(t, db, `INSERT INTO things VALUES (1), (2), (3)`)
	const pairs = `SELECT n FROM things ORDER BY n`
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		sum := 0
		outer, err := tx.Query(ctx, pairs)
		if err != nil {
			return err
		}
		defer outer.Close()
		for outer.Next() {
			inner, err := tx.Query(ctx, pairs) // the same text while it is being read
			if err != nil {
				return err
			}
			for inner.Next() {
				sum++
			}
			if err := errors.Join(inner.Err(), inner.Close()); err != nil {
				return err
			}
		}
		if sum != 9 {
			t.Errorf("got %d pairs; want 9", sum)
		}
		return outer.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{`ALTER TABLE things ADD COLUMN m INT DEFAULT 5`, `DROP TABLE things`} {
		mustExec(t, db, change)
		rows, err := db.Query(ctx, `SELECT * FROM things`)
		if change == `DROP TABLE things` {
			if err == nil {
				t.Error("a kept statement survived its table")
			}
			break
		}
		if err != nil || !rows.Next() {
			t.Fatalf("after %s: %v", change, err)
		}
		var n, m int
		if err := rows.Scan(&n, &m); err != nil || m != 5 {
			t.Errorf("after %s: got %d, %v; want the new column", change, m, err)
		}
		rows.Close()
	}
}

func TestSQLiteLongListsDoNotHoldUpOthers(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	ctx := t.Context()
	mustExec(t, db, `CREATE TABLE things (n INT)`)
	mustExec(t, db, `INSERT INTO things VALUES (1), (2), (3)`)
	for range 8 { // every connection for lists is taken by somebody who does not go on reading
		rows, err := db.Query(ctx, `SELECT n FROM things`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		rows.Next()
	}
	mustExec(t, db, `INSERT INTO things VALUES (4)`)
	if n := count(t, db, "things"); n != 4 {
		t.Errorf("got %d; want 4", n)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := db.Query(gone, `SELECT n FROM things`); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want context.Canceled", err)
	}
}

func TestSQLiteQueryEndsWithItsContext(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows, err := db.Query(ctx, `WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for i := 0; rows.Next(); i++ {
		if i == 1000 {
			cancel()
		}
	}
	if err := rows.Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want context.Canceled", err)
	}
	mustExec(t, db, `CREATE TABLE things (n INT)`) // and the house goes on
}

// TestPageSize: a new file has the pages that were asked for, and keeps them whoever opens it later.
func TestPageSize(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "small.db")
	for _, options := range [][]sqldb.Option{{sqldb.PageSize(512)}, nil, {sqldb.PageSize(8192)}} {
		db, err := sqldb.Open(t.Context(), url, nil, options...)
		if err != nil {
			t.Fatal(err)
		}
		var size int
		var mode string
		err = errors.Join(db.QueryRow(t.Context(), `PRAGMA page_size`).Scan(&size), db.QueryRow(t.Context(), `PRAGMA journal_mode`).Scan(&mode))
		if err != nil || size != 512 || mode != "wal" {
			t.Errorf("got pages of %d bytes, journal %s, %v, want 512 and wal", size, mode, err)
		}
		if _, err := db.Exec(t.Context(), `CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY)`); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestOpenDamagedFile: the sentence says what is wrong with the file, and not who may read it.
func TestOpenDamagedFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "homeserver.db")
	if err := os.WriteFile(file, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqldb.Open(t.Context(), "sqlite:"+file, nil)
	if !errs.Is(err, errs.Unavailable) || sqldb.Damage(err) == nil || !strings.HasPrefix(errs.Detail(err), "The database file "+file+" is damaged, or no SQLite database at all;") {
		t.Errorf("got %v", err)
	}
	if sqldb.Damage(nil) != nil || sqldb.Damage(sqldb.ErrNoRows) != nil {
		t.Error("what is no damage is one")
	}
}
