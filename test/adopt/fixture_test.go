package adopt

import (
	"database/sql"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/stdlib" // the fixture writes what the original left behind

	"homeserver/internal/platform/sqldb/sqldbtest"
	"homeserver/test/server"
)

// originalSchema is what the original's Alembic revision 001 makes, letter for letter.
const originalSchema = `
CREATE TABLE file_metadata (
  id varchar(36) PRIMARY KEY, filename varchar(255) NOT NULL, content_type varchar(100) NOT NULL, size integer NOT NULL,
  storage_path varchar(500) NOT NULL,
  upload_date timestamptz NOT NULL DEFAULT now(), tags varchar[] NOT NULL);
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version (version_num) VALUES ('001');`

// ordinary is how many ordinary files the fixture holds, beside the strange ones.
const ordinary = 296

// row is one row of the original with its content; nil content means that nothing of the kind
// lies in the storage.
type row struct {
	id, name, contentType, path string
	uploaded                    time.Time
	tags, shown                 []string // as stored; as a client should see them
	content                     []byte
	size                        int
}

// original is a household's database and storage directory as the original left them.
type original struct {
	dir, storage string
	database     string // URL
	db           *sql.DB
	rows         map[string]*row // with content that can be served
	missing      *row            // whose content is gone
	hostile      map[string]*row // whose path leads to what must not be touched
	outside      string          // a file beside the storage directory, not ours
	orphan       string          // a file without a row
	twins        [2]*row         // two files of the same content
	shared       [2]*row         // two rows of one file
}

const secret = "a secret outside the storage root"

// newOriginal makes the fixture.
func newOriginal(t *testing.T) *original {
	t.Helper()
	dir := t.TempDir()
	o := &original{dir: dir, storage: filepath.Join(dir, "storage"), database: sqldbtest.Postgres(t), rows: map[string]*row{}, hostile: map[string]*row{}}
	db, err := sql.Open("pgx", o.database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	o.db = db
	if _, err := db.ExecContext(t.Context(), originalSchema); err != nil {
		t.Fatal(err)
	}
	for n := range ordinary {
		o.add(t, o.ordinaryRow(n))
	}
	for i := range o.twins {
		o.twins[i] = o.add(t, &row{name: fmt.Sprintf("twin %d.txt", i), content: []byte("the same content"), tags: []string{"twin"}, shown: []string{"twin"}})
	}
	o.shared[0] = o.add(t, &row{name: "shared 0.txt", content: []byte("one file, two rows"), tags: []string{}, shown: []string{}})
	o.shared[1] = o.add(t, &row{name: "shared 1.txt", content: []byte("one file, two rows"), path: o.shared[0].path, tags: []string{}, shown: []string{}})
	o.addStrange(t)
	return o
}

// ordinaryRow is the nth file, of sizes from nothing to 70 kB, uploaded one minute after the other.
func (o *original) ordinaryRow(n int) *row {
	content := make([]byte, (n%8)*10_000)
	for i := range content {
		content[i] = byte(mathrand.IntN(256))
	}
	content = append(content, fmt.Sprintf("file %d", n)...)
	r := &row{name: fmt.Sprintf("file %03d.bin", n), content: content, tags: []string{}, shown: []string{}}
	switch {
	case n == 0:
		r.content = []byte{}
	case n%10 == 1:
		r.tags, r.shown = []string{"tenth", "Größe"}, []string{"tenth", "Größe"}
	case n%10 == 2:
		r.tags, r.shown = []string{""}, []string{}
	case n%10 == 3:
		r.tags, r.shown = []string{"b", "", "a", "b"}, []string{"b", "a"}
	case n == 7:
		r.name, r.contentType = "Ärger \"quoted\"\nsecond line 😀.txt", "text/plain"
	}
	return r
}

// addStrange adds the rows and files that a careless server would stumble over.
func (o *original) addStrange(t *testing.T) {
	t.Helper()
	o.outside = filepath.Join(o.dir, "outside.txt")
	write(t, o.outside, []byte(secret))
	o.missing = o.insert(t, &row{name: "missing.txt", size: 7, tags: []string{"lost"}})
	o.orphan = filepath.Join(o.storage, "cd", "cd"+uuid.NewString()[2:])
	write(t, o.orphan, []byte("no row knows me"))

	link := o.insert(t, &row{name: "symlink.txt", size: len(secret)})
	symlink(t, o.outside, filepath.Join(o.storage, filepath.FromSlash(link.path)))
	outer := filepath.Join(o.dir, "elsewhere")
	write(t, filepath.Join(outer, "linked.txt"), []byte(secret))
	symlink(t, outer, filepath.Join(o.storage, "zz"))
	o.hostile = map[string]*row{
		"symlink":             link,
		"symlinked directory": o.insert(t, &row{name: "dirlink.txt", path: "zz/linked.txt", size: len(secret)}),
		"dots":                o.insert(t, &row{name: "dots.txt", path: "../outside.txt", size: len(secret)}),
		"dots in the middle":  o.insert(t, &row{name: "dots2.txt", path: "ab/../../outside.txt", size: len(secret)}),
		"absolute":            o.insert(t, &row{name: "absolute.txt", path: o.outside, size: len(secret)}),
		"passwd":              o.insert(t, &row{name: "passwd", path: "/etc/passwd", size: 1}),
		"the root itself":     o.insert(t, &row{name: "root", path: ".", size: 1}),
		"empty":               o.insert(t, &row{name: "empty", path: "", size: 1}),
		"the marker":          o.insert(t, &row{name: "marker", path: ".homeserver-storage", size: 1}),
		"a directory":         o.insert(t, &row{name: "directory", path: "cd", size: 1}),
	}
}

// add inserts a row and writes its content where the original would.
func (o *original) add(t *testing.T, r *row) *row {
	t.Helper()
	r.size = len(r.content)
	o.insert(t, r)
	write(t, filepath.Join(o.storage, filepath.FromSlash(r.path)), r.content)
	o.rows[r.id] = r
	return r
}

func (o *original) insert(t *testing.T, r *row) *row {
	t.Helper()
	r.id = uuid.NewString()
	if r.path == "" && r.name != "empty" {
		r.path = r.id[:2] + "/" + r.id
	}
	if r.contentType == "" {
		r.contentType = "application/octet-stream"
	}
	if r.tags == nil {
		r.tags = []string{}
	}
	r.uploaded = time.Date(2025, 1, 2, 3, 0, 0, 123456000, time.UTC).Add(time.Duration(len(o.rows)) * time.Minute)
	_, err := o.db.ExecContext(t.Context(), `INSERT INTO file_metadata (id, filename, content_type, size, storage_path, upload_date, tags) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.id, r.name, r.contentType, r.size, r.path, r.uploaded, r.tags)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// options are those of a server for this household, with the original's form of DATABASE_URL.
func (o *original) options(tags string) server.Options {
	return server.Options{Dir: o.dir, Tags: tags, Env: map[string]string{
		"STORAGE_PATH": o.storage, "DATABASE_URL": "postgresql+asyncpg" + o.database[len("postgres"):],
	}}
}

// waiting are ordinary rows whose content still lies where the original put it.
func (o *original) waiting() int {
	n := 0
	for _, r := range o.rows {
		if _, err := os.Lstat(filepath.Join(o.storage, filepath.FromSlash(r.path))); err == nil {
			n++
		}
	}
	return n
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, to, at string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}
