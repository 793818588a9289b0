package sqldbtest

import (
	"context"
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"homeserver/internal/platform/sqldb"
)

// Template is the tables of a room, made once in a test process by its migrations and copied
// for each test.
type Template struct {
	room       string
	migrations fs.FS
	sqlite     func() ([]byte, error) // the file
	postgres   func() (string, error) // the name of the database to copy
}

// NewTemplate returns the template of a room. It makes nothing yet.
func NewTemplate(room string, migrations fs.FS) *Template {
	m := &Template{room: room, migrations: migrations}
	m.sqlite, m.postgres = sync.OnceValues(m.makeSQLite), sync.OnceValues(m.makePostgres)
	return m
}

// Run is the function Run, on databases in which the room's tables are.
func (m *Template) Run(t *testing.T, test func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		file, err := m.sqlite()
		path := filepath.Join(Memory(t), "test.db")
		if err == nil {
			err = os.WriteFile(path, file, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		test(t, Open(t, "sqlite:"+path))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		name, err := m.postgres()
		if err != nil {
			t.Fatal(err)
		}
		test(t, Open(t, database(t, " TEMPLATE "+name)))
	})
}

// makeSQLite makes the file; closing the database puts all of it there.
func (m *Template) makeSQLite() ([]byte, error) {
	dir, err := os.MkdirTemp("", "homeserver-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := m.migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// makePostgres makes a database, which goes with the server.
func (m *Template) makePostgres() (string, error) {
	s, err := shared()
	if err != nil {
		return "", err
	}
	name := "template_" + strings.ToLower(rand.Text())
	if err := administer(s, `CREATE DATABASE `+name); err != nil {
		return "", err
	}
	return name, m.migrate(s.url(name))
}

func (m *Template) migrate(url string) error {
	db, err := open(url)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if err := db.Migrate(ctx, m.room, m.migrations); err != nil {
		_ = db.Close()
		return err
	}
	return db.Close()
}
