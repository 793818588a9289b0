package alerts

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"homeserver/internal/monitor/metric"
)

// memory is a rule as people would make it.
func memoryRule() *Rule {
	return &Rule{
		ID: "r", Name: "Memory", Enabled: true, Severity: Warning, Metric: metric.MemoryPercent, Instance: "*", Condition: Above,
		Raise: 90, Clear: 80, For: 10 * time.Second, Hold: 20 * time.Second, NoData: Keep, After: time.Minute,
	}
}

// TestLifeCycle plays figures, one every 2 s, to a machine. In a script 95x5 is five times 95, and
// - is no figure; what is expected is written as event@tick.
func TestLifeCycle(t *testing.T) {
	names := map[event]string{raised: "raised", cleared: "cleared", lost: "lost", found: "found"}
	for _, c := range []struct {
		name, script, want string
		change             func(r *Rule)
		phase              Phase
	}{
		{name: "well", script: "50x100", phase: Well},
		{name: "not for long enough", script: "50 95x5 50x10", phase: Well},
		{name: "a dip begins the waiting anew", script: "95x5 89 95x5", phase: Pending},
		{name: "raised after 10 s, exactly at the threshold", script: "50 90x6", want: "raised@6", phase: Firing},
		{name: "between the thresholds it stays", script: "95x6 85x100", want: "raised@5", phase: Firing},
		{name: "between the thresholds nothing begins", script: "85x100", phase: Well},
		{name: "cleared after the hold-down", script: "95x6 80x11", want: "raised@5 cleared@16", phase: Well},
		{name: "a bad figure begins the hold-down anew", script: "95x6 70x10 95 70x11", want: "raised@5 cleared@27", phase: Well},
		{name: "so does one between", script: "95x6 70x10 85 70x10", want: "raised@5", phase: Clearing},
		{name: "at once", script: "95 50", change: func(r *Rule) { r.For, r.Hold = 0, 0 }, want: "raised@0 cleared@1", phase: Well},
		{name: "one threshold", script: "89 90 89.9", change: func(r *Rule) { r.For, r.Hold, r.Clear = 0, 0, 90 }, want: "raised@1 cleared@2", phase: Well},
		{name: "below", script: "11 10 15 19.9 20", change: func(r *Rule) { r.Condition, r.Raise, r.Clear, r.For, r.Hold = Below, 10, 20, 0, 0 }, want: "raised@1 cleared@4", phase: Well},
		{name: "gaps are nothing", script: "95x3 -x3 95x3", want: "raised@6", phase: Firing},
		{name: "no data is a state of its own", script: "50 -x30", phase: Unknown},
		{name: "no data ends what was pending", script: "95x3 -x31 95x2", phase: Pending},
		{name: "an open alert stays open without data", script: "95x6 -x100", want: "raised@5", phase: Unknown},
		{name: "and is over once it is known", script: "95x6 -x100 50x11", want: "raised@5 cleared@116", phase: Well},
		{name: "or goes on", script: "95x6 -x100 95x10", want: "raised@5", phase: Firing},
		{name: "no data is an alert if wanted", script: "50 -x30 50", change: func(r *Rule) { r.NoData = Alert }, want: "lost@30 found@31", phase: Well},
		{name: "but not beside an open one", script: "95x6 -x100 50x11", change: func(r *Rule) { r.NoData = Alert }, want: "raised@5 cleared@116", phase: Well},
		{name: "or taken for well", script: "95x6 -x31", change: func(r *Rule) { r.NoData = Over }, want: "raised@5 cleared@35", phase: Unknown},
		{name: "what is bad after missing data waits anew", script: "50 -x30 95x7", change: func(r *Rule) { r.NoData = Alert }, want: "lost@30 found@31 raised@37", phase: Firing},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := memoryRule()
			if c.change != nil {
				c.change(r)
			}
			m := newMachine(0)
			var got []string
			for i, v := range play(t, c.script) {
				if what := m.step(r, time.Duration(i)*2*time.Second, v); what != nothing {
					got = append(got, fmt.Sprintf("%s@%d", names[what], i))
				}
			}
			if s := strings.Join(got, " "); s != c.want || m.phase != c.phase {
				t.Errorf("got %q, in the end %s; want %q, %s", s, m.phase, c.want, c.phase)
			}
		})
	}
}

