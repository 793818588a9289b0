package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"homeserver/internal/platform/errs"
)

// Place is where a snapshot of the database is written down.
type Place interface {
	// Create begins a file of the snapshot.
	Create(name string) (io.WriteCloser, error)
	// Path is the place of a file that is written for a while only.
	Path(name string) string
}

// sqlitePart is the one file of a snapshot of SQLite.
const sqlitePart = "database.sqlite.zst"

// Snapshot writes the database as it is at one moment to place, while others go on writing, and
// calls fn with a view of the very same moment. On SQLite that is one file, on PostgreSQL one for
// each table; tables lists them in the order in which they are filled again.
func (db *DB) Snapshot(ctx context.Context, place Place, fn func(q Querier) error) (tables []string, err error) {
	if db.dialect == Postgres {
		return db.snapshotPostgres(ctx, place, fn)
	}
	return nil, db.snapshotSQLite(ctx, place, fn)
}

// snapshotSQLite copies the database by VACUUM INTO, which reads one state of it and keeps
// nobody from writing, and reads the copy.
func (db *DB) snapshotSQLite(ctx context.Context, place Place, fn func(q Querier) error) error {
	path := place.Path("database.sqlite")
	defer os.Remove(path)
	if err := db.vacuumInto(ctx, path); err != nil {
		return err
	}
	copied, err := openCopy(path)
	if err != nil {
		return db.wrap(ctx, err)
	}
	defer copied.Close()
	if err := copied.quickCheck(ctx); err != nil {
		return errs.Wrap(errs.Unavailable, "The database is damaged: its copy does not stand SQLite's own check. Restore an earlier backup.", err)
	}
	if err := fn(copied); err != nil {
		return err
	}
	return pack(ctx, place, sqlitePart, func(w io.Writer) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, readUntil{ctx, f})
		return err
	})
}

func (db *DB) vacuumInto(ctx context.Context, path string) error {
	// A connection of its own: the writer must not be held up, and readers may not do this.
	pool, err := sqlitePool(db.path, 1, true)
	if err != nil {
		return db.wrap(ctx, err)
	}
	defer pool.Close()
	_, err = pool.ExecContext(ctx, `VACUUM INTO $1`, path)
	if sqliteKind(err) == errs.StorageFull {
		return errs.Wrap(errs.StorageFull, "There is no room for a copy of the database.", err)
	}
	return db.wrap(ctx, err)
}

// openCopy opens a SQLite file that nobody writes to.
func openCopy(path string) (*DB, error) {
	pool, err := sql.Open("sqlite", plainDSN(path)+"?mode=ro&immutable=1&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	return &DB{dialect: SQLite, path: path, write: pool, read: pool, point: pool}, nil
}

// quickCheck asks SQLite whether the file is well-formed.
func (db *DB) quickCheck(ctx context.Context) error {
	var said string
	err := db.QueryRow(ctx, `PRAGMA quick_check(1)`).Scan(&said)
	if err == nil && said != "ok" {
		err = errors.New(said)
	}
	return err
}

// pack writes one compressed file of a snapshot.
func pack(ctx context.Context, place Place, name string, write func(io.Writer) error) error {
	w, err := place.Create(name)
	if err != nil {
		return err
	}
	packed, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err == nil {
		err = errors.Join(write(packed), packed.Close())
	}
	if err == nil {
		err = ctx.Err()
	}
	return errors.Join(err, w.Close())
}

// unpack reads a file that pack wrote.
func unpack(r io.Reader) (*zstd.Decoder, error) {
	packed, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("the snapshot of the database cannot be read: %w", err)
	}
	return packed, nil
}

// readUntil is a reader that ends with its context.
type readUntil struct {
	ctx context.Context
	io.Reader
}

func (r readUntil) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
