package sqldb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

// HasRows reports whether a table is there and holds anything.
func (db *DB) HasRows(ctx context.Context, table string) (bool, error) {
	var exists int
	if err := db.QueryRow(ctx, tableExistsQuery(db.dialect), table).Scan(&exists); err != nil || exists == 0 {
		return false, err
	}
	var n int
	err := db.QueryRow(ctx, `SELECT count(*) FROM (SELECT 1 FROM `+quote(table)+` LIMIT 1) AS first`).Scan(&n)
	return n > 0, err
}

// RestoreSQLite puts the database of a snapshot in the place of the file that url names, which
// must not be open. open opens a file of the snapshot; finish makes the database at a URL ready
// for use. The file appears when it is whole and ready, or not at all: until then all of it can
// be done again.
func RestoreSQLite(ctx context.Context, url string, open func(name string) (io.ReadCloser, error), finish func(url string) error) error {
	target, err := parseURL(url)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(target.path)
	if err != nil || target.dialect != SQLite {
		return badURL("names no SQLite file")
	}
	f, err := open(sqlitePart)
	if err != nil {
		return err
	}
	defer f.Close()
	temp := path + ".restoring"
	if err := removeSQLite(temp); err != nil { // of one that was broken off
		return err
	}
	defer func() { _ = removeSQLite(temp) }()
	if err := unpackTo(ctx, temp, f); err != nil {
		return err
	}
	copied, err := openCopy(temp)
	if err != nil {
		return err
	}
	if err := errors.Join(copied.quickCheck(ctx), copied.Close()); err != nil {
		return errs.Wrap(errs.Unavailable, "The database in the backup is damaged.", err)
	}
	if err := finish("sqlite:" + temp); err != nil {
		return err
	}
	if _, err := os.Lstat(temp + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		return cannotOpen(temp, errors.Join(errors.New("somebody has the restored database open"), err))
	}
	failpoint.Hit("restore-ready")
	if err := syncFile(temp); err != nil {
		return cannotOpen(temp, err)
	}
	for _, rest := range []string{path + "-wal", path + "-shm"} { // of the empty database before
		if err := os.Remove(rest); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cannotOpen(path, err)
		}
	}
	if err := os.Rename(temp, path); err != nil {
		return cannotOpen(path, err)
	}
	return syncDir(filepath.Dir(path))
}

// removeSQLite removes a database file that nobody has open, with what SQLite keeps beside it.
func removeSQLite(path string) error {
	for _, name := range []string{path, path + "-wal", path + "-shm", path + "-journal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cannotOpen(path, err)
		}
	}
	return nil
}

// syncFile makes what was written to a file durable.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// unpackTo writes a compressed file to path, durably.
func unpackTo(ctx context.Context, path string, r io.Reader) error {
	packed, err := unpack(r)
	if err != nil {
		return err
	}
	defer packed.Close()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateFile)
	if err != nil {
		return cannotOpen(path, err)
	}
	n, err := io.Copy(f, readUntil{ctx, packed})
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF // SQLite would take it for a new database
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errs.Wrap(errs.Unavailable, fmt.Sprintf("The database file %s cannot be written.", path), err)
	}
	return nil
}

// MigrateTo brings the tables of a room that has none up to version, as they were when a
// snapshot was made.
func (db *DB) MigrateTo(ctx context.Context, room string, migrations fs.FS, version int64) error {
	m, err := db.migrator(room, migrations)
	if err != nil {
		return err
	}
	if last := m.known[len(m.known)-1].Version; version > last {
		return errs.Newf(errs.Conflict, "The backup is newer than this program: its tables of %q have version %d, this program knows %d. Use a later version.", room, version, last)
	}
	if _, err := m.pending(ctx); err != nil {
		return err
	}
	return db.WithMigrationLock(ctx, func(ctx context.Context) error {
		return m.up(ctx, func(p *goose.Provider) ([]*goose.MigrationResult, error) { return p.UpTo(ctx, version) })
	})
}
