package sqldb

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
)

// dialectFS is a flat directory of migrations without those of the other dialect.
type dialectFS struct {
	fs.FS
	skip string // suffix of the other dialect's files
}

var _ fs.ReadDirFS = dialectFS{}

// dialectFiles finds the directory with the migrations (the root of files, or its only
// directory, as //go:embed migrations/*.sql leaves it) and hides the other dialect's.
func dialectFiles(files fs.FS, d Dialect) (fs.FS, error) {
	if files == nil {
		return nil, errors.New("no migration files")
	}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	if len(entries) == 1 && entries[0].IsDir() {
		if files, err = fs.Sub(files, entries[0].Name()); err != nil {
			return nil, fmt.Errorf("read migrations: %w", err)
		}
	}
	other := Postgres
	if d == Postgres {
		other = SQLite
	}
	return dialectFS{FS: files, skip: "." + other.String() + ".sql"}, nil
}

// ReadDir implements fs.ReadDirFS, through which goose looks for files.
func (d dialectFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(d.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return strings.HasSuffix(e.Name(), d.skip) }), err
}

// knownMigrations lists the files by version.
func knownMigrations(files fs.FS) ([]Migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	var list []Migration
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, fmt.Errorf("%s: a migration's name starts with its number, as in 00001_init.sql: %w", name, err)
		}
		list = append(list, Migration{Version: version, Name: name})
	}
	if len(list) == 0 {
		return nil, errors.New("no migration files")
	}
	slices.SortFunc(list, func(a, b Migration) int { return int(a.Version - b.Version) })
	return list, nil
}
