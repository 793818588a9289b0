package feed

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"homeserver/internal/monitor/metric"
)

const (
	interval = 2 * time.Second
	window   = 15 * time.Minute
)

// start is the time of tick 0.
func start() time.Time { return time.UnixMilli(1_800_000_000_000) }

// house publishes ticks of series by name; NaN is a gap.
type house struct {
	*Feed
	metrics *metric.Registry
}

func newHouse() *house { return &house{New(interval, window), metric.New()} }

// tick publishes the tick of a number, with a value for each "name" or "name{instance}", in order.
func (h *house) tick(n int, values ...any) {
	t := metric.Tick{At: start().Add(time.Duration(n) * interval)}
	for i := 0; i < len(values); i += 2 {
		name, instance, _ := metric.ParseKey(values[i].(string))
		t.Readings = append(t.Readings, h.metrics.Of(name, instance, "", values[i+1].(float64)))
	}
	h.Publish(t)
}

// taken is what a listener was sent, read as a client does.
type taken struct {
	schemas  []Schema
	complete []bool
	ticks    [][]*float64
}

// all takes until there is no more.
func all(t *testing.T, l *Listener) (got taken) {
	t.Helper()
	for more := true; more; {
		b := l.Take()
		if b.Schema != nil {
			var head struct {
				Schema   Schema
				Complete *bool
			}
			if err := json.Unmarshal(b.Schema, &head); err != nil {
				t.Fatalf("%v: %s", err, b.Schema)
			}
			got.schemas = append(got.schemas, head.Schema)
			if head.Complete != nil {
				got.complete = append(got.complete, *head.Complete)
			}
		}
		if frame := b.Frame(); len(b.Ticks) > 1 {
			var several struct{ Ticks [][]*float64 }
			if err := json.Unmarshal(frame, &several); err != nil {
				t.Fatalf("%v: %s", err, frame)
			}
			got.ticks = append(got.ticks, several.Ticks...)
		} else if frame != nil {
			var one []*float64
			if err := json.Unmarshal(frame, &one); err != nil {
				t.Fatalf("%v: %s", err, frame)
			}
			got.ticks = append(got.ticks, one)
		}
		more = b.More
	}
	return got
}

// numbers are the numbers of ticks.
func (got taken) numbers() (list []int) {
	for _, tick := range got.ticks {
		list = append(list, int((int64(*tick[0])-start().UnixMilli())/interval.Milliseconds()))
	}
	return list
}

func at(n int) int64 { return start().UnixMilli() + int64(n)*interval.Milliseconds() }

func span(from, to int) (list []int) {
	for n := from; n <= to; n++ {
		list = append(list, n)
	}
	return list
}

func TestSchemaOnceThenTicks(t *testing.T) {
	h := newHouse()
	l := h.Listen(Newest)
	defer l.Close()
	if got := all(t, l); len(got.schemas) != 0 || len(got.ticks) != 0 {
		t.Errorf("before the first tick: got %+v, want nothing", got)
	}
	h.tick(0, "cpu_percent", 12.34, "memory_used_bytes", 8e9, "disk_read_bytes_per_second{sda}", math.NaN(), "load_1", math.Inf(1))
	b := l.Take()
	want := `{"schema":{"version":1,"interval_ms":2000,"series":[{"key":"cpu_percent","metric":"cpu_percent","instance":"","title":"","unit":"percent","scale":10},` +
		`{"key":"memory_used_bytes","metric":"memory_used_bytes","instance":"","title":"","unit":"bytes","scale":0.000244140625},` +
		`{"key":"disk_read_bytes_per_second{sda}","metric":"disk_read_bytes_per_second","instance":"sda","title":"","unit":"bytes_per_second","scale":1},` +
		`{"key":"load_1","metric":"load_1","instance":"","title":"","unit":"count","scale":100}]},"complete":false}`
	if diff := cmp.Diff(want, string(b.Schema)); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	if got := string(b.Frame()); got != "[1800000000000,12.3,8000000000,null,null]" {
		t.Errorf("got %s", got)
	}
	select {
	case <-l.Wake():
	default:
		t.Error("a tick came and nobody was woken")
	}
	h.tick(1, "cpu_percent", 1.0, "memory_used_bytes", 1.0, "disk_read_bytes_per_second{sda}", 1.0, "load_1", 1.0)
	if got := all(t, l); len(got.schemas) != 0 || len(got.ticks) != 1 {
		t.Errorf("got %d schemas and %d ticks, want 0 and 1", len(got.schemas), len(got.ticks))
	}
}

