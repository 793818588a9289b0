package machine

import (
	"math"
	"slices"
	"strings"
	"time"
)

// milliseconds is the unit of many times that systems tell, per second.
const milliseconds = 1000

// interval is the time between the last two reads of a reader, as it was measured.
type interval struct {
	before, now time.Time
}

// step notes that the system was read at this moment.
func (i *interval) step() { i.before, i.now = i.now, time.Now() }

// known reports whether anything was read.
func (i *interval) known() bool { return !i.now.IsZero() }

// seconds passed between the last two reads; NaN after the first.
func (i *interval) seconds() float64 {
	if i.before.IsZero() || !i.now.After(i.before) {
		return math.NaN()
	}
	return i.now.Sub(i.before).Seconds()
}

// forget makes the next read the first again, after one that failed half way.
func (i *interval) forget() { *i = interval{} }

// meter is a count that only grows, at the last two reads.
type meter struct {
	before, now uint64
	reads       int // 0, 1, or 2 for as many as are needed
}

// set notes a new value.
func (m *meter) set(value uint64) {
	m.before, m.now = m.now, value
	m.reads = min(m.reads+1, 2)
}

// grown is by how much it grew between the last two reads. NaN when it was read once only, or
// went backwards: a driver was reset, or the name came back as another device.
func (m *meter) grown() float64 {
	if m.reads < 2 || m.now < m.before {
		return math.NaN()
	}
	return float64(m.now - m.before)
}

// per is the growth by another one: seconds, operations.
func (m *meter) per(other float64) float64 {
	if other <= 0 {
		return math.NaN()
	}
	return m.grown() / other
}

// restarted begins a device anew when any of its counts went backwards: then none of them can be
// compared, for one that was small may have grown past where it was.
func restarted(meters []meter) {
	for i := range meters {
		if meters[i].reads == 2 && meters[i].now < meters[i].before {
			for j := range meters {
				meters[j].reads = min(meters[j].reads, 1)
			}
			return
		}
	}
}

// present remembers the devices of the last read: new ones are made, those that have gone are
// forgotten, so that one plugged in again under the same name begins anew.
type present[T any] struct {
	known map[string]*here[T]
	order []*here[T] // of the last read
	round int
}

// here is a device that is there.
type here[T any] struct {
	value T
	round int
}

// begin starts a round.
func (p *present[T]) begin() {
	if p.known == nil {
		p.known = map[string]*here[T]{}
	}
	p.round++
	p.order = p.order[:0]
}

// get notes that name is there and makes what is kept of it when it is new.
func (p *present[T]) get(name []byte, create func(name string) T) *T {
	h, ok := p.known[string(name)]
	if !ok {
		text := string(name)
		h = &here[T]{value: create(text)}
		p.known[text] = h
	}
	if h.round != p.round {
		h.round = p.round
		p.order = append(p.order, h)
	}
	return &h.value
}

// end forgets what was not there in this round.
func (p *present[T]) end() {
	if len(p.known) == len(p.order) {
		return
	}
	for name, h := range p.known {
		if h.round != p.round {
			delete(p.known, name)
		}
	}
}

// each calls f for every device of the last round, in the system's order.
func (p *present[T]) each(f func(*T)) {
	for _, h := range p.order {
		f(&h.value)
	}
}

// forget drops all baselines.
func (p *present[T]) forget() { clear(p.known); p.order = p.order[:0] }

// truth is 1 for yes and 0 for no.
func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// raw makes a raw series; labels are pairs of name and value.
func raw(name string, kind RawType, help string, labels ...string) *RawSeries {
	return &RawSeries{Name: name, Type: kind, Help: help, Labels: Labels(labels...)}
}

// Labels writes pairs of name and value as the exposition format wants them, in the order of
// their names as everybody else does.
func Labels(pairs ...string) string {
	sorted := slices.Collect(slices.Chunk(pairs, 2))
	slices.SortStableFunc(sorted, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	pairs = slices.Concat(sorted...)
	var out strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(pairs[i])
		out.WriteString(`="`)
		for _, c := range []byte(strings.ToValidUTF8(pairs[i+1], "\uFFFD")) {
			switch c {
			case '\\', '"':
				out.WriteByte('\\')
				out.WriteByte(c)
			case '\n':
				out.WriteString(`\n`)
			default:
				out.WriteByte(c)
			}
		}
		out.WriteByte('"')
	}
	return out.String()
}
