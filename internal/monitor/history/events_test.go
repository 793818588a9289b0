package history

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEventsAreRememberedOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "monitoring.db")
	h := open(t, file)
	start := time.UnixMilli(1_800_000_000_000).UTC()
	note := func(kind, id string, at time.Time, count int64) {
		t.Helper()
		if err := h.Note(t.Context(), Event{At: at, Kind: kind, ID: id, Count: count}); err != nil {
			t.Fatal(err)
		}
	}
	events := func(from, to time.Time, most int) []Event {
		t.Helper()
		list, err := h.Events(t.Context(), from, to, most)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	note("boot", "b1", start.Add(time.Hour), 1)
	note("boot", "b1", start.Add(2*time.Second), 1) // the clock was wrong at first
	note("oom_kill", "x", start.Add(time.Minute), 3)
	note("server_start", "s", start.Add(time.Minute), 1)
	want := []Event{{start.Add(2 * time.Second), "boot", "b1", 1}, {start.Add(time.Minute), "oom_kill", "x", 3}, {start.Add(time.Minute), "server_start", "s", 1}}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = open(t, file)
	if diff := cmp.Diff(want, events(start, start.Add(2*time.Hour), 10)); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	if diff := cmp.Diff(want[:1], events(start, start.Add(time.Minute), 10)); diff != "" {
		t.Errorf("until: want -, got +:\n%s", diff)
	}
	for i := range 5 {
		note("upload", fmt.Sprint(i), start.Add(time.Duration(i)*time.Hour), 1)
	}
	if got := events(start, start.Add(24*time.Hour), 3); len(got) != 3 || got[0].ID != "2" || got[2].ID != "4" {
		t.Errorf("got %v, want the newest three", got)
	}
	if err := h.Trim(t.Context(), start.Add(hours.keep()+time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := events(start, start.Add(24*time.Hour), 10); len(got) != 6 {
		t.Errorf("got %v, want what is not older than five years", got)
	}
}
