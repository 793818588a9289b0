package sqldb_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// TestAViewIsOneMoment writes between two readings of a view: the writer does not wait, and the
// view does not change.
func TestAViewIsOneMoment(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		write := func(n int) {
			if _, err := db.Exec(t.Context(), `INSERT INTO things (n) VALUES ($1)`, n); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.Exec(t.Context(), `CREATE TABLE things (n bigint)`); err != nil {
			t.Fatal(err)
		}
		count := func(q sqldb.Querier) (n int) {
			if err := q.QueryRow(t.Context(), `SELECT count(*) FROM things`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		write(1)
		enough := errors.New("enough")
		for range 3 {
			before := count(db)
			err := db.View(t.Context(), func(q sqldb.Querier) error {
				for range 2 {
					if got := count(q); got != before {
						t.Errorf("got %d rows, want the %d of the beginning", got, before)
					}
					write(2)
				}
				if _, err := q.Exec(t.Context(), `INSERT INTO things (n) VALUES (3)`); err == nil {
					t.Error("a view was written to")
				}
				return enough
			})
			if !errors.Is(err, enough) {
				t.Errorf("got %v", err)
			}
			if got := count(db); got != before+2 {
				t.Errorf("got %d rows afterwards, want %d", got, before+2)
			}
		}
	})
}

// sqliteWith makes a database with one row, and closes it.
func sqliteWith(t *testing.T, path, what string) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), "sqlite:"+path, slog.New(slog.DiscardHandler))
	if err == nil {
		_, err = db.Exec(t.Context(), `CREATE TABLE said (what text)`)
	}
	if err == nil {
		_, err = db.Exec(t.Context(), `INSERT INTO said (what) VALUES ($1)`, what)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func saidBy(t *testing.T, path string) (what string) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), "sqlite:"+path, slog.New(slog.DiscardHandler))
	if err == nil {
		err = db.QueryRow(t.Context(), `SELECT what FROM said`).Scan(&what)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return what
}

// TestSettleSQLite: what is in the way is kept, each under a name of its own; logs of what is no
// more are not taken for the new file's; a move that was broken off is gone on with.
func TestSettleSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	temp := path + ".new"
	settle := func(what, wantAside string) {
		t.Helper()
		sqliteWith(t, temp, what)
		aside, err := sqldb.SettleSQLite(temp, path)
		if err != nil || aside != wantAside {
			t.Fatalf("%s: got %q %v, want %q", what, aside, err, wantAside)
		}
		if got := saidBy(t, path); got != what {
			t.Errorf("got %q, want %q", got, what)
		}
	}
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settle("one", "")
	settle("two", path+".before-restore")
	settle("three", path+".before-restore-2")
	if one, two := saidBy(t, path+".before-restore"), saidBy(t, path+".before-restore-2"); one != "one" || two != "two" {
		t.Errorf("kept %q and %q", one, two)
	}
	// Killed when the log was moved and its file was not.
	put(path+".before-restore-3-wal", "a log")
	settle("four", path+".before-restore-3")
	// A log whose file is gone, and one of a file that is damaged.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	put(path+"-wal", "a log")
	settle("five", path+".before-restore-4")
	put(path+"-wal", "a log")
	put(path+"-shm", "an index")
	settle("six", path+".before-restore-5")
	if text, err := os.ReadFile(path + ".before-restore-5-wal"); err != nil || string(text) != "a log" {
		t.Errorf("got %q %v", text, err)
	}
	sqliteWith(t, temp, "seven")
	put(temp+"-wal", "a log")
	if _, err := sqldb.SettleSQLite(temp, path); err == nil {
		t.Error("a file that is open was put in place")
	}
	if got := saidBy(t, path); got != "six" {
		t.Errorf("got %q", got)
	}
}
