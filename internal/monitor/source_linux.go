package monitor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"homeserver/internal/monitor/machine"
	"homeserver/internal/monitor/metric"
)

// source reads Linux' own /proc and /sys, under a root so that tests can bring a machine of
// their own. Each method is called by one collector only, never twice at once.
type source struct {
	root    string
	env     func(string) string // for the variable "container", which some runtimes set
	metrics *metric.Registry
	stat    *machine.CPU
	meminfo *machine.Memory
	loadavg *machine.Load
	disks   *machine.Disks
	cards   *machine.Network
	others  *machine.Others
	io, net []counters // reused from reading to reading
}

// newSource makes a source for the tree under root; "/" is the real machine.
func newSource(root string) *source {
	metrics := metric.New()
	return &source{
		root: root, env: os.Getenv, metrics: metrics,
		stat: machine.NewCPU(root, metrics), meminfo: machine.NewMemory(root, metrics), loadavg: machine.NewLoad(root, metrics),
		disks: machine.NewDisks(root, metrics), cards: machine.NewNetwork(root, metrics), others: machine.NewOthers(root, metrics),
	}
}

func (s *source) path(name string) string { return filepath.Join(s.root, name) }

// close lets go of the files kept open.
func (s *source) close() {
	for _, f := range []machine.Closer{s.stat, s.meminfo, s.loadavg, s.disks, s.cards} {
		f.Close()
	}
}

// readers are those that the promised figures are read by as well.
func (s *source) readers() coreReaders {
	return coreReaders{cpu: s.stat, memory: s.meminfo, load: s.loadavg, diskIO: s.disks, network: s.cards}
}

// stop ends what the questions started.
func (s *source) stop() { s.others.Close() }

// scraped are what is asked when Prometheus asks.
func (s *source) scraped() []machine.Question { return machine.Scraped(s.root, s.metrics) }

// questions are those beside the promised figures, as of now.
func (s *source) questions() []machine.Question { return s.others.Questions() }

// cpu reads /proc/stat.
func (s *source) cpu() (cpuTimes, error) {
	if err := s.stat.Read(); err != nil {
		return cpuTimes{}, err
	}
	busy, idle := s.stat.Total()
	return cpuTimes{busy, idle}, nil
}

// memory reads /proc/meminfo.
func (s *source) memory() (memoryUse, error) {
	if err := s.meminfo.Read(); err != nil {
		return memoryUse{}, err
	}
	total, available, swapTotal, swapFree := s.meminfo.Use()
	return memoryUse{total, available, swapTotal, swapFree}, nil
}

// load reads /proc/loadavg.
func (s *source) load() (loadAverages, error) {
	if err := s.loadavg.Read(); err != nil {
		return loadAverages{}, err
	}
	v := s.loadavg.Averages()
	return loadAverages{v[0], v[1], v[2]}, nil
}

// diskIO reads /proc/diskstats: bytes read and written by each whole disk.
func (s *source) diskIO() ([]counters, error) {
	if err := s.disks.Read(); err != nil {
		return nil, err
	}
	s.io = countersOf(s.io[:0], s.disks.Traffic())
	if len(s.io) == 0 {
		return nil, fmt.Errorf("no disk in sight: %w", errUnsupported)
	}
	return s.io, nil
}

// network reads /proc/net/dev: bytes received and sent by each network card.
func (s *source) network() ([]counters, error) {
	if err := s.cards.Read(); err != nil {
		return nil, err
	}
	s.net = countersOf(s.net[:0], s.cards.Traffic())
	if len(s.net) == 0 {
		return nil, fmt.Errorf("no network card in sight: %w", errUnsupported)
	}
	return s.net, nil
}

func countersOf(list []counters, traffic []machine.Traffic) []counters {
	for _, t := range traffic {
		list = append(list, counters{t.Name, t.In, t.Out})
	}
	return list
}

// networkCard asks whether an interface is hardware.
func (s *source) networkCard(name string) bool { return machine.IsHardware(s.root, name) }

// fileSystem asks for the file system that holds path and counts as df does.
func (s *source) fileSystem(path string) (diskUse, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(path, &st)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return diskUse{}, fmt.Errorf("statfs %s: %w", path, err)
		}
	}
	unit := uint64(st.Frsize)
	if unit == 0 {
		unit = uint64(st.Bsize)
	}
	return diskUse{Total: st.Blocks * unit, Used: (st.Blocks - min(st.Bfree, st.Blocks)) * unit, Free: st.Bavail * unit}, nil
}
