package alerts

import (
	"math"
	"slices"
	"time"
)

const (
	// trendPoints is how many points of the window a trend is worked out from: of a day every
	// ten minutes. All pairs of them are looked at.
	trendPoints = 144
	// leastKnown is the part of the window that must be known: a machine that is new has to be
	// watched for a while before anything is foretold.
	leastKnown = 1.0 / 8
	// recentPart is the part of the window, at its end, in which it must still go on.
	recentPart = 1.0 / 4
	// never is what a forecast says of what is not going to happen: ten years.
	never = 10 * 365 * 24 * time.Hour
	// mostMarks bounds what an increase remembers; what comes closer together is one mark.
	mostMarks = 256
)

// growth follows a counter: by how much it grew within a window.
type growth struct {
	known bool
	last  float64
	marks []mark
}

// mark is a step up.
type mark struct {
	at time.Duration
	by float64
}

// take notes the counter at now and says by how much it grew within the window. A counter that
// falls was reset: that is no growth. Of a state the window counts for nothing: it became so, and
// is so until it is no longer.
func (g *growth) take(now time.Duration, v float64, window time.Duration, state bool) float64 {
	if g.known && v > g.last {
		g.add(now, v-g.last, window)
	}
	g.known, g.last = true, v
	if state {
		window = never
		if v == 0 {
			g.marks = nil
		}
	}
	sum := 0.0
	kept := g.marks[:0]
	for _, m := range g.marks {
		if now-m.at < window {
			kept = append(kept, m)
			sum += m.by
		}
	}
	g.marks = kept
	return sum
}

func (g *growth) add(now time.Duration, by float64, window time.Duration) {
	if n := len(g.marks); n > 0 && now-g.marks[n-1].at < window/mostMarks {
		g.marks[n-1].by += by
		return
	}
	g.marks = append(g.marks, mark{now, by})
}

// before tells what the counter stood at before the server started, so that what happened while
// it was stopped is not overlooked.
func (g *growth) before(now time.Duration, first, old float64) {
	if first > old {
		g.marks = append([]mark{{now, first - old}}, g.marks...)
	}
}

// forecast says how long it takes until values, one every step and NaN where there is none,
// reach limit if they go on as they did. Where there is too little to tell from nothing is foretold.
//
// The slope is the median of those of all pairs of points (Theil and Sen): a burst, or a clean-up
// in the middle, does not lead it astray. What no longer goes on at the end of the window is not
// foretold.
func forecast(values []float64, step time.Duration, limit float64) time.Duration {
	last := len(values) - 1
	for last >= 0 && math.IsNaN(values[last]) {
		last--
	}
	first := slices.IndexFunc(values, func(v float64) bool { return !math.IsNaN(v) })
	if last < 0 || float64(last-first) < leastKnown*float64(len(values)) {
		return never
	}
	left := limit - values[last]
	if left == 0 {
		return 0
	}
	recent := max(0, last-int(recentPart*float64(len(values))))
	for _, part := range [][]float64{values[recent : last+1], values} {
		if reach(left, medianSlope(part), step) == never {
			return never
		}
	}
	return reach(left, medianSlope(values), step)
}

// reach is how long left takes at slope, which is by step.
func reach(left, slope float64, step time.Duration) time.Duration {
	steps := left / slope
	if math.IsNaN(steps) || steps <= 0 || steps > float64(never/step) {
		return never
	}
	return time.Duration(steps * float64(step))
}

// medianSlope is the median of the slopes between all pairs of points.
func medianSlope(values []float64) float64 {
	slopes := make([]float64, 0, len(values)*len(values)/2)
	for i, a := range values {
		for j := i + 1; j < len(values); j++ {
			if b := values[j]; !math.IsNaN(a) && !math.IsNaN(b) {
				slopes = append(slopes, (b-a)/float64(j-i))
			}
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	slices.Sort(slopes)
	return (slopes[(len(slopes)-1)/2] + slopes[len(slopes)/2]) / 2
}
