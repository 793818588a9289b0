package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// legacyRow is a row as the original left it.
type legacyRow struct {
	id, name, path, content string
	tags                    []string
	size                    int // 0: that of content
	missing                 bool
}

// original makes the database and the storage of the Python original: on PostgreSQL its own
// table, which migration 1 must find and keep.
func original(t *testing.T, db *sqldb.DB, root string, rows []legacyRow) {
	t.Helper()
	ctx := t.Context()
	ddl := `CREATE TABLE file_metadata (id TEXT PRIMARY KEY NOT NULL, filename TEXT NOT NULL, content_type TEXT NOT NULL, size INTEGER NOT NULL, storage_path TEXT NOT NULL, upload_date INTEGER NOT NULL, tags TEXT NOT NULL)`
	insert := `INSERT INTO file_metadata VALUES ($1, $2, 'text/plain', $3, $4, $5, $6)`
	if db.Dialect() == sqldb.Postgres {
		ddl = `CREATE TABLE file_metadata (id varchar(36) PRIMARY KEY, filename varchar(255) NOT NULL, content_type varchar(100) NOT NULL, size integer NOT NULL,
			storage_path varchar(500) NOT NULL, upload_date timestamptz NOT NULL DEFAULT now(), tags varchar[] NOT NULL)`
		insert = `INSERT INTO file_metadata VALUES ($1, $2, 'text/plain', $3, $4, now() + make_interval(secs => $5), ARRAY(SELECT json_array_elements_text($6::json)))`
	}
	if _, err := db.Exec(ctx, ddl); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		size := row.size
		if size == 0 {
			size = len(row.content)
		}
		var at any = float64(i)
		if db.Dialect() == sqldb.SQLite {
			at = int64(i)
		}
		if _, err := db.Exec(ctx, insert, row.id, row.name, size, row.path, at, encodeTags(row.tags)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, filepath.FromSlash(row.path))
		if row.missing {
			continue
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(row.content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func id(n int) string { return fmt.Sprintf("%08d-0000-4000-8000-000000000000", n) }

func legacyRows() []legacyRow {
	var rows []legacyRow
	for i := range 8 {
		rows = append(rows, legacyRow{id: id(i), name: fmt.Sprintf("ÄLT %d.txt", i), path: fmt.Sprintf("%02d/%s", i, id(i)), content: fmt.Sprint("content ", i%6), tags: []string{"old", fmt.Sprint("t", i%2), ""}})
	}
	return append(rows,
		legacyRow{id: id(20), name: "shared", path: "00/" + id(0), content: "content 0"},
		legacyRow{id: id(21), name: "shared by another spelling", path: "./01//" + id(1), content: "content 1"},
		legacyRow{id: id(22), name: "gone", path: "22/" + id(22), content: "gone", missing: true, tags: []string{"old"}},
		legacyRow{id: id(23), name: "outside", path: "../outside", content: "secret"},
		legacyRow{id: id(24), name: "another size", path: "24/" + id(24), content: "grown", size: 3},
		legacyRow{id: id(25), name: "link", path: "25/link", content: "x", missing: true},
	)
}

// adopting makes an original, furnishes the room on it and plants a symbolic link.
func adopting(t *testing.T, test func(t *testing.T, h *house, f *faulty)) {
	t.Helper()
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		root, f := filepath.Join(sqldbtest.Memory(t), "storage"), &faulty{}
		if err := os.Mkdir(root, 0o755); err != nil {
			t.Fatal(err)
		}
		original(t, db, root, legacyRows())
		if err := errors.Join(os.Mkdir(filepath.Join(root, "25"), 0o755), os.Symlink("../00/"+id(0), filepath.Join(root, "25", "link"))); err != nil {
			t.Fatal(err)
		}
		h := furnish(t, db, root, func(s blob.Store) blob.Store { f.Store = s; return f })
		test(t, h, f)
	})
}

// served checks that every file of the original answers as it should.
func (h *house) served(when string) {
	h.t.Helper()
	for _, row := range legacyRows() {
		w := h.get(prefix + "/" + row.id + "/download")
		if row.missing || strings.HasPrefix(row.path, "..") {
			if w.Code != 404 {
				h.t.Errorf("%s: %s: got %d, want 404", when, row.name, w.Code)
			}
			continue
		}
		if w.Code != 200 || w.Body.String() != row.content {
			h.t.Errorf("%s: %s: got %d %q, want %q", when, row.name, w.Code, w.Body, row.content)
		}
	}
}

func TestAdoption(t *testing.T) {
	adopting(t, func(t *testing.T, h *house, _ *faulty) {
		h.served("before")
		before := h.list("")
		if before.Total != int64(len(legacyRows())) {
			t.Errorf("got %d files", before.Total)
		}
		if h.store.db.Dialect() == sqldb.Postgres { // SQLite's table was empty when it was migrated in reality
			if got := h.list("?tag=old"); got.Total != 9 || fmt.Sprint(got.Files[0].Tags) != "[old]" || fmt.Sprint(got.Files[1].Tags) != "[old t1]" {
				t.Errorf("tag: got %+v", got)
			}
			h.consistent()
		}
		h.must(h.Adopt(t.Context()))
		h.served("after")
		for i := range 8 {
			row, err := h.store.find(t.Context(), id(i))
			if err != nil || !row.adopted() || row.SHA256 != blobtest.Digest([]byte(fmt.Sprint("content ", i%6))) {
				t.Errorf("got %+v, %v; want it adopted", row, err)
			}
		}
		if got := h.list("?q=ält"); got.Total != 8 {
			t.Errorf("names: got %d, want 8", got.Total)
		}
		report, err := h.Check(t.Context(), CheckOptions{})
		if err != nil || len(report.Missing) != 3 || len(report.WrongSize) != 1 || len(report.WrongContent) != 0 || len(report.Orphaned) != 0 || report.NotAdopted != 4 {
			t.Errorf("check: got %+v, %v", report, err)
		}
		if data, err := os.ReadFile(filepath.Join(h.root, "..", "outside")); err != nil || string(data) != "secret" {
			t.Errorf("outside the storage: got %q, %v", data, err)
		}
		h.must(h.Adopt(t.Context())) // again: nothing to do
		h.served("after a second run")
		h.collect(t)
		h.served("after the collector")
		// Deleting everything leaves only what must never be touched.
		for _, row := range legacyRows() {
			h.want(h.do("DELETE", prefix+"/"+row.id, "", nil), 200)
		}
		h.must(h.Adopt(t.Context()))
		h.emptyTrash()
		h.collect(t)
		if h.store.db.Dialect() == sqldb.Postgres {
			if report := h.sound(); report.Files != 0 || report.Blobs != 0 {
				t.Errorf("got %+v", report)
			}
		}
		if _, err := os.Lstat(filepath.Join(h.root, "25", "link")); err != nil {
			t.Error(err)
		}
	})
}

// TestAdoptionInterrupted stops at every step of every file in turn; each time everything is
// still served, and the next run goes on.
func TestAdoptionInterrupted(t *testing.T) {
	for _, before := range []bool{true, false} {
		adopting(t, func(t *testing.T, h *house, f *faulty) {
			stop := errors.New("interrupted")
			for range 30 {
				steps := 0
				f.away = func() error { // the drive goes with the step
					if steps > 1 {
						return stop
					}
					return nil
				}
				f.adopt = func(b bool) error {
					if b != before {
						return nil
					}
					if steps++; steps > 1 {
						return stop
					}
					return nil
				}
				err := h.Adopt(t.Context())
				f.away = nil
				h.served(fmt.Sprintf("interrupted, before rename %v", before))
				if err == nil {
					report, err := h.Check(t.Context(), CheckOptions{})
					if err != nil || report.NotAdopted != 4 || len(report.Orphaned) != 0 {
						t.Errorf("got %+v, %v", report, err)
					}
					return
				}
				if !errors.Is(err, stop) {
					t.Fatal(err)
				}
				h.must(h.Collect(t.Context()))
			}
			t.Error("adoption never ends")
		})
	}
}

// TestOneUnreadableFile: a file that cannot be opened or moved keeps neither the adoption nor
// the purge of the others.
func TestOneUnreadableFile(t *testing.T) {
	adopting(t, func(t *testing.T, h *house, f *faulty) {
		bad := fmt.Sprintf("00/%s", id(0))
		refuse := errs.Wrap(errs.Unavailable, "The file's content cannot be read.", syscall.EACCES)
		f.legacy = func(path string) error {
			if path == bad {
				return refuse
			}
			return nil
		}
		moves := 0
		f.adopt = func(before bool) error {
			if moves++; before && moves == 1 {
				return refuse
			}
			return nil
		}
		h.must(h.Adopt(t.Context()))
		if got := h.adopt; got.unreadable != 3 || got.adopted != 6 {
			t.Errorf("got %+v; want 3 rows passed over (two share a file, one could not be moved), 6 adopted", got)
		}
		for _, n := range []int{0, 7} {
			h.want(h.do("DELETE", prefix+"/"+id(n), "", nil), 200)
		}
		h.emptyTrash()
		if row, err := h.store.any(t.Context(), id(7)); row != nil || err != nil {
			t.Errorf("the readable file: got %v, %v; want it purged", row, err)
		}
		if row, err := h.store.any(t.Context(), id(0)); row == nil || err != nil {
			t.Errorf("the unreadable file: got %v, %v; want it waiting", row, err)
		}
		f.away = func() error { return refuse }
		if err := h.Adopt(t.Context()); !errors.Is(err, refuse) {
			t.Errorf("storage away: adoption got %v, want %v", err, refuse)
		}
		if _, err := h.EmptyTrash(identity.With(t.Context(), h.who), "9999"); !errors.Is(err, refuse) {
			t.Errorf("storage away: emptying the trash got %v, want %v", err, refuse)
		}
		f.away, f.legacy, f.adopt = nil, nil, nil
		h.must(h.Adopt(t.Context()))
		if row, err := h.store.find(t.Context(), id(20)); err != nil || !row.adopted() {
			t.Errorf("readable again: got %+v, %v; want it adopted", row, err)
		}
	})
}

// TestAdoptionHashesAgain: what lies at the old place after a crash is moved only if it is
// still what was hashed.
func TestAdoptionHashesAgain(t *testing.T) {
	adopting(t, func(t *testing.T, h *house, f *faulty) {
		stop := errors.New("interrupted")
		f.adopt = func(bool) error { return stop }
		f.away = func() error { return stop }
		if err := h.Adopt(t.Context()); !errors.Is(err, stop) {
			t.Fatalf("got %v, want it interrupted", err)
		}
		f.adopt, f.away = nil, nil
		rows, err := h.store.unmoved(t.Context(), "", 10)
		if err != nil || len(rows) == 0 {
			t.Fatalf("got %d hashed rows, %v", len(rows), err)
		}
		old := filepath.Join(h.root, filepath.FromSlash(rows[0].path))
		h.must(os.WriteFile(old, []byte("another content"), 0o600))
		h.must(h.Adopt(t.Context()))
		if data, err := os.ReadFile(old); err != nil || string(data) != "another content" {
			t.Errorf("the old place: got %q, %v; want it untouched", data, err)
		}
		report, err := h.Check(t.Context(), CheckOptions{})
		if err != nil || len(report.WrongContent) != 0 {
			t.Errorf("got %+v, %v; want no wrong content among the blobs", report.WrongContent, err)
		}
	})
}

func TestAdoptionObeysItsContext(t *testing.T) {
	adopting(t, func(t *testing.T, h *house, f *faulty) {
		ctx, cancel := context.WithCancel(t.Context())
		f.adopt = func(before bool) error {
			if !before {
				cancel()
			}
			return nil
		}
		if err := h.Adopt(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want canceled", err)
		}
		h.served("cancelled")
	})
}

func TestPrepareRefuses(t *testing.T) {
	rows := legacyRows()[:1]
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		root := filepath.Join(sqldbtest.Memory(t), "storage")
		original(t, db, filepath.Join(t.TempDir(), "elsewhere"), rows)
		h := &house{t: t}
		prepare := func() error {
			h.Files = New(db, newDisk(root), Config{}, nil, (&clock{}).now, Lent{})
			if err := db.Migrate(t.Context(), "files", h.Service().Migrations); err != nil {
				t.Fatal(err)
			}
			return h.Prepare(t.Context())
		}
		refused := func(when, word string) {
			t.Helper()
			if err := prepare(); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), "STORAGE_PATH") {
				t.Errorf("%s: got %v, want a refusal about %q", when, err, word)
			}
		}
		refused("no directory", "does not exist")
		if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the directory was made: %v", err)
		}
		h.must(os.Mkdir(root, 0o700))
		refused("empty directory", "is empty")
		h.must(os.WriteFile(filepath.Join(root, ".homeserver-storage"), nil, 0o600))
		h.must(prepare()) // consent
		h.must(prepare())
		marker, err := os.ReadFile(filepath.Join(root, ".homeserver-storage"))
		h.must(err)
		h.must(os.Rename(root, root+".away"))
		refused("drive away", "Is the drive connected?")
		h.must(os.Mkdir(root, 0o700))
		refused("empty mount point", "marker")
		h.must(os.WriteFile(filepath.Join(root, ".homeserver-storage"), []byte("another"), 0o600))
		refused("another drive", "another database")
		h.must(os.WriteFile(filepath.Join(root, ".homeserver-storage"), marker, 0o600))
		h.must(prepare())
	})
}

func TestTwoProcessesPrepareAtOnce(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		root := filepath.Join(sqldbtest.Memory(t), "storage")
		service := New(db, newDisk(root), Config{}, nil, nil, Lent{}).Service()
		if err := db.Migrate(t.Context(), service.Name, service.Migrations); err != nil {
			t.Fatal(err)
		}
		results := make(chan error, 6)
		for range cap(results) {
			go func() { results <- New(db, newDisk(root), Config{}, nil, (&clock{}).now, Lent{}).Prepare(t.Context()) }()
		}
		for range cap(results) {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}