// TestNothingTwiceNothingLost: whoever comes and goes, is slow and comes back, has seen every tick
// once and in order, as others saw it live.
func TestNothingTwiceNothingLost(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	h := newHouse()
	h.tick(0, "cpu_percent", 0.0)
	steady := h.Listen(Newest)
	defer steady.Close()
	seen := all(t, steady)
	mine := taken{}
	var l *Listener
	for n := 1; n < 3000; n++ {
		h.tick(n, "cpu_percent", float64(n)/10, "load_1", random.Float64())
		more := all(t, steady)
		seen.ticks = append(seen.ticks, more.ticks...)
		switch action := random.IntN(20); {
		case l == nil && action < 3:
			since := at(-1)
			if len(mine.ticks) > 0 {
				since = int64(*mine.ticks[len(mine.ticks)-1][0])
			}
			l = h.Listen(since)
		case l != nil && action == 0:
			l.Close()
			l = nil
		case l != nil && action < 12: // else it is slow
			got := all(t, l)
			mine.ticks = append(mine.ticks, got.ticks...)
			if slices.Contains(got.complete, false) {
				t.Fatalf("tick %d: told that something is missing", n)
			}
		}
	}
	got := mine.numbers()
	if diff := cmp.Diff(span(0, got[len(got)-1]), got); diff != "" || len(got) < 2900 {
		t.Fatalf("want -, got +:\n%s", diff)
	}
	if diff := cmp.Diff(seen.ticks[2:len(mine.ticks)], mine.ticks[2:]); diff != "" { // the second series came with tick 1
		t.Errorf("live -, refilled +:\n%s", diff)
	}
}

func TestRefillIsBoundedAndSaysWhatIsMissing(t *testing.T) {
	h := newHouse()
	const rows = int(window / interval)
	for n := range 2 * rows {
		h.tick(n, "cpu_percent", 1.0)
	}
	last := 2*rows - 1
	for name, test := range map[string]struct {
		since    int64
		first    int
		complete bool
	}{
		"newest":             {Newest, last, true},
		"nothing missed":     {at(last), last + 1, true},
		"two missed":         {at(last - 2), last - 1, true},
		"the whole window":   {at(last - rows), last - rows + 1, true},
		"longer than that":   {at(3), last - rows, false},
		"from the beginning": {0, last - rows, false},
		"a time to come":     {at(last + 50), last - rows, true},
	} {
		l := h.Listen(test.since)
		got := all(t, l)
		if diff := cmp.Diff(span(test.first, last), got.numbers()); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", name, diff)
		}
		if !slices.Equal(got.complete, []bool{test.complete}) {
			t.Errorf("%s: complete: got %v, want %v", name, got.complete, test.complete)
		}
		l.Close()
	}
}

func TestClockSetBack(t *testing.T) {
	h := newHouse()
	for n := range 100 {
		h.tick(n, "cpu_percent", float64(n))
	}
	l := h.Listen(at(97))
	defer l.Close()
	if got := all(t, l).numbers(); !slices.Equal(got, []int{98, 99}) {
		t.Fatalf("got %v", got)
	}
	h.tick(60, "cpu_percent", 600.0)
	h.tick(61, "cpu_percent", 610.0)
	if got := all(t, l).numbers(); !slices.Equal(got, []int{60, 61}) {
		t.Errorf("who was there: got %v, want the ticks of the new time", got)
	}
	away := h.Listen(at(99))
	defer away.Close()
	got := all(t, away)
	if want := append(span(0, 59), 60, 61); !slices.Equal(got.numbers(), want) || *got.ticks[60][1] != 600 {
		t.Errorf("who was away: got %v, want everything up to 61 anew", got.numbers())
	}
}

