package files

import (
	"context"
	"errors"
	"slices"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/sqldb"
)

// unreferenced is the condition that neither a file, hidden or not, nor a version of one has the
// content of a row of blobs.
const unreferenced = `NOT EXISTS (SELECT 1 FROM file_metadata f WHERE f.sha256 = blobs.sha256)
	AND NOT EXISTS (SELECT 1 FROM file_versions v WHERE v.sha256 = blobs.sha256)`

// lockBlob holds a blob's row until COMMIT. What follows is a statement of its own and so sees,
// on PostgreSQL too, what an upload that held the row before has committed.
func lockBlob(ctx context.Context, tx *sqldb.Tx, digest string) error {
	_, err := tx.Exec(ctx, `UPDATE blobs SET size = size WHERE sha256 = $1`, digest)
	return err
}

// markUnreferenced is the first look: it dates blobs that nothing refers to, and takes the date
// from those that something does refer to.
func (s store) markUnreferenced(ctx context.Context, now int64) (marked int64, err error) {
	if _, err := s.db.Exec(ctx, `UPDATE blobs SET unreferenced_at = NULL WHERE unreferenced_at IS NOT NULL AND NOT (`+unreferenced+`)`); err != nil {
		return 0, err
	}
	return s.db.Exec(ctx, `UPDATE blobs SET unreferenced_at = $1 WHERE unreferenced_at IS NULL AND `+unreferenced, now)
}

// adoptOrphans adds rows for content that was found on disk without one, dated now.
func (s store) adoptOrphans(ctx context.Context, found []blob.Info, now int64) error {
	slices.SortFunc(found, func(a, b blob.Info) int { return compareText(a.SHA256, b.SHA256) })
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		args := make([]any, 0, 5*len(found))
		for _, b := range found {
			args = append(args, b.SHA256, b.Size, now, now, 1)
		}
		return insertRows(ctx, tx, `INSERT INTO blobs (sha256, size, created_at, unreferenced_at, found)`, 5, `ON CONFLICT (sha256) DO NOTHING`, args)
	})
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// knownBlobs returns the blobs of a folder, ab/, with whether each waits for the collector.
func (s store) knownBlobs(ctx context.Context, folder string) (map[string]bool, error) {
	rows, err := s.db.Query(ctx, `SELECT sha256, unreferenced_at IS NOT NULL FROM blobs WHERE sha256 >= $1 AND sha256 < $2`, folder, folder+"g") // g follows f
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]bool{}
	for rows.Next() {
		var digest string
		var waiting bool
		if err := rows.Scan(&digest, &waiting); err != nil {
			return nil, err
		}
		known[digest] = waiting
	}
	return known, rows.Err()
}

// collectable returns blobs that have been without a reference since before cutoff.
func (s store) collectable(ctx context.Context, cutoff int64, after string, limit int) ([]string, error) {
	return sqldb.Texts(ctx, s.db, `SELECT sha256 FROM blobs WHERE unreferenced_at IS NOT NULL AND unreferenced_at < $1 AND sha256 > $2 ORDER BY sha256 LIMIT $3`, cutoff, after, limit)
}

// collect is the second look: if nothing refers to the blob still, its row goes, and remove is
// called inside the transaction, while uploads of the same content wait for the row. found says
// that this database never had a file with the content. A hold is looked for in the statement that
// looks for references: a backup that began its hold before it read the references is safe.
func (s store) collect(ctx context.Context, digest string, cutoff, now int64, remove func(found bool) error) (removed bool, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		removed = false
		if err := lockBlob(ctx, tx, digest); err != nil {
			return err
		}
		var found int
		err := tx.QueryRow(ctx, `DELETE FROM blobs WHERE sha256 = $1 AND unreferenced_at IS NOT NULL AND unreferenced_at < $2
			AND `+unreferenced+` AND NOT EXISTS (SELECT 1 FROM files_holds h WHERE h.until > $3) RETURNING found`, digest, cutoff, now).Scan(&found)
		if errors.Is(err, sqldb.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		removed = true
		if _, err := tx.Exec(ctx, `DELETE FROM file_damage WHERE sha256 = $1`, digest); err != nil {
			return err
		}
		return remove(found == 1)
	})
	return removed, err
}
