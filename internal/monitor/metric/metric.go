// Package metric says which figures there are: their names, units, kinds and what they mean.
//
// A metric is defined once, in All. History, live feed, Prometheus, alerts and pages all derive
// from it. A series is a metric of one instance: the processor's load of core 3, the room left
// on /mnt/photos. The instance "" is the whole machine.
//
// A name never changes its meaning, and an instance's id is stable (a disk's serial number, a
// sensor's device path): history, alert rules and people's charts are kept by them.
package metric

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Unit is what a figure counts.
type Unit string

// The units.
const (
	Percent        Unit = "percent"
	Bytes          Unit = "bytes"
	BytesPerSecond Unit = "bytes_per_second"
	Count          Unit = "count"
	PerSecond      Unit = "per_second"
	Seconds        Unit = "seconds"
	Milliseconds   Unit = "milliseconds"
	Celsius        Unit = "celsius"
	RPM            Unit = "rpm"
	Watts          Unit = "watts"
	State          Unit = "state" // 0 or 1; the title says of what
)

// Units are all units, for descriptions.
func Units() []Unit {
	return []Unit{Percent, Bytes, BytesPerSecond, Count, PerSecond, Seconds, Milliseconds, Celsius, RPM, Watts, State}
}

// Kind says how a figure comes about.
type Kind string

// The kinds.
const (
	// Gauge is what is so at the moment of the tick.
	Gauge Kind = "gauge"
	// Rate is how fast a counter of the system grew since the tick before, by the measured time.
	Rate Kind = "rate"
)

// Metric is the definition of a figure.
type Metric struct {
	Name     string  `json:"name" example:"cpu_percent" doc:"What to ask for"`
	Title    string  `json:"title" example:"Processor" doc:"For people"`
	Unit     Unit    `json:"unit" enum:"percent,bytes,bytes_per_second,count,per_second,seconds,milliseconds,celsius,rpm,watts,state" example:"percent"`
	Kind     Kind    `json:"kind" enum:"gauge,rate" example:"rate"`
	Group    string  `json:"group" example:"processor" doc:"What it belongs to, for lists"`
	Instance string  `json:"instance" example:"core" doc:"What an instance of it is; empty where there is the whole machine only"`
	Scale    float64 `json:"scale" example:"10" doc:"How finely it is remembered: 10 keeps tenths"`
	Formula  string  `json:"formula" example:"time not idle / all time since the tick before" doc:"How it is worked out"`
	Source   string  `json:"source" example:"/proc/stat" doc:"Where the system tells it"`
}

// Series is a metric of one instance.
type Series struct {
	Metric   *Metric
	Instance string // stable id; "" is the whole machine
	Title    string // the instance for people; "" is Instance
}

// Key names the series everywhere: name or name{instance}. In an instance the characters that
// would part keys from each other are percent-encoded (RFC 3986, section 2.1).
func (s Series) Key() string { return Key(s.Metric.Name, s.Instance) }

// Key is the key of the series of a metric's name and an instance.
func Key(name, instance string) string {
	if instance == "" {
		return name
	}
	return name + "{" + escape(instance) + "}"
}

// ParseKey takes a key apart.
func ParseKey(key string) (name, instance string, err error) {
	name, rest, inside := strings.Cut(key, "{")
	if !inside {
		return key, "", nil
	}
	rest, closed := strings.CutSuffix(rest, "}")
	instance, err = url.PathUnescape(rest)
	if !closed || err != nil || instance == "" || escape(instance) != rest {
		return "", "", fmt.Errorf("%q is not a series: name or name{instance}", key)
	}
	return name, instance, nil
}

// escape encodes what parts keys, what ends a line, what is no UTF-8, and the sign of encoding itself.
func escape(instance string) string {
	var out strings.Builder
	for rest := instance; rest != ""; {
		c, n := utf8.DecodeRuneInString(rest)
		if c == utf8.RuneError && n == 1 || c == '%' || c == ',' || c == '{' || c == '}' || c < ' ' || c == 0x7f {
			fmt.Fprintf(&out, "%%%02X", rest[0])
		} else {
			out.WriteString(rest[:n])
		}
		rest = rest[n:]
	}
	return out.String()
}

// Text makes of what a system tells what every client and database takes for text: UTF-8 without
// characters of code 0.
func Text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// Reading is the value of a series at a tick. NaN is a gap.
type Reading struct {
	Series
	Value float64
}

// Tick is everything that was measured at one time. It never changes after it was published.
type Tick struct {
	At       time.Time
	Readings []Reading
}

// Registry is the list of all metrics, by name.
type Registry struct {
	list   []*Metric
	byName map[string]*Metric
}

// New makes the registry of All.
func New() *Registry {
	r := &Registry{byName: map[string]*Metric{}}
	for _, m := range All() {
		r.list = append(r.list, &m)
		r.byName[m.Name] = &m
	}
	return r
}

// List is every metric, in the order for people.
func (r *Registry) List() []*Metric { return r.list }

// Find is the definition of a name, nil where there is none.
func (r *Registry) Find(name string) *Metric { return r.byName[name] }

// Reading is the value of a metric of the whole machine. The name must be one of the constants.
func (r *Registry) Reading(name string, value float64) Reading { return r.Of(name, "", "", value) }

// Of is the value of a metric of one instance, whose title may be left out.
func (r *Registry) Of(name, instance, title string, value float64) Reading {
	m := r.byName[name]
	if m == nil {
		panic("metric: " + name + " is not defined")
	}
	if title == "" && Text(instance) != instance {
		title = instance
	}
	return Reading{Series{m, instance, Text(title)}, value}
}
