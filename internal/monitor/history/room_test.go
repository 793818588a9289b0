package history

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"
)

// TestLongGoneSeriesGiveWay fills the history with what containers, disks and the like leave
// behind: what is new is remembered all the same, and nothing of the last day is lost.
func TestLongGoneSeriesGiveWay(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "history.db"))
	defer h.Close()
	now := time.Now()
	measure := func(at time.Time, from, to int) {
		t.Helper()
		var row []Sample
		for i := from; i < to; i++ {
			row = append(row, Sample{h.mustSeries(t, fmt.Sprintf("s%d", i), 1), float64(i)})
		}
		if err := h.Append(t.Context(), at, row); err != nil {
			t.Fatal(err)
		}
	}
	const group = 50
	measure(now.Add(-100*day), 0, group)       // of these, hours and minutes are left
	measure(now.Add(-10*day), group, 2*group)  // of these minutes
	measure(now.Add(-2*day), 2*group, 3*group) // of these everything
	measure(now.Add(-20*time.Hour), 3*group, mostSeries)
	measure(now, mostSeries-1, mostSeries)
	if err := h.Trim(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	there := func(i int) bool {
		t.Helper()
		a, err := h.Query(t.Context(), Range{From: now.Add(-101 * day), To: now.Add(time.Minute), Points: 500}, fmt.Sprintf("s%d", i))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range a.Series[0].Max {
			if !math.IsNaN(v) {
				return true
			}
		}
		return false
	}
	if len(h.List()) != mostSeries || !there(0) {
		t.Fatalf("got %d series, want %d", len(h.List()), mostSeries)
	}
	measure(now, mostSeries, mostSeries+1) // one more
	for i, want := range map[int]bool{0: false, giveWay - 1: false, giveWay: true, group: true, 2 * group: true, 3 * group: true, mostSeries: true} {
		if got := there(i); got != want {
			t.Errorf("s%d: got %v, want %v", i, got, want)
		}
	}
	measure(now, mostSeries+1, mostSeries+3*group-1) // all that is older than a day
	for i, want := range map[int]bool{3*group - 1: false, 3 * group: true, mostSeries + 3*group - 2: true} {
		if got := there(i); got != want {
			t.Errorf("s%d: got %v, want %v", i, got, want)
		}
	}
	for h.room(t.Context(), "more") == nil {
		h.mustSeries(t, fmt.Sprintf("more%d", len(h.series)), 1)
	}
	if !there(3*group) || !there(mostSeries-1) || len(h.List()) != mostSeries {
		t.Errorf("got %d series, want %d and those of the last day among them", len(h.List()), mostSeries)
	}
	// What gave way comes back when it is measured again, if there is room.
	if err := h.Append(t.Context(), now, []Sample{{0, 1}}); err == nil {
		t.Error("one more than there may be was remembered")
	}
}
