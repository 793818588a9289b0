package monitor

import (
	"context"
	"encoding/json"
	"time"
)

const (
	// freezeApart is the least time between two frozen lists: alerts come in crowds.
	freezeApart = time.Minute
	// freezeEach is how many processes of each order a frozen list has.
	freezeEach = 10
	// freezeTimeout bounds one, with the second in which rates are measured.
	freezeTimeout = 10 * time.Second
	// frozenNear is how far from a moment a frozen list still tells of it.
	frozenNear = 5 * time.Minute
)

// freezeSoon asks for the processes to be frozen. It never waits.
func (m *Monitor) freezeSoon() {
	select {
	case m.freezing <- struct{}{}:
	default:
	}
}

// runFreezer keeps what the processes were doing when an alert was raised, until ctx ends.
func (m *Monitor) runFreezer(ctx context.Context) {
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.freezing:
		}
		if !last.IsZero() && time.Since(last) < freezeApart {
			continue
		}
		last = time.Now()
		if err := m.freeze(ctx); err != nil && ctx.Err() == nil {
			m.log.Warn("the processes of an alert cannot be kept", "error", err)
		}
	}
}

// freeze keeps the foremost processes of every order.
func (m *Monitor) freeze(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, freezeTimeout)
	defer cancel()
	h, err := m.long(ctx)
	if err != nil {
		return err
	}
	body := processesBody{Processes: []processInfo{}, Frozen: true}
	seen := map[int]bool{}
	for _, order := range []ProcessOrder{ByCPU, ByMemory, ByIO} {
		top, err := m.TopProcesses(ctx, order, freezeEach)
		if err != nil {
			return err
		}
		body.At, body.Seconds, body.Count = top.At.UTC(), top.Seconds, top.Count
		for _, p := range top.List {
			if !seen[p.PID] {
				seen[p.PID] = true
				body.Processes = append(body.Processes, infoOf(p))
			}
		}
	}
	list, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return h.Freeze(ctx, body.At, list)
}
