package machine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"homeserver/internal/monitor/metric"
)

// pageSize is the unit in which the kernel counts what is swapped. Huge pages aside, that is 4 KiB
// on nearly all machines; os.Getpagesize knows the rest.
var pageSize = float64(os.Getpagesize())

// Memory reads /proc/meminfo, what /proc/vmstat counts of it, and ZFS' cache.
type Memory struct {
	meminfo, vmstat, arcstats procFile
	clock                     interval
	lines                     present[memoryLine]
	counts                    present[vmCount]
	use                       memoryFigures
	arc, arcMin               uint64
	noARC                     bool
	rawARC, rawARCMin         *RawSeries
	series                    map[string]*Series
	told                      uint64 // how many kills were said so far
	toldSome                  bool
}

// memoryFigures are what is worked with, in bytes.
type memoryFigures struct {
	total, available, free, buffers, cached, reclaimable, shared uint64
	swapTotal, swapFree                                          uint64
	haveAvailable                                                bool
}

// memoryLine is a line of /proc/meminfo.
type memoryLine struct {
	value uint64
	raw   *RawSeries
	to    *uint64 // where the figure is needed
}

// vmCount is a line of /proc/vmstat that counts.
type vmCount struct {
	wanted bool
	meter  meter
	raw    *RawSeries
}

// NewMemory makes the reader of the tree under root.
func NewMemory(root string, metrics *metric.Registry) *Memory {
	m := &Memory{series: map[string]*Series{}}
	m.meminfo.path = filepath.Join(root, "proc/meminfo")
	m.vmstat.path = filepath.Join(root, "proc/vmstat")
	m.arcstats.path = filepath.Join(root, "proc/spl/kstat/zfs/arcstats")
	m.rawARC = raw("node_zfs_arc_size", Untyped, "kstat.zfs.misc.arcstats.size")
	m.rawARCMin = raw("node_zfs_arc_c_min", Untyped, "kstat.zfs.misc.arcstats.c_min")
	for _, name := range []string{metric.MemoryPercent, metric.MemoryTotalBytes, metric.MemoryUsedBytes, metric.MemoryAvailableBytes, metric.MemoryCachedBytes, metric.MemoryBuffersBytes,
		metric.MemoryARCBytes, metric.SwapUsedBytes, metric.SwapTotalBytes, metric.SwapInBytesPerSecond, metric.SwapOutBytesPerSecond, metric.OOMKills, metric.OOMKillsSinceBoot} {
		m.series[name] = series(metrics, name, "", "")
	}
	return m
}

// Close lets go of the files.
func (m *Memory) Close() { m.meminfo.close(); m.vmstat.close(); m.arcstats.close() }

// Use is main memory and swap in bytes at the last read, as the kernel counts them.
func (m *Memory) Use() (total, available, swapTotal, swapFree uint64) {
	return m.use.total, m.use.available, m.use.swapTotal, m.use.swapFree
}

// Read reads the files.
func (m *Memory) Read() error {
	if err := m.readMeminfo(); err != nil {
		m.clock.forget()
		return err
	}
	m.readVMStat()
	m.readARC()
	m.clock.step()
	return nil
}

// readMeminfo reads the sizes. Kernels before 3.14 do not say what is available: there it is
// what is free or holds only cache.
func (m *Memory) readMeminfo() error {
	text, err := m.meminfo.all()
	if err != nil {
		return err
	}
	m.use.total, m.use.haveAvailable = 0, false
	m.lines.begin()
	for len(text) > 0 {
		var line []byte
		line, text = nextLine(text)
		key, rest, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		field, unit := nextField(rest)
		value, err := number(field)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", m.meminfo.path, key, err)
		}
		create := m.newPages
		if unit, _ = nextField(unit); len(unit) > 0 {
			value *= 1024
			create = m.newLine
		}
		known := m.lines.get(key, create)
		known.value = value
		if known.to != nil {
			*known.to = value
		}
		m.use.haveAvailable = m.use.haveAvailable || known.to == &m.use.available
	}
	m.lines.end()
	u := &m.use
	if u.total == 0 {
		return fmt.Errorf("%s does not tell MemTotal", m.meminfo.path)
	}
	if !u.haveAvailable {
		u.available = u.free + u.buffers + u.cached + u.reclaimable - min(u.shared, u.cached)
	}
	u.available = min(u.available, u.total)
	return nil
}

