package machine

import (
	"math"
	"time"
)

// unknown marks a count that may not be read.
const unknown = -1

// Process is one process at a look.
type Process struct {
	PID         int
	Parent      int
	Name        string // of its program, without arguments
	User        string
	State       string // R running, S sleeping, D waiting for a disk ...; "" where not known
	Threads     int
	MemoryBytes uint64 // resident
	// CPUPercent is its processor time since the look before; 100 is one core. NaN when it was
	// not there then.
	CPUPercent float64
	// Bytes per second that it really read from and wrote to disks; NaN where not known.
	ReadBytesPerSecond, WriteBytesPerSecond float64

	start                   uint64 // tells apart whom a number was given to one after the other
	cpu                     float64
	readBytes, writtenBytes int64
}

type processID struct {
	pid   int
	start uint64
}

// Look is every process at one moment.
type Look struct {
	At        time.Time
	processes map[processID]Process
}

// Since is every process with what it did since an earlier look.
func (l Look) Since(before Look) []Process {
	seconds := l.At.Sub(before.At).Seconds()
	list := make([]Process, 0, len(l.processes))
	for id, one := range l.processes {
		one.CPUPercent, one.ReadBytesPerSecond, one.WriteBytesPerSecond = math.NaN(), math.NaN(), math.NaN()
		if old, ok := before.processes[id]; ok && seconds > 0 {
			one.CPUPercent = max(one.cpu-old.cpu, 0) / seconds * 100
			one.ReadBytesPerSecond = perSecond(old.readBytes, one.readBytes, seconds)
			one.WriteBytesPerSecond = perSecond(old.writtenBytes, one.writtenBytes, seconds)
		}
		list = append(list, one)
	}
	return list
}

func perSecond(before, now int64, seconds float64) float64 {
	if before == unknown || now == unknown || now < before {
		return math.NaN()
	}
	return float64(now-before) / seconds
}
