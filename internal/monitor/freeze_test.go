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
	ask := func(base string, at time.Time, status int) map[string]any {
		return get(t, base+"/processes?sort=memory&limit=5&at="+url.QueryEscape(at.UTC().Format(time.RFC3339)), status)
	}
	var raised time.Time
	t.Run("first life", func(t *testing.T) {
		m := New(config, fixedUsage, quiet())
		base := "http://" + openRoom(t, m) + prefix
		get(t, base+"/system", http.StatusOK)
		ask(base, time.Now(), http.StatusNotFound)
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
		body := ask(base, raised, http.StatusOK)
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
		ask(base, raised.Add(-time.Hour), http.StatusNotFound)
		ask(base, raised.Add(time.Hour), http.StatusNotFound)
	})
}
