package alerts

import (
	"math"
	"time"

	"homeserver/internal/monitor/metric"
)

const (
	// mostStep is how much time one tick may be: what a machine slept, or the server was held up,
	// is no time in which anything was seen to be wrong.
	mostStep = 30 * time.Second
	// unseen is how long a series without data and without an alert is remembered.
	unseen = 24 * time.Hour
	// goneAfter is how long one with an open alert is waited for: a drive that was unplugged for
	// good keeps no alert open for ever.
	goneAfter = 7 * 24 * time.Hour
	// forecastAge is how old a forecast may be: when the history cannot be asked any more, it is
	// no data.
	forecastAge = 4 * trendEvery
	// mostWatches bounds what series that come and go may add up to.
	mostWatches = 20_000
)

// watchKey names a watch. The metric is the rule's.
type watchKey struct {
	rule, instance string
}

// watch is one series under one rule.
type watch struct {
	rule            *Rule
	metric          *metric.Metric
	instance, title string
	machine         machine
	seen            uint64        // the number of the tick it was in last
	value           float64       // what was measured last; NaN is a gap
	figure          float64       // what was compared last
	grown           growth        // Increase
	first           float64       // Increase: the first value of this life of the server
	seeded          bool          // Increase: what was before is known
	ahead           time.Duration // Trend: the last forecast; negative is none
	aheadAt         time.Duration // and when it was made
	alert           *Entry        // the open alert
}

func (w *watch) key() string { return metric.Key(w.metric.Name, w.instance) }

// engine evaluates all rules at every tick. Its caller holds a lock.
type engine struct {
	metrics  *metric.Registry
	rules    []*Rule
	byMetric map[string][]*Rule
	limits   map[string]map[string]float64 // of metrics that others are compared against, by instance
	watches  map[watchKey]*watch
	began    time.Duration // of the tick before, by the caller's clock
	now      time.Duration // the engine's own clock
	ticks    uint64
	last     []metric.Reading // of the last tick
}

// happening is what a tick brought about.
type happening struct {
	watch *watch
	event event
}

func newEngine(metrics *metric.Registry) *engine {
	return &engine{metrics: metrics, watches: map[watchKey]*watch{}}
}

// use makes rules the ones that count, and returns the watches that ended with theirs.
func (e *engine) use(rules []*Rule) (ended []*watch) {
	e.rules, e.byMetric, e.limits = rules, map[string][]*Rule{}, map[string]map[string]float64{}
	byID := map[string]*Rule{}
	for _, r := range rules {
		if !r.Enabled || e.metrics.Find(r.Metric) == nil {
			continue
		}
		byID[r.ID] = r
		e.byMetric[r.Metric] = append(e.byMetric[r.Metric], r)
		if r.Against != "" {
			e.limits[r.Against] = map[string]float64{}
		}
	}
	for key, w := range e.watches {
		r := byID[key.rule]
		if r == nil || r.Metric != w.rule.Metric || r.Condition != w.rule.Condition || r.Against != w.rule.Against || !r.matches(w.instance) {
			delete(e.watches, key)
			ended = append(ended, w)
			continue
		}
		w.rule = r
	}
	return ended
}

// unwatched says why a rule watches something no longer.
func (e *engine) unwatched(ruleID string) (ended string) {
	for _, r := range e.rules {
		switch {
		case r.ID != ruleID:
		case !r.Enabled:
			return endedOff
		default:
			return endedRule
		}
	}
	return endedDeleted
}

// resume takes in an alert that was open when the server stopped. It reports whether there is
// still a rule for it.
func (e *engine) resume(entry *Entry) bool {
	name, instance, err := metric.ParseKey(entry.Series)
	if err != nil {
		return false
	}
	for _, r := range e.byMetric[name] {
		if r.ID == entry.RuleID && r.matches(instance) {
			w := e.watch(r, instance, entry.SeriesTitle)
			w.machine = resumed(e.now, entry.NoFigure, entry.Flapping)
			w.value, w.figure, w.alert = math.NaN(), entry.Last, entry
			if r.Condition == Increase && !entry.NoFigure && entry.Last > 0 {
				// What the alert is about lies before the first value that is seen now.
				w.grown.marks = []mark{{e.now, entry.Last}}
			}
			return true
		}
	}
	return false
}

