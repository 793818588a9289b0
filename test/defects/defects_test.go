// Package defects has one test for each defect of the Python original that the requirements
// list, numbered as there. Each says what the original did, and would fail on it. Most run
// the real program; the list in CONTRACT.md of the requirements is "What must be better".
package defects

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	_ "github.com/jackc/pgx/v5/stdlib" // the tests look into the server's database

	"homeserver/internal/platform/sqldb/sqldbtest"
	"homeserver/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

// onPostgres starts a server whose PostgreSQL can be cut off, and opens that database.
func onPostgres(t *testing.T) (*server.Server, *server.Proxy, *sql.DB) {
	t.Helper()
	url := sqldbtest.Postgres(t)
	proxy := server.NewProxy(t, url)
	s := server.Start(t, server.Options{Env: map[string]string{"DATABASE_URL": proxy.URL()}})
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return s, proxy, db
}

// execute runs statements that must succeed.
func execute(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// dial opens the live feed as a page of origin would ("" for a client that is no page).
func dial(t *testing.T, c *server.Client, origin string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	header := http.Header{}
	if c.Key != "" {
		header.Set("X-API-Key", c.Key)
	}
	if origin != "" {
		header.Set("Origin", origin)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, strings.Replace(c.Base, "http", "ws", 1)+"/api/v1/monitoring/ws", &websocket.DialOptions{HTTPHeader: header})
	if err == nil {
		conn.SetReadLimit(1 << 20)
		t.Cleanup(func() { _ = conn.CloseNow() })
	}
	return conn, response, err
}

// contents lists the files below dir that hold content, hidden markers left out.
func contents(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went while the walk was on its way
		}
		if err == nil && entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), ".") {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// zeros is content that costs nothing to make.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// upload streams size bytes of r.
func upload(t *testing.T, c *server.Client, name string, r io.Reader, size int64) server.File {
	t.Helper()
	request, err := c.StreamUpload(name, r, size)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Send(request)
	if err != nil {
		t.Fatal(err)
	}
	var file server.File
	answer.Expect(t, 200).Decode(t, &file)
	return file
}
