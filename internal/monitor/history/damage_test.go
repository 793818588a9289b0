package history

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeserver/internal/platform/sqldb"
)

// damagePages overwrites the first half of all the file's own pages but those that say what tables there are.
func damagePages(t *testing.T, file string) {
	t.Helper()
	const page, sound = filePage, 15
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(page * sound); at < info.Size(); at += page {
		if _, err := f.WriteAt([]byte(strings.Repeat("\xff", page/2)), at); err != nil {
			t.Fatal(err)
		}
	}
}

// TestVerifyOfADamagedFile: what SQLite itself cannot read is a problem that is told, and no error
// that ends the telling.
func TestVerifyOfADamagedFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	h := open(t, file)
	a := h.mustSeries(t, "a", 10)
	start := time.Now().Add(-50 * time.Hour).Truncate(time.Hour)
	for at := start; at.Before(start.Add(49 * time.Hour)); at = at.Add(time.Minute) {
		if err := h.Append(t.Context(), at, []Sample{{a, float64(at.Unix() % 977)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	damagePages(t, file)
	r, err := Verify(t.Context(), Config{URL: "sqlite:" + file}, slog.New(slog.DiscardHandler), nil)
	if err != nil || r.OK() || !strings.HasPrefix(r.Problems[0].What, "the file is damaged: ") || strings.Contains(r.Problems[0].What, "\n") {
		t.Fatalf("got %+v, %v, want the damage", r, err)
	}
}

// TestAFileOfALaterFormatStaysAsItIs: it is refused in a sentence, and nothing is written to it.
func TestAFileOfALaterFormatStaysAsItIs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	db, err := sqldb.Open(t.Context(), "sqlite:"+file, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`CREATE TABLE format (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)`, `INSERT INTO format VALUES (1, 3)`,
		`CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL)`,
	} {
		if _, err := db.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	const tables = `SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name`
	before, err := sqldb.Texts(t.Context(), db, tables)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Config{URL: "sqlite:" + file}, slog.New(slog.DiscardHandler))
	_, verified := Verify(t.Context(), Config{URL: "sqlite:" + file}, slog.New(slog.DiscardHandler), nil)
	for _, err := range []error{err, verified} {
		if err == nil || !strings.Contains(err.Error(), "is of format 3, this program knows 2") {
			t.Errorf("got %v, want a sentence about the format", err)
		}
	}
	after, err := sqldb.Texts(t.Context(), db, tables)
	if err != nil || strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Errorf("got the tables\n%s\n%v, want them as they were:\n%s", strings.Join(after, "\n"), err, strings.Join(before, "\n"))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
