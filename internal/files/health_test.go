package files

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestHealth: the figures for whoever watches the house follow backups and damage.
func TestHealth(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		health := func() Health {
			t.Helper()
			got, err := h.Health(t.Context())
			h.must(err)
			return got
		}
		if got := health(); got != (Health{BackupAge: -1, BackupOverdue: -1}) {
			t.Errorf("new: got %+v", got)
		}
		file := h.put("a", "good content", "")
		dir := filepath.Join(t.TempDir(), "backups")
		_, err := h.setSchedule(t.Context(), backupSchedule{Directory: dir, EveryHours: 24, Keep: 3})
		h.must(err)
		if got := health(); got.BackupAge != -1 || got.BackupOverdue != 0 {
			t.Errorf("scheduled: got %+v", got)
		}
		h.backup(BackupOptions{Dir: dir})
		h.clock.advance(23 * time.Hour)
		if got := health(); got.BackupOverdue != 0 || got.BackupAge < 23*time.Hour {
			t.Errorf("not due yet: got %+v", got)
		}
		h.clock.advance(3 * time.Hour)
		if got := health(); got.BackupOverdue < 2*time.Hour || got.BackupOverdue > 3*time.Hour {
			t.Errorf("overdue: got %+v", got)
		}
		h.must(os.Rename(dir, dir+".away")) // or it would heal from there
		h.spoil(blobAt(h.root, *file.SHA256))
		h.must(h.ScrubNow(t.Context()))
		h.scrub()
		if got := health(); got.Damaged != 1 {
			t.Errorf("damaged: got %+v", got)
		}
	})
}
