// Package feed hands every tick's readings to whoever watches, live, and remembers those of the
// last 15 minutes for whoever was away for a moment: protocol 2 of the live dashboard
// (doc/live.md).
//
// A listener has no queue: it has a place among the ticks, and takes what comes after it when
// it is ready. So one that is slow, or was away, misses nothing within those 15 minutes, gets
// everything once and in order, and costs nobody anything: what is sent is encoded once and the
// same bytes go to everybody with the same selection of series.
//
// Invariants: the ticks held are in the order of their times; when the clock was set back, what
// it had called the future is forgotten. A value is sent as it is held (32 bits, which is seven
// digits), so that a tick reads the same live and later.
package feed

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"homeserver/internal/monitor/metric"
)

const (
	// vanishedAfter is for how many ticks a series may be missing, a minute, before the schema
	// does without it: what comes and goes must not make everybody read the schema again.
	vanishedAfter = 30
	// mostRows is how many ticks one Take returns at most, two minutes: a refill goes in pieces
	// that each leave within the time a frame has.
	mostRows = 60
)

// Row is one tick as it is held.
type Row struct {
	At     int64 // milliseconds since 1970
	number int64 // counts ticks; never used twice
	schema *schema
	values []float32 // NaN is a gap

	encoded   []byte // for the selection of all series
	encodedOf *schema
}

// Value is what a series had at the tick; NaN when it was not measured.
func (r *Row) Value(name, instance string) float32 {
	if i, ok := r.schema.index[id{name, instance}]; ok {
		return r.values[i]
	}
	return float32(math.NaN())
}

// Feed is the live feed. Its methods may be called from several goroutines.
type Feed struct {
	interval, window time.Duration

	mu         sync.Mutex
	rows       []*Row // oldest first
	number     int64
	schema     *schema
	seen       []int64 // of each series of schema: the number of the tick that it was last in
	selections map[string]*selection
	listeners  map[*Listener]struct{}
}

// New makes a feed of ticks that come at the interval, which remembers those of the window.
func New(interval, window time.Duration) *Feed {
	return &Feed{interval: interval, window: window, schema: newSchema(0, nil), selections: map[string]*selection{}, listeners: map[*Listener]struct{}{}}
}

// Publish takes in a tick and wakes everybody. It encodes nothing: the first who takes does.
func (f *Feed) Publish(t metric.Tick) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := t.At.UnixMilli()
	for n := len(f.rows); n > 0 && f.rows[n-1].At >= now; n-- {
		f.rows = slices.Delete(f.rows, n-1, n)
	}
	// The last tick before the window stays: it tells that a gap follows, and not the beginning.
	if old := f.after(now - f.window.Milliseconds()); old > 1 {
		f.rows = slices.Delete(f.rows, 0, old-1)
	}
	f.number++
	f.fit(t.Readings)
	row := &Row{At: now, number: f.number, schema: f.schema, values: make([]float32, len(f.schema.series))}
	for i := range row.values {
		row.values[i] = float32(math.NaN())
	}
	for _, r := range t.Readings {
		row.values[f.schema.index[idOf(r.Series)]] = held(r)
	}
	f.rows = append(f.rows, row)
	for l := range f.listeners {
		l.nudge()
	}
}

// Rows returns the ticks held, oldest first. They are not to be changed.
func (f *Feed) Rows() []*Row {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.rows)
}

// after is where the ticks later than a time begin.
func (f *Feed) after(at int64) int {
	i, _ := slices.BinarySearchFunc(f.rows, at+1, func(r *Row, at int64) int { return cmp.Compare(r.At, at) })
	return i
}

// held is the value as it is kept and sent: as fine as its metric is remembered.
func held(r metric.Reading) float32 {
	v := r.Value
	if scale := r.Metric.Scale; scale > 0 {
		v = math.Round(v*scale) / scale
	}
	if small := float32(v); !math.IsInf(float64(small), 0) {
		return small
	}
	return float32(math.NaN())
}

// fit makes the schema one that has all the readings, and none that vanished.
func (f *Feed) fit(readings []metric.Reading) {
	changed := false
	for _, r := range readings {
		i, known := f.schema.index[idOf(r.Series)]
		if !known || f.schema.series[i].Title != r.Title {
			changed = true
			continue
		}
		f.seen[i] = f.number
	}
	kept := func(i int) bool { return f.number-f.seen[i] <= vanishedAfter }
	for i := range f.seen {
		changed = changed || !kept(i)
	}
	if !changed {
		return
	}
	series, seen, have := make([]metric.Series, 0, len(readings)), make([]int64, 0, len(readings)), map[id]bool{}
	add := func(s metric.Series, number int64) {
		if !have[idOf(s)] {
			have[idOf(s)] = true
			series, seen = append(series, s), append(seen, number)
		}
	}
	for _, r := range readings {
		add(r.Series, f.number)
	}
	for i, s := range f.schema.series {
		if kept(i) {
			add(s, f.seen[i])
		}
	}
	f.schema, f.seen = newSchema(f.number, series), seen
}
