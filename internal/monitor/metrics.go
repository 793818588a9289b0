package monitor

import "math"

// Metric is one figure that is remembered. From this list everything that speaks of metrics by
// name is derived.
type Metric struct {
	Name  string  `json:"name" example:"cpu_percent" doc:"What to ask for"`
	Unit  string  `json:"unit" enum:"percent,bytes,bytes_per_second,count" example:"percent"`
	Title string  `json:"title" example:"Processor" doc:"For people"`
	scale float64 // how finely it is remembered: 10 keeps tenths
	of    func(s *Snapshot) float64
}

// metrics is the registry. A name never changes its meaning: history is kept by it.
func metrics() []Metric {
	return []Metric{
		{"cpu_percent", "percent", "Processor", 10, func(s *Snapshot) float64 { return freshOr(s, nameCPU, s.CPU) }},
		{"load_1", "count", "Load of 1 minute", 100, func(s *Snapshot) float64 { return s.Load.One }},
		{"memory_percent", "percent", "Memory", 10, func(s *Snapshot) float64 { return freshOr(s, nameMemory, s.Memory.percent()) }},
		{"memory_used_bytes", "bytes", "Memory in use", 1.0 / 4096, func(s *Snapshot) float64 { return freshOr(s, nameMemory, float64(s.Memory.used())) }},
		{"swap_used_bytes", "bytes", "Swap in use", 1.0 / 4096, func(s *Snapshot) float64 {
			return freshOr(s, nameMemory, float64(s.Memory.SwapTotal-min(s.Memory.SwapFree, s.Memory.SwapTotal)))
		}},
		{"disk_percent", "percent", "Disk", 10, func(s *Snapshot) float64 { return freshOr(s, nameDisk, s.Disk.percent()) }},
		{"disk_used_bytes", "bytes", "Disk in use", 1.0 / 4096, func(s *Snapshot) float64 { return freshOr(s, nameDisk, float64(s.Disk.Used)) }},
		{"disk_read_bytes_per_second", "bytes_per_second", "Read from all disks", 1, func(s *Snapshot) float64 { return s.DiskRead }},
		{"disk_write_bytes_per_second", "bytes_per_second", "Written to all disks", 1, func(s *Snapshot) float64 { return s.DiskWrite }},
		{"network_received_bytes_per_second", "bytes_per_second", "Received", 1, func(s *Snapshot) float64 { return s.NetReceived }},
		{"network_sent_bytes_per_second", "bytes_per_second", "Sent", 1, func(s *Snapshot) float64 { return s.NetSent }},
	}
}

// freshOr is v if the figure called name was measured at this tick, else a gap.
func freshOr(s *Snapshot, name string, v float64) float64 {
	if !s.fresh(name) {
		return math.NaN()
	}
	return v
}
