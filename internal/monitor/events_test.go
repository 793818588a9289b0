package monitor

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"homeserver/internal/monitor/history"
	"homeserver/internal/monitor/metric"
)

// TestEventsOfAllRooms: starts are noted by this room, and others are asked; one that fails takes
// nothing from the rest.
func TestEventsOfAllRooms(t *testing.T) {
	file := "sqlite:" + filepath.Join(t.TempDir(), "monitoring.db")
	began := time.Now().Add(-time.Minute)
	other := func(_ context.Context, from, _ time.Time, _ int) ([]Event, error) {
		return []Event{{At: from.Add(time.Second), Kind: "upload", Count: 7}}, nil
	}
	broken := func(context.Context, time.Time, time.Time, int) ([]Event, error) { return nil, errors.New("asleep") }
	kinds := func(base string, from time.Time) (list []string, complete bool) {
		body := get(t, base+"/events?from="+url.QueryEscape(from.Format(time.RFC3339)), http.StatusOK)
		for _, e := range body["events"].([]any) {
			list = append(list, e.(map[string]any)["kind"].(string))
		}
		return list, body["complete"].(bool)
	}
	for life := range 2 {
		t.Run("a life", func(t *testing.T) {
			config := Config{StoragePath: t.TempDir(), Started: time.Now().Add(time.Duration(life) * time.Second), HistoryURL: file, Events: []EventSource{other}}
			if life == 1 {
				config.Events = append(config.Events, broken)
			}
			base := "http://" + openRoom(t, New(config, fixedUsage, quiet())) + prefix
			want, look, deadline := life+1, time.NewTicker(50*time.Millisecond), time.After(patience)
			defer look.Stop()
			for {
				got, complete := kinds(base, began)
				starts := 0
				for _, kind := range got {
					if kind == eventStart {
						starts++
					}
				}
				if starts == want && slices.Contains(got, "upload") && complete == (life == 0) {
					break
				}
				select {
				case <-look.C:
				case <-deadline:
					t.Fatalf("got %v, complete %v; want %d starts of the server and an upload", got, complete, want)
				}
			}
			for _, bad := range []string{"", "?from=2001-01-01T00:00:00Z", "?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"} {
				get(t, base+"/events"+bad, http.StatusUnprocessableEntity)
			}
		})
	}
}

func TestMachineStart(t *testing.T) {
	id, at, known := lastBoot()
	if !known || id == "" || at.After(time.Now()) || time.Since(at) > 20*365*24*time.Hour {
		t.Errorf("got %q %v %v, want when this machine started", id, at, known)
	}
	if again, _, _ := lastBoot(); again != id {
		t.Errorf("got %q and then %q", id, again)
	}
}

func TestKilledProcessesAreNoted(t *testing.T) {
	m := New(Config{}, fixedUsage, quiet())
	h, err := history.Open(t.Context(), history.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "monitoring.db")}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()
	kills := &metric.Metric{Name: metric.OOMKills}
	start := time.UnixMilli(1_800_000_000_000).UTC()
	for i, n := range []float64{0, 2, 0, 1} {
		tick := metric.Tick{At: start.Add(time.Duration(i) * tickInterval), Readings: []metric.Reading{{Series: metric.Series{Metric: kills}, Value: n}}}
		if err := m.noteEvents(t.Context(), h, tick); err != nil {
			t.Fatal(err)
		}
	}
	got, err := h.Events(t.Context(), start, start.Add(time.Minute), 10)
	if err != nil || len(got) != 2 || got[0].Count != 2 || got[1].At != start.Add(3*tickInterval) || !strings.Contains(got[0].Kind, "oom") {
		t.Errorf("got %v, %v; want two events of 2 and 1", got, err)
	}
}
