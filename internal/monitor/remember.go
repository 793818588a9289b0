package monitor

import (
	"context"
	"errors"
	"sync/atomic"

	"homeserver/internal/monitor/history"
	"homeserver/internal/platform/errs"
)

// remembering is how many ticks may wait for the history's file, which is a minute: a disk that
// is slower than that leaves a gap, and never holds up a tick.
const remembering = 30

// memory is the room's long memory: a goroutine of its own between the sampler and the file.
type memory struct {
	queue  chan *Snapshot
	ready  chan struct{} // closed when it is known whether the file can be opened
	opened atomic.Pointer[history.History]
	closed error // why it cannot be opened; of who waited for ready
}

func newMemory() memory {
	return memory{queue: make(chan *Snapshot, remembering), ready: make(chan struct{})}
}

// remember hands a snapshot to the history; it never waits.
func (m *Monitor) remember(s *Snapshot) {
	if m.config.HistoryURL == "" {
		return
	}
	select {
	case m.memory.queue <- s:
	default:
		m.log.Debug("the history of the figures has fallen behind; a tick is left out")
	}
}

// runMemory keeps the history until ctx ends. Without its file the room goes on: the figures of
// this moment do not need it.
func (m *Monitor) runMemory(ctx context.Context) {
	if m.config.HistoryURL == "" {
		return
	}
	defer m.memory.opened.Store(nil)
	h, err := history.Open(ctx, history.Config{URL: m.config.HistoryURL, MaxBytes: m.config.HistoryMaxBytes}, m.log)
	if err != nil {
		if ctx.Err() == nil {
			m.log.Error("the history of the figures cannot be opened; none is kept until the next start", "error", err)
		}
		m.memory.closed = err
		close(m.memory.ready)
		return
	}
	m.memory.opened.Store(h)
	close(m.memory.ready)
	m.noteStart(ctx, h)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = h.Run(ctx) // it only ends with ctx
	}()
	m.append(ctx, h)
	<-ended
	if err := h.Close(); err != nil {
		m.log.Warn("the last seconds of the history were not written", "error", err)
	}
}

// append gives every snapshot to the history.
func (m *Monitor) append(ctx context.Context, h *history.History) {
	numbers := map[string]int{}
	failed := false
	for {
		var s *Snapshot
		select {
		case <-ctx.Done():
			return
		case s = <-m.memory.queue:
		}
		row := make([]history.Sample, 0, len(s.Readings))
		var err error
		for _, r := range s.Readings {
			key := r.Key()
			n, known := numbers[key]
			if !known {
				var failure error
				if n, failure = h.Series(ctx, key, r.Title, r.Metric.Scale); failure != nil {
					err = failure
					continue
				}
				numbers[key] = n
			}
			row = append(row, history.Sample{Series: n, Value: r.Value})
		}
		err = errors.Join(err, h.Append(ctx, s.At, row), m.noteEvents(ctx, h, s.Tick()))
		if err != nil && !failed && !errors.Is(err, context.Canceled) {
			m.log.Warn("the history of the figures cannot be written whole; it is tried again", "error", err)
		}
		failed = err != nil
	}
}

// long is the open history. Right after the start it waits for it.
func (m *Monitor) long(ctx context.Context) (*history.History, error) {
	if m.config.HistoryURL == "" {
		return nil, errs.New(errs.Unavailable, "This server keeps no history of its figures.")
	}
	ctx, cancel := context.WithTimeout(ctx, firstWait)
	defer cancel()
	select {
	case <-m.memory.ready:
		if errs.Is(m.memory.closed, errs.Unavailable) { // it says what to do
			return nil, m.memory.closed
		}
	case <-ctx.Done():
	}
	if h := m.memory.opened.Load(); h != nil {
		return h, nil
	}
	return nil, errs.New(errs.Unavailable, "The history of the figures is not open; the server's log says why.")
}
