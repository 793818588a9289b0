package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"homeserver/internal/platform/errs"
)

const (
	// sqliteBusyTimeout is how long a statement waits for another process's lock: longer than a
	// big migration step, shorter than a client's patience.
	sqliteBusyTimeout = 10 * time.Second
	// sqliteReaders bounds lists being read at the same time; each costs a connection and its page cache.
	sqliteReaders = 8
	// sqliteReaderIdle is how long a connection for reading is kept without a use: its page cache, of up
	// to 2 MB (SQLite's own bound), and its compiled statements go with it. The one used last is
	// taken first, so after a busy minute the others rest.
	sqliteReaderIdle = time.Minute
	// sqlitePointReaders is the least number of connections for single rows; more cores get more.
	sqlitePointReaders = 4
	// sqliteLogLimit is the size in bytes to which the write-ahead log is cut after a burst.
	sqliteLogLimit = 16 << 20
	// sqliteCheckpoint is how many pages the write-ahead log gathers before they are folded into
	// the file: 16 MiB, the log's limit. SQLite's own 1,000 is reached every 90 uploads.
	sqliteCheckpoint = 4000

	// sqliteWriterCache is how much of the file the writer keeps in memory, in bytes. Uploads
	// touch a leaf of each index whose order is random; with SQLite's own 2 MB they are read again
	// and again from 10,000 files on.
	sqliteWriterCache = 8 << 20

	privateDir  = 0o700 // the database holds password hashes: nobody but the owner looks
	privateFile = 0o600
)

func (db *DB) openSQLite(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find the database file %s: %w", path, err)
	}
	db.path = path
	if err := createPrivate(path); err != nil {
		return err
	}
	if db.file, err = os.Stat(path); err != nil {
		return cannotOpen(path, err)
	}
	if db.pageSize > 0 && db.file.Size() == 0 {
		if err := setPageSize(ctx, path, db.pageSize); err != nil {
			return cannotOpen(path, err)
		}
	}
	if db.write, err = sqlitePool(path, 1, true); err != nil {
		return cannotOpen(path, err)
	}
	// The writer comes first: it turns WAL on, which readers then find in the file.
	if err := db.checkJournal(ctx); err != nil {
		return err
	}
	if db.read, err = sqlitePool(path, sqliteReaders, false); err != nil {
		return cannotOpen(path, err)
	}
	if db.point, err = sqlitePool(path, max(sqlitePointReaders, 2*runtime.GOMAXPROCS(0)), false); err != nil {
		return cannotOpen(path, err)
	}
	if err := db.Ping(ctx); err != nil {
		return cannotOpen(path, err)
	}
	return nil
}

// createPrivate makes the file before SQLite does, because SQLite would make it readable for
// everybody; its -wal and -shm files inherit the mode.
func createPrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), privateDir); err != nil {
		return errs.Wrap(errs.Unavailable, fmt.Sprintf("The directory for the database %s cannot be made; check DATABASE_URL and who may write there.", path), err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, privateFile)
	if err != nil {
		return cannotOpen(path, err)
	}
	return f.Close()
}

// setPageSize makes an empty file one of pages of so many bytes. Turning WAL on writes the file's header, which
// settles it, and the driver applies the pragmas of an address in alphabetical order: WAL would come first.
func setPageSize(ctx context.Context, path string, bytes int) error {
	pool, err := sql.Open("sqlite", plainDSN(path)+fmt.Sprintf("?_pragma=page_size(%d)", bytes))
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, "PRAGMA journal_mode(WAL)")
	return errors.Join(err, pool.Close())
}

func cannotOpen(path string, err error) error {
	if cause := Damage(err); cause != nil {
		return errs.Wrap(errs.Unavailable, fmt.Sprintf("The database file %s is damaged, or no SQLite database at all; put it aside under another name and restore it from a backup, or correct DATABASE_URL.", path), cause)
	}
	return errs.Wrap(errs.Unavailable, fmt.Sprintf("The database file %s cannot be opened; check DATABASE_URL and who may read and write the file.", path), err)
}

// checkJournal makes sure WAL is really on: some network file systems cannot do it, and
// without it readers and the writer would block each other.
func (db *DB) checkJournal(ctx context.Context) error {
	var mode string
	if err := db.write.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return cannotOpen(db.path, err)
	}
	if !strings.EqualFold(mode, "wal") {
		return errs.Newf(errs.Unavailable, "The database file %s lies on a file system on which SQLite cannot keep a write-ahead log (a network share?); move it to a local disk.", db.path)
	}
	return nil
}

// checkFile notices a database file that was removed or replaced under the running server:
// SQLite would go on writing to the deleted file, and every answer would be a lie.
func (db *DB) checkFile() error {
	now, err := os.Stat(db.path)
	if err == nil && os.SameFile(now, db.file) {
		return nil
	}
	return errs.Wrap(errs.Unavailable, fmt.Sprintf("The database file %s has vanished or was replaced; put it back and restart the server.", db.path), errors.Join(errs.New(errs.Unavailable, "not the file that was opened"), err))
}

// sqlitePool opens size connections to the file; a writer may write, all others may not.
func sqlitePool(path string, size int, writer bool) (*sql.DB, error) {
	connector, err := newCachingConnector(sqliteDSN(path, writer))
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	if !writer { // that one's cache is what uploads live on, and the log's last connection folds it
		pool.SetConnMaxIdleTime(sqliteReaderIdle)
	}
	return pool, nil
}

// plainDSN is the address of a file without any settings.
func plainDSN(path string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") { // C:/...
		slashed = "/" + slashed
	}
	return (&url.URL{Scheme: "file", Path: slashed}).String()
}

func sqliteDSN(path string, writer bool) string {
	q := url.Values{}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", sqliteBusyTimeout.Milliseconds()))
	q.Add("_pragma", "foreign_keys(1)")
	if writer {
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "synchronous(FULL)")
		// A statement of several rows keeps what it changes until it is through, in a file under
		// /tmp otherwise, written page by page for each batch of uploads.
		q.Add("_pragma", "temp_store(MEMORY)")
		q.Add("_pragma", fmt.Sprintf("cache_size(-%d)", sqliteWriterCache>>10)) // negative: in KiB
		q.Add("_pragma", fmt.Sprintf("journal_size_limit(%d)", sqliteLogLimit))
		q.Add("_pragma", fmt.Sprintf("wal_autocheckpoint(%d)", sqliteCheckpoint))
		q.Set("_txlock", "immediate")
	} else {
		q.Add("_pragma", "query_only(1)")
	}
	return plainDSN(path) + "?" + q.Encode()
}

// sqliteKind classifies a driver error; Internal when it is none of the known ones.
func sqliteKind(err error) errs.Kind {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		if errors.Is(err, sql.ErrConnDone) {
			return errs.Unavailable
		}
		return errs.Internal
	}
	if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // the log's index could not grow: no space
		return errs.StorageFull
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return errs.StorageFull
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL:
		return errs.Unavailable
	}
	return errs.Internal
}

// sqliteDamage is the driver's error that says that a file is damaged, or none of SQLite's; nil
// when err says nothing of the kind.
func sqliteDamage(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB) {
		return e
	}
	return nil
}

func sqliteUnique(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// sqliteNoTransaction recognises the answer to a ROLLBACK that has nothing to roll back.
func sqliteNoTransaction(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_ERROR && strings.Contains(e.Error(), "no transaction is active")
}

func sqliteBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}