// watch makes a watch.
func (e *engine) watch(r *Rule, instance, title string) *watch {
	w := &watch{rule: r, metric: e.metrics.Find(r.Metric), instance: instance, title: title, machine: newMachine(e.now), ahead: -1}
	e.watches[watchKey{r.ID, instance}] = w
	return w
}

// step evaluates a tick that came at the moment at of a clock that only runs forward.
func (e *engine) step(t metric.Tick, at time.Duration) (list []happening) {
	if e.ticks > 0 {
		e.now += min(max(at-e.began, 0), mostStep)
	}
	e.began, e.last = at, t.Readings
	e.ticks++
	for _, r := range t.Readings {
		if byInstance := e.limits[r.Metric.Name]; byInstance != nil {
			byInstance[r.Instance] = r.Value
		}
	}
	for i := range t.Readings {
		reading := &t.Readings[i]
		for _, rule := range e.byMetric[reading.Metric.Name] {
			list = e.see(list, rule, reading)
		}
	}
	for key, w := range e.watches {
		if w.seen != e.ticks {
			list = e.miss(list, key, w)
		}
	}
	for _, byInstance := range e.limits {
		clear(byInstance)
	}
	return list
}

// see evaluates a rule for a reading.
func (e *engine) see(list []happening, rule *Rule, r *metric.Reading) []happening {
	w := e.watches[watchKey{rule.ID, r.Instance}]
	if w == nil {
		if !rule.matches(r.Instance) || math.IsNaN(r.Value) || len(e.watches) >= mostWatches {
			return list
		}
		w = e.watch(rule, r.Instance, r.Title)
	}
	if !w.grown.known && !math.IsNaN(r.Value) {
		w.first = r.Value
	}
	w.seen, w.value = e.ticks, r.Value
	if r.Title != "" {
		w.title = r.Title
	}
	v := e.figureOf(w, r)
	if !math.IsNaN(v) {
		w.figure = v
	}
	if what := w.machine.step(rule, e.now, v); what != nothing {
		return append(list, happening{w, what})
	}
	return list
}

// figureOf is what is compared with the thresholds; NaN when it cannot be told.
func (e *engine) figureOf(w *watch, r *metric.Reading) float64 {
	v, rule := r.Value, w.rule
	if math.IsNaN(v) {
		return v
	}
	switch {
	case rule.Condition == Increase:
		return w.grown.take(e.now, v, rule.Window, w.metric.Unit == metric.State)
	case rule.Condition == Trend && v < rule.AtLeast:
		return never.Seconds()
	case rule.Condition == Trend && (w.ahead < 0 || e.now-w.aheadAt > forecastAge):
		return math.NaN()
	case rule.Condition == Trend:
		return w.ahead.Seconds()
	case rule.Against != "":
		limit, known := e.limits[rule.Against][r.Instance]
		if !known {
			return math.NaN()
		}
		return limit - v
	}
	return v
}

// miss is a tick in which a series was not.
func (e *engine) miss(list []happening, key watchKey, w *watch) []happening {
	w.value = math.NaN()
	what := w.machine.step(w.rule, e.now, math.NaN())
	if what != nothing {
		list = append(list, happening{w, what})
	}
	if w.machine.phase == Unknown && w.alert == nil && what == nothing && e.now-w.machine.since > unseen {
		delete(e.watches, key)
	}
	return list
}

// gone takes out the watches whose open alert is about what has not been measured for days.
func (e *engine) gone() (list []*watch) {
	for key, w := range e.watches {
		if w.machine.phase == Unknown && e.now-w.machine.since > goneAfter {
			delete(e.watches, key)
			list = append(list, w)
		}
	}
	return list
}

// presently is what the series that a rule is for measured at the last tick.
func (e *engine) presently(r *Rule) (list []metric.Reading) {
	for _, reading := range e.last {
		if reading.Metric.Name == r.Metric && r.matches(reading.Instance) && !math.IsNaN(reading.Value) {
			list = append(list, reading)
		}
	}
	return list
}
