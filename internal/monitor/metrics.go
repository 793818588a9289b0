package monitor

import (
	"math"

	"homeserver/internal/monitor/metric"
)

// readings says a snapshot in the registry's words. What was not measured at this tick is a gap.
// What the questions say comes before what the promised figures say of the same: it knows more
// (of memory, that ZFS' cache is available).
func (m *Monitor) readings(s *Snapshot) []metric.Reading {
	fresh := func(name string, v float64) float64 {
		if !s.fresh(name) {
			return math.NaN()
		}
		return v
	}
	r := m.metrics
	promised := []metric.Reading{
		r.Reading(metric.CPUPercent, fresh(nameCPU, s.CPU)),
		r.Reading(metric.Load1, s.Load.One),
		r.Reading(metric.MemoryPercent, fresh(nameMemory, s.Memory.percent())),
		r.Reading(metric.MemoryUsedBytes, fresh(nameMemory, float64(s.Memory.used()))),
		r.Reading(metric.SwapUsedBytes, fresh(nameMemory, float64(s.Memory.SwapTotal-min(s.Memory.SwapFree, s.Memory.SwapTotal)))),
		r.Reading(metric.DiskPercent, fresh(nameDisk, s.Disk.percent())),
		r.Reading(metric.DiskUsedBytes, fresh(nameDisk, float64(s.Disk.Used))),
		r.Reading(metric.DiskReadBytesPerSecond, s.DiskRead),
		r.Reading(metric.DiskWriteBytesPerSecond, s.DiskWrite),
		r.Reading(metric.NetworkReceivedBytesPerSecond, s.NetReceived),
		r.Reading(metric.NetworkSentBytesPerSecond, s.NetSent),
	}
	n := len(promised)
	for _, m := range s.Measured {
		if m.Batch != nil {
			n += len(m.Batch.Readings)
		}
	}
	all := make([]metric.Reading, 0, n)
	for _, p := range promised {
		if s.measured(p.Metric.Name, p.Instance) == nil {
			all = append(all, p)
		}
	}
	for _, m := range s.Measured {
		if m.Batch != nil {
			all = append(all, m.Batch.Readings...)
		}
	}
	return all
}

// measured finds the question that told of a series at this tick.
func (s *Snapshot) measured(name, instance string) *Measured {
	for i := range s.Measured {
		if b := s.Measured[i].Batch; b != nil && b.Origin(name, instance) != nil {
			return &s.Measured[i]
		}
	}
	return nil
}

// Tick is the snapshot in the registry's words.
func (s *Snapshot) Tick() metric.Tick { return metric.Tick{At: s.At, Readings: s.Readings} }
