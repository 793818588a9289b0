package history

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// jumped is a history of three days whose clock was three years ahead for two days of them.
type jumped struct {
	*History
	t    *testing.T
	file string
	now  time.Time
	good map[tier]int // pages that are of the past
}

func openJumped(t *testing.T) *jumped {
	t.Helper()
	j := &jumped{t: t, file: filepath.Join(t.TempDir(), "history.db"), now: time.Now(), good: map[tier]int{}}
	j.History = open(t, j.file)
	t.Cleanup(func() { j.Close() })
	s := j.mustSeries(t, "a", 1000)
	record := func(from, to time.Time) {
		t.Helper()
		for at := from; at.Before(to); at = at.Add(20 * time.Second) {
			j.must(j.Append(t.Context(), at, []Sample{{s, rand.Float64()}}))
		}
	}
	future := j.now.AddDate(3, 0, 0)
	record(j.now.Add(-3*day), j.now)
	record(future, future.Add(2*day))
	record(j.now, j.now.Add(time.Minute)) // the clock was mended
	j.must(j.Flush(t.Context()))
	for tier := range tiers {
		j.good[tier] = j.pages(tier, "<=", j.now)
	}
	return j
}

func (j *jumped) must(err error) {
	j.t.Helper()
	if err != nil {
		j.t.Fatal(err)
	}
}

// pages counts the pages of a tier on one side of that of a time.
func (j *jumped) pages(of tier, side string, at time.Time) (n int) {
	j.t.Helper()
	number := floorDiv(at.UnixMilli(), of.step().Milliseconds()*of.slots())
	j.must(j.db.QueryRow(j.t.Context(), `SELECT count(*) FROM pages WHERE tier = $1 AND number `+side+` $2`, int(of), number).Scan(&n))
	return n
}

// wantGood insists on all that is of the past.
func (j *jumped) wantGood() {
	j.t.Helper()
	for tier := range tiers {
		if got := j.pages(tier, "<=", j.now); got != j.good[tier] {
			j.t.Errorf("every %s: got %d pages of the past, want all %d", tier, got, j.good[tier])
		}
	}
}

// TestTheFutureIsTrimmed: what a clock that was years ahead has written goes, a day a look, and
// nothing else; minutes and hours go last, so that at no time finer figures lack theirs.
func TestTheFutureIsTrimmed(t *testing.T) {
	j := openJumped(t)
	left := func() (list [tiers]int) {
		for tier := range tiers {
			list[tier] = j.pages(tier, ">", j.now)
		}
		return list
	}
	before := left()
	if before[samples] < 48 || before[minutes] < 2 || before[hours] < 1 {
		t.Fatalf("got %v pages in the future", before)
	}
	looks := 0
	for ; before != [tiers]int{}; looks++ {
		j.must(j.Trim(t.Context(), j.now.Add(time.Duration(looks)*time.Minute)))
		after := left()
		dropped := before[samples] - after[samples] + 24*(before[minutes]-after[minutes]) + 24*(before[hours]-after[hours])
		if dropped < 1 || dropped > 24 {
			t.Fatalf("look %d: got %v after %v, want a day of one tier less", looks, after, before)
		}
		report, err := Verify(t.Context(), Config{URL: "sqlite:" + j.file}, slog.New(slog.DiscardHandler), nil)
		if err != nil || !report.OK() {
			t.Fatalf("look %d: got %+v, %v", looks, report, err)
		}
		before = after
	}
	if looks < 5 || looks > 8 {
		t.Errorf("it took %d looks, want 5 to 8", looks)
	}
	j.wantGood()
}

// TestAClockThatIsBehind: a clock that is behind by hours costs nothing, and one that is behind by
// years a day of the finest figures a look, the oldest first.
func TestAClockThatIsBehind(t *testing.T) {
	j := openJumped(t)
	for range 10 { // until nothing of the future is left
		j.must(j.Trim(t.Context(), j.now))
	}
	j.must(j.Trim(t.Context(), j.now.Add(-20*time.Hour)))
	j.wantGood()
	j.must(j.Trim(t.Context(), j.now.AddDate(-2, 0, 0)))
	lost, last := j.good[samples]-j.pages(samples, "<=", j.now), j.pages(samples, ">", j.now.Add(-2*day))
	if lost < 1 || lost > 24 || last < 47 || j.pages(minutes, "<=", j.now) != j.good[minutes] || j.pages(hours, "<=", j.now) != j.good[hours] {
		t.Errorf("got %d hours of samples lost, %d of the last two days left", lost, last)
	}
}

// TestTheFutureMakesRoom: a file that is too large loses what lies in the future before anything of
// the past.
func TestTheFutureMakesRoom(t *testing.T) {
	j := openJumped(t)
	size, err := j.size(t.Context())
	j.must(err)
	var future int64
	j.must(j.db.QueryRow(t.Context(), `SELECT sum(length(page)) FROM pages WHERE tier = $1 AND number >= $2`, int(samples), firstAhead(samples, j.now)).Scan(&future))
	j.config.MaxBytes = size - future/2
	j.must(j.Trim(t.Context(), j.now))
	if size, err = j.size(t.Context()); err != nil || size > j.config.MaxBytes {
		t.Errorf("got %d bytes of %d, %v", size, j.config.MaxBytes, err)
	}
	j.wantGood()
}

// TestEventsOfTheFuture: marks and frozen lists of a clock that was ahead go as its figures do.
func TestEventsOfTheFuture(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "history.db"))
	defer h.Close()
	now := time.Now()
	for i := range 4 {
		for _, at := range []time.Time{now.Add(-time.Duration(i) * day), now.AddDate(3, 0, i)} {
			if err := h.Note(t.Context(), Event{At: at, Kind: "upload", ID: fmt.Sprint(at.UnixNano()), Count: 1}); err != nil {
				t.Fatal(err)
			}
			if err := h.Freeze(t.Context(), at, []byte("[]")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for look := range 5 {
		for _, table := range []string{"events", "frozen"} {
			var past, future int
			err := h.db.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE at <= $1), count(*) FILTER (WHERE at > $2) FROM `+table, now.UnixMilli(), now.UnixMilli()).Scan(&past, &future)
			if err != nil || past != 4 || future != max(0, 4-look) {
				t.Errorf("%s, look %d: got %d of the past and %d of the future, %v; want 4 and %d", table, look, past, future, err, max(0, 4-look))
			}
		}
		if err := h.Trim(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	// A thousand lists of the future do not count as the newest.
	for i := range mostFrozen {
		if err := h.Freeze(t.Context(), now.AddDate(3, 0, i), []byte("[]")); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Trim(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if list, err := h.Frozen(t.Context(), now.Add(-3*day), time.Minute); err != nil || list == nil {
		t.Errorf("the list of three days ago: got %q, %v", list, err)
	}
}
