//go:build !linux

package monitor

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"

	"homeserver/internal/monitor/machine"
	"homeserver/internal/monitor/metric"
)

// source asks macOS and Windows through gopsutil.
type source struct {
	root    string // always that of the machine
	metrics *metric.Registry
	others  *machine.Others
}

// newSource makes a source; there is no other root than the machine's.
func newSource(string) *source {
	metrics := metric.New()
	return &source{"/", metrics, machine.NewOthers(metrics)}
}

// readers are none: the promised figures are all that their questions tell here.
func (s *source) readers() coreReaders { return coreReaders{} }

// stop ends what the questions started.
func (s *source) stop() { s.others.Close() }

// scraped are what is asked when Prometheus asks.
func (s *source) scraped() []machine.Question { return machine.Scraped(s.root, s.metrics) }

// questions are those beside the promised figures, as of now.
func (s *source) questions() []machine.Question { return s.others.Questions() }

func (s *source) close() {}

func (s *source) cpu() (cpuTimes, error) {
	all, err := cpu.Times(false)
	if err != nil {
		return cpuTimes{}, fmt.Errorf("processor times: %w", err)
	}
	if len(all) == 0 {
		return cpuTimes{}, errUnsupported
	}
	t := all[0]
	return cpuTimes{Busy: t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal, Idle: t.Idle + t.Iowait}, nil
}

func (s *source) memory() (memoryUse, error) {
	m, err := mem.VirtualMemory()
	if err != nil {
		return memoryUse{}, fmt.Errorf("memory: %w", err)
	}
	use := memoryUse{Total: m.Total, Available: m.Available}
	if swap, err := mem.SwapMemory(); err == nil {
		use.SwapTotal, use.SwapFree = swap.Total, swap.Free
	}
	return use, nil
}

func (s *source) load() (loadAverages, error) {
	if runtime.GOOS == "windows" {
		return loadAverages{}, errUnsupported // Windows has no run queue average
	}
	l, err := load.Avg()
	if err != nil {
		return loadAverages{}, fmt.Errorf("load: %w", err)
	}
	return loadAverages{l.Load1, l.Load5, l.Load15}, nil
}

func (s *source) fileSystem(path string) (diskUse, error) {
	u, err := disk.Usage(path)
	if err != nil {
		return diskUse{}, fmt.Errorf("file system of %s: %w", path, err)
	}
	return diskUse{Total: u.Total, Used: u.Used, Free: u.Free}, nil
}

func (s *source) diskIO() ([]counters, error) {
	disks, err := disk.IOCounters()
	if err != nil {
		return nil, errors.Join(errUnsupported, err)
	}
	list := make([]counters, 0, len(disks))
	for name, d := range disks {
		list = append(list, counters{name, d.ReadBytes, d.WriteBytes})
	}
	return list, nil
}

func (s *source) host() (Host, error) {
	h := fallbackHost()
	info, err := host.Info()
	if err != nil {
		return h, fmt.Errorf("host: %w", err)
	}
	h.Hostname, h.Kernel = info.Hostname, info.KernelVersion
	if name := strings.TrimSpace(info.Platform + " " + info.PlatformVersion); name != "" {
		h.Platform = name
	}
	return h, nil
}
