package history

import (
	"context"
	"fmt"
	"math"
	"time"
)

const (
	// maxPoints is how many points of a series one question may ask for: more than a screen has
	// columns.
	maxPoints = 4000
	// fewestPoints keeps a chart from being one dot.
	fewestPoints = 2
)

// Range is a question.
type Range struct {
	From, To time.Time
	Points   int // how many a chart has room for
}

// Answer is what is known of some series in a span of time.
type Answer struct {
	From   time.Time     // start of the first point
	Step   time.Duration // between two points
	Tier   string        // what they were worked out from: 2s, 1m or 1h
	Series []Points
}

// Points are a series' figures. NaN is a gap; a point with a mean has a minimum and a maximum
// that contain every sample of its time.
type Points struct {
	Key            string
	Mean, Min, Max []float64
	Count          []int64
}

// Query answers for the series called keys; what nobody ever measured is all gaps. The error
// says what is wrong with the question.
func (h *History) Query(ctx context.Context, r Range, keys ...string) (Answer, error) {
	if !r.To.After(r.From) {
		return Answer{}, fmt.Errorf("the span must end after it begins")
	}
	r.Points = min(max(r.Points, fewestPoints), maxPoints)
	t := tierFor(r, time.Now())
	step := t.step() * time.Duration(max(1, ceilDiv(int64(r.To.Sub(r.From)), int64(r.Points)*int64(t.step()))))
	first := floorDiv(r.From.UnixMilli(), step.Milliseconds())
	n := int(ceilDiv(r.To.UnixMilli(), step.Milliseconds()) - first)
	a := Answer{From: time.UnixMilli(first * step.Milliseconds()).UTC(), Step: step, Tier: t.String()}
	for _, key := range keys {
		p, err := h.points(ctx, t, key, first, n, int64(step/t.step()))
		if err != nil {
			return Answer{}, h.config.broken(err)
		}
		a.Series = append(a.Series, p)
	}
	return a, nil
}

// tierFor picks the coarsest tier that fills the points, or a coarser one where that no longer
// reaches back far enough.
func tierFor(r Range, now time.Time) tier {
	span := r.To.Sub(r.From)
	best := samples
	for t := hours; t > samples; t-- {
		if int64(span/t.step()) >= int64(r.Points) {
			best = t
			break
		}
	}
	for best < hours && now.Sub(r.From) > best.keep() {
		best++
	}
	return best
}

func ceilDiv(a, b int64) int64 { return -floorDiv(-a, b) }

// points works n points out, each of so many slots, from the point numbered first on.
func (h *History) points(ctx context.Context, t tier, key string, first int64, n int, slots int64) (Points, error) {
	p := Points{Key: key, Mean: nans(n), Min: nans(n), Max: nans(n), Count: make([]int64, n)}
	h.mu.Lock()
	i, known := h.byKey[key]
	var s series
	if known {
		s = h.series[i]
		known = !s.forgotten
	}
	open := h.openPage(t, i, known)
	h.mu.Unlock()
	if !known {
		return p, nil
	}
	sums := make([]summary, n)
	from, to := first*slots, (first+int64(n))*slots
	for number := floorDiv(from, t.slots()); number*t.slots() < to; number++ {
		page, err := h.readPage(ctx, h.db, t, s.id, number)
		if err != nil {
			return p, err
		}
		open.over(page, number*t.slots())
		start := number * t.slots()
		for slot := max(from, start); slot < min(to, start+t.slots()); slot++ {
			sums[(slot-from)/slots].addSlot(page, int(slot-start))
		}
	}
	for i := range sums {
		if sum := &sums[i]; sum.count > 0 {
			p.Mean[i], p.Min[i], p.Max[i], p.Count[i] = float64(sum.sum)/float64(sum.count)/s.scale, s.float(sum.min), s.float(sum.max), sum.count
		}
	}
	return p, nil
}

// overlay is the open hour in the slots of a tier.
type overlay struct {
	from int64
	page [][]int64
}

// openPage works out what the open hour says of a series. The caller holds mu.
func (h *History) openPage(t tier, i int, known bool) overlay {
	column := h.open[i]
	if !known || column == nil {
		return overlay{}
	}
	page := [][]int64{append([]int64(nil), column...)}
	switch t {
	case samples:
		return overlay{h.hour * samplesPerHour, page}
	case minutes:
		return overlay{h.hour * minutesPerHour, rollUp(page, int(samplesPerMinute))}
	}
	return overlay{h.hour, rollUp(rollUp(page, int(samplesPerMinute)), minutesPerHour)}
}

// over lays the open hour over a page that begins at start.
func (o overlay) over(page [][]int64, start int64) {
	if o.page == nil {
		return
	}
	for c := range page {
		for i, v := range o.page[c] {
			if at := o.from + int64(i) - start; at >= 0 && at < int64(len(page[c])) {
				page[c][at] = v
			}
		}
	}
}

func nans(n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = math.NaN()
	}
	return list
}
