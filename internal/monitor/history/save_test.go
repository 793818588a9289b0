package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// saved is a saved history: its pieces in their order.
type saved struct {
	names  []string
	pieces map[string][]byte
}

// save saves a history, each piece written twice.
func save(t *testing.T, file string) (saved, Saved) {
	t.Helper()
	s := saved{pieces: map[string][]byte{}}
	report, err := Save(t.Context(), Config{URL: "sqlite:" + file}, slog.New(slog.DiscardHandler), func(p Piece) error {
		var first, again bytes.Buffer
		if err := errors.Join(p.Write(&first), p.Write(&again)); err != nil {
			return err
		}
		if !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Errorf("%s is not the same the second time", p.Name)
		}
		if s.pieces[p.Name] != nil {
			t.Errorf("%s is there twice", p.Name)
		}
		s.names, s.pieces[p.Name] = append(s.names, p.Name), first.Bytes()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, report
}

// restore puts a history together.
func (s saved) restore(t *testing.T, path, origin string) (aside string, done bool) {
	t.Helper()
	r, err := BeginRestore(t.Context(), path, origin, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if r == nil {
		return "", false
	}
	for _, name := range s.names {
		if err := r.Take(t.Context(), name, bytes.NewReader(s.pieces[name])); err != nil {
			t.Fatal(name, err)
		}
	}
	if aside, err = r.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return aside, true
}

// years fills a history: two samples a day for long ago, and every 2 s for the last hours.
func years(t *testing.T, h *History, now time.Time) {
	t.Helper()
	a, b := h.mustSeries(t, "a", 100), h.mustSeries(t, "b{/mnt/ü}", 10)
	n := 0
	for at := now.Add(-100 * day); at.Before(now); at = at.Add(2 * time.Second) {
		if left := now.Sub(at) - 3*time.Hour; left > 0 {
			at = at.Add(min(left, 12*time.Hour))
		}
		n++
		samples := []Sample{{a, float64(n%1000) / 100}}
		if n%3 > 0 {
			samples = append(samples, Sample{b, float64(n % 7)})
		}
		if err := h.Append(t.Context(), at, samples); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(h.Note(t.Context(), Event{At: now.Add(-time.Hour), Kind: "boot", ID: "1", Count: 1}), h.Freeze(t.Context(), now.Add(-time.Minute), []byte("processes\x00\xff")), h.Flush(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
}

// answers is all that can be asked of a history.
func answers(t *testing.T, h *History, now time.Time) []any {
	t.Helper()
	all := []any{h.List()}
	for _, span := range []time.Duration{10 * time.Minute, 3 * time.Hour, 20 * day, 99 * day} {
		got, err := h.Query(t.Context(), Range{From: now.Add(-span), To: now, Points: 500}, "a", "b{/mnt/ü}")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, got)
	}
	events, err := h.Events(t.Context(), now.Add(-day), now, 10)
	frozen, errFrozen := h.Frozen(t.Context(), now, time.Hour)
	if err = errors.Join(err, errFrozen); err != nil || len(events) != 1 || len(frozen) == 0 {
		t.Fatalf("got %v %q %v", events, frozen, err)
	}
	return append(all, events, frozen)
}

// TestASavedHistoryAnswersTheSame saves a history that is open, restores it, and asks both: also
// for what was not put away yet. What is long past is the same piece the next time.
func TestASavedHistoryAnswersTheSame(t *testing.T) {
	dir, now := t.TempDir(), time.Now().Truncate(2*time.Second)
	file, copied := filepath.Join(dir, "history.db"), filepath.Join(dir, "copy.db")
	h := open(t, file)
	defer h.Close()
	years(t, h, now)
	first, report := save(t, file)
	if report.Damaged != 0 || first.names[0] != aboutPiece {
		t.Fatalf("got %+v %v", report, first.names)
	}
	if aside, done := first.restore(t, copied, "one"); aside != "" || !done {
		t.Errorf("got %q %v", aside, done)
	}
	if r, err := Verify(t.Context(), Config{URL: "sqlite:" + copied}, slog.New(slog.DiscardHandler), nil); err != nil || !r.OK() {
		t.Errorf("the copy: got %+v %v", r, err)
	}
	if _, done := first.restore(t, copied, "one"); done {
		t.Error("it was restored again, over itself")
	}
	c := open(t, copied)
	if diff := cmp.Diff(answers(t, h, now), answers(t, c, now), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("-there +restored:\n%s", diff)
	}
	if err := c.Append(t.Context(), now.Add(2*time.Hour), []Sample{{c.mustSeries(t, "a", 100), 1}}); err != nil {
		t.Error("it does not go on:", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if aside, done := first.restore(t, copied, "another"); aside != copied+".before-restore" || !done {
		t.Errorf("over another: got %q %v", aside, done)
	}

	if err := h.Append(t.Context(), now.Add(time.Hour), []Sample{{h.mustSeries(t, "a", 100), 7}}); err != nil {
		t.Fatal(err)
	}
	second, _ := save(t, file)
	var fresh []string
	for _, name := range second.names {
		if !bytes.Equal(first.pieces[name], second.pieces[name]) {
			fresh = append(fresh, name)
		}
	}
	if len(second.names) < 20 || len(fresh) > 6 { // about, and a piece of each tier, or two at a border
		t.Errorf("of %d pieces %v changed within an hour", len(second.names), fresh)
	}
}

// TestSavedWhileItIsWritten: what is saved is one moment, and the writer does not wait for it.
func TestSavedWhileItIsWritten(t *testing.T) {
	dir, now := t.TempDir(), time.Now().Truncate(time.Hour)
	file := filepath.Join(dir, "history.db")
	h := open(t, file)
	defer h.Close()
	years(t, h, now)
	a := h.mustSeries(t, "a", 100)
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	hour, failed := 0, error(nil)
	writer.Go(func() {
		for ; ctx.Err() == nil && failed == nil; hour++ { // each puts an hour away
			at := now.Add(time.Duration(hour) * time.Hour)
			failed = errors.Join(h.Append(t.Context(), at, []Sample{{a, float64(hour)}}), h.Flush(t.Context()))
		}
	})
	for n := range 3 {
		pieces, _ := save(t, file)
		copied := filepath.Join(dir, fmt.Sprint("copy", n, ".db"))
		pieces.restore(t, copied, "x")
		if r, err := Verify(t.Context(), Config{URL: "sqlite:" + copied}, slog.New(slog.DiscardHandler), nil); err != nil || !r.OK() {
			t.Errorf("got %+v %v", r, err)
		}
	}
	stop()
	writer.Wait()
	if failed != nil || hour < 3 {
		t.Errorf("%d hours were written: %v", hour, failed)
	}
}

// TestADamagedHistoryIsNotSaved: a page that cannot be read is left out and counted, a file that
// cannot be read is an error.
func TestADamagedHistoryIsNotSaved(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	file := filepath.Join(dir, "history.db")
	h := open(t, file)
	years(t, h, now)
	id := pageID(samples, 1, now.Unix()/3600-2)
	if n, err := h.db.Exec(t.Context(), `UPDATE pages SET page = substr(page, 1, length(page) - 5) WHERE id = $1`, id); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	pieces, report := save(t, file)
	if report.Damaged != 1 {
		t.Errorf("got %+v, want one page", report)
	}
	copied := filepath.Join(dir, "copy.db")
	pieces.restore(t, copied, "x")
	c := open(t, copied)
	if blob, err := c.blob(t.Context(), c.db, pageNumber{samples, 1, now.Unix()/3600 - 2}); err != nil || blob != nil {
		t.Errorf("the damaged page came back: %d bytes, %v", len(blob), err)
	}
	if err := errors.Join(c.Close(), h.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 2 * 4096; i < len(text); i += 2 * 4096 { // every other page of the file
		copy(text[i:], strings.Repeat("spoilt", 100))
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Save(t.Context(), Config{URL: "sqlite:" + file}, slog.New(slog.DiscardHandler), func(p Piece) error { return p.Write(io.Discard) }); err == nil {
		t.Error("a file that SQLite cannot read was saved")
	}
}

// TestAStrangePieceIsRefused, whole: nothing of it is taken in, and the rest can be.
func TestAStrangePieceIsRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "history.db")
	h := open(t, file)
	defer h.Close()
	years(t, h, time.Now())
	pieces, _ := save(t, file)
	r, err := BeginRestore(t.Context(), filepath.Join(dir, "copy.db"), "x", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	last := pieces.names[1]
	for what, text := range map[string][]byte{
		"empty": nil, "cut short": pieces.pieces[last][:len(pieces.pieces[last])-3], "of a later format": []byte(strings.Replace(string(pieces.pieces[last]), "pages 1", "pages 2", 1)),
	} {
		if err := r.Take(t.Context(), last, bytes.NewReader(text)); !errors.Is(err, ErrPiece) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	for _, text := range [][]byte{nil, pieces.pieces[aboutPiece][:20], []byte("not compressed")} {
		if err := r.Take(t.Context(), aboutPiece, bytes.NewReader(text)); !errors.Is(err, ErrPiece) {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if err := r.Take(t.Context(), last, bytes.NewReader(pieces.pieces[last])); err != nil {
		t.Error(err)
	}
	if err := r.Abort(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "copy.db*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
