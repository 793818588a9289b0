package monitor

import "time"

// watchedWithin is how old the newest snapshot may be: some ticks, on a machine that is busy.
const watchedWithin = 30 * time.Second

// Watching reports whether the machine is being watched: the sampler ticks.
func (m *Monitor) Watching() bool {
	s := m.current.Load()
	return s != nil && time.Since(s.At) < watchedWithin
}
