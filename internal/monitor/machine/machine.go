// Package machine asks the operating system for every figure there is of this machine, in the
// words of the registry (package metric).
//
// A Question is asked in the rhythm of its Class by the room's sampler, which owns deadlines. Its
// Reader has two halves. Read asks the system; it may block for as long as it likes and holds up
// nobody. Emit says what the last Read learnt; it never blocks, and is never called while a Read
// is under way. So a reader needs no lock: it belongs to whoever calls it.
//
// On Linux the readers are our own, over a root that tests replace by a tree of their own. They
// keep their files open, and keep what they know of a device for as long as it is there.
//
// Every reading names the raw values it was worked out from, under the names that Prometheus'
// node_exporter gives them. So the same look at the machine serves charts, alerts, /metrics and
// whoever asks where a figure comes from.
//
// Invariants:
//   - A rate is a difference divided by the measured time between two reads. A count that went
//     backwards is a gap (NaN), and so is the first look at a device.
//   - What is not there has no reading; what could not be measured has none either.
package machine

import (
	"time"

	"homeserver/internal/monitor/metric"
)

// Class is how often a question is asked.
type Class time.Duration

// The classes.
const (
	EveryTick   = Class(2 * time.Second)
	EveryTen    = Class(10 * time.Second)
	EveryMinute = Class(time.Minute)
	EveryHour   = Class(time.Hour)
)

// Deadline is how long an answer may take before it is late. At every tick the sampler waits for
// the answer, so the deadline is its own; the others are looked for at later ticks.
func (c Class) Deadline() time.Duration {
	switch c {
	case EveryTick:
		return 0
	case EveryTen:
		return 6 * time.Second
	case EveryMinute:
		return 30 * time.Second
	default:
		return 5 * time.Minute // a dozen disks that answer SMART slowly
	}
}

// Reader finds figures out.
type Reader interface {
	// Read asks the system. It may block.
	Read() error
	// Emit says what the last successful Read learnt; before the first it says nothing.
	Emit(to *Batch)
}

// Question is a reader and how often it is asked.
type Question struct {
	Name  string // for logs and people
	Class Class
	Reader
}

// Closer is a reader that keeps files open.
type Closer interface{ Close() }

// Failing is a reader that has something to tell when it cannot be read.
type Failing interface {
	// Failed is called after a failed Read and while one hangs.
	Failed() []RawValue
}

// Series is a series and the raw values it is worked out from.
type Series struct {
	metric.Series
	From []*RawSeries
}

// RawType is the type of a raw value, in Prometheus' words.
type RawType string

// The types of raw values.
const (
	Counter RawType = "counter"
	Gauge   RawType = "gauge"
	Untyped RawType = "untyped" // files in which counts and gauges stand side by side
)

// RawSeries is a value as the system tells it.
type RawSeries struct {
	Name   string // as node_exporter calls it
	Type   RawType
	Help   string
	Labels string // as in the exposition format, without the braces: cpu="0",mode="user"
}

// RawValue is what a raw series was at a read.
type RawValue struct {
	*RawSeries
	Value float64
}

// Batch is what one read learnt. It never changes after it was published.
type Batch struct {
	At       time.Time // when the system answered
	Readings []metric.Reading
	Origins  []*Series // of each reading
	Raw      []RawValue
}

// Reserve makes room for as much as the batch before held.
func (b *Batch) Reserve(before *Batch) {
	b.Readings = make([]metric.Reading, 0, len(before.Readings))
	b.Origins = make([]*Series, 0, len(before.Origins))
	b.Raw = make([]RawValue, 0, len(before.Raw))
}

// Add adds the value of a series. NaN is a gap.
func (b *Batch) Add(s *Series, value float64) {
	b.Readings = append(b.Readings, metric.Reading{Series: s.Series, Value: value})
	b.Origins = append(b.Origins, s)
}

// AddRaw adds a raw value.
func (b *Batch) AddRaw(s *RawSeries, value float64) { b.Raw = append(b.Raw, RawValue{s, value}) }

// Origin finds where a series' reading came from; nil when this batch has none of it.
func (b *Batch) Origin(name, instance string) *Series {
	for _, o := range b.Origins {
		if o.Instance == instance && o.Metric.Name == name {
			return o
		}
	}
	return nil
}

// RawOf is the value of a raw series.
func (b *Batch) RawOf(s *RawSeries) (float64, bool) {
	for _, r := range b.Raw {
		if r.RawSeries == s {
			return r.Value, true
		}
	}
	return 0, false
}

// series makes the series of a metric and an instance.
func series(metrics *metric.Registry, name, instance, title string, from ...*RawSeries) *Series {
	return &Series{metrics.Of(name, instance, title, 0).Series, from}
}
