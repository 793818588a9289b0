package history

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeserver/internal/platform/errs"
)

// whole is a sound file of two days.
func whole(t *testing.T, file string) (start time.Time) {
	t.Helper()
	h := open(t, file)
	a := h.mustSeries(t, "a", 10)
	start = time.Now().Add(-50 * time.Hour).Truncate(time.Hour)
	for at := start; at.Before(start.Add(49 * time.Hour)); at = at.Add(time.Minute) {
		if err := h.Append(t.Context(), at, []Sample{{a, float64(at.Unix() % 977)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return start
}

// wantBroken insists on an error that says which file, what is wrong with it and what to do, and
// whose sentence for everybody does not say where it lies.
func wantBroken(t *testing.T, err error, file, what string) {
	t.Helper()
	if !errs.Is(err, errs.Unavailable) {
		t.Fatalf("got %v, want that the history is not available", err)
	}
	for _, part := range []string{file, what, "rename monitoring.db", "it begins a new history"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got %q, want %q in it", err, part)
		}
	}
	if strings.Contains(err.Error(), "DATABASE_URL") || strings.Contains(errs.Detail(err), filepath.Dir(file)) {
		t.Errorf("got %q", err)
	}
}

// TestDamagedFiles: a file that is none of SQLite's, or is cut off, is told by its name and with
// what to do, whoever opens it; and it is left as it is.
func TestDamagedFiles(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.db")
	whole(t, good)
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	const none, cut = "file is not a database", "database disk image is malformed"
	for name, c := range map[string]struct {
		content []byte
		what    string
	}{
		"a text": {[]byte("this is no database\n"), none}, "a long text": {[]byte(strings.Repeat("no database ", 1000)), none},
		"the first half": {content[:len(content)/2], cut}, "the first page": {content[:4096], cut}, "100 bytes": {content[:100], cut},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "monitoring.db")
			if err := os.WriteFile(file, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			config, log := Config{URL: "sqlite:" + file}, slog.New(slog.DiscardHandler)
			_, err := Open(t.Context(), config, log)
			wantBroken(t, err, file, c.what)
			_, err = Verify(t.Context(), config, log, nil)
			wantBroken(t, err, file, c.what)
			_, err = Save(t.Context(), config, log, func(p Piece) error { return p.Write(io.Discard) })
			wantBroken(t, err, file, c.what)
			if after, err := os.ReadFile(file); err != nil || string(after) != string(c.content) {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

// TestDamageFoundLater: what can be opened and not be read is no fault of who asks, and is told in
// the same words.
func TestDamageFoundLater(t *testing.T) {
	file := filepath.Join(t.TempDir(), "monitoring.db")
	start := whole(t, file)
	h := open(t, file)
	defer h.Close()
	damagePages(t, file)
	_, err := h.Query(t.Context(), Range{From: start, To: start.Add(time.Hour), Points: 60}, "a")
	wantBroken(t, err, file, "malformed")
}

// TestFileThatNobodyMayRead: the sentence speaks of this file, not of the database's setting.
func TestFileThatNobodyMayRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "monitoring.db")
	if err := os.Mkdir(file, 0o700); err != nil { // what not even root may read as a file
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Config{URL: "sqlite:" + file}, slog.New(slog.DiscardHandler))
	if !errs.Is(err, errs.Unavailable) || strings.Contains(err.Error(), "DATABASE_URL") || !strings.Contains(err.Error(), file) || !strings.Contains(errs.Detail(err), "who may read and write its file monitoring.db") {
		t.Errorf("got %v", err)
	}
}
