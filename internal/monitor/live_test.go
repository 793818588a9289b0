package monitor

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// listener is a client that notes when frames and pings come.
type listener struct {
	mu     sync.Mutex
	frames []time.Time
	pings  []time.Time
	stall  chan struct{} // write blocks on it when it is set
	pong   error
	lost   bool
}

func (l *listener) client() *client {
	return &client{
		write: func([]byte) error {
			if l.stall != nil {
				<-l.stall
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			l.frames = append(l.frames, time.Now())
			return nil
		},
		ping: func() error {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.pings = append(l.pings, time.Now())
			return l.pong
		},
		lost: func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.lost = true
		},
	}
}

// inRoom runs a room over a steady machine in a bubble of fake time.
func inRoom(t *testing.T, test func(t *testing.T, m *Monitor)) {
	t.Helper()
	inRoomFrom(t, 300*time.Millisecond, test) // start out of step
}

// inRoomFrom starts the room so long after a tick.
func inRoomFrom(t *testing.T, start time.Duration, test func(t *testing.T, m *Monitor)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(start)
		m := steadyMonitor()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		if _, err := m.snapshot(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(t, m)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func (m *Monitor) enter(l *listener) *client {
	c := l.client()
	m.live.join(c, m.frame(m.current.Load()))
	return c
}

// TestEveryClientGetsAFrameEvery2s lets clients join at every moment, from right after the
// start on, and looks at each interval of a minute, the first included.
// A start just before a tick leaves that tick out.
func TestEveryClientGetsAFrameEvery2s(t *testing.T) {
	for _, start := range []time.Duration{0, 300 * time.Millisecond, time.Second, 1750 * time.Millisecond, 1850 * time.Millisecond, 1950 * time.Millisecond} {
		t.Run(start.String(), func(t *testing.T) { inRoomFrom(t, start, everyClient) })
	}
}

func everyClient(t *testing.T, m *Monitor) {
	type guest struct {
		*listener
		came time.Time
		*client
	}
	var guests []guest
	for range 130 { // 4.3 s: before, on and after ticks
		l := &listener{}
		guests = append(guests, guest{l, time.Now(), m.enter(l)})
		time.Sleep(33 * time.Millisecond)
	}
	time.Sleep(time.Minute)
	for i, g := range guests {
		g.listener.mu.Lock()
		before := g.frames[0]
		if !before.Equal(g.came) {
			t.Errorf("client %d: first frame %v after joining, want at once", i, before.Sub(g.came))
		}
		for n, at := range g.frames[1:] {
			if gap := at.Sub(before); gap < 1800*time.Millisecond || gap > 2200*time.Millisecond {
				t.Errorf("client %d, frame %d: got %v after the one before, want 2 s within 10 %%", i, n+1, gap)
			}
			before = at
		}
		if age := before.Sub(before.Truncate(tickInterval)); age != 0 {
			t.Errorf("client %d: after a minute %v behind the tick, want in step", i, age)
		}
		g.listener.mu.Unlock()
		m.live.leave(g.client)
	}
	if entries := len(m.live.due); entries > 1 {
		t.Errorf("got %d slots in use, want 1: all in step", entries)
	}
}

func TestStalledClientGetsTheNewestFrameOnly(t *testing.T) {
	inRoom(t, func(t *testing.T, m *Monitor) {
		stalled, brisk := &listener{stall: make(chan struct{})}, &listener{}
		a, b := m.enter(stalled), m.enter(brisk)
		time.Sleep(21 * time.Second)
		synctest.Wait()
		if n := len(brisk.frames); n < 10 || n > 12 {
			t.Errorf("brisk client: got %d frames in 21 s, want about 11", n)
		}
		close(stalled.stall)
		synctest.Wait()
		if n := len(stalled.frames); n != 2 {
			t.Errorf("stalled client: got %d frames on waking, want 2: the one under way and the newest", n)
		}
		m.live.leave(a)
		m.live.leave(b)
	})
}

func TestPingsEvery30s(t *testing.T) {
	inRoom(t, func(t *testing.T, m *Monitor) {
		well, gone := &listener{}, &listener{pong: errors.New("no pong")}
		a, b := m.enter(well), m.enter(gone)
		time.Sleep(95 * time.Second)
		synctest.Wait()
		if n := len(well.pings); n != 3 && n != 2 {
			t.Errorf("got %d pings in 95 s, want one about every 30 s", n)
		}
		if well.lost || !gone.lost {
			t.Errorf("lost: got %v for a client that answers and %v for one that does not", well.lost, gone.lost)
		}
		m.live.leave(a)
		m.live.leave(b)
	})
}

func TestFailedWriteLosesTheClient(t *testing.T) {
	inRoom(t, func(t *testing.T, m *Monitor) {
		l := &listener{}
		c := l.client()
		writes := 0
		c.write = func([]byte) error { writes++; return errors.New("connection reset") }
		m.live.join(c, []byte("{}"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !l.lost || writes != 1 {
			t.Errorf("got lost %v after %d writes, want lost after the first", l.lost, writes)
		}
		m.live.leave(c)
	})
}

func TestRunWaitsForClientsOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := steadyMonitor()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- m.Run(ctx) }()
		if _, err := m.snapshot(t.Context()); err != nil {
			t.Fatal(err)
		}
		stuck := m.enter(&listener{})
		polite := m.enter(&listener{})
		stop()
		<-m.live.stopped
		m.live.leave(polite)
		start := time.Now()
		if err := <-done; err != nil || time.Since(start) != farewell {
			t.Errorf("got %v after %v, want the end after %v", err, time.Since(start), farewell)
		}
		m.live.leave(stuck)
	})
}

func TestClockThatIsSetKeepsTheFeedGoing(t *testing.T) {
	// The ticks of a set clock come at another phase; slots follow without going back.
	base := time.Unix(1_800_000_000, 0)
	for _, test := range []struct {
		name  string
		guess int64
		after time.Duration
		want  int64
	}{
		{"on time", 4000, 0, 4000},
		{"on time, the feed's clock a little behind", 3999, 0, 4000},
		{"a collector was waited for", 4002, 120 * time.Millisecond, 4000},
		{"the first of all, in between", 40, 700 * time.Millisecond, 54},
		{"in between, nearer to the tick before", 4039, 300 * time.Millisecond, 4046},
	} {
		if got := anchorNear(test.guess, base.Add(test.after)); got != test.want {
			t.Errorf("%s: got slot %d, want %d", test.name, got, test.want)
		}
	}
}
