package sqldb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

// asideEnd is added to the name of a file that made room for one that was restored.
const asideEnd = ".before-restore"

// RemoveSQLite removes a database file that nobody has open, with what SQLite keeps beside it.
func RemoveSQLite(path string) error { return removeSQLite(path) }

// SettleSQLite puts the database file temp, which is whole and which nobody has open, in the
// place of path: durably, and whole or not at all. What bears that name already is kept under
// another, which is returned; it must not be open either.
func SettleSQLite(temp, path string) (aside string, err error) {
	if err := unopened(temp); err != nil {
		return "", err
	}
	if err := syncFile(temp); err != nil {
		return "", cannotOpen(temp, err)
	}
	failpoint.Hit("settle-ready")
	if aside, err = moveAside(path); err != nil {
		return "", err
	}
	failpoint.Hit("settle-aside")
	if err := os.Rename(temp, path); err != nil {
		return aside, cannotOpen(path, err)
	}
	return aside, syncDir(filepath.Dir(path))
}

// unopened makes sure that a file has no log beside it: whoever closes it last folds that in.
func unopened(path string) error {
	if exists(path + "-wal") {
		return errs.Newf(errs.Unavailable, "The file %s is open in another process. Stop the server, and try again.", path)
	}
	return nil
}

// moveAside gives a file that is in the way another name, one that nothing has. A move that
// was broken off is gone on with. A log without its file goes too: SQLite would take it for the new
// file's.
func moveAside(path string) (aside string, err error) {
	aside = path + asideEnd
	for n := 2; exists(aside) || exists(aside+"-wal") && exists(path+"-wal"); n++ {
		aside = fmt.Sprint(path, asideEnd, "-", n)
	}
	if err := os.Remove(path + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", cannotOpen(path, err)
	}
	moved := false
	for _, end := range []string{"-wal", ""} { // the log first: alone it must not stay
		switch err := os.Rename(path+end, aside+end); {
		case err == nil:
			moved = true
		case !errors.Is(err, fs.ErrNotExist):
			return "", cannotOpen(path, err)
		}
	}
	if !moved {
		return "", nil
	}
	return aside, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
