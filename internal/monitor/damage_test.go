package monitor

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// lockedLog is a log that is read while it is written.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestDamagedHistory: with a file that is no history the room runs, and pages and log say what is
// wrong and what to do.
func TestDamagedHistory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "monitoring.db")
	if err := os.WriteFile(file, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	var log lockedLog
	m := New(Config{StoragePath: t.TempDir(), Started: time.Now(), HistoryURL: "sqlite:" + file}, fixedUsage, slog.New(slog.NewTextHandler(&log, nil)))
	base := "http://" + openRoom(t, m) + prefix
	get(t, base+"/system", http.StatusOK)
	for _, path := range []string{"/history?metrics=load_1&from=2026-01-01T00:00:00Z&to=2026-06-01T00:00:00Z", "/events?from=2026-01-01T00:00:00Z&to=2026-06-01T00:00:00Z"} {
		detail, _ := get(t, base+path, http.StatusServiceUnavailable)["detail"].(string)
		if want := "The history of the figures cannot be read: its file monitoring.db is damaged, or no database at all. Stop the server, rename monitoring.db"; !strings.HasPrefix(detail, want) {
			t.Errorf("%s: got %q, want %q", path, detail, want)
		}
	}
	get(t, base+"/metrics", http.StatusOK)
	if said := log.String(); !strings.Contains(said, file) || !strings.Contains(said, "file is not a database") || !strings.Contains(said, "rename monitoring.db") || strings.Contains(said, "DATABASE_URL") {
		t.Errorf("the log says %s", said)
	}
}
