package history

// odds is how likely a one is, by what was seen so far.
type odds struct {
	one  uint16 // of 65,536
	seen uint16 // how often, up to steadiest
}

const (
	// steadiest is when odds stop becoming steadier: what a machine does changes.
	steadiest = 250
	// surest keeps every event possible.
	surest = 1<<16 - 1<<5
)

// even is the odds before anything was seen.
var even = odds{one: 1 << 15}

// learning is how far a further event moves odds that have seen so many, of 65,536.
var learning = func() (rates [steadiest + 1]int32) {
	for i := range rates {
		rates[i] = 1 << 17 / int32(2*i+3)
	}
	return rates
}()

// learn takes an event into account.
func (o *odds) learn(one bool) {
	p := int64(o.one)
	if one {
		p += (1<<16 - p) * int64(learning[o.seen]) >> 16
	} else {
		p -= p * int64(learning[o.seen]) >> 16
	}
	o.one = uint16(min(max(p, 1<<16-surest), surest))
	if o.seen < steadiest {
		o.seen++
	}
}

// narrowest is how narrow the coder's interval becomes; below it a byte is shifted out or in.
const narrowest = 1 << 24

// coder is an adaptive binary range coder: that of LZMA (G. N. N. Martin, "Range encoding", 1979; Igor Pavlov,
// LZMA specification, "Range Decoder") with odds of 16 bits that learn fast at first, because a page is
// short. What was expected costs a fraction of a bit.
//
// It works in both directions, so that what describes a page is written once: it hands in what it
// knows, which is disregarded when reading, and goes on with what it gets.
type coder struct {
	reading bool
	width   uint32 // of the interval

	in []byte // still to be read; what is missing is zeros
	at uint32 // where the bytes read lie in the interval

	out  []byte
	low  uint64 // the interval's beginning, of 33 bits: the highest is a carry
	last byte   // not written yet, as a carry may still reach it
	full int    // bytes of 0xFF after it, likewise
	any  bool   // there is a last
}

// encodeTo is a coder that appends to out.
func encodeTo(out []byte) *coder { return &coder{width: 1<<32 - 1, out: out} }

// decodeFrom is a coder that reads what another wrote.
func decodeFrom(in []byte) *coder {
	c := &coder{reading: true, width: 1<<32 - 1, in: in}
	for range 4 {
		c.shiftIn()
	}
	return c
}

// bit tells a bit of which so much is known, or reads one. Of noise, nil, nothing can be known.
func (c *coder) bit(o *odds, one bool) bool {
	part := c.width >> 1
	if o != nil {
		part = uint32(uint64(c.width) * uint64(o.one) >> 16)
	}
	if c.reading {
		one = c.at < part
	}
	switch {
	case one:
		c.width = part
	case c.reading:
		c.at -= part
		c.width -= part
	default:
		c.low += uint64(part)
		c.width -= part
	}
	if o != nil {
		o.learn(one)
	}
	for c.width < narrowest {
		c.width <<= 8
		if c.reading {
			c.shiftIn()
		} else {
			c.shiftOut()
		}
	}
	return one
}

func (c *coder) shiftIn() {
	c.at <<= 8
	if len(c.in) > 0 {
		c.at |= uint32(c.in[0])
		c.in = c.in[1:]
	}
}

func (c *coder) shiftOut() {
	if c.low>>24 == 0xFF {
		c.full++
	} else {
		carry := byte(c.low >> 32)
		if c.any {
			c.out = append(c.out, c.last+carry)
		}
		for ; c.full > 0; c.full-- {
			c.out = append(c.out, 0xFF+carry)
		}
		c.last, c.any = byte(c.low>>24), true
	}
	c.low = c.low << 8 & (1<<32 - 1)
}

// end returns what was written, closed by the shortest that lies in the interval.
func (c *coder) end() []byte {
	began := len(c.out)
	for zeros := 32; zeros >= 0; zeros-- {
		if v := (c.low + uint64(c.width) - 1) >> zeros << zeros; v >= c.low {
			c.low = v
			break
		}
	}
	for range 5 {
		c.shiftOut()
	}
	for len(c.out) > began && c.out[len(c.out)-1] == 0 {
		c.out = c.out[:len(c.out)-1]
	}
	return c.out
}
