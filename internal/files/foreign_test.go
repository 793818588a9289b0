package files

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeserver/internal/platform/blob/diskblob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// TestNewDatabaseOnOldStorage starts with an empty database on a storage directory that holds
// files: the database was lost, or DATABASE_URL names the wrong one. It is refused, because
// the collector would take the whole library for leftovers.
func TestNewDatabaseOnOldStorage(t *testing.T) {
	root := filepath.Join(t.TempDir(), "storage")
	h := furnish(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), root, nil)
	photo := h.put("photo.jpg", "the only copy", "")
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		other := New(db, diskblob.New(root), Config{}, slog.New(slog.DiscardHandler), time.Now, Lent{})
		service := other.Service()
		h.must(db.Migrate(t.Context(), service.Name, service.Migrations))
		err := other.Prepare(t.Context())
		if !errs.Is(err, errs.Unavailable) || !strings.Contains(errs.Detail(err), "another database") {
			t.Fatalf("got %v, want a refusal that names the other database", err)
		}
		if _, err := os.Stat(filepath.Join(root, "blobs", (*photo.SHA256)[:2], (*photo.SHA256))); err != nil {
			t.Error(err)
		}
	})
}

// TestUnknownContentIsNeverDeleted lets a database begin anew on a storage directory with
// consent, as a restored older copy would: what it does not know goes to quarantine.
func TestUnknownContentIsNeverDeleted(t *testing.T) {
	root := filepath.Join(t.TempDir(), "storage")
	before := furnish(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), root, nil)
	photo := before.put("photo.jpg", "the only copy", "")
	before.must(os.WriteFile(filepath.Join(root, ".homeserver-storage"), nil, 0o600))
	h := furnish(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), root, nil)
	h.put("new.txt", "new", "")
	h.collect(t)
	h.sound()
	kept, err := filepath.Glob(filepath.Join(root, "quarantine", (*photo.SHA256)+"*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("quarantine: got %v, %v; want the photo", kept, err)
	}
	if content, err := os.ReadFile(kept[0]); err != nil || string(content) != "the only copy" {
		t.Errorf("got %q, %v", content, err)
	}
}
