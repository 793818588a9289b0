package monitor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// source reads Linux' own /proc and /sys, under a root so that tests can bring a machine of
// their own. Each method is called by one collector only, never twice at once.
type source struct {
	root      string
	env       func(string) string // for the variable "container", which some runtimes set
	stat      procFile
	meminfo   procFile
	loadavg   procFile
	diskstats procFile
	netdev    procFile
	disks     devices
	nics      devices
}

// newSource makes a source for the tree under root; "/" is the real machine.
func newSource(root string) *source {
	s := &source{root: root, env: os.Getenv}
	s.stat.path = s.path("proc/stat")
	s.meminfo.path = s.path("proc/meminfo")
	s.loadavg.path = s.path("proc/loadavg")
	s.diskstats.path = s.path("proc/diskstats")
	s.netdev.path = s.path("proc/net/dev")
	return s
}

func (s *source) path(name string) string { return filepath.Join(s.root, name) }

func (s *source) close() {
	for _, f := range []*procFile{&s.stat, &s.meminfo, &s.loadavg, &s.diskstats, &s.netdev} {
		f.close()
	}
}

// cpuFields are the columns of /proc/stat that add up to all time: user nice system idle
// iowait irq softirq steal. Guest time is contained in user and nice.
const cpuFields = 8

// cpu reads the first line of /proc/stat. Waiting for disks (iowait) counts as idle, as in
// top and psutil: the processor could have done something else.
func (s *source) cpu() (cpuTimes, error) {
	text, err := s.stat.head(512)
	if err != nil {
		return cpuTimes{}, err
	}
	line, _ := nextLine(text)
	name, line := nextField(line)
	if string(name) != "cpu" {
		return cpuTimes{}, fmt.Errorf("%s begins with %q instead of cpu", s.stat.path, name)
	}
	var times cpuTimes
	for i := range cpuFields {
		var field []byte
		field, line = nextField(line)
		if len(field) == 0 && i > 4 {
			break // kernels before 2.6.11 know fewer
		}
		n, err := number(field)
		if err != nil {
			return cpuTimes{}, fmt.Errorf("%s: %w", s.stat.path, err)
		}
		if i == 3 || i == 4 {
			times.Idle += float64(n)
		} else {
			times.Busy += float64(n)
		}
	}
	return times, nil
}

// memory reads /proc/meminfo. Kernels before 3.14 do not say what is available: there it is
// what is free or holds only cache.
func (s *source) memory() (memoryUse, error) {
	text, err := s.meminfo.all()
	if err != nil {
		return memoryUse{}, err
	}
	var m memoryUse
	var free, buffers, cached, reclaimable, shared uint64
	haveAvailable := false
	for len(text) > 0 {
		var line []byte
		line, text = nextLine(text)
		key, rest, _ := bytes.Cut(line, []byte{':'})
		var to *uint64
		switch string(key) {
		case "MemTotal":
			to = &m.Total
		case "MemAvailable":
			to, haveAvailable = &m.Available, true
		case "MemFree":
			to = &free
		case "Buffers":
			to = &buffers
		case "Cached":
			to = &cached
		case "SReclaimable":
			to = &reclaimable
		case "Shmem":
			to = &shared
		case "SwapTotal":
			to = &m.SwapTotal
		case "SwapFree":
			to = &m.SwapFree
		default:
			continue
		}
		field, _ := nextField(rest)
		kilobytes, err := number(field)
		if err != nil {
			return memoryUse{}, fmt.Errorf("%s: %s: %w", s.meminfo.path, key, err)
		}
		*to = kilobytes * 1024
	}
	if m.Total == 0 {
		return memoryUse{}, fmt.Errorf("%s does not tell MemTotal", s.meminfo.path)
	}
	if !haveAvailable {
		m.Available = free + buffers + cached + reclaimable - min(shared, cached)
	}
	m.Available = min(m.Available, m.Total)
	return m, nil
}

// load reads /proc/loadavg.
func (s *source) load() (loadAverages, error) {
	text, err := s.loadavg.head(128)
	if err != nil {
		return loadAverages{}, err
	}
	var values [3]float64
	for i := range values {
		var field []byte
		field, text = nextField(text)
		if values[i], err = decimal(field); err != nil {
			return loadAverages{}, fmt.Errorf("%s: %w", s.loadavg.path, err)
		}
	}
	return loadAverages{values[0], values[1], values[2]}, nil
}

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
