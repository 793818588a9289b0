package monitor

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"homeserver/internal/monitor/machine"
)

const (
	// lookFresh is how long a look at the processes is good for everybody who asks: a walk costs
	// about as much as a hundred ticks.
	lookFresh = 1500 * time.Millisecond
	// lookOld is when a look is too old to measure from: what a process did in the last minutes is
	// not what it does.
	lookOld = 15 * time.Second
	// lookApart is the time between the two looks that are made when there is none to measure from.
	lookApart = time.Second
	// ProcessesMost is how many processes may be asked for.
	ProcessesMost = 200
)

// ProcessOrder says which processes come first.
type ProcessOrder string

// The orders.
const (
	ByCPU    ProcessOrder = "cpu"
	ByMemory ProcessOrder = "memory"
	ByIO     ProcessOrder = "io"
)

// Processes is the processes at one moment, the foremost of an order.
type Processes struct {
	At      time.Time
	Seconds float64 // between the two looks that rates were measured by
	Count   int     // how many there are in all
	List    []machine.Process
}

// processes looks at the processes, only when somebody wants to see them.
type processes struct {
	mu     sync.Mutex // held through a walk, so that a crowd causes one
	reader *machine.Processes
	before machine.Look
	last   machine.Look
}

func newProcesses(root string) *processes { return &processes{reader: machine.NewProcesses(root)} }

// TopProcesses are the foremost processes: for people who watch, and for an alert that is frozen.
// The first who asks waits a second, in which rates are measured.
func (m *Monitor) TopProcesses(ctx context.Context, order ProcessOrder, limit int) (Processes, error) {
	p := m.processes
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.look(ctx); err != nil {
		return Processes{}, err
	}
	list := p.last.Since(p.before)
	out := Processes{At: p.last.At, Seconds: p.last.At.Sub(p.before.At).Seconds(), Count: len(list)}
	slices.SortFunc(list, func(a, b machine.Process) int { return cmp.Or(compareBy(order, a, b), cmp.Compare(a.PID, b.PID)) })
	out.List = list[:min(limit, len(list))]
	return out, nil
}

// look makes sure that there are two looks, the last one fresh and the other not too old.
func (p *processes) look(ctx context.Context) error {
	age := time.Since(p.last.At)
	if age < lookFresh && !p.before.At.IsZero() {
		return nil
	}
	if age > lookOld {
		first, err := p.reader.Look()
		if err != nil {
			return err
		}
		p.last = first
		wait := time.NewTimer(lookApart)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	next, err := p.reader.Look()
	if err != nil {
		return err
	}
	p.before, p.last = p.last, next
	return nil
}

// compareBy puts the greatest first; what is not known comes last.
func compareBy(order ProcessOrder, a, b machine.Process) int {
	weight := func(p machine.Process) float64 {
		switch order {
		case ByMemory:
			return float64(p.MemoryBytes)
		case ByIO:
			return p.ReadBytesPerSecond + p.WriteBytesPerSecond
		default:
			return p.CPUPercent
		}
	}
	return cmp.Compare(orLeast(weight(b)), orLeast(weight(a)))
}

func orLeast(x float64) float64 {
	if math.IsNaN(x) {
		return -1
	}
	return x
}
