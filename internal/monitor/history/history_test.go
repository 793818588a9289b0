package history

import (
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

func open(t testing.TB, file string) *History {
	t.Helper()
	h, err := Open(t.Context(), Config{URL: "sqlite:" + file}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *History) mustSeries(t testing.TB, key string, scale float64) int {
	t.Helper()
	i, err := h.Series(t.Context(), key, "", scale)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestTiersAgree appends hours of random figures with gaps and steps of the clock, and asks
// every tier: each point contains exactly the samples of its time.
func TestTiersAgree(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	h := open(t, file)
	defer func() { h.Close() }()
	const scale = 100
	s := h.mustSeries(t, "cpu", scale)
	random := rand.New(rand.NewPCG(1, 2))
	written := map[int64]float64{} // by slot
	now := time.Now().Truncate(time.Hour).Add(-27*time.Hour - 13*time.Minute)
	for range 27 * 1800 {
		now = now.Add(sampleStep)
		switch random.IntN(4000) {
		case 0:
			now = now.Add(time.Duration(random.IntN(5000)) * time.Second) // the machine slept
		case 1:
			now = now.Add(-time.Duration(random.IntN(3000)) * time.Second) // the clock was set back
		case 2: // a restart; every third is a crash: nothing is closed
			if err := h.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if random.IntN(3) > 0 {
				if err := h.Close(); err != nil {
					t.Fatal(err)
				}
			} else {
				h.db.Close()
			}
			h = open(t, file)
			s = h.mustSeries(t, "cpu", scale)
		}
		v := math.Round(random.NormFloat64()*1000) / scale
		if random.IntN(50) == 0 {
			v = math.NaN()
		}
		if err := h.Append(t.Context(), now, []Sample{{s, v}}); err != nil {
			t.Fatal(err)
		}
		if !math.IsNaN(v) {
			written[now.UnixMilli()/2000] = v
		}
	}
	for _, span := range []time.Duration{2 * time.Minute, time.Hour, 6 * time.Hour, 26 * time.Hour} {
		for _, points := range []int{10, 60, 1500} {
			to := now.Add(-time.Duration(random.IntN(7200)) * time.Second)
			a, err := h.Query(t.Context(), Range{From: to.Add(-span), To: to, Points: points}, "cpu", "unknown")
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Series[0].Mean) > points+2 {
				t.Errorf("%s in %d points: got %d", span, points, len(a.Series[0].Mean))
			}
			compare(t, a, written)
		}
	}
}

// compare works every point of an answer out anew.
func compare(t *testing.T, a Answer, written map[int64]float64) {
	t.Helper()
	p := a.Series[0]
	for i := range p.Mean {
		var sum float64
		low, high, n := math.Inf(1), math.Inf(-1), int64(0)
		for at := a.From.Add(time.Duration(i) * a.Step); at.Before(a.From.Add(time.Duration(i+1) * a.Step)); at = at.Add(sampleStep) {
			if v, ok := written[at.UnixMilli()/2000]; ok {
				sum, low, high, n = sum+v, min(low, v), max(high, v), n+1
			}
		}
		if n != p.Count[i] {
			t.Fatalf("tier %s, step %s, point %d: got %d samples, want %d", a.Tier, a.Step, i, p.Count[i], n)
		}
		if n > 0 && (math.Abs(p.Mean[i]-sum/float64(n)) > 1e-9 || p.Min[i] != low || p.Max[i] != high) {
			t.Fatalf("tier %s, step %s, point %d: got %v [%v, %v], want %v [%v, %v]", a.Tier, a.Step, i, p.Mean[i], p.Min[i], p.Max[i], sum/float64(n), low, high)
		}
		if n == 0 && !math.IsNaN(p.Mean[i]) {
			t.Fatalf("point %d is %v, want a gap", i, p.Mean[i])
		}
	}
}

// TestCrashLosesLittle: what was flushed is there after the process is gone, mid-hour.
func TestCrashLosesLittle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	h := open(t, file)
	s := h.mustSeries(t, "a", 1)
	start := time.Now().Truncate(time.Hour).Add(-time.Hour)
	for i := range 100 {
		if err := h.Append(t.Context(), start.Add(time.Duration(i)*sampleStep), []Sample{{s, float64(i)}}); err != nil {
			t.Fatal(err)
		}
		if i == 84 {
			if err := h.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.db.Close() // as kill -9
	h = open(t, file)
	defer h.Close()
	a, err := h.Query(t.Context(), Range{From: start, To: start.Add(200 * time.Second), Points: 100}, "a")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 85 {
		if a.Series[0].Mean[i] != float64(i) {
			t.Fatalf("sample %d: got %v", i, a.Series[0].Mean[i])
		}
	}
}

// TestTrim keeps the file within its limit by dropping the oldest of the finest tier.
func TestTrim(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "history.db"))
	defer h.Close()
	s := h.mustSeries(t, "a", 1000)
	now := time.Now()
	for at := now.Add(-10 * 24 * time.Hour); at.Before(now); at = at.Add(20 * time.Second) {
		if err := h.Append(t.Context(), at, []Sample{{s, rand.Float64()}}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // a day each
		if err := h.Trim(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	count := func(tier tier) (n int) {
		if err := h.db.QueryRow(t.Context(), `SELECT count(*) FROM pages WHERE tier = $1`, int(tier)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(samples); n < 7*24 || n > 7*24+1 {
		t.Errorf("got %d hours of samples, want those of 7 days", n)
	}
	size, err := h.size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.config.MaxBytes = size / 10 * 8
	before := count(minutes)
	if err := h.Trim(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if size, _ := h.size(t.Context()); size > h.config.MaxBytes || count(minutes) != before || count(samples) == 0 {
		t.Errorf("got %d bytes of %d, %d days of minutes of %d, %d hours of samples", size, h.config.MaxBytes, count(minutes), before, count(samples))
	}
}

// TestTrimByAWrongClock: a clock that is years ahead for hours takes days, and not all.
func TestTrimByAWrongClock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	h := open(t, path)
	defer func() { h.Close() }()
	s := h.mustSeries(t, "a", 1)
	now := time.Now()
	for at := now.Add(-6 * 24 * time.Hour); at.Before(now); at = at.Add(time.Minute) {
		if err := h.Append(t.Context(), at, []Sample{{s, 1}}); err != nil {
			t.Fatal(err)
		}
	}
	kept := func(clocks ...time.Time) (n int) {
		for _, clock := range clocks {
			if err := h.Trim(t.Context(), clock); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.db.QueryRow(t.Context(), `SELECT count(*) FROM pages WHERE tier = $1`, int(samples)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	whole := kept(now)
	if whole < 6*24-1 {
		t.Fatalf("got %d hours of samples, want those of 6 days", whole)
	}
	wrong := now.AddDate(20, 0, 0)
	if got := kept(wrong, wrong.Add(time.Hour)); got < 4*24 {
		t.Errorf("after two hours of a wrong clock: got %d hours of samples, want those of 4 days at least", got)
	}
	h.Close()
	h = open(t, path)
	if got := kept(wrong.Add(2 * time.Hour)); got < 3*24 {
		t.Errorf("and a start by it: got %d hours of samples, want those of 3 days at least", got)
	}
	if got := kept(now.Add(time.Hour)); got < 3*24 {
		t.Errorf("after the clock is right again: got %d hours of samples, want no fewer", got)
	}
}
