package machine

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"

	"homeserver/internal/monitor/metric"
)

// ticksPerSecond is the unit of /proc/stat: USER_HZ, which is 100 wherever Go runs on Linux.
const ticksPerSecond = 100

// cpuFields are the columns of /proc/stat that add up to all time: user nice system idle
// iowait irq softirq steal. Guest time is contained in user and nice.
const cpuFields = 8

// The columns, and the two of guest time after them.
const (
	cpuUser = iota
	cpuNice
	cpuSystem
	cpuIdle
	cpuIOWait
	cpuIRQ
	cpuSoftIRQ
	cpuSteal
	cpuGuest
	cpuGuestNice
	cpuColumns
)

// CPU reads /proc/stat: where processor time goes, of each core and of all.
type CPU struct {
	metrics *metric.Registry
	file    procFile
	clock   interval
	all     core
	cores   present[core]
	counts  statCounts
}

// core is a processor's times in ticks, or those of all.
type core struct {
	id     string // "" is all of them
	meters [cpuColumns]meter
	series [5]*Series
	raw    [cpuColumns]*RawSeries
}

// statCounts are the other lines of /proc/stat.
type statCounts struct {
	interrupts, switches, forks meter
	boot, running, blocked      uint64
	rawInterrupts, rawSwitches  *RawSeries
	rawForks, rawBoot           *RawSeries
	rawRunning, rawBlocked      *RawSeries
	switchRate, forkRate        *Series
	runningNow, blockedNow      *Series
}

// NewCPU makes the reader of the tree under root.
func NewCPU(root string, metrics *metric.Registry) *CPU {
	c := &CPU{metrics: metrics, file: procFile{path: filepath.Join(root, "proc/stat")}}
	c.all = newCore(metrics, "")
	n := &c.counts
	n.rawInterrupts = raw("node_intr_total", Counter, "Total number of interrupts serviced.")
	n.rawSwitches = raw("node_context_switches_total", Counter, "Total number of context switches.")
	n.rawForks = raw("node_forks_total", Counter, "Total number of forks.")
	n.rawBoot = raw("node_boot_time_seconds", Gauge, "Node boot time, in unixtime.")
	n.rawRunning = raw("node_procs_running", Gauge, "Number of processes in runnable state.")
	n.rawBlocked = raw("node_procs_blocked", Gauge, "Number of processes blocked waiting for I/O to complete.")
	n.switchRate = series(metrics, metric.ContextSwitchesPerSecond, "", "", n.rawSwitches)
	n.forkRate = series(metrics, metric.ForksPerSecond, "", "", n.rawForks)
	n.runningNow = series(metrics, metric.ProcessesRunning, "", "", n.rawRunning)
	n.blockedNow = series(metrics, metric.ProcessesBlocked, "", "", n.rawBlocked)
	return c
}

func newCore(metrics *metric.Registry, id string) core {
	c := core{id: id}
	title := ""
	if id != "" {
		title = "Core " + id
	}
	for i, mode := range [cpuColumns]string{"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "user", "nice"} {
		switch {
		case id == "" && i >= cpuFields:
			c.raw[i] = raw("", Counter, "First line of /proc/stat, in seconds.", "mode", "guest "+mode)
		case id == "":
			// the sum of all cores is not Prometheus' business, which sums by itself
			c.raw[i] = raw("", Counter, "First line of /proc/stat, in seconds.", "mode", mode)
		case i < cpuFields:
			c.raw[i] = raw("node_cpu_seconds_total", Counter, "Seconds the CPUs spent in each mode.", "cpu", id, "mode", mode)
		default:
			c.raw[i] = raw("node_cpu_guest_seconds_total", Counter, "Seconds the CPUs spent in guests (VMs) for each mode.", "cpu", id, "mode", mode)
		}
	}
	for i, name := range [...]string{metric.CPUPercent, metric.CPUUserPercent, metric.CPUSystemPercent, metric.CPUIOWaitPercent, metric.CPUStealPercent} {
		c.series[i] = series(metrics, name, id, title, c.raw[:cpuFields]...)
	}
	return c
}

// Close lets go of the file.
func (c *CPU) Close() { c.file.close() }

// Total is all processors' time at the last read, in ticks. Waiting for disks (iowait) counts as
// idle, as in top and psutil: the processor could have done something else.
func (c *CPU) Total() (busy, idle float64) {
	for i := range cpuFields {
		n := float64(c.all.meters[i].now)
		if i == cpuIdle || i == cpuIOWait {
			idle += n
		} else {
			busy += n
		}
	}
	return busy, idle
}

