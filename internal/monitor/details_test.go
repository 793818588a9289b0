package monitor

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homeserver/internal/monitor/machine"
	"homeserver/internal/monitor/metric"
)

// probe is a reader of tests: a count that grows by 10 a second.
type probe struct {
	series machine.Series
	raw    machine.RawSeries
	read   func() error
	reads  atomic.Int64
	closed atomic.Bool
	value  float64
}

func newProbe(metrics *metric.Registry, instance string, read func() error) *probe {
	p := &probe{read: read, raw: machine.RawSeries{Name: "probe_" + instance, Type: machine.Counter}}
	p.series = machine.Series{Series: metrics.Of(metric.UnitFailed, instance, "", 0).Series, From: []*machine.RawSeries{&p.raw}}
	return p
}

func (p *probe) Read() error {
	n := p.reads.Add(1)
	if p.read != nil {
		if err := p.read(); err != nil {
			return err
		}
	}
	p.value = float64(n)
	return nil
}

func (p *probe) Emit(to *machine.Batch) {
	to.AddRaw(&p.raw, p.value*10)
	to.Add(&p.series, p.value)
}

func (p *probe) Close() { p.closed.Store(true) }

// valueOf is a reading of a snapshot.
func valueOf(s *Snapshot, metrics *metric.Registry, instance string) (float64, bool) {
	for _, m := range s.Measured {
		if m.Batch == nil {
			continue
		}
		for _, r := range m.Batch.Readings {
			if r.Instance == instance {
				return r.Value, true
			}
		}
	}
	return 0, false
}

// TestClasses: a question is asked in the rhythm of its class and its answer holds until the next;
// what hangs, fails or is taken away has no figure, and holds nothing else up.
func TestClasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSampler("/data", newSource("/"), quiet())
		steady(s)
		metrics := metric.New()
		release := make(chan struct{})
		var failing, gone atomic.Bool
		tick, ten, minute, hour := newProbe(metrics, "tick", nil), newProbe(metrics, "ten", nil), newProbe(metrics, "minute", nil), newProbe(metrics, "hour", nil)
		hung := newProbe(metrics, "hung", func() error { <-release; return nil })
		slow := newProbe(metrics, "slow", func() error { time.Sleep(3 * time.Second); return nil })
		late := newProbe(metrics, "late", func() error { time.Sleep(8 * time.Second); return nil })
		failure := newProbe(metrics, "failure", func() error {
			if failing.Load() {
				return errors.New("broken")
			}
			return nil
		})
		removed := newProbe(metrics, "removed", nil)
		s.details.questions = func() []machine.Question {
			list := []machine.Question{{Name: "tick", Class: machine.EveryTick, Reader: tick}, {Name: "ten", Class: machine.EveryTen, Reader: ten}, {Name: "minute", Class: machine.EveryMinute, Reader: minute},
				{Name: "hour", Class: machine.EveryHour, Reader: hour}, {Name: "hung", Class: machine.EveryTen, Reader: hung}, {Name: "slow", Class: machine.EveryTen, Reader: slow},
				{Name: "late", Class: machine.EveryTen, Reader: late}, {Name: "failure", Class: machine.EveryTick, Reader: failure}}
			if !gone.Load() {
				list = append(list, machine.Question{Name: "removed", Class: machine.EveryTen, Reader: removed})
			}
			return list
		}
		ctx, stop := context.WithTimeout(t.Context(), 121*time.Second) // between two ticks, so that no tick meets the end
		defer stop()
		start, ticks := time.Now(), 0
		var last *Snapshot
		s.run(ctx, func(snap *Snapshot) {
			last = snap
			if ticks++; ticks > 1 && !snap.At.Equal(snap.At.Truncate(tickInterval)) {
				t.Errorf("tick %d: got %v, want a multiple of 2 s", ticks, snap.At)
			}
			if since := time.Since(snap.At); since > collectorDeadline {
				t.Errorf("tick %d took %v", ticks, since)
			}
			if _, ok := valueOf(snap, metrics, "hung"); ok {
				t.Errorf("tick %d: a question that hangs has a figure", ticks)
			}
			if _, ok := valueOf(snap, metrics, "late"); ok {
				t.Errorf("tick %d: an answer after its deadline is a figure", ticks)
			}
			switch at := snap.At.Sub(start).Truncate(tickInterval); at {
			case 20 * time.Second:
				failing.Store(true)
				gone.Store(true)
			case 30 * time.Second:
				if _, ok := valueOf(snap, metrics, "failure"); ok {
					t.Error("a question that fails has a figure")
				}
				if _, ok := valueOf(snap, metrics, "removed"); ok || !removed.closed.Load() {
					t.Error("what was taken away has a figure, or is kept open")
				}
				failing.Store(false)
			case 40 * time.Second:
				for _, name := range []string{"tick", "ten", "minute", "slow", "failure"} {
					if v, ok := valueOf(snap, metrics, name); !ok || math.IsNaN(v) {
						t.Errorf("%s: no figure", name)
					}
				}
			}
		})
		if ticks != 61 {
			t.Errorf("got %d ticks in 121 s, want 61", ticks)
		}
		for _, want := range []struct {
			p         *probe
			low, high int64
		}{{tick, 62, 63}, {ten, 12, 13}, {minute, 2, 3}, {hour, 1, 1}, {hung, 1, 1}, {slow, 12, 13}} {
			if n := want.p.reads.Load(); n < want.low || n > want.high {
				t.Errorf("%s was read %d times, want %d to %d", want.p.raw.Name, n, want.low, want.high)
			}
		}
		for _, m := range last.Measured {
			switch m.Name {
			case "hung", "late":
				if !errors.Is(m.Err, errLate) {
					t.Errorf("%s: got %v, want late", m.Name, m.Err)
				}
			case "ten":
				if m.Before == nil || m.Batch.At.Sub(m.Before.At).Round(time.Second) != 10*time.Second {
					t.Errorf("ten: got %+v, want the two last reads 10 s apart", m)
				}
			}
		}
		if hung.closed.Load() || !ten.closed.Load() {
			t.Error("after the end: want all closed but what still hangs")
		}
		close(release)
		time.Sleep(10 * time.Second) // fake time: the late ones return
	})
}

