package monitor

import (
	"math"
	"strings"
	"time"

	"homeserver/internal/monitor/metric"
)

// The collectors whose figures the original promised as numbers.
const (
	nameCPU    = "cpu"
	nameMemory = "memory"
	nameDisk   = "disk"
)

// Snapshot is one look at the machine. It never changes after it was published. A float that
// is not known is NaN.
type Snapshot struct {
	At     time.Time
	CPU    float64   // percent busy since the tick before
	Memory memoryUse // zero until known
	Disk   diskUse   // zero until known
	Load   loadAverages
	// Bytes per second since the tick before.
	DiskRead, DiskWrite       float64
	NetReceived, NetSent      float64
	Host                      Host
	Readings                  []metric.Reading // every figure of this tick
	Measured                  []Measured       // what each question said of it
	Stale                     []string         // names of promised figures that are older than this tick
	haveCPU, haveMem, haveDsk bool
}

// Complete reports whether every promised figure has been known at least once.
func (s *Snapshot) Complete() bool { return s.haveCPU && s.haveMem && s.haveDsk }

// missing names the promised figures that were never known, for an error message.
func (s *Snapshot) missing() string {
	var names []string
	for _, f := range []struct {
		name string
		have bool
	}{{"processor", s.haveCPU}, {"memory", s.haveMem}, {"disk (is the storage directory there?)", s.haveDsk}} {
		if !f.have {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ", ")
}

// fresh reports whether the promised figure called name was measured at this tick.
func (s *Snapshot) fresh(name string) bool {
	for _, stale := range s.Stale {
		if stale == name {
			return false
		}
	}
	return true
}

// memoryUse is main memory and swap in bytes.
type memoryUse struct {
	Total, Available    uint64
	SwapTotal, SwapFree uint64
}

// used is what cannot be had without swapping: total less available, as in free(1).
func (m memoryUse) used() uint64 { return m.Total - min(m.Available, m.Total) }

func (m memoryUse) percent() float64 { return percent(m.used(), m.Total) }

// diskUse is a file system in bytes as df(1) shows it: Free is what users without privileges
// may still take, so Used+Free is less than Total by the reserve.
type diskUse struct {
	Total, Used, Free uint64
}

func (d diskUse) percent() float64 { return percent(d.Used, d.Used+d.Free) }

// loadAverages are the run queue's means of 1, 5 and 15 minutes.
type loadAverages struct {
	One, Five, Fifteen float64
}

// unknownLoad stands for a platform or a tick without load averages.
func unknownLoad() loadAverages { return loadAverages{math.NaN(), math.NaN(), math.NaN()} }

// cpuTimes are cumulative processor times of all processors together, in any one unit.
type cpuTimes struct {
	Busy, Idle float64
}

// Host says which machine the figures belong to.
type Host struct {
	Hostname, OS, Platform, Kernel, Architecture string
	CPUs                                         int    // processors online; 0 when not known
	Container                                    bool   // the server runs in a container
	Scope                                        string // whose processor and memory figures: "host" or "container"
	Note                                         string // one sentence saying whose numbers these are
}

// percent is part of whole in percent, 0 of nothing.
func percent(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole) * 100
}
