package monitor

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"homeserver/internal/monitor/machine"
	"homeserver/internal/platform/errs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// steady answers every question of a sampler without asking a system. Processor time passes
// half busy; disk and network move 1,000 and 10 bytes a second.
func steady(s *sampler) {
	start := time.Now()
	passed := func() float64 { return time.Since(start).Seconds() }
	s.cpu.read = func() (cpuTimes, error) { return cpuTimes{passed() / 2, passed() / 2}, nil }
	s.memory.read = func() (memoryUse, error) { return memoryUse{Total: 4 << 30, Available: 3 << 30}, nil }
	s.disk.read = func() (diskUse, error) { return diskUse{Total: 100 << 30, Used: 20 << 30, Free: 60 << 30}, nil }
	s.load.read = func() (loadAverages, error) { return loadAverages{1, 2, 3}, nil }
	s.diskIO.read = func() ([]counters, error) { n := uint64(passed() * 1000); return []counters{{"sda", n, n}}, nil }
	s.network.read = func() ([]counters, error) { n := uint64(passed() * 10); return []counters{{"eth0", n, n}}, nil }
	s.details.questions = func() []machine.Question { return nil }
	s.host.read = func() (Host, error) { return Host{Hostname: "attic", Scope: scopeHost, CPUs: 4}, nil }
}

// steadyMonitor is a room over a steady machine.
func steadyMonitor() *Monitor {
	m := New(Config{StoragePath: "/data", Started: time.Now()}, func() (int64, int64) { return 31, 22870523 }, quiet())
	steady(m.sampler)
	return m
}

// runSampler runs s for a time in a bubble and returns what it published.
func runSampler(t *testing.T, s *sampler, duration time.Duration) []*Snapshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	var got []*Snapshot
	s.run(ctx, func(snap *Snapshot) { got = append(got, snap) })
	return got
}

func TestTicksAreAlignedAndMeasureTheirInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(700 * time.Millisecond) // fake time: start at an odd moment
		start := time.Now()
		s := newSampler("/data", newSource("/"), quiet())
		steady(s)
		got := runSampler(t, s, 10*time.Second)
		if len(got) != 6 {
			t.Fatalf("got %d snapshots in 10 s, want 6", len(got))
		}
		if first := got[0].At.Sub(start); first != firstInterval {
			t.Errorf("first snapshot: got after %v, want %v", first, firstInterval)
		}
		for i, snap := range got {
			if i > 0 && !snap.At.Equal(snap.At.Truncate(tickInterval)) {
				t.Errorf("tick %d: got %v, want a multiple of 2 s", i, snap.At)
			}
			if !snap.Complete() || len(snap.Stale) > 0 || math.Round(snap.CPU) != 50 || math.Abs(snap.DiskRead-1000) > 10 || math.Abs(snap.NetSent-10) > 10 {
				t.Errorf("tick %d: got %+v, want everything known, 50 %%, 1000 B/s and 10 B/s", i, snap)
			}
		}
	})
}

func TestNextTickKeepsItsDistance(t *testing.T) {
	even := time.Unix(1_800_000_000, 0)
	for _, test := range []struct{ after, want time.Duration }{
		{0, 2 * time.Second},
		{time.Millisecond, 2 * time.Second},
		{1700 * time.Millisecond, 2 * time.Second},
		{1900 * time.Millisecond, 4 * time.Second},
	} {
		if got := nextTick(even.Add(test.after)).Sub(even); got != test.want {
			t.Errorf("%v after a tick: got %v, want %v", test.after, got, test.want)
		}
	}
}

func TestHungCollectorLeavesGapsAndDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSampler("/data", newSource("/"), quiet())
		steady(s)
		hang := make(chan struct{})
		var asked atomic.Int32
		answer := s.disk.read
		s.disk.read = func() (diskUse, error) {
			if asked.Add(1) == 4 {
				<-hang
			}
			return answer()
		}
		time.AfterFunc(9*time.Second, func() { close(hang) })
		got := runSampler(t, s, 15*time.Second)
		// Read at 0, 0.1, 2 and (hanging) 4 s; back in time for 10 s.
		for i, snap := range got {
			stale := slices.Contains(snap.Stale, nameDisk)
			if want := i >= 2 && i <= 4; stale != want {
				t.Errorf("snapshot %d at %v: got stale %v, want %v", i, snap.At, stale, want)
			}
			if snap.Disk.Used != 20<<30 {
				t.Errorf("snapshot %d: got %d used, want the last known value", i, snap.Disk.Used)
			}
			if i > 0 && !snap.At.Equal(snap.At.Truncate(tickInterval)) {
				t.Errorf("snapshot %d: got %v, want it on time", i, snap.At)
			}
		}
		if n := asked.Load(); n != 7 {
			t.Errorf("got %d reads, want 7: none while one hangs", n)
		}
	})
}

func TestLateAnswerBecomesTheLastKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSampler("/data", newSource("/"), quiet())
		steady(s)
		s.disk.read = func() (diskUse, error) {
			time.Sleep(1500 * time.Millisecond) // fake time: a slow network mount
			return diskUse{Total: 10, Used: 5, Free: 5}, nil
		}
		got := runSampler(t, s, 7*time.Second)
		if got[0].Complete() {
			t.Error("first snapshot: got complete, want the disk missing")
		}
		last := got[len(got)-1]
		if !last.Complete() || !slices.Contains(last.Stale, nameDisk) || last.Disk.Used != 5 {
			t.Errorf("got %+v, want a stale disk of 5", last)
		}
		time.Sleep(2 * time.Second) // the last read returns
	})
}

func TestFailuresAndPanicsAreGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSampler("/data", newSource("/"), quiet())
		steady(s)
		s.load.read = func() (loadAverages, error) { return loadAverages{}, fs.ErrNotExist }
		s.network.read = func() ([]counters, error) { panic("a file nobody thought of") }
		s.cpu.read = func() (cpuTimes, error) { return cpuTimes{}, errUnsupported }
		for _, snap := range runSampler(t, s, 3*time.Second) {
			if !math.IsNaN(snap.Load.One) || !math.IsNaN(snap.NetSent) || snap.Complete() || snap.DiskRead == 0 {
				t.Errorf("got %+v, want gaps for load, network and processor only", snap)
			}
		}
		if !errors.Is(s.load.last, fs.ErrNotExist) {
			t.Errorf("last error: got %v, want %v", s.load.last, fs.ErrNotExist)
		}
	})
}

func TestReadersWaitForTheFirstSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := steadyMonitor()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.snapshot(ctx); !errs.Is(err, errs.Unavailable) {
			t.Errorf("before Run: got %v, want unavailable", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		start := time.Now()
		s, err := m.snapshot(t.Context())
		if err != nil || s == nil || time.Since(start) > firstInterval {
			t.Errorf("got %v, %v after %v, want a snapshot after 100 ms", s, err, time.Since(start))
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestRemovedStorageKeepsLastKnownNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := steadyMonitor()
		var gone atomic.Bool
		there := m.sampler.disk.read
		m.sampler.disk.read = func() (diskUse, error) {
			if gone.Load() {
				return diskUse{}, fs.ErrNotExist
			}
			return there()
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		time.Sleep(time.Second)
		gone.Store(true)
		time.Sleep(2 * time.Second)
		s, err := m.snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := system(s); got.DiskTotalGB != 100 || got.DiskPercent != 25 || len(got.Stale) != 1 || got.Stale[0] != "disk" {
			t.Errorf("got %+v, want the last known disk, marked stale", got)
		}
		disk := recentOf(m.feed.Rows(), time.Time{}).DiskPercent
		if last := disk[len(disk)-1]; !math.IsNaN(float64(last)) {
			t.Errorf("recent: got %v, want a gap", last)
		}
		stop()
		<-done
	})
}

// BenchmarkTick is the cost of one tick on the real machine with nobody watching. At one tick
// per 2 s, 0.5 % of a core is 10 ms.
func BenchmarkTick(b *testing.B) {
	m := New(Config{StoragePath: b.TempDir(), Started: time.Now()}, func() (int64, int64) { return 31, 22870523 }, quiet())
	defer m.sampler.close()
	b.ReportAllocs()
	for b.Loop() {
		m.publish(m.sampler.tick(b.Context()))
	}
}