func (m *Memory) newLine(name string) memoryLine {
	u := &m.use
	to := map[string]*uint64{"MemTotal": &u.total, "MemAvailable": &u.available, "MemFree": &u.free, "Buffers": &u.buffers, "Cached": &u.cached,
		"SReclaimable": &u.reclaimable, "Shmem": &u.shared, "SwapTotal": &u.swapTotal, "SwapFree": &u.swapFree}[name]
	clean := strings.NewReplacer("(", "_", ")", "").Replace(name)
	line := memoryLine{to: to, raw: raw("node_memory_"+clean+"_bytes", Gauge, "Memory information field "+clean+"_bytes.")}
	for _, of := range map[string][]string{
		"MemTotal":     {metric.MemoryPercent, metric.MemoryTotalBytes, metric.MemoryUsedBytes},
		"MemAvailable": {metric.MemoryPercent, metric.MemoryUsedBytes, metric.MemoryAvailableBytes},
		"Cached":       {metric.MemoryCachedBytes}, "SReclaimable": {metric.MemoryCachedBytes}, "Buffers": {metric.MemoryBuffersBytes},
		"SwapTotal": {metric.SwapUsedBytes, metric.SwapTotalBytes}, "SwapFree": {metric.SwapUsedBytes},
	}[name] {
		m.series[of].From = append(m.series[of].From, line.raw)
	}
	return line
}

// newPages is a line that counts huge pages instead of bytes.
func (m *Memory) newPages(name string) memoryLine {
	return memoryLine{raw: raw("node_memory_"+name, Gauge, "Memory information field "+name+".")}
}

// readVMStat reads what was swapped and killed. Containers may hide the file; then nothing is
// said of either.
func (m *Memory) readVMStat() {
	text, err := m.vmstat.all()
	if err != nil {
		m.counts.forget()
		return
	}
	m.counts.begin()
	for len(text) > 0 {
		var line []byte
		line, text = nextLine(text)
		name, rest := nextField(line)
		count := m.counts.get(name, m.newCount)
		if !count.wanted {
			continue
		}
		field, _ := nextField(rest)
		if n, err := number(field); err == nil {
			count.meter.set(n)
		}
	}
	m.counts.end()
}

func (m *Memory) newCount(name string) vmCount {
	fault := strings.HasPrefix(name, "pg") && strings.Contains(name, "fault")
	if name != "oom_kill" && !strings.HasPrefix(name, "pgpg") && !strings.HasPrefix(name, "pswp") && !fault {
		return vmCount{}
	}
	count := vmCount{wanted: true, raw: raw("node_vmstat_"+name, Untyped, "/proc/vmstat information field "+name+".")}
	for _, of := range map[string][]string{"pswpin": {metric.SwapInBytesPerSecond}, "pswpout": {metric.SwapOutBytesPerSecond}, "oom_kill": {metric.OOMKills, metric.OOMKillsSinceBoot}}[name] {
		m.series[of].From = []*RawSeries{count.raw}
	}
	return count
}

// readARC reads the size of ZFS' cache, which is in no line of /proc/meminfo.
func (m *Memory) readARC() {
	m.arc, m.arcMin = 0, 0
	if m.noARC && m.clock.now.Minute() == m.clock.before.Minute() {
		return // look for the module once a minute only
	}
	text, err := m.arcstats.all()
	m.noARC = errors.Is(err, fs.ErrNotExist)
	for err == nil && len(text) > 0 {
		var line []byte
		line, text = nextLine(text)
		name, rest := nextField(line)
		_, rest = nextField(rest) // type
		field, _ := nextField(rest)
		switch string(name) {
		case "size":
			m.arc, _ = number(field)
		case "c_min":
			m.arcMin, _ = number(field)
		}
	}
}

