package alerts

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestForecast(t *testing.T) {
	step := 10 * time.Minute
	line := func(from, byHour float64) []float64 {
		values := make([]float64, trendPoints)
		for i := range values {
			values[i] = from + byHour*float64(i)/6
		}
		return values
	}
	noise := func(values []float64) []float64 {
		random := rand.New(rand.NewPCG(1, 1))
		for i := range values {
			values[i] += random.NormFloat64() / 5
			if random.IntN(10) == 0 {
				values[i] = math.NaN()
			}
		}
		return values
	}
	burst := line(50, 0) // 20 % within one hour, hours ago
	for i := 100; i < len(burst); i++ {
		burst[i] = 70
	}
	stopped := line(50, 1)
	for i := 90; i < len(stopped); i++ {
		stopped[i] = stopped[90]
	}
	cleaned := line(50, 1) // half way somebody deleted 10 %
	for i := 60; i < len(cleaned); i++ {
		cleaned[i] -= 10
	}
	young := make([]float64, trendPoints)
	for i := range young {
		young[i] = math.NaN()
		if i > trendPoints-8 {
			young[i] = 50 + float64(i)
		}
	}
	for _, c := range []struct {
		name       string
		values     []float64
		limit      float64
		from, till float64 // hours
	}{
		{"steady", line(60, 1), 100, 16, 16.4},
		{"steady with noise and gaps", noise(line(60, 1)), 100, 14, 18},
		{"still", line(60, 0), 100, math.Inf(1), 0},
		{"getting empty", line(90, -1), 100, math.Inf(1), 0},
		{"towards nothing", line(90, -1), 0, 66, 66.4},
		{"a burst that is over", burst, 100, math.Inf(1), 0},
		{"no longer going on", stopped, 100, math.Inf(1), 0},
		{"a clean-up between", cleaned, 100, 30, 50},
		{"full", append(line(60, 1), 100), 100, 0, 0},
		{"known for an hour", young, 100, math.Inf(1), 0},
		{"nothing known", []float64{math.NaN(), math.NaN()}, 100, math.Inf(1), 0},
		{"nothing", nil, 100, math.Inf(1), 0},
	} {
		got := forecast(c.values, step, c.limit)
		if math.IsInf(c.from, 1) {
			if got != never {
				t.Errorf("%s: got %s, want never", c.name, got)
			}
		} else if got.Hours() < c.from || got.Hours() > c.till {
			t.Errorf("%s: got %s, want %v to %v hours", c.name, got, c.from, c.till)
		}
	}
}

func TestGrowth(t *testing.T) {
	var g growth
	at := func(minute int, v, want float64) {
		t.Helper()
		if got := g.take(time.Duration(minute)*time.Minute, v, time.Hour, false); got != want {
			t.Errorf("minute %d: got %v, want %v", minute, got, want)
		}
	}
	at(0, 100, 0)
	at(1, 100, 0)
	at(2, 103, 3)
	at(30, 105, 5)
	at(62, 105, 2) // the first step has left the window
	at(63, 0, 2)   // the counter was reset: no growth
	at(64, 4, 6)
	at(200, 4, 0)
	for i := range 100_000 {
		g.take(200*time.Minute+time.Duration(i)*time.Second, float64(i+4), time.Hour, false)
	}
	if len(g.marks) > mostMarks+1 {
		t.Errorf("got %d marks, want at most %d", len(g.marks), mostMarks)
	}
	g = growth{}
	g.take(0, 8, time.Hour, false)
	g.before(0, 8, 5) // while the server was stopped
	at(1, 8, 3)
	at(70, 8, 0)
	// A state that begins is one until it ends, however long that takes; what was so all along is not.
	g = growth{}
	for day, c := range []struct{ v, want float64 }{{1, 0}, {1, 0}, {0, 0}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}} {
		if got := g.take(time.Duration(day)*24*time.Hour, c.v, time.Hour, true); got != c.want {
			t.Errorf("state on day %d: got %v, want %v", day, got, c.want)
		}
	}
}