// TestExplain: a figure can be worked out again from the raw values it is told with.
func TestExplain(t *testing.T) {
	m := measuredMonitor(t, "")
	pace := time.NewTicker(3 * firstInterval)
	defer pace.Stop()
	<-pace.C
	m.house.ask = func(context.Context) (House, error) { return House{}, nil }
	m.house.newest.Store(&houseAnswer{House{DamagedFiles: 2, BackupAgeSeconds: 60, BackupOverdueSeconds: math.NaN()}, time.Now()})
	m.publish(m.sampler.tick(t.Context()))
	s := m.current.Load()
	e, err := m.explain(s, metric.ContextSwitchesPerSecond)
	if err != nil || len(e.Raw) != 1 || e.Raw[0].Before == nil || e.Seconds == nil || e.Value == nil {
		t.Fatalf("got %+v, %v, want one raw value of two reads", e, err)
	}
	if again := (e.Raw[0].Now - *e.Raw[0].Before) / *e.Seconds; math.Abs(again-*e.Value) > 1+*e.Value/20 {
		t.Errorf("got %v, its raw values make %v", *e.Value, again)
	}
	e, err = m.explain(s, metric.CPUPercent)
	if err != nil || len(e.Raw) != 8 || !strings.Contains(e.Formula, "idle") || e.Source != "/proc/stat" {
		t.Errorf("processor: got %+v, %v, want its eight times", e, err)
	}
	e, err = m.explain(s, metric.DiskPercent)
	if err != nil || len(e.Raw) != 3 || e.Raw[0].Now != float64(s.Disk.Total) {
		t.Errorf("disk: got %+v, %v", e, err)
	}
	if e, err = m.explain(s, metric.NetworkSentBytesPerSecond); err != nil || len(e.Raw) == 0 {
		t.Errorf("a sum: got %+v, %v, want the raw values of what is added", e, err)
	}
	for _, bad := range []string{"nonsense", "cpu_percent{999}", "cpu_percent{"} {
		if e, err := m.explain(s, bad); err == nil {
			t.Errorf("%s: got %+v, want an error", bad, e)
		}
	}
	for _, r := range s.Readings { // whatever is measured can be explained, by what the system said
		e, err := m.explain(s, r.Key())
		if err != nil || e.Formula == "" || e.Source == "" || e.Value != nil && len(e.Raw) == 0 {
			t.Errorf("%s: got %+v, %v", r.Key(), e, err)
		}
	}
	if list := sources(s); len(list) < 15 {
		t.Errorf("got %d sources", len(list))
	}
}

// TestNothingIsTwice: no series has two readings at a tick, and each is defined.
func TestNothingIsTwice(t *testing.T) {
	m := measuredMonitor(t, "")
	seen := map[string]bool{}
	for _, r := range m.current.Load().Readings {
		if seen[r.Key()] {
			t.Errorf("%s is there twice", r.Key())
		}
		seen[r.Key()] = true
		if m.metrics.Find(r.Metric.Name) == nil {
			t.Errorf("%s is not defined", r.Key())
		}
	}
}

// TestProcesses: the processes of this machine, this one among them, with what they did between
// two looks; a crowd causes one look.
func TestProcesses(t *testing.T) {
	m := New(Config{StoragePath: t.TempDir()}, fixedUsage, quiet())
	ended := make(chan struct{})
	go func() { // something to see
		defer close(ended)
		for until := time.Now().Add(3 * lookApart / 2); time.Now().Before(until); {
		}
	}()
	top, err := m.TopProcesses(t.Context(), ByCPU, ProcessesMost)
	if err != nil || top.Count == 0 || top.Seconds < 0.9 {
		t.Fatalf("got %+v, %v", top, err)
	}
	<-ended
	again, err := m.TopProcesses(t.Context(), ByMemory, 3)
	if err != nil || !again.At.Equal(top.At) || len(again.List) > 3 {
		t.Errorf("got another look, want the one that is fresh: %+v, %v", again, err)
	}
	for i := 1; i < len(again.List); i++ {
		if again.List[i].MemoryBytes > again.List[i-1].MemoryBytes {
			t.Errorf("got %v after %v", again.List[i], again.List[i-1])
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(Config{}, fixedUsage, quiet()).TopProcesses(ctx, ByCPU, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("who went away: got %v", err)
	}
}
