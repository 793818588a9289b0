package files

import (
	"context"
	"errors"
	"io"
	"path"
	"path/filepath"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

const (
	// adoptBatch is how many rows are looked at per query.
	adoptBatch = 500
	// adoptReport is how often progress is logged.
	adoptReport = 10 * time.Second
	// adoptPauseMax bounds the pause after each file. The pause is as long as the work was, so
	// that adoption takes at most half of one disk and one core from the people in the house.
	adoptPauseMax = 2 * time.Second
)

// adoption is the state of the job; one run at a time.
type adoption struct {
	adopted, missing, differing, unreadable int
	reported                                time.Time
}

// Adopt moves files of the Python original into blobs: it hashes each, writes the digest to
// its rows, moves the file, and writes the new place to the rows. Interrupted anywhere, the
// next run finds what is left to do in the rows. What is missing, no regular file, or not as
// long as its row says stays as it is, to be tried again at the next start and daily; so does
// what cannot be read or moved while the rest of the storage is there.
func (f *Files) Adopt(ctx context.Context) error {
	f.adopt = adoption{reported: f.now()}
	if err := f.finishMoves(ctx); err != nil {
		return err
	}
	// Names and paths first, all of them: two spellings of one path must become one before
	// the file moves.
	if err := f.eachUnhashed(ctx, f.tidyLegacy); err != nil {
		return err
	}
	err := f.eachUnhashed(ctx, func(ctx context.Context, rows []File) error {
		for i := range rows {
			if err := f.adoptRow(ctx, &rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
	a := f.adopt
	if a.adopted > 0 {
		f.journal.anew.Store(true) // the feed tells nothing of where content lies
	}
	if a.adopted+a.missing+a.differing+a.unreadable > 0 {
		f.log.Info("adoption of the original's files ended", "adopted", a.adopted, "without_content", a.missing, "of_another_size", a.differing, "unreadable", a.unreadable, "complete", err == nil)
	}
	return err
}

// eachUnhashed passes all rows without a digest to fn in batches.
func (f *Files) eachUnhashed(ctx context.Context, fn func(context.Context, []File) error) error {
	for after := ""; ; {
		rows, err := f.store.unhashed(ctx, after, adoptBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].ID
		if err := fn(ctx, rows); err != nil {
			return err
		}
	}
}

// tidyLegacy corrects what the migration's SQL could only approximate.
func (f *Files) tidyLegacy(ctx context.Context, rows []File) error {
	var changed []File
	for _, row := range rows {
		key, clean := nameKey(row.Name), row.path
		if filepath.IsLocal(filepath.FromSlash(row.path)) {
			clean = path.Clean(row.path)
		}
		if key != row.key || clean != row.path {
			row.key, row.path = key, clean
			changed = append(changed, row)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return f.store.tidy(ctx, changed)
}

// adoptRow adopts the file of one row and of all rows that share it. Only trouble with the
// storage or the database is an error.
func (f *Files) adoptRow(ctx context.Context, row *File) error {
	began := time.Now()
	digest, size, err := f.hashLegacy(ctx, row.path)
	if errors.Is(err, blob.ErrNotExist) {
		// Not there, or adopted meanwhile with a row that shares it.
		if now, findErr := f.store.find(ctx, row.ID); findErr == nil && now.SHA256 == "" {
			f.adopt.missing++
			f.log.Warn("a file of the original has no content in the storage", "id", row.ID, "storage_path", row.path)
		}
		return nil
	}
	if err != nil {
		return f.passOver(ctx, row, err, f.blobs.Readable)
	}
	if size != row.Size {
		hidden, err := f.store.isDeleted(ctx, row.ID)
		if err != nil {
			return err
		}
		if !hidden { // what is being deleted anyway may go the usual way
			f.adopt.differing++
			f.log.Warn("a file of the original is not as long as its row says; it is left as it is", "id", row.ID, "row", row.Size, "file", size)
			return nil
		}
	}
	failpoint.Hit("adopt-hashed")
	err = f.store.setDigest(ctx, row.path, digest, size, f.now().UnixMicro())
	if errs.Is(err, errs.Conflict) {
		return nil
	}
	if err != nil {
		return err
	}
	failpoint.Hit("adopt-digest")
	if moved, err := f.finishMove(ctx, row, digest); !moved {
		return err
	}
	f.adopt.adopted++
	f.reportAdoption()
	return pause(ctx, min(time.Since(began), adoptPauseMax))
}

// hashLegacy reads a file of the original's.
func (f *Files) hashLegacy(ctx context.Context, path string) (digest string, size int64, err error) {
	content, err := f.blobs.OpenLegacy(ctx, path)
	if err != nil {
		return "", 0, err
	}
	defer content.Close()
	return blob.Receive(io.Discard, readUntil{ctx, content})
}

// finishMoves completes moves that were interrupted.
func (f *Files) finishMoves(ctx context.Context) error {
	for after := ""; ; {
		rows, err := f.store.unmoved(ctx, after, adoptBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if err := f.finishRow(ctx, &rows[i]); err != nil {
				return err
			}
		}
		after = rows[len(rows)-1].ID
	}
}

// finishRow completes one move. What lies at the old place is hashed again: after a crash, or
// a backup played back, it may be something else than what the row's digest was made of.
func (f *Files) finishRow(ctx context.Context, row *File) error {
	digest, _, err := f.hashLegacy(ctx, row.path)
	switch {
	case errors.Is(err, blob.ErrNotExist): // moved, and the row does not say so yet
	case err != nil:
		return f.passOver(ctx, row, err, f.blobs.Readable)
	case digest != row.SHA256:
		f.adopt.differing++
		f.log.Error("a file that was being adopted has changed since; it is left at its old place", "id", row.ID, "sha256", row.SHA256, "found", digest, "storage_path", row.path)
		return nil
	}
	_, err = f.finishMove(ctx, row, row.SHA256)
	if errors.Is(err, blob.ErrNotExist) {
		f.log.Error("a file that was being adopted is neither at its old place nor at its new one", "id", row.ID, "sha256", row.SHA256, "storage_path", row.path)
		return nil
	}
	return err
}

// finishMove moves a hashed file to its blob's place and says so in its rows.
func (f *Files) finishMove(ctx context.Context, row *File, digest string) (moved bool, err error) {
	err = f.blobs.Adopt(ctx, row.path, digest)
	if errors.Is(err, blob.ErrNotExist) {
		return false, err
	}
	if err != nil {
		return false, f.passOver(ctx, row, err, f.blobs.Check)
	}
	err = f.store.setMoved(ctx, row.path, digest, blob.Path(digest))
	failpoint.Hit("adopt-moved")
	return err == nil, err
}

// passOver decides about an error that the storage gave for one file. While the storage as a
// whole is well it is that file's own trouble: it is noted, and the others have their turn.
func (f *Files) passOver(ctx context.Context, row *File, err error, well func(context.Context) error) error {
	if ctx.Err() != nil || well(ctx) != nil {
		return err
	}
	f.adopt.unreadable++
	f.log.Error("a file of the original cannot be read or moved; it is left as it is, and tried again at the next start and daily", "id", row.ID, "storage_path", row.path, "error", err)
	return nil
}

func (f *Files) reportAdoption() {
	if now := f.now(); now.Sub(f.adopt.reported) >= adoptReport {
		f.adopt.reported = now
		f.log.Info("adopting the original's files", "adopted", f.adopt.adopted, "without_content", f.adopt.missing)
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
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
