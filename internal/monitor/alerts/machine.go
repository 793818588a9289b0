package alerts

import (
	"math"
	"slices"
	"time"
)

const (
	// flapWindow and flapMost: what is raised more often than that within the window flaps.
	flapWindow = time.Hour
	flapMost   = 3
	// flapCalm is how long something that flaps must be well before it is over.
	flapCalm = 30 * time.Minute
)

// Phase is where a series stands under a rule.
type Phase string

// The phases.
const (
	Well     Phase = "ok"
	Pending  Phase = "pending"  // wrong, but not yet for long enough
	Firing   Phase = "firing"   // wrong
	Clearing Phase = "clearing" // well again, but not yet for long enough
	Unknown  Phase = "no_data"  // not measured for some time
)

// event is what a step of a machine brought about.
type event int

// The events.
const (
	nothing event = iota
	raised        // an alert begins
	cleared       // and ends
	lost          // an alert begins: no data
	found         // and ends: there are data again
)

// machine is the life of one series under one rule. Its times are those of the engine's own
// clock, which only runs forward: a wall clock that is set does not concern it.
type machine struct {
	phase    Phase
	since    time.Duration // when the phase began
	wrong    time.Duration // when it went wrong: the beginning of pending
	data     time.Duration // when there was a figure last
	open     bool          // an alert is open
	noFigure bool          // it is about missing data
	damped   bool          // it flaps
	raises   []time.Duration
}

// newMachine begins with a figure at now.
func newMachine(now time.Duration) machine { return machine{phase: Well, since: now, data: now} }

// resumed is a machine whose alert was open when the server stopped.
func resumed(now time.Duration, noFigure, damped bool) machine {
	m := machine{phase: Firing, since: now, wrong: now, data: now, open: true, noFigure: noFigure, damped: damped}
	if noFigure {
		m.phase = Unknown
	}
	return m
}

// step takes the next figure; NaN is none.
func (m *machine) step(r *Rule, now time.Duration, v float64) event {
	if math.IsNaN(v) {
		return m.without(r, now)
	}
	m.data = now
	if m.phase == Unknown {
		if m.open && m.noFigure {
			m.open, m.noFigure = false, false
			m.enter(Well, now)
			return found
		}
		m.enter(Well, now)
		if m.open {
			m.enter(Firing, now)
		}
	}
	if m.open {
		return m.whileOpen(r, now, v)
	}
	return m.whileWell(r, now, v)
}

func (m *machine) enter(p Phase, now time.Duration) { m.phase, m.since = p, now }

// without is a step without a figure. One gap is nothing; what was pending goes on then.
func (m *machine) without(r *Rule, now time.Duration) event {
	if m.phase == Unknown || now-m.data < r.after() {
		return nothing
	}
	m.enter(Unknown, now)
	if r.NoData == Over && m.open {
		m.open, m.damped = false, false
		return cleared
	}
	if r.NoData == Alert && !m.open {
		m.open, m.noFigure, m.wrong = true, true, m.data
		return lost
	}
	return nothing
}

func (m *machine) whileWell(r *Rule, now time.Duration, v float64) event {
	if !r.bad(v) {
		if m.phase != Well {
			m.enter(Well, now)
		}
		return nothing
	}
	if m.phase != Pending {
		m.enter(Pending, now)
		m.wrong = now
	}
	if now-m.since < r.For {
		return nothing
	}
	m.open = true
	m.enter(Firing, now)
	m.count(now)
	return raised
}

// count notes that an alert was raised, and whether it flaps.
func (m *machine) count(now time.Duration) {
	m.raises = append(slices.DeleteFunc(m.raises, func(at time.Duration) bool { return now-at >= flapWindow }), now)
	m.damped = len(m.raises) > flapMost
}

func (m *machine) whileOpen(r *Rule, now time.Duration, v float64) event {
	if !r.good(v) {
		if m.phase != Firing {
			m.enter(Firing, now)
		}
		return nothing
	}
	if m.phase != Clearing {
		m.enter(Clearing, now)
	}
	hold := r.Hold
	if m.damped {
		hold = max(hold, flapCalm)
	}
	if now-m.since < hold {
		return nothing
	}
	if m.damped {
		m.raises = nil // it was calm: what comes is new
	}
	m.open, m.damped = false, false
	m.enter(Well, now)
	return cleared
}
