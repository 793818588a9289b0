package monitor

import (
	"math"
	"testing"
	"time"
)

// tickAt is a snapshot of a second, with the second as the processor's figure.
func tickAt(seconds int) *Snapshot {
	return &Snapshot{At: time.Unix(int64(1_800_000_000+seconds), 0), CPU: float64(seconds), DiskRead: math.NaN()}
}

// take publishes snapshots as the sampler would, and returns the room.
func take(t *testing.T, snapshots ...*Snapshot) *Monitor {
	t.Helper()
	m := New(Config{}, fixedUsage, quiet())
	for _, s := range snapshots {
		m.publish(s)
	}
	return m
}

// every2s are the snapshots of so many ticks.
func every2s(n int) (list []*Snapshot) {
	for i := range n {
		list = append(list, tickAt(2*i))
	}
	return list
}

func seconds(r Recent) (list []int) {
	for _, at := range r.Time {
		list = append(list, int(at/1000-1_800_000_000))
	}
	return list
}

func TestRecentIsTheLastMinutes(t *testing.T) {
	m := take(t, every2s(recentRows+7)...)
	got := recentOf(m.feed.Rows(), time.Unix(0, 0))
	if len(got.Time) != recentRows {
		t.Fatalf("got %d ticks, want %d", len(got.Time), recentRows)
	}
	for i, v := range got.CPUPercent {
		if want := float32(2 * (i + 7)); v != want {
			t.Fatalf("tick %d: got %v, want %v", i, v, want)
		}
	}
	if got := recentOf(m.feed.Rows(), time.Unix(1_800_000_000+2*int64(recentRows+4), 0)); len(got.Time) != 3 {
		t.Errorf("the last 3 ticks: got %d, want 3", len(got.Time))
	}
}

func TestRecentShowsSleepAsGaps(t *testing.T) {
	m := take(t, tickAt(0), tickAt(2), tickAt(9)) // woke at an odd moment
	got := recentOf(m.feed.Rows(), time.Unix(0, 0))
	if at := seconds(got); len(at) != 5 || at[2] != 4 || at[3] != 6 {
		t.Fatalf("got ticks at %v, want 0 2 4 6 9", at)
	}
	if !math.IsNaN(float64(got.CPUPercent[2])) || got.CPUPercent[4] != 9 {
		t.Errorf("got %v at 4 s and %v at 9 s, want a gap and 9", got.CPUPercent[2], got.CPUPercent[4])
	}
	m.publish(tickAt(100_000))
	got = recentOf(m.feed.Rows(), time.Unix(0, 0))
	if len(got.Time) != recentRows || got.CPUPercent[recentRows-1] != 100_000 {
		t.Errorf("after a long sleep: got %d ticks ending in %v, want %d ending in 100000", len(got.Time), got.CPUPercent[len(got.Time)-1], recentRows)
	}
}

func TestRecentForgetsTheFutureWhenTheClockIsSetBack(t *testing.T) {
	m := take(t, every2s(recentRows+3)...)
	m.publish(tickAt(2 * 440))
	at := seconds(recentOf(m.feed.Rows(), time.Unix(0, 0)))
	if len(at) < 438 || at[len(at)-438] != 6 || at[len(at)-1] != 880 {
		t.Errorf("got %d ticks from %d to %d, want those from 6 to 880", len(at), at[0], at[len(at)-1])
	}
}

func TestStaleFiguresAreGaps(t *testing.T) {
	s := tickAt(2)
	s.Stale = []string{nameDisk}
	s.Disk = diskUse{Total: 100, Used: 50, Free: 50}
	s.Memory = memoryUse{Total: 4, Available: 3}
	got := recentOf(take(t, s).feed.Rows(), time.Unix(0, 0))
	if !math.IsNaN(float64(got.DiskPercent[0])) || got.MemoryPercent[0] != 25 {
		t.Errorf("got disk %v and memory %v, want a gap and 25", got.DiskPercent[0], got.MemoryPercent[0])
	}
	if !math.IsNaN(float64(got.DiskRead[0])) {
		t.Errorf("disk read: got %v, want a gap", got.DiskRead[0])
	}
}
