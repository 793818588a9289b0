package files

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// kept are the ages of the versions that stay, of those with the given ages, the newest first.
func kept(s Settings, now int64, ages ...time.Duration) (stay []time.Duration) {
	var list []keptVersion
	for _, age := range ages {
		list = append(list, keptVersion{id: age.String(), replaced: now - age.Microseconds()})
	}
	gone := thin(list, s, now)
	for _, age := range ages {
		if !slices.Contains(gone, age.String()) {
			stay = append(stay, age)
		}
	}
	return stay
}

func TestThin(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).UnixMicro() // a Tuesday; weeks here begin on Thursdays
	const h = time.Hour
	s := Settings{VersionDays: 90, VersionKeep: 0}
	for name, c := range map[string]struct {
		s          Settings
		ages, want []time.Duration
	}{
		"the last day stays whole":         {s, []time.Duration{0, h, 2 * h, 23 * h}, []time.Duration{0, h, 2 * h, 23 * h}},
		"one a day":                        {s, []time.Duration{37 * h, 38 * h, 40 * h, 62 * h, 63 * h}, []time.Duration{37 * h, 62 * h}},
		"one a week":                       {s, []time.Duration{41 * day, 42 * day, 43 * day, 44 * day, 50 * day}, []time.Duration{41 * day, 50 * day}},
		"too old":                          {s, []time.Duration{89 * day, 90 * day, 1000 * day}, []time.Duration{89 * day}},
		"the newest so many stay":          {Settings{VersionDays: 90, VersionKeep: 2}, []time.Duration{200 * day, 300 * day, 400 * day}, []time.Duration{200 * day, 300 * day}},
		"for ever":                         {Settings{VersionDays: 0}, []time.Duration{37 * h, 38 * h, 1000 * day}, []time.Duration{37 * h, 38 * h, 1000 * day}},
		"what comes from the future stays": {s, []time.Duration{-1000 * day, -h}, []time.Duration{-1000 * day, -h}},
		"never below a day":                {Settings{VersionDays: -5}, []time.Duration{h, 1000 * day}, []time.Duration{h, 1000 * day}},
	} {
		if got := kept(c.s, now, c.ages...); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	pinned := []keptVersion{{id: "a", replaced: 0, pinned: true}, {id: "b", replaced: 0}}
	if got := thin(pinned, s, now); !slices.Equal(got, []string{"b"}) {
		t.Errorf("pinned: got %v gone", got)
	}
	if got := thin([]keptVersion{{id: "x", replaced: math.MinInt64}, {id: "y", replaced: math.MaxInt64}}, s, now); slices.Contains(got, "y") {
		t.Errorf("impossible dates: got %v gone", got)
	}
}

// TestThinningIsSteady: looking often keeps the same as looking once, and some of each week is
// always kept, whatever the ages.
func TestThinningIsSteady(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := Settings{VersionDays: 90, VersionKeep: 3}
	start := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).UnixMicro()
	var all []keptVersion
	for i := range 400 {
		all = append(all, keptVersion{id: fmt.Sprint(i), replaced: start - random.Int64N((100 * day).Microseconds())})
	}
	slices.SortFunc(all, func(a, b keptVersion) int { return int(b.replaced - a.replaced) })
	often := slices.Clone(all)
	end := start + (20 * day).Microseconds()
	for now := start; now <= end; now += (2 * time.Hour).Microseconds() {
		gone := thin(often, s, now)
		often = slices.DeleteFunc(often, func(v keptVersion) bool { return slices.Contains(gone, v.id) })
		if again := thin(often, s, now); len(again) != 0 {
			t.Fatalf("at once again: got %v gone", again)
		}
	}
	gone := thin(all, s, end)
	once := slices.DeleteFunc(slices.Clone(all), func(v keptVersion) bool { return slices.Contains(gone, v.id) })
	if !slices.Equal(often, once) {
		t.Errorf("often: %v\nonce:  %v", often, once)
	}
	if len(once) < 15 || len(once) > 30 {
		t.Errorf("got %d versions kept of %d", len(once), len(all))
	}
}
