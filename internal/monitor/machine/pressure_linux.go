package machine

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"

	"homeserver/internal/monitor/metric"
)

// microseconds is the unit of the totals of /proc/pressure, per second.
const microseconds = 1e6

// Pressure reads /proc/pressure: the share of time in which something had to wait for processor,
// memory or disks (pressure stall information, Linux 4.20 and later).
type Pressure struct {
	clock     interval
	resources [3]pressureFile
}

// pressureFile is the file of one resource.
type pressureFile struct {
	file       procFile
	some, full pressureLine
}

// pressureLine is time in which at least one task waited (some), or all did (full).
type pressureLine struct {
	there         bool
	ten           float64
	total         meter
	rawTotal      *RawSeries
	rawTen        *RawSeries // without a name: node_exporter does not tell it
	rate, average *Series
}

// NewPressure makes the reader of the tree under root.
func NewPressure(root string, metrics *metric.Registry) *Pressure {
	p := &Pressure{}
	for i, name := range [...]string{"cpu", "memory", "io"} {
		f := &p.resources[i]
		f.file.path = filepath.Join(root, "proc/pressure", name)
		title := [...]string{"Processor", "Memory", "Disks"}[i]
		resource := [...]string{"CPU", "memory", "IO"}[i]
		reason := [...]string{"for CPU time", "for memory", "due to IO congestion"}[i]
		waiting := raw("node_pressure_"+name+"_waiting_seconds_total", Counter, "Total time in seconds that processes have waited "+reason)
		stalled := raw("node_pressure_"+name+"_stalled_seconds_total", Counter, "Total time in seconds no process could make progress due to "+resource+" congestion")
		someTen := raw("", Gauge, "avg10 of /proc/pressure, in percent.", "line", "some", "resource", name)
		fullTen := raw("", Gauge, "avg10 of /proc/pressure, in percent.", "line", "full", "resource", name)
		f.some = pressureLine{rawTotal: waiting, rawTen: someTen, rate: series(metrics, metric.PressureSomePercent, name, title, waiting), average: series(metrics, metric.PressureSomeAvg10Percent, name, title, someTen)}
		f.full = pressureLine{rawTotal: stalled, rawTen: fullTen, rate: series(metrics, metric.PressureFullPercent, name, title, stalled), average: series(metrics, metric.PressureFullAvg10Percent, name, title, fullTen)}
	}
	return p
}

// Close lets go of the files.
func (p *Pressure) Close() {
	for i := range p.resources {
		p.resources[i].file.close()
	}
}

// Read reads the files.
func (p *Pressure) Read() error {
	for i := range p.resources {
		if err := p.resources[i].read(); err != nil {
			p.clock.forget()
			return errors.Join(ErrUnsupported, err)
		}
	}
	p.clock.step()
	return nil
}

func (f *pressureFile) read() error {
	text, err := f.file.all()
	if err != nil {
		return err
	}
	f.some.there, f.full.there = false, false
	for len(text) > 0 {
		var line []byte
		line, text = nextLine(text)
		name, rest := nextField(line)
		to := &f.some
		switch string(name) {
		case "some":
		case "full":
			to = &f.full
		default:
			continue
		}
		if err := to.parse(rest); err != nil {
			return fmt.Errorf("%s: %w", f.file.path, err)
		}
	}
	return nil
}

// parse reads avg10=0.00 avg60=0.00 avg300=0.00 total=0.
func (l *pressureLine) parse(line []byte) error {
	for len(line) > 0 {
		var field []byte
		field, line = nextField(line)
		key, value, _ := bytes.Cut(field, []byte{'='})
		switch string(key) {
		case "avg10":
			ten, err := decimal(value)
			if err != nil {
				return err
			}
			l.ten = ten
		case "total":
			total, err := number(value)
			if err != nil {
				return err
			}
			l.total.set(total)
			l.there = true
		}
	}
	return nil
}

// Emit says how much was waited.
func (p *Pressure) Emit(to *Batch) {
	if !p.clock.known() {
		return
	}
	seconds := p.clock.seconds()
	for i := range p.resources {
		for _, l := range []*pressureLine{&p.resources[i].some, &p.resources[i].full} {
			if !l.there {
				continue
			}
			to.AddRaw(l.rawTotal, float64(l.total.now)/microseconds)
			// the kernel brings the total up to date in its own rhythm: a little more than all
			// time may fall between two looks
			to.Add(l.rate, min(l.total.per(seconds)/microseconds*100, 100))
			to.AddRaw(l.rawTen, l.ten)
			to.Add(l.average, l.ten)
		}
	}
}
