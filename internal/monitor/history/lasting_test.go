package history

import (
	"context"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	"homeserver/internal/platform/sqldb"
)

func (h *History) mustExec(t testing.TB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := h.db.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFileAway: while the file cannot be written an hour is kept in memory and no more, and goes
// where it belongs when it can again, whatever hours it lies in.
func TestFileAway(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	h := open(t, file)
	defer func() { h.Close() }()
	s := h.mustSeries(t, "a", 1)
	start := time.Now().Truncate(time.Hour).Add(-5 * time.Hour)
	const ticks = 5100 // 2 hours and 50 minutes
	for i := range ticks {
		if i == 1000 {
			if err := h.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.mustExec(t, `ALTER TABLE pages RENAME TO pages_away`, `ALTER TABLE tail RENAME TO tail_away`)
		}
		if i == ticks-2 { // a disk that is full for pages may have room for a row
			h.mustExec(t, `ALTER TABLE tail_away RENAME TO tail`)
			if err := h.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if i == ticks-1 {
			h.mustExec(t, `ALTER TABLE pages_away RENAME TO pages`)
		}
		err := h.Append(t.Context(), start.Add(time.Duration(i)*sampleStep), []Sample{{s, float64(i)}})
		if away := i >= int(samplesPerHour) && i < ticks-1; (err != nil) != away {
			t.Fatalf("tick %d: got error %v", i, err)
		}
		if len(h.fresh) > mostFresh {
			t.Fatalf("tick %d: %d are kept in memory, want at most %d", i, len(h.fresh), mostFresh)
		}
	}
	check := func() {
		t.Helper()
		a, err := h.Query(t.Context(), Range{From: start, To: start.Add(ticks * sampleStep), Points: maxPoints}, "a")
		if err != nil {
			t.Fatal(err)
		}
		sum := int64(0)
		for _, n := range a.Series[0].Count {
			sum += n
		}
		// The first hour was open all along; of what came then the last hour was kept, until the tick
		// that found the file again.
		if want := samplesPerHour + int64(mostFresh) + 1; sum != want {
			t.Errorf("got %d samples, want %d", sum, want)
		}
	}
	check()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := Verify(t.Context(), Config{URL: "sqlite:" + file}, slog.New(slog.DiscardHandler), nil)
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("got %+v, %v", report, err)
	}
	h = open(t, file)
	check()
}

// TestSeriesAreGivenBack: series of which nothing is left make room for others, and one whose number
// somebody still holds is remembered again.
func TestSeriesAreGivenBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	h := open(t, file)
	defer func() { h.Close() }()
	now := time.Now()
	kept, old := h.mustSeries(t, "kept", 1), h.mustSeries(t, "old", 1)
	add := func(at time.Time, series int, v float64) {
		t.Helper()
		if err := h.Append(t.Context(), at, []Sample{{series, v}}); err != nil {
			t.Fatal(err)
		}
	}
	trim := func() {
		t.Helper()
		if err := h.Trim(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	add(now.Add(-6*365*day), old, 1)
	add(now.Add(-2*time.Hour), kept, 2)
	add(now.Add(-time.Hour), kept, 3)
	h.mustExec(t, `WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO series (key, title, scale) SELECT 'gone' || i, '', 1 FROM n`)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = open(t, file)
	if len(h.List()) != mostSeries {
		t.Fatalf("got %d series, want as many as there may be", len(h.List()))
	}
	trim()
	if list := h.List(); len(list) != 1 || list[0].Key != "kept" {
		t.Fatalf("got %d series, want the one of which something is left", len(list))
	}
	fresh := h.mustSeries(t, "new", 1) // may get the row of one that is gone
	add(now, fresh, 5)
	add(now, old, 7) // its number was handed out before
	add(now, old, math.NaN())
	check := func() {
		t.Helper()
		a, err := h.Query(t.Context(), Range{From: now.Add(-time.Minute), To: now.Add(time.Minute), Points: 2}, "new", "old", "gone4000")
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []float64{5, 7, math.NaN()} {
			got := math.NaN()
			for _, v := range a.Series[i].Max {
				if !math.IsNaN(v) {
					got = v
				}
			}
			if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Errorf("%s: got %v, want %v", a.Series[i].Key, got, want)
			}
		}
	}
	check()
	trim()
	check()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = open(t, file)
	check()
	if n := len(h.List()); n != 3 {
		t.Errorf("after a restart: got %d series, want 3", n)
	}
}

// TestFirstFile opens a file of the first version, whose series had no titles.
func TestFirstFile(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "history.db")
	db, err := sqldb.Open(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	(&History{db: db}).mustExec(
		t,
		`CREATE TABLE format (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)`,
		`CREATE TABLE series (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, scale REAL NOT NULL)`,
		`CREATE TABLE pages (id INTEGER PRIMARY KEY, tier INTEGER NOT NULL, number INTEGER NOT NULL, page BLOB NOT NULL)`,
		`CREATE INDEX pages_by_age ON pages (tier, number)`,
		`CREATE TABLE tail (id INTEGER PRIMARY KEY, ticks BLOB NOT NULL)`,
		`INSERT INTO format VALUES (1, 1)`,
		`INSERT INTO series VALUES (1, 'cpu', 10)`,
	)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	report, err := Verify(t.Context(), Config{URL: url}, slog.New(slog.DiscardHandler), nil)
	if err != nil || report.Series != 1 {
		t.Fatalf("verified as it is: got %+v, %v", report, err)
	}
	for _, title := range []string{"Processor", "CPU"} {
		h, err := Open(context.Background(), Config{URL: url}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Series(t.Context(), "cpu", title, 10); err != nil {
			t.Error(err)
		}
		if list := h.List(); len(list) != 1 || list[0] != (Known{"cpu", title}) {
			t.Errorf("got %v", list)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}
