package monitor

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestHistoryOutlivesTheServer: figures of one life of the server are there in the next, beside
// those of the present.
func TestHistoryOutlivesTheServer(t *testing.T) {
	file := "sqlite:" + filepath.Join(t.TempDir(), "monitoring.db")
	began := time.Now().Add(-time.Minute)
	ask := func(base string) (samples float64, last float64) {
		body := get(t, base+"/history?metrics=memory_percent,cpu_percent&points=60&from="+url.QueryEscape(began.Format(time.RFC3339)), http.StatusOK)
		series := body["series"].([]any)[0].(map[string]any)
		for i, n := range series["count"].([]any) {
			samples += n.(float64)
			if n.(float64) > 0 {
				low, mean, high := series["min"].([]any)[i].(float64), series["mean"].([]any)[i].(float64), series["max"].([]any)[i].(float64)
				if low > mean || mean > high || mean <= 0 || mean > 100 {
					t.Errorf("got mean %v of [%v, %v]", mean, low, high)
				}
				last = mean
			}
		}
		return samples, last
	}
	wait := func(base string, more float64) float64 {
		look, deadline := time.NewTicker(100*time.Millisecond), time.After(20*time.Second)
		defer look.Stop()
		for {
			samples, _ := ask(base)
			if samples >= more {
				return samples
			}
			select {
			case <-look.C:
			case <-deadline:
				return samples
			}
		}
	}
	t.Run("first life", func(t *testing.T) {
		base := "http://" + openRoom(t, New(Config{StoragePath: t.TempDir(), Started: time.Now(), HistoryURL: file}, fixedUsage, quiet())) + prefix
		get(t, base+"/system", http.StatusOK)
		if n := wait(base, 1); n < 1 {
			t.Fatalf("got %v samples, want the first", n)
		}
	})
	t.Run("second life", func(t *testing.T) {
		base := "http://" + openRoom(t, New(Config{StoragePath: t.TempDir(), Started: time.Now(), HistoryURL: file}, fixedUsage, quiet())) + prefix
		get(t, base+"/system", http.StatusOK)
		if n := wait(base, 2); n < 2 {
			t.Errorf("got %v samples, want those of both lives", n)
		}
		for _, bad := range []string{"metrics=cpu_percent", "metrics=nonsense&from=2026-01-01T00:00:00Z", "metrics=cpu_percent&from=2001-01-01T00:00:00Z",
			"metrics=cpu_percent&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "metrics=cpu_percent&from=2026-01-01T00:00:00Z&points=1"} {
			get(t, base+"/history?"+bad, http.StatusUnprocessableEntity)
		}
	})
}

// TestHistoryOfManySeries: what is named twice is told once, and one question asks for no more than
// a page of charts needs; each would take the memory of all that is named.
func TestHistoryOfManySeries(t *testing.T) {
	base := "http://" + openRoom(t, New(Config{StoragePath: t.TempDir(), Started: time.Now(), HistoryURL: "sqlite:" + filepath.Join(t.TempDir(), "monitoring.db")}, fixedUsage, quiet())) + prefix
	ask := func(metrics string, status int) map[string]any {
		return get(t, base+"/history?points=4000&from=2026-01-01T00:00:00Z&to=2026-06-01T00:00:00Z&metrics="+url.QueryEscape(metrics), status)
	}
	series := ask(strings.Repeat("load_1,load_5,", 500)+"load_1", http.StatusOK)["series"].([]any)
	if len(series) != 2 || series[0].(map[string]any)["metric"] != "load_1" || series[1].(map[string]any)["metric"] != "load_5" {
		t.Errorf("got %d series, want the two that were named, in order", len(series))
	}
	var many []string
	for n := range 126 {
		many = append(many, fmt.Sprintf("cpu_percent{%d}", n))
	}
	ask(strings.Join(many, ","), http.StatusUnprocessableEntity)
	if got := len(ask(strings.Join(many[:125], ","), http.StatusOK)["series"].([]any)); got != 125 {
		t.Errorf("got %d series, want 125", got)
	}
}
