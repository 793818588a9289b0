package monitor

import (
	"cmp"
	"math"
	"runtime"
	"time"

	"homeserver/internal/monitor/machine"
	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/errs"
)

// Explanation is where a figure comes from.
type Explanation struct {
	Key      string     `json:"key" example:"disk_busy_percent{S4EWNX0N}" doc:"The series"`
	Title    string     `json:"title" example:"Disk busy" doc:"What is measured"`
	Instance string     `json:"instance" example:"nvme0n1 (Samsung SSD 980)" doc:"Of what, for people"`
	Unit     string     `json:"unit" example:"percent"`
	Kind     string     `json:"kind" enum:"gauge,rate"`
	Formula  string     `json:"formula" example:"time with anything in flight / seconds" doc:"How it is worked out"`
	Source   string     `json:"source" example:"/proc/diskstats" doc:"Where the system tells it"`
	Value    *float64   `json:"value" example:"12.5" doc:"At the last tick; null when it could not be measured"`
	At       time.Time  `json:"at" doc:"When the system was asked"`
	Before   *time.Time `json:"before,omitempty" doc:"When it was asked the time before"`
	Seconds  *float64   `json:"seconds,omitempty" example:"2.0003" doc:"Measured between the two"`
	Every    float64    `json:"every_seconds" example:"2" doc:"How often it is asked"`
	Raw      []RawPair  `json:"raw" nullable:"false" doc:"What the system told, as the figure is worked out from it; names are those of Prometheus' node_exporter"`
}

// RawPair is a raw value at the last two reads.
type RawPair struct {
	Name   string   `json:"name" example:"node_disk_io_time_seconds_total" doc:"As node_exporter calls it, or what it is where it has no name there"`
	Labels string   `json:"labels" example:"device=\"nvme0n1\""`
	Help   string   `json:"help" example:"Total seconds spent doing I/Os."`
	Now    float64  `json:"now" example:"1234.5"`
	Before *float64 `json:"before,omitempty" example:"1234.25"`
}

// explain tells where the value of a series at a tick comes from.
func (m *Monitor) explain(s *Snapshot, key string) (Explanation, error) {
	name, instance, err := metric.ParseKey(key)
	definition := m.metrics.Find(name)
	if err != nil || definition == nil {
		return Explanation{}, errs.Newf(errs.Invalid, "There is no metric %q; /api/v1/monitoring/metrics lists them.", key)
	}
	for _, r := range s.Readings {
		if r.Metric.Name != name || r.Instance != instance {
			continue
		}
		e := Explanation{Key: key, Title: definition.Title, Instance: r.Title, Unit: string(definition.Unit), Kind: string(definition.Kind),
			Formula: definition.Formula, Source: sourceOf(definition), Value: exact(r.Value), At: s.At, Every: tickInterval.Seconds(), Raw: []RawPair{}}
		if e.Instance == "" {
			e.Instance = instance
		}
		m.addRaw(&e, s, name, instance)
		return e, nil
	}
	return Explanation{}, errs.Newf(errs.NotFound, "%s was not measured just now; /api/v1/monitoring/sources says what cannot be measured and why.", key)
}

// sourceOf is where the system tells a figure. Elsewhere than on Linux a library asks it.
func sourceOf(definition *metric.Metric) string {
	if runtime.GOOS != "linux" {
		return "the system's own interfaces (gopsutil)"
	}
	return definition.Source
}

// addRaw adds the raw values of a series: its own, those of all instances for their sum, those
// of the file system that holds the files, or what the house knows of itself.
func (m *Monitor) addRaw(e *Explanation, s *Snapshot, name, instance string) {
	if from := s.measured(name, instance); from != nil {
		e.add(from, from.Batch.Origin(name, instance))
		return
	}
	if name == metric.DiskPercent || name == metric.DiskUsedBytes {
		labels := machine.Labels("mountpoint", m.config.StoragePath)
		e.Raw = append(e.Raw,
			RawPair{"node_filesystem_size_bytes", labels, "Filesystem size in bytes.", float64(s.Disk.Total), nil},
			RawPair{"node_filesystem_free_bytes", labels, "Filesystem free space in bytes.", float64(s.Disk.Total - s.Disk.Used), nil},
			RawPair{"node_filesystem_avail_bytes", labels, "Filesystem space available to non-root users in bytes.", float64(s.Disk.Free), nil})
		return
	}
	if a := m.house.newest.Load(); a != nil && e.Value != nil && m.metrics.Find(name).Group == metric.GroupHouse {
		e.At, e.Every = a.at.UTC(), houseEvery.Seconds()
		e.Raw = append(e.Raw, RawPair{name, "", "As the library tells it.", *e.Value, nil})
		return
	}
	for i := range s.Measured {
		from := &s.Measured[i]
		if from.Batch == nil {
			continue
		}
		for _, o := range from.Batch.Origins {
			if o.Metric.Name == name {
				e.add(from, o)
			}
		}
	}
}

// add adds the raw values of an origin in what a question said.
func (e *Explanation) add(from *Measured, origin *machine.Series) {
	e.At, e.Every = from.Batch.At.UTC(), time.Duration(from.Class).Seconds()
	if from.Before != nil {
		before, seconds := from.Before.At.UTC(), from.Batch.At.Sub(from.Before.At).Seconds()
		e.Before, e.Seconds = &before, &seconds
	}
	for _, r := range origin.From {
		now, ok := from.Batch.RawOf(r)
		if !ok {
			continue
		}
		pair := RawPair{Name: cmp.Or(r.Name, r.Help), Labels: r.Labels, Help: r.Help, Now: now}
		if from.Before != nil {
			if before, ok := from.Before.RawOf(r); ok {
				pair.Before = &before
			}
		}
		e.Raw = append(e.Raw, pair)
	}
}

// exact is a value as it is, nil for a gap.
func exact(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// Source is one question that the machine is asked, and how it answers.
type Source struct {
	Name       string     `json:"name" example:"SMART"`
	Every      float64    `json:"every_seconds" example:"3600" doc:"How often it is asked"`
	MeasuredAt *time.Time `json:"measured_at" doc:"When it last answered; null when there is no answer that still holds"`
	Figures    int        `json:"figures" example:"14" doc:"How many figures it gives"`
	Problem    string     `json:"problem" example:"smartctl is not installed: not offered by this platform" doc:"Why it does not answer; empty when it does"`
}

// sources are the questions of a snapshot.
func sources(s *Snapshot) []Source {
	list := make([]Source, 0, len(s.Measured))
	for _, m := range s.Measured {
		one := Source{Name: m.Name, Every: time.Duration(m.Class).Seconds()}
		if m.Batch != nil {
			at := m.Batch.At.UTC()
			one.MeasuredAt, one.Figures = &at, len(m.Batch.Readings)
		}
		if m.Err != nil {
			one.Problem = m.Err.Error()
		}
		list = append(list, one)
	}
	return list
}
