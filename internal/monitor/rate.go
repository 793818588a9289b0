package monitor

import (
	"math"
	"time"
)

// counters are the cumulative byte counts of one device: a disk's read and written, a network
// interface's received and sent.
type counters struct {
	name    string
	in, out uint64
}

// rate turns cumulative counts into bytes per second between two readings.
type rate struct {
	at   time.Time
	last []counters
}

// update remembers now and returns the rates since the update before, summed over devices.
// A device that is new counts from its next reading on, one that has gone no longer counts.
// A count that went backwards (a driver reset, the same name plugged in again) makes the sum
// unknown once: a gap instead of a spike. NaN means not known.
func (r *rate) update(at time.Time, now []counters) (in, out float64) {
	seconds := at.Sub(r.at).Seconds()
	before := r.last
	known := before != nil && len(now) > 0 && seconds > 0
	var sumIn, sumOut uint64
	for _, c := range now {
		old, ok := find(before, c.name)
		if !ok {
			continue
		}
		if c.in < old.in || c.out < old.out {
			known = false
			continue
		}
		sumIn += c.in - old.in
		sumOut += c.out - old.out
	}
	r.at = at
	r.last = append(r.last[:0], now...)
	if r.last == nil {
		r.last = []counters{}
	}
	if !known {
		return math.NaN(), math.NaN()
	}
	return float64(sumIn) / seconds, float64(sumOut) / seconds
}

// find looks a device up; there are a handful, in mostly the same order.
func find(list []counters, name string) (counters, bool) {
	for _, c := range list {
		if c.name == name {
			return c, true
		}
	}
	return counters{}, false
}

// busyPercent is the share of processor time between two readings that was not idle. NaN when
// nothing has passed or a count went backwards.
func busyPercent(before, now cpuTimes) float64 {
	busy := now.Busy - before.Busy
	idle := max(now.Idle-before.Idle, 0) // the kernel's iowait may shrink by a tick
	if busy < 0 || busy+idle <= 0 {
		return math.NaN()
	}
	return busy / (busy + idle) * 100
}
