package files

import (
	"context"
	"errors"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

// unhashed returns files of the original that have no digest yet, hidden ones too.
func (s store) unhashed(ctx context.Context, after string, limit int) ([]File, error) {
	return s.files(ctx, s.db, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.sha256 IS NULL AND f.id > $1 ORDER BY f.id LIMIT $2`, after, limit)
}

// unmoved returns files whose content is hashed but perhaps still at the original's place.
func (s store) unmoved(ctx context.Context, after string, limit int) ([]File, error) {
	return s.files(ctx, s.db, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.sha256 IS NOT NULL AND substr(f.storage_path, 1, 6) <> 'blobs/' AND f.id > $1 ORDER BY f.id LIMIT $2`, after, limit)
}

// tidy gives rows of the original the name key and the clean path that SQL could not compute.
func (s store) tidy(ctx context.Context, files []File) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, f := range files {
			if _, err := tx.Exec(ctx, `UPDATE file_metadata SET name_key = $1, storage_path = $2 WHERE id = $3 AND sha256 IS NULL AND filename = $4`, f.key, f.path, f.ID, f.Name); err != nil {
				return err
			}
		}
		return nil
	})
}

// isDeleted reports whether a file is hidden, or gone altogether.
func (s store) isDeleted(ctx context.Context, id string) (deleted bool, err error) {
	err = s.db.QueryRow(ctx, `SELECT deleted_at IS NOT NULL OR folder_id IN (SELECT folder_id FROM sinking) FROM file_metadata WHERE id = $1`, id).Scan(&deleted)
	if errors.Is(err, sqldb.ErrNoRows) {
		return true, nil
	}
	return deleted, err
}

// errGone says that the rows disappeared while their file was being hashed.
func errGone() error { return errs.New(errs.Conflict, "the rows are gone") }

// setDigest gives every row that shares the path the digest of what is there. From now on
// readers look at the blob's place first, and the collector leaves it alone.
func (s store) setDigest(ctx context.Context, path, digest string, size, now int64) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO blobs (sha256, size, created_at) VALUES ($1, $2, $3) ON CONFLICT (sha256) DO UPDATE SET unreferenced_at = NULL, found = 0`, digest, size, now); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE file_metadata SET sha256 = $1 WHERE storage_path = $2 AND sha256 IS NULL`, digest, path)
		if err == nil && n == 0 {
			err = errGone()
		}
		return err
	})
}

// setMoved notes that the content is at its blob's place.
func (s store) setMoved(ctx context.Context, path, digest, blobPath string) error {
	_, err := s.db.Exec(ctx, `UPDATE file_metadata SET storage_path = $1 WHERE sha256 = $2 AND storage_path = $3`, blobPath, digest, path)
	return err
}
