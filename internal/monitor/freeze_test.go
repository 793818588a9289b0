package monitor

import (
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"
)

// TestFrozenProcesses: what the processes did when an alert was raised is there afterwards, also
// in the next life of the server, and nowhere else.
func TestFrozenProcesses(t *testing.T) {
	config := Config{StoragePath: t.TempDir(), Started: time.Now(), HistoryURL: "sqlite:" + filepath.Join(t.TempDir(), "monitoring.db")}
	ask := func(base string, at time.Time) map[string]any {
		t.Helper()
		return get(t, base+"/processes?sort=memory&limit=5&at="+url.QueryEscape(at.UTC().Format(time.RFC3339)), http.StatusOK)
	}
	nothing := func(base string, at time.Time) {
		t.Helper()
		body := ask(base, at)
		if list, ok := body["processes"].([]any); !ok || len(list) != 0 || body["frozen"] != true || body["at"] != "0001-01-01T00:00:00Z" {
			t.Errorf("got %v, want an empty list of what was kept", body)
		}
	}
	var raised time.Time
	t.Run("first life", func(t *testing.T) {
		m := New(config, fixedUsage, quiet())
		base := "http://" + openRoom(t, m) + prefix
		get(t, base+"/system", http.StatusOK)
		nothing(base, time.Now())
		raised = time.Now()
		m.freezeSoon()
		m.freezeSoon() // of a crowd one is enough
		h, err := m.long(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		look, deadline := time.NewTicker(50*time.Millisecond), time.After(patience)
		defer look.Stop()
		for {
			if list, err := h.Frozen(t.Context(), raised, frozenNear); err != nil {
				t.Fatal(err)
			} else if list != nil {
				return
			}
			select {
			case <-look.C:
			case <-deadline:
				t.Fatal("nothing was kept")
			}
		}
	})
	t.Run("second life", func(t *testing.T) {
		base := "http://" + openRoom(t, New(config, fixedUsage, quiet())) + prefix
		body := ask(base, raised)
		list := body["processes"].([]any)
		if body["frozen"] != true || len(list) != 5 {
			t.Fatalf("got %v", body)
		}
		before := -1.0
		for _, p := range list {
			one := p.(map[string]any)
			memory := one["memory_bytes"].(float64)
			if one["name"] == "" || one["command_line"] != nil || before >= 0 && memory > before {
				t.Errorf("got %v after %v bytes, want names in the order of memory, and no command line", one, before)
			}
			before = memory
		}
		nothing(base, raised.Add(-time.Hour))
		nothing(base, raised.Add(time.Hour))
	})
}