// Emit says what was read. ZFS gives its cache back when others need memory, down to a minimum:
// what is above counts as available, as the page cache does.
func (m *Memory) Emit(to *Batch) {
	if !m.clock.known() {
		return
	}
	m.lines.each(func(l *memoryLine) { to.AddRaw(l.raw, float64(l.value)) })
	m.counts.each(func(c *vmCount) {
		if c.wanted {
			to.AddRaw(c.raw, float64(c.meter.now))
		}
	})
	u := m.use
	available := u.available
	if m.arc > 0 {
		m.fromARC()
		to.AddRaw(m.rawARC, float64(m.arc))
		to.AddRaw(m.rawARCMin, float64(m.arcMin))
		available = min(available+m.arc-min(m.arcMin, m.arc), u.total)
		m.emit(to, metric.MemoryARCBytes, float64(m.arc))
	}
	m.emit(to, metric.MemoryPercent, float64(u.total-available)/float64(u.total)*100)
	m.emit(to, metric.MemoryTotalBytes, float64(u.total))
	m.emit(to, metric.MemoryUsedBytes, float64(u.total-available))
	m.emit(to, metric.MemoryAvailableBytes, float64(available))
	m.emit(to, metric.MemoryCachedBytes, float64(u.cached+u.reclaimable))
	m.emit(to, metric.MemoryBuffersBytes, float64(u.buffers))
	m.emit(to, metric.SwapUsedBytes, float64(u.swapTotal-min(u.swapFree, u.swapTotal)))
	m.emit(to, metric.SwapTotalBytes, float64(u.swapTotal))
	m.emitCounts(to)
}

// fromARC adds ZFS' cache to what figures are made of, once it is there. They become series of
// their own: those that were published may be read by others.
func (m *Memory) fromARC() {
	if len(m.series[metric.MemoryARCBytes].From) > 0 {
		return
	}
	for name, parts := range map[string][]*RawSeries{
		metric.MemoryARCBytes: {m.rawARC}, metric.MemoryPercent: {m.rawARC, m.rawARCMin},
		metric.MemoryUsedBytes: {m.rawARC, m.rawARCMin}, metric.MemoryAvailableBytes: {m.rawARC, m.rawARCMin},
	} {
		old := m.series[name]
		m.series[name] = &Series{old.Series, slices.Concat(old.From, parts)}
	}
}

func (m *Memory) emit(to *Batch, name string, value float64) { to.Add(m.series[name], value) }

// emitCounts says how fast was swapped, and how many processes the kernel killed for memory.
func (m *Memory) emitCounts(to *Batch) {
	seconds := m.clock.seconds()
	for _, c := range []struct {
		count, name string
		unit        float64
	}{{"pswpin", metric.SwapInBytesPerSecond, pageSize}, {"pswpout", metric.SwapOutBytesPerSecond, pageSize}} {
		if known := m.counts.known[c.count]; known != nil {
			m.emit(to, c.name, known.value.meter.per(seconds)*c.unit)
		}
	}
	if known := m.counts.known["oom_kill"]; known != nil {
		m.emit(to, metric.OOMKills, m.newKills(known.value.meter.now))
		m.emit(to, metric.OOMKillsSinceBoot, float64(known.value.meter.now))
	}
}

// newKills is how many kills nobody was told of. It is counted from what was said, not from the read
// before: short of memory a read is late, and nobody hears what it learnt.
func (m *Memory) newKills(now uint64) float64 {
	told, some := m.told, m.toldSome
	m.told, m.toldSome = now, true
	if !some || now < told {
		return math.NaN()
	}
	return float64(now - told)
}
