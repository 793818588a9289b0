package monitor

import (
	"math"
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	start := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	gap := math.NaN()
	type step struct {
		after   time.Duration
		now     []counters
		in, out float64
	}
	for name, steps := range map[string][]step{
		"the measured interval counts": {
			{0, []counters{{"sda", 1000, 0}}, gap, gap},
			{2 * time.Second, []counters{{"sda", 3000, 400}}, 1000, 200},
			{6 * time.Second, []counters{{"sda", 7000, 400}}, 1000, 0},
		},
		"a reset is a gap, not a spike": {
			{0, []counters{{"eth0", 5000, 5000}, {"eth1", 10, 10}}, gap, gap},
			{2 * time.Second, []counters{{"eth0", 100, 6000}, {"eth1", 20, 20}}, gap, gap},
			{4 * time.Second, []counters{{"eth0", 300, 6000}, {"eth1", 20, 20}}, 100, 0},
		},
		"a disk plugged in counts from its second reading": {
			{0, []counters{{"sda", 1000, 0}}, gap, gap},
			{2 * time.Second, []counters{{"sda", 1000, 0}, {"sdb", 1 << 40, 1 << 40}}, 0, 0},
			{4 * time.Second, []counters{{"sda", 1000, 0}, {"sdb", 1<<40 + 2000, 1 << 40}}, 1000, 0},
		},
		"a disk pulled out no longer counts": {
			{0, []counters{{"sda", 1000, 0}, {"sdb", 500, 500}}, gap, gap},
			{2 * time.Second, []counters{{"sda", 3000, 0}}, 1000, 0},
		},
		"nothing to count is not known": {
			{0, nil, gap, gap},
			{2 * time.Second, nil, gap, gap},
		},
		"no time passed": {
			{0, []counters{{"sda", 1, 1}}, gap, gap},
			{0, []counters{{"sda", 2, 2}}, gap, gap},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var r rate
			for i, s := range steps {
				in, out := r.update(start.Add(s.after), s.now)
				if !same(in, s.in) || !same(out, s.out) {
					t.Errorf("step %d: got %v and %v, want %v and %v", i, in, out, s.in, s.out)
				}
			}
		})
	}
}

func TestBusyPercent(t *testing.T) {
	for _, test := range []struct {
		name        string
		before, now cpuTimes
		want        float64
	}{
		{"a quarter", cpuTimes{100, 100}, cpuTimes{125, 175}, 25},
		{"iowait that shrinks by a tick", cpuTimes{100, 100}, cpuTimes{110, 99}, 100},
		{"nothing passed", cpuTimes{100, 100}, cpuTimes{100, 100}, math.NaN()},
		{"a reset", cpuTimes{100, 100}, cpuTimes{5, 5}, math.NaN()},
	} {
		if got := busyPercent(test.before, test.now); !same(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestParseInterfaceListOfMacOS(t *testing.T) {
	message := func(kind, ifType byte, index byte, in, out byte) []byte {
		m := make([]byte, 160)
		m[0], m[3], m[ifIndexOffset], m[ifTypeOffset], m[ifInOffset], m[ifOutOffset+1] = 160, kind, index, ifType, in, out
		return m
	}
	var raw []byte
	raw = append(raw, message(ifMessage, 0x18, 1, 9, 9)...)           // lo0
	raw = append(raw, message(ifMessage, ifTypeEthernet, 4, 7, 2)...) // en0
	raw = append(raw, []byte{8, 0, 5, 0x0c, 0, 0, 0, 0}...)           // an address
	raw = append(raw, message(ifMessage, ifTypeEthernet, 5, 1, 1)...) // awdl0
	name := func(index int) (string, bool) { return "en0", index == 4 }
	got, err := parseInterfaceList(raw, name)
	if err != nil || len(got) != 1 || got[0] != (counters{"en0", 7, 2 << 8}) {
		t.Errorf("got %v, %v, want en0 with 7 and 512", got, err)
	}
	for _, broken := range [][]byte{{1, 0}, {2, 0, 0, 0}, {200, 0, 5, 0x12, 0}} {
		if _, err := parseInterfaceList(broken, name); err == nil {
			t.Errorf("%v: got no error, want one", broken)
		}
	}
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
