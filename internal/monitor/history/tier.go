package history

import "time"

// tier is how finely figures are kept, and how long.
type tier int

const (
	samples tier = iota // every 2 s
	minutes
	hours
	tiers
)

const (
	// sampleStep is the time between two samples: that of the sampler's ticks.
	sampleStep = 2 * time.Second
	// samplesPerHour is the length of a page of samples.
	samplesPerHour = int64(time.Hour / sampleStep)
	// samplesPerMinute are rolled up into one minute.
	samplesPerMinute = int64(time.Minute / sampleStep)
	minutesPerHour   = 60
	hoursPerMonth    = 30 * 24
	day              = 24 * time.Hour
)

// step is the time between two slots.
func (t tier) step() time.Duration {
	return [tiers]time.Duration{sampleStep, time.Minute, time.Hour}[t]
}

// String is the tier as people ask for it: by its step.
func (t tier) String() string { return [tiers]string{"2s", "1m", "1h"}[t] }

// slots is how many slots a page holds: an hour of samples, a day of minutes, thirty days of
// hours. A page is small enough to be merged in a moment, and large enough to pack well.
func (t tier) slots() int64 {
	return [tiers]int64{samplesPerHour, 24 * minutesPerHour, hoursPerMonth}[t]
}

// keep is how long a tier is remembered.
func (t tier) keep() time.Duration {
	return [tiers]time.Duration{7 * day, 90 * day, 5 * 365 * day}[t]
}

// The columns of a page. Samples have the first only.
const (
	columnSum = iota // of the samples, so that hours made of minutes are exact; or the sample itself
	columnMin
	columnMax
	columnCount
	columns
)

func (t tier) columns() int {
	if t == samples {
		return 1
	}
	return columns
}

// summary is what is known of a stretch of time, in stored units.
type summary struct {
	sum, min, max, count int64
}

func (s *summary) add(sum, lowest, highest, count int64) {
	if s.count == 0 || lowest < s.min {
		s.min = lowest
	}
	if s.count == 0 || highest > s.max {
		s.max = highest
	}
	s.sum += sum
	s.count += count
}

// rollUp works out the summaries of every n slots of a page.
func rollUp(page [][]int64, n int) [][]int64 {
	slots := len(page[0]) / n
	out := make([][]int64, columns)
	for i := range out {
		out[i] = gaps(slots)
	}
	for i := range slots {
		var s summary
		for j := i * n; j < (i+1)*n; j++ {
			s.addSlot(page, j)
		}
		if s.count > 0 {
			out[columnSum][i], out[columnMin][i], out[columnMax][i], out[columnCount][i] = s.sum, s.min, s.max, s.count
		}
	}
	return out
}

// addSlot adds a slot of a page, of samples or of summaries.
func (s *summary) addSlot(page [][]int64, at int) {
	sum := page[columnSum][at]
	switch {
	case sum == gap:
	case len(page) == 1:
		s.add(sum, sum, sum, 1)
	default:
		s.add(sum, page[columnMin][at], page[columnMax][at], page[columnCount][at])
	}
}