// play reads a script.
func play(t *testing.T, script string) (values []float64) {
	t.Helper()
	for _, word := range strings.Fields(script) {
		value, times, many := strings.Cut(word, "x")
		n := 1
		if many {
			n, _ = strconv.Atoi(times)
		}
		v, err := strconv.ParseFloat(value, 64)
		if value == "-" {
			v, err = math.NaN(), nil
		}
		if err != nil || n < 1 {
			t.Fatalf("%q is no script", word)
		}
		for range n {
			values = append(values, v)
		}
	}
	return values
}

// TestFlapping: what comes and goes is one alert after the third, until it was calm.
func TestFlapping(t *testing.T) {
	r := memoryRule()
	r.For, r.Hold = 0, 0
	m := newMachine(0)
	raises, clears := 0, 0
	at := time.Duration(0)
	step := func(v float64, by time.Duration) {
		at += by
		switch m.step(r, at, v) {
		case raised:
			raises++
		case cleared:
			clears++
		}
	}
	for range 60 { // it comes and goes every 4 s
		step(95, 2*time.Second)
		step(50, 2*time.Second)
	}
	if raises != flapMost+1 || clears != flapMost || !m.damped {
		t.Fatalf("got %d raised and %d cleared, damped %v; want %d and %d", raises, clears, m.damped, flapMost+1, flapMost)
	}
	for range int(flapCalm/(2*time.Second)) - 2 {
		step(50, 2*time.Second)
	}
	if clears != flapMost {
		t.Error("it is over before it was calm")
	}
	step(50, 2*time.Second)
	step(50, 2*time.Second)
	if clears != flapMost+1 || m.damped || m.open {
		t.Errorf("after the calm: got %d cleared, damped %v", clears, m.damped)
	}
	for range flapMost { // slowly is not flapping
		step(95, 30*time.Minute)
		step(50, 2*time.Second)
	}
	if m.damped {
		t.Error("three in an hour and a half flap")
	}
}

// TestMachineKeepsItsPromises plays random figures and checks what must hold whatever comes.
func TestMachineKeepsItsPromises(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 7))
		r := memoryRule()
		r.For = time.Duration(random.IntN(30)) * time.Second
		r.Hold = time.Duration(random.IntN(30)) * time.Second
		if random.IntN(2) == 0 {
			r.NoData = Alert
		}
		m, open, now := newMachine(0), false, time.Duration(0)
		wrongFor, wellFor := time.Duration(-1), time.Duration(-1) // since when without a break
		v := 50.0
		for i := range 3000 {
			step := time.Duration(random.IntN(4000)) * time.Millisecond
			now += step
			if random.IntN(20) == 0 {
				v = []float64{50, 85, 95, math.NaN()}[random.IntN(4)]
			}
			switch {
			case math.IsNaN(v):
			case r.bad(v):
				wellFor = -1
				if wrongFor < 0 {
					wrongFor = now
				}
			case r.good(v):
				wrongFor = -1
				if wellFor < 0 {
					wellFor = now
				}
			default:
				wrongFor, wellFor = -1, -1
			}
			switch what := m.step(r, now, v); what {
			case raised:
				if open || !r.bad(v) || wrongFor < 0 || now-wrongFor < r.For {
					t.Fatalf("seed %d, step %d: raised, with open %v, value %v, wrong for %s of %s", seed, i, open, v, now-wrongFor, r.For)
				}
				open = true
			case cleared:
				if !open || !r.good(v) || wellFor < 0 || now-wellFor < r.Hold {
					t.Fatalf("seed %d, step %d: cleared, with open %v, value %v, well for %s of %s", seed, i, open, v, now-wellFor, r.Hold)
				}
				open = false
			case lost:
				if open || r.NoData != Alert {
					t.Fatalf("seed %d, step %d: no data beside an open alert", seed, i)
				}
				open = true
			case found:
				if !open || math.IsNaN(v) {
					t.Fatalf("seed %d, step %d: found, with open %v", seed, i, open)
				}
				open, wrongFor, wellFor = false, -1, -1
			}
			if open != m.open {
				t.Fatalf("seed %d, step %d: got open %v", seed, i, m.open)
			}
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"*", "sda", true}, {"", "", true}, {"", "sda", false}, {"sd*", "sda", true}, {"sd*", "nvme0", false}, {"*da", "sda", true},
		{"/mnt/*", "/mnt/a/b", true}, {"a*a", "a", false}, {"a*a", "aa", true}, {"a*b*c", "axxbyyc", true}, {"a*b*c", "acb", false}, {"sda", "sda1", false},
	} {
		if got := glob(c.pattern, c.s); got != c.want {
			t.Errorf("%q of %q: got %v", c.pattern, c.s, got)
		}
	}
}
