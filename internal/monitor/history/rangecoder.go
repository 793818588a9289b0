package history

// An adaptive binary range coder: the one of LZMA (G. N. N. Martin, "Range encoding", 1979; Igor Pavlov's
// LZMA specification, "Range Decoder"), with odds of 16 bits that learn fast at first, because a page is
// short. An event that was expected costs a fraction of a bit.

// odds is how likely a one is, by what was seen so far.
type odds struct {
	one  uint16 // of 65,536
	seen uint8  // how often, up to steadiest
}

const (
	// steadiest is when odds stop becoming steadier: what a machine does changes.
	steadiest = 250
	// surest keeps every event possible.
	surest = 1<<16 - 1<<5
)

// even is the odds before anything was seen.
var even = odds{one: 1 << 15}

// learning is how far a further event moves odds that have seen so many.
var learning = func() (rates [steadiest + 1]int64) {
	for i := range rates {
		rates[i] = 1 << 17 / int64(2*i+3)
	}
	return rates
}()

// learn takes an event into account.
func (o *odds) learn(one bool) {
	towards := int64(0)
	if one {
		towards = 1 << 16
	}
	p := int64(o.one)
	p += (towards - p) * learning[o.seen] >> 16
	o.one = uint16(min(max(p, 1<<16-surest), surest))
	if o.seen < steadiest {
		o.seen++
	}
}

// coder is one of the two directions. What describes a page is written once, for both: it hands in
// what is known, which a decoder disregards, and goes on with what it gets.
type coder interface {
	bit(o *odds, one bool) bool
}

// The interval is kept at 24 bits and more; what falls below is shifted by a byte.
const (
	narrowest = 1 << 24
	byteShift = 8
)

// encoder writes what it is told. The interval is [low, low+width).
type encoder struct {
	out   []byte
	low   uint64 // of 33 bits: the highest is a carry
	width uint32
	last  byte // not written yet, as a carry may still reach it
	full  int  // bytes of 0xFF after it, likewise
	any   bool // last is of the stream
}

func newEncoder(out []byte) *encoder { return &encoder{out: out, width: 1<<32 - 1} }

func (e *encoder) bit(o *odds, one bool) bool {
	part := uint32(uint64(e.width) * uint64(o.one) >> 16)
	if one {
		e.width = part
	} else {
		e.low += uint64(part)
		e.width -= part
	}
	o.learn(one)
	for e.width < narrowest {
		e.width <<= byteShift
		e.shift()
	}
	return one
}

// shift moves the highest byte of low out.
func (e *encoder) shift() {
	if e.low>>24 == 0xFF {
		e.full++
	} else {
		carry := byte(e.low >> 32)
		if e.any {
			e.out = append(e.out, e.last+carry)
		}
		for ; e.full > 0; e.full-- {
			e.out = append(e.out, 0xFF+carry)
		}
		e.last, e.any = byte(e.low>>24), true
	}
	e.low = e.low << byteShift & (1<<32 - 1)
}

// end writes the shortest that lies in the interval; a decoder takes what is missing for zeros.
func (e *encoder) end() []byte {
	began := len(e.out)
	for bits := 32; bits >= 0; bits-- {
		if v := (e.low + uint64(e.width) - 1) >> bits << bits; v >= e.low {
			e.low = v
			break
		}
	}
	for range 5 {
		e.shift()
	}
	for len(e.out) > began && e.out[len(e.out)-1] == 0 {
		e.out = e.out[:len(e.out)-1]
	}
	return e.out
}

// decoder reads what an encoder wrote.
type decoder struct {
	in    []byte
	at    uint32 // within the interval
	width uint32
}

func newDecoder(in []byte) *decoder {
	d := &decoder{in: in, width: 1<<32 - 1}
	for range 4 {
		d.shift()
	}
	return d
}

func (d *decoder) shift() {
	d.at <<= byteShift
	if len(d.in) > 0 {
		d.at |= uint32(d.in[0])
		d.in = d.in[1:]
	}
}

func (d *decoder) bit(o *odds, _ bool) bool {
	part := uint32(uint64(d.width) * uint64(o.one) >> 16)
	one := d.at < part
	if one {
		d.width = part
	} else {
		d.at -= part
		d.width -= part
	}
	o.learn(one)
	for d.width < narrowest {
		d.width <<= byteShift
		d.shift()
	}
	return one
}