// Read reads the file.
func (c *CPU) Read() error {
	text, err := c.file.all()
	if err == nil {
		err = c.parse(text)
	}
	if err != nil {
		c.clock.forget()
		c.cores.forget()
		c.all.meters = [cpuColumns]meter{}
		c.counts.switches, c.counts.forks = meter{}, meter{}
		return err
	}
	c.clock.step()
	return nil
}

func (c *CPU) parse(text []byte) error {
	c.cores.begin()
	for first := true; len(text) > 0; first = false {
		var line []byte
		line, text = nextLine(text)
		name, rest := nextField(line)
		id, isCPU := bytes.CutPrefix(name, []byte("cpu"))
		var err error
		switch {
		case first && (!isCPU || len(id) > 0):
			return fmt.Errorf("%s begins with %q instead of cpu", c.file.path, name)
		case first:
			err = c.all.parse(rest)
		case isCPU:
			err = c.cores.get(id, func(id string) core { return newCore(c.metrics, id) }).parse(rest)
		default:
			err = c.counts.parse(name, rest)
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", c.file.path, name, err)
		}
	}
	c.cores.end()
	return nil
}

func (c *core) parse(line []byte) error {
	for i := range cpuColumns {
		var field []byte
		field, line = nextField(line)
		if len(field) == 0 && i > cpuIOWait {
			break // kernels before 2.6.11 know fewer
		}
		n, err := number(field)
		if err != nil {
			return err
		}
		c.meters[i].set(n)
	}
	return nil
}

func (s *statCounts) parse(name, rest []byte) error {
	var to *meter
	var gauge *uint64
	switch string(name) {
	case "intr":
		to = &s.interrupts
	case "ctxt":
		to = &s.switches
	case "processes":
		to = &s.forks
	case "btime":
		gauge = &s.boot
	case "procs_running":
		gauge = &s.running
	case "procs_blocked":
		gauge = &s.blocked
	default:
		return nil
	}
	field, _ := nextField(rest)
	n, err := number(field)
	if err != nil {
		return err
	}
	if to != nil {
		to.set(n)
	} else {
		*gauge = n
	}
	return nil
}

// Emit says where the time between the last two reads went.
func (c *CPU) Emit(to *Batch) {
	if !c.clock.known() {
		return
	}
	c.all.emit(to)
	c.cores.each(func(one *core) { one.emit(to) })
	n, seconds := &c.counts, c.clock.seconds()
	if n.interrupts.reads > 0 {
		to.AddRaw(n.rawInterrupts, float64(n.interrupts.now))
	}
	to.AddRaw(n.rawSwitches, float64(n.switches.now))
	to.AddRaw(n.rawForks, float64(n.forks.now))
	if n.boot > 0 {
		to.AddRaw(n.rawBoot, float64(n.boot))
	}
	to.AddRaw(n.rawRunning, float64(n.running))
	to.AddRaw(n.rawBlocked, float64(n.blocked))
	to.Add(n.switchRate, n.switches.per(seconds))
	to.Add(n.forkRate, n.forks.per(seconds))
	to.Add(n.runningNow, float64(n.running))
	to.Add(n.blockedNow, float64(n.blocked))
}

func (c *core) emit(to *Batch) {
	var grown [cpuFields]float64
	all := 0.0
	for i := range c.meters {
		to.AddRaw(c.raw[i], float64(c.meters[i].now)/ticksPerSecond)
		if i >= cpuFields {
			continue
		}
		grown[i] = c.meters[i].grown()
		if m := c.meters[i]; (i == cpuIdle || i == cpuIOWait) && m.reads == 2 && m.now < m.before {
			grown[i] = 0 // the kernel's idle and iowait may shrink by a tick
		}
		if c.meters[i].reads > 0 || i <= cpuIOWait {
			all += grown[i]
		} else {
			grown[i] = 0 // a column that this kernel does not have
		}
	}
	if all == 0 {
		all = math.NaN()
	}
	share := func(ticks float64) float64 { return ticks / all * 100 }
	to.Add(c.series[0], share(all-grown[cpuIdle]-grown[cpuIOWait]))
	to.Add(c.series[1], share(grown[cpuUser]+grown[cpuNice]))
	to.Add(c.series[2], share(grown[cpuSystem]+grown[cpuIRQ]+grown[cpuSoftIRQ]))
	to.Add(c.series[3], share(grown[cpuIOWait]))
	to.Add(c.series[4], share(grown[cpuSteal]))
}
