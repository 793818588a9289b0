package monitor

import (
	"context"
	"log/slog"
	"time"

	"homeserver/internal/monitor/machine"
)

// Measured is what one question has to say at a tick.
type Measured struct {
	Name   string
	Class  machine.Class
	Batch  *machine.Batch     // nil through a gap
	Before *machine.Batch     // what it said the time before; nil after the first
	Err    error              // why it says nothing
	Failed []machine.RawValue // what is to be told of that
	Took   time.Duration      // how long it took to answer or to fail; 0 while it has done neither
}

// coreReaders are those by which the promised figures are read, too; nil where the platform has
// none. They are read by the promised figures' collectors.
type coreReaders struct {
	cpu, memory, load, diskIO, network machine.Reader
}

// details are all questions beside the promised figures, and what they said last. It belongs to
// the sampler's goroutine.
type details struct {
	log       *slog.Logger
	questions func() []machine.Question
	known     map[machine.Reader]*detail
	order     []*detail
	stopping  func() // ends what the readers started, such as tools
}

// detail is one question.
type detail struct {
	question machine.Question
	asking   *collector[struct{}] // nil for those that a promised figure's collector reads
	next     int                  // tick at which it is asked again
	began    time.Time            // when it was asked
	waiting  bool                 // the answer has neither come nor is it late
	seen     bool                 // it was there at this tick
	now      Measured
}

func newDetails(log *slog.Logger, questions func() []machine.Question, stop func()) *details {
	return &details{log: log, questions: questions, stopping: stop, known: map[machine.Reader]*detail{}}
}

// start asks what is due at this tick.
func (d *details) start(tick int) {
	for _, one := range d.order {
		one.seen = one.asking == nil
	}
	for _, q := range d.questions() {
		one := d.get(q)
		one.seen = true
		if one.asking == nil {
			one.asking = newCollector(q.Name, d.log, func() (struct{}, error) { return struct{}{}, q.Read() })
			if q.Class == machine.EveryHour {
				one.next = tick + every(machine.EveryMinute) // not while the house is starting
			}
		}
		if tick < one.next {
			continue
		}
		one.next = tick + every(q.Class)
		one.began, one.waiting = time.Now(), true
		one.asking.start()
	}
	d.forget()
}

// every is how many ticks pass between two times that a class is asked.
func every(c machine.Class) int { return int(time.Duration(c) / tickInterval) }

func (d *details) get(q machine.Question) *detail {
	one, ok := d.known[q.Reader]
	if !ok {
		one = &detail{question: q, now: Measured{Name: q.Name, Class: q.Class}}
		d.known[q.Reader] = one
		d.order = append(d.order, one)
	}
	return one
}

// forget drops the questions that are no longer there.
func (d *details) forget() {
	kept := d.order[:0]
	for _, one := range d.order {
		if one.seen {
			kept = append(kept, one)
			continue
		}
		delete(d.known, one.question.Reader)
		one.close()
	}
	clear(d.order[len(kept):])
	d.order = kept
}

// core takes what a promised figure's collector has just read.
func (d *details) core(name string, r machine.Reader, at time.Time, err error) {
	if r == nil {
		return
	}
	d.get(machine.Question{Name: name, Class: machine.EveryTick, Reader: r}).answer(at, err)
}

// collect waits for the answers of this tick until ctx ends, looks whether slower ones have come,
// and returns what is known.
func (d *details) collect(ctx context.Context) []Measured {
	all := make([]Measured, 0, len(d.order))
	for _, one := range d.order {
		one.collect(ctx)
		all = append(all, one.now)
	}
	return all
}

func (one *detail) collect(ctx context.Context) {
	if one.asking == nil || !one.waiting {
		return
	}
	if one.question.Class == machine.EveryTick {
		one.waiting = false
		r, _ := one.asking.take(ctx)
		one.now.Took = r.took
		one.answer(r.at, r.err)
		return
	}
	r, answered := one.asking.poll()
	if !answered {
		if time.Since(one.began) < one.question.Class.Deadline() {
			return
		}
		r = reading[struct{}]{err: errLate}
		one.asking.report(errLate)
	}
	one.waiting, one.now.Took = false, r.took
	one.answer(r.at, r.err)
}

// answer takes an answer, or notes that there is none.
func (one *detail) answer(at time.Time, err error) {
	last := one.now.Batch
	one.now.Err, one.now.Failed = err, nil
	if err != nil {
		one.now.Batch, one.now.Before = nil, nil
		if f, ok := one.question.Reader.(machine.Failing); ok {
			one.now.Failed = f.Failed()
		}
		return
	}
	next := &machine.Batch{At: at}
	if last != nil {
		next.Reserve(last)
	}
	one.question.Emit(next)
	one.now.Batch, one.now.Before = next, last
}

// close lets go of what the reader keeps open, unless it still hangs on it.
func (one *detail) close() {
	if one.asking != nil && one.asking.busy {
		return
	}
	if c, ok := one.question.Reader.(machine.Closer); ok {
		c.Close()
	}
}

// stop lets go of everything.
func (d *details) stop() {
	d.stopping()
	for _, one := range d.order {
		if one.asking != nil {
			one.close()
		}
	}
}
