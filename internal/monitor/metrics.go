package monitor

import (
	"math"

	"homeserver/internal/monitor/metric"
)

// readings says a snapshot in the registry's words. What was not measured at this tick is a gap.
func (m *Monitor) readings(s *Snapshot) []metric.Reading {
	fresh := func(name string, v float64) float64 {
		if !s.fresh(name) {
			return math.NaN()
		}
		return v
	}
	r := m.metrics
	return []metric.Reading{
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
}

// Tick is the snapshot in the registry's words.
func (s *Snapshot) Tick() metric.Tick { return metric.Tick{At: s.At, Readings: s.Readings} }
