package files

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// TestOwnersMigration widens a library of the version before: everything in it becomes the
// household's, and every counter goes on.
func TestOwnersMigration(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		const files = 100
		before(t, db, files)
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, ".homeserver-storage"), nil, 0o600); err != nil { // consent: there is no content
			t.Fatal(err)
		}
		h := furnish(t, db, root, nil)
		for _, door := range []*house{h, h.as(ada()), h.as(guest())} {
			list := door.list("?tag=all&limit=1")
			if list.Total != files || list.Files[0].Owner != "" || list.Files[0].OwnerName != "" || !list.Files[0].Shared {
				t.Errorf("%s: got %+v, want %d of the household", door.who.Name, list, files)
			}
		}
		h.consistent()
		h.as(ada()).put("new", "new", "all")
		h.consistent()
	})
}

// before makes a library as it was before files had owners.
func before(t *testing.T, db *sqldb.DB, n int) {
	t.Helper()
	old := fstest.MapFS{}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if base := filepath.Base(name); base < "00003" {
			data, err := fs.ReadFile(migrations, name)
			if err != nil {
				t.Fatal(err)
			}
			old[base] = &fstest.MapFile{Data: data}
		}
	}
	if err := db.Migrate(t.Context(), "files", old); err != nil {
		t.Fatal(err)
	}
	numbers := `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ` + fmt.Sprint(n) + `) `
	uploaded := `i`
	if db.Dialect() == sqldb.Postgres {
		uploaded = `to_timestamp(i)`
	}
	for _, statement := range []string{
		`INSERT INTO file_metadata (id, filename, content_type, size, storage_path, upload_date, tags, sha256, name_key)
			SELECT 'id' || i, 'F' || i, 'a/b', i, 'blobs/x', @, '["all","' || (i % 20) || '"]', 'x', 'f' || i FROM n`,
		`INSERT INTO tag_names (id, tag, tag_key, files) SELECT i, CAST(i - 1 AS text), CAST(i - 1 AS text), ` + fmt.Sprint(n/20) + ` FROM n WHERE i <= 20`,
		`INSERT INTO tag_names (id, tag, tag_key, files) SELECT 1000, 'all', 'all', ` + fmt.Sprint(n) + ` FROM n WHERE i = 1`,
		`INSERT INTO file_tags (tag_id, upload_date, file_id) SELECT 1000, @, 'id' || i FROM n`,
		`INSERT INTO file_tags (tag_id, upload_date, file_id) SELECT i % 20 + 1, @, 'id' || i FROM n`,
	} {
		text := strings.ReplaceAll(statement, "@", uploaded)
		if db.Dialect() == sqldb.SQLite {
			text = numbers + text
		} else {
			text = strings.Replace(text, "SELECT", numbers+"SELECT", 1)
		}
		if _, err := db.Exec(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if _, err := db.Exec(t.Context(), `UPDATE files_usage SET files = $1, bytes = $2`, n, n*(n+1)/2); err != nil {
		t.Fatal(err)
	}
}
