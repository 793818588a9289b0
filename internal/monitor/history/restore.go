package history

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"

	"homeserver/internal/platform/sqldb"
)

// restoringEnd marks a file that is not restored in full. What a killed restore left is removed
// by the next.
const restoringEnd = ".restoring"

// Restoring is a history that is put together from its pieces.
type Restoring struct {
	path   string
	origin string
	h      *History
}

// BeginRestore begins to put the history of a backup together, which Finish makes the file at
// path. origin names the backup. When the file is there and comes of the same backup, nothing has
// to be done: nil.
func BeginRestore(ctx context.Context, path, origin string, log *slog.Logger) (*Restoring, error) {
	if there, err := comesOf(ctx, path, origin, log); there || err != nil {
		return nil, err
	}
	if err := sqldb.RemoveSQLite(path + restoringEnd); err != nil {
		return nil, err
	}
	h, err := Open(ctx, Config{URL: "sqlite:" + path + restoringEnd}, log)
	if err != nil {
		return nil, err
	}
	r := &Restoring{path: path, origin: origin, h: h}
	if _, err := h.db.Exec(ctx, createOrigin); err != nil {
		return nil, errors.Join(err, r.Abort())
	}
	return r, nil
}

// comesOf reports whether the file at path was restored from a backup. In passing its log is
// folded into it, so that it can be put aside.
func comesOf(ctx context.Context, path, origin string, log *slog.Logger) (bool, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	db, err := sqldb.Open(ctx, "sqlite:"+path, log)
	if err != nil {
		return false, ctx.Err() // whatever it is, it is kept under another name
	}
	found, err := originOf(ctx, db)
	if closed := db.Close(); closed != nil {
		log.Debug("the history that is there cannot be closed", "error", closed)
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return err == nil && found == origin, nil
}

// Take takes a piece in: whole, or not at all.
func (r *Restoring) Take(ctx context.Context, name string, in io.Reader) error {
	return r.h.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if name == aboutPiece {
			return readAbout(in, func(a about) error { return putAbout(ctx, tx, a) })
		}
		return readPages(in, func(t tier, series, number int64, page []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return putPage(ctx, tx, t, series, number, page)
		})
	})
}

// Needed reports whether nothing of the history can be used without the piece.
func Needed(name string) bool { return name == aboutPiece }

// Finish makes what was taken the history: durably, and whole or not at all. A file that is there
// is kept under another name, which is returned.
func (r *Restoring) Finish(ctx context.Context) (aside string, err error) {
	if err := putOrigin(ctx, r.h.db, r.origin); err != nil {
		return "", errors.Join(err, r.Abort())
	}
	if err := r.h.db.Close(); err != nil {
		return "", errors.Join(err, r.Abort())
	}
	aside, err = sqldb.SettleSQLite(r.path+restoringEnd, r.path)
	if err != nil {
		err = errors.Join(err, sqldb.RemoveSQLite(r.path+restoringEnd))
	}
	return aside, err
}

// Abort removes what was taken.
func (r *Restoring) Abort() error {
	return errors.Join(r.h.db.Close(), sqldb.RemoveSQLite(r.path+restoringEnd))
}