func TestSchemaFollowsWhatAppearsAndVanishes(t *testing.T) {
	h := newHouse()
	keys := func(s Schema) (list []string) {
		for _, one := range s.Series {
			list = append(list, one.Key)
		}
		return list
	}
	h.tick(0, "cpu_percent", 1.0, "load_1", 2.0)
	everything, cpu := h.Listen(Newest), h.Listen(Newest, "cpu_percent", "cpu_percent")
	defer everything.Close()
	defer cpu.Close()
	all(t, everything)
	if got := all(t, cpu); len(got.schemas) != 1 || !slices.Equal(keys(got.schemas[0]), []string{"cpu_percent"}) || len(got.ticks[0]) != 2 {
		t.Errorf("a selection: got %+v", got)
	}
	h.tick(1, "cpu_percent", 3.0, "disk_read_bytes_per_second{usb}", 4.0, "load_1", 5.0)
	got := all(t, everything)
	if len(got.schemas) != 1 || !slices.Equal(keys(got.schemas[0]), []string{"cpu_percent", "disk_read_bytes_per_second{usb}", "load_1"}) || *got.ticks[0][2] != 4 {
		t.Fatalf("appeared: got %+v", got)
	}
	if got := all(t, cpu); len(got.schemas) != 0 || len(got.ticks) != 1 {
		t.Errorf("a selection that it is not in: got %d schemas, want none", len(got.schemas))
	}
	// What was before is read by today's schema.
	late := h.Listen(0)
	defer late.Close()
	if got := all(t, late); len(got.ticks) != 2 || got.ticks[0][2] != nil || *got.ticks[0][3] != 2 {
		t.Errorf("the ticks of before: got %v", got.ticks)
	}
	var schemas []Schema
	for n := 2; n < 2+2*vanishedAfter; n++ {
		h.tick(n, "cpu_percent", 1.0, "load_1", 2.0)
		got := all(t, everything)
		schemas = append(schemas, got.schemas...)
		if len(schemas) == 0 && got.ticks[0][2] != nil {
			t.Fatalf("tick %d: got a value of what is gone", n)
		}
	}
	if len(schemas) != 1 || !slices.Equal(keys(schemas[0]), []string{"cpu_percent", "load_1"}) {
		t.Errorf("vanished: got %v, want one schema without it", schemas)
	}
}

func TestEverybodyGetsTheSameBytes(t *testing.T) {
	h := newHouse()
	a, b := h.Listen(Newest), h.Listen(Newest)
	c, d := h.Listen(Newest, "load_1"), h.Listen(Newest, "load_1")
	h.tick(0, "cpu_percent", 1.0, "load_1", 2.0)
	for _, pair := range [][2]*Listener{{a, b}, {c, d}} {
		one, other := pair[0].Take().Frame(), pair[1].Take().Frame()
		if &one[0] != &other[0] {
			t.Errorf("%s was encoded twice", one)
		}
	}
	for _, l := range []*Listener{a, b, c, d, a} {
		l.Close()
	}
	if len(h.selections) != 0 || len(h.listeners) != 0 || h.rows[0].encoded != nil {
		t.Error("something is kept for nobody")
	}
}

// full is a house of 200 series with the last 15 minutes.
func full(b *testing.B) (*house, func(n int)) {
	b.Helper()
	h := newHouse()
	random := rand.New(rand.NewPCG(1, 2))
	next := func(n int) {
		var values []any
		for i := range 200 {
			values = append(values, fmt.Sprintf("disk_read_bytes_per_second{disk%03d}", i), math.Floor(random.Float64()*1e6))
		}
		h.tick(n, values...)
	}
	for n := range 450 {
		next(n)
	}
	return h, next
}

// BenchmarkTickFor500 is the cost of a tick of 200 series for 500 viewers, but for their sockets.
func BenchmarkTickFor500(b *testing.B) {
	h, next := full(b)
	var listeners []*Listener
	for range 500 {
		listeners = append(listeners, h.Listen(Newest))
	}
	b.ReportAllocs()
	n := 450
	for b.Loop() {
		next(n)
		n++
		for _, l := range listeners {
			for l.Take().More {
			}
		}
	}
}

// BenchmarkRefill is the cost of 1,000 that come back for the whole window at once.
func BenchmarkRefill(b *testing.B) {
	h, _ := full(b)
	for _, keys := range []string{"", "disk_read_bytes_per_second{disk001},disk_read_bytes_per_second{disk002}"} {
		b.Run(fmt.Sprintf("keys=%q", keys), func(b *testing.B) {
			for b.Loop() {
				for range 1000 {
					l := h.Listen(0, slices.DeleteFunc(strings.Split(keys, ","), func(k string) bool { return k == "" })...)
					for l.Take().More {
					}
					defer l.Close()
				}
			}
		})
	}
}
