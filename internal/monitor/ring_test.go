package monitor

import (
	"math"
	"testing"
	"time"
)

func at(seconds int) *Snapshot {
	return &Snapshot{At: time.Unix(int64(1_800_000_000+seconds), 0), CPU: float64(seconds), DiskRead: math.NaN()}
}

func times(rows []row) []int {
	var out []int
	for _, r := range rows {
		out = append(out, int(r.at/1000-1_800_000_000))
	}
	return out
}

func TestRingKeepsTheLastMinutes(t *testing.T) {
	r := newRing()
	for i := range recentRows + 7 {
		r.add(at(2 * i))
	}
	rows := r.since(time.Unix(0, 0))
	if len(rows) != recentRows {
		t.Fatalf("got %d rows, want %d", len(rows), recentRows)
	}
	for i, r := range rows {
		if want := float32(2 * (i + 7)); r.values[columnCPU] != want {
			t.Fatalf("row %d: got %v, want %v", i, r.values[columnCPU], want)
		}
	}
	if got := r.since(time.Unix(1_800_000_000+2*int64(recentRows+4), 0)); len(got) != 3 {
		t.Errorf("the last 3 samples: got %d rows, want 3", len(got))
	}
}

func TestRingShowsSleepAsGaps(t *testing.T) {
	r := newRing()
	r.add(at(0))
	r.add(at(2))
	r.add(at(9)) // woke at an odd moment
	rows := r.since(time.Unix(0, 0))
	if got := times(rows); len(got) != 5 || got[2] != 4 || got[3] != 6 {
		t.Fatalf("got rows at %v, want 0 2 4 6 9", got)
	}
	if !math.IsNaN(float64(rows[2].values[columnCPU])) || math.IsNaN(float64(rows[4].values[columnCPU])) {
		t.Errorf("got %v at 4 s and %v at 9 s, want a gap and 9", rows[2].values[columnCPU], rows[4].values[columnCPU])
	}
	r.add(at(100_000))
	if rows := r.since(time.Unix(0, 0)); len(rows) != recentRows || rows[recentRows-1].values[columnCPU] != 100_000 {
		t.Errorf("after a long sleep: got %d rows ending in %v, want %d ending in 100000", len(rows), rows[len(rows)-1].values[columnCPU], recentRows)
	}
}

func TestRingForgetsTheFutureWhenTheClockIsSetBack(t *testing.T) {
	r := newRing()
	for i := range recentRows + 3 {
		r.add(at(2 * i))
	}
	r.add(at(2 * 440))
	rows := r.since(time.Unix(0, 0))
	got := times(rows)
	if len(got) != 438 || got[0] != 6 || got[len(got)-1] != 880 {
		t.Errorf("got %d rows from %d to %d, want 438 from 6 to 880", len(got), got[0], got[len(got)-1])
	}
}

func TestStaleFiguresAreGaps(t *testing.T) {
	s := at(2)
	s.Stale = []string{nameDisk}
	s.Disk = diskUse{Total: 100, Used: 50, Free: 50}
	s.Memory = memoryUse{Total: 4, Available: 3}
	got := rowOf(s)
	if !math.IsNaN(float64(got.values[columnDisk])) || got.values[columnMemory] != 25 {
		t.Errorf("got disk %v and memory %v, want a gap and 25", got.values[columnDisk], got.values[columnMemory])
	}
	if !math.IsNaN(float64(got.values[columnDiskRead])) {
		t.Errorf("disk read: got %v, want a gap", got.values[columnDiskRead])
	}
}
