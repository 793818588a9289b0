package history

import (
	"math"
	"math/bits"
)

// follower foretells a column by what it was. It counts in parts of a unit, so that the sum of an hour's
// samples, of which it follows the mean, comes out to the unit.
type follower struct {
	how          byte // an index of followers
	any          bool
	here, before int64 // in parts
}

// followers are the ways to follow: towards each value by all of the distance, a half, a quarter, a sixteenth (what
// jumps is followed closely, and the middle of noise slowly); along the line through the last two; and not at all,
// as what is idle but for bursts would cost its bursts twice, at their beginning and at their end.
var followers = [...]uint{0, 1, 2, 4, onALine, notAtAll}

const (
	onALine  = 64
	notAtAll = 65
	// partBits is the logarithm of the parts of a unit: there are more than samples in an hour.
	partBits = 12
)

// foretell is the value that comes next; of a sum, the sum of so many.
func (f *follower) foretell(weight int64) int64 {
	here := f.here
	if followers[f.how] == onALine {
		here += f.here - f.before
	}
	const half = 1 << (partBits - 1)
	return here>>partBits*weight + (here&(1<<partBits-1)*weight+half)>>partBits
}

// follow takes in what came.
func (f *follower) follow(v, weight int64) {
	now := v / weight << partBits
	if rest := v % weight; rest != 0 {
		now += (rest<<(partBits+1)/weight + 1) >> 1
	}
	switch how := followers[f.how]; {
	case how == notAtAll:
	case !f.any:
		f.any, f.here, f.before = true, now, now
	case how == onALine:
		f.before, f.here = f.here, now
	default:
		f.here += (now - f.here) >> how
	}
}

// enough is how many slots tell how a page is best told.
const enough = 512

// choose finds how the sheet is told in the fewest bits, by its latest values.
func (s *sheet) choose() {
	to := len(s.columns[0])
	for to > 0 && s.columns[0][to-1] == gap {
		to--
	}
	latest := sheet{unit: s.unit}
	for _, column := range s.columns {
		latest.columns = append(latest.columns, column[max(0, to-enough):to])
	}
	least := math.Inf(1)
	for l, parts := range layouts {
		if len(parts) != len(s.columns) {
			continue
		}
		var all float64
		var follow [columns]byte
		for _, part := range parts {
			best := math.Inf(1)
			for f := range followers {
				if n := latest.cost(part, byte(f)); n < best {
					best, follow[part.column] = n, byte(f)
				}
			}
			all += best
		}
		if all < least {
			least, s.layout, s.follow = all, byte(l), follow
		}
	}
}

// cost is about how many bits a column takes: what its numbers' lengths tell, and the bits below the
// highest, and the sign.
func (s *sheet) cost(p part, follow byte) (all float64) {
	var lengths [mostBits + 1]int
	n := 0
	s.walk(p, follow, func(i int, foretold int64) int64 {
		v := s.value(p.column, i)
		lengths[bits.Len64(magnitude(v-foretold))]++
		n++
		return v
	})
	for length, times := range lengths {
		if times > 0 {
			all += float64(times) * (math.Log2(float64(n)/float64(times)) + float64(length))
		}
	}
	return all
}
