package history

import "math/bits"

const (
	// mostBits is the length of the longest number.
	mostBits = 64
	// tellingBits is how many bits after the highest are worth learning; the others are noise.
	tellingBits = 3
)

// numbers codes the numbers of a column, which are small where the column is foretold well: the length in
// bits in unary, knowing whether the number before was zero, as what is still tends to stay so; the sign;
// and the bits below the highest, from the highest down.
type numbers struct {
	length  [2][mostBits]odds
	sign    [mostBits + 1]odds
	telling [mostBits + 1][1 << tellingBits]odds // by the length and the bits above
	moving  int                                  // 1 when the number before was not zero
}

func newNumbers() *numbers {
	n := &numbers{}
	for i := range n.length {
		evenOut(n.length[i][:])
	}
	evenOut(n.sign[:])
	for i := range n.telling {
		evenOut(n.telling[i][:])
	}
	return n
}

func evenOut(all []odds) {
	for i := range all {
		all[i] = even
	}
}

// code tells a number, or takes one in and returns it.
func (n *numbers) code(c *coder, v int64) int64 {
	size := magnitude(v)
	length, known := bits.Len64(size), 0
	for known < mostBits && c.bit(&n.length[n.moving][known], known < length) {
		known++
	}
	n.moving = min(known, 1)
	if known == 0 {
		return 0
	}
	negative := c.bit(&n.sign[known], v < 0)
	got := uint64(1)
	for i := known - 2; i >= 0; i-- {
		var o *odds
		if got < 1<<tellingBits {
			o = &n.telling[known][got]
		}
		got <<= 1
		if c.bit(o, size>>i&1 == 1) {
			got |= 1
		}
	}
	if negative {
		return -int64(got)
	}
	return int64(got)
}

// magnitude is a number without its sign; it holds that of the lowest int64, too.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}
