package files

import (
	"context"
	"errors"

	"homeserver/internal/files/vault"
	"homeserver/internal/platform/sqldb"
)

// hold keeps the collector from removing anything until the moment until.
func (s store) hold(ctx context.Context, name string, until int64) error {
	_, err := s.db.Exec(ctx, `INSERT INTO files_holds (name, until) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET until = excluded.until`, name, until)
	return err
}

// renewHold prolongs a hold; false when it had ended.
func (s store) renewHold(ctx context.Context, name string, until, now int64) (bool, error) {
	n, err := s.db.Exec(ctx, `UPDATE files_holds SET until = $1 WHERE name = $2 AND until > $3`, until, name, now)
	return n > 0, err
}

// release ends a hold, and drops those that ended by themselves.
func (s store) release(ctx context.Context, name string, now int64) error {
	_, err := s.db.Exec(ctx, `DELETE FROM files_holds WHERE name = $1 OR until <= $2`, name, now)
	return err
}

// held reports whether anything keeps the collector from removing.
func (s store) held(ctx context.Context, now int64) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT count(*) FROM files_holds WHERE until > $1`, now).Scan(&n)
	return n > 0, err
}

// eachContent calls fn with every content that a file or a version has, in the order of digests.
func (s store) eachContent(ctx context.Context, q sqldb.Querier, fn func(vault.Content) error) error {
	rows, err := q.Query(ctx, `
		SELECT u.sha256, coalesce(max(b.size), max(u.size)) FROM (
			SELECT sha256, size FROM file_metadata WHERE sha256 IS NOT NULL
			UNION ALL SELECT sha256, size FROM file_versions
		) AS u LEFT JOIN blobs b ON b.sha256 = u.sha256 GROUP BY u.sha256 ORDER BY u.sha256`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c vault.Content
		if err := rows.Scan(&c.SHA256, &c.Size); err != nil {
			return err
		}
		if err := fn(c); err != nil {
			return err
		}
	}
	return rows.Err()
}

// originals returns the files whose content is still at the original's place and was never
// hashed, one for each place.
func (s store) originals(ctx context.Context, q sqldb.Querier) ([]File, error) {
	return s.files(ctx, q, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.sha256 IS NULL
		AND f.id IN (SELECT min(o.id) FROM file_metadata o WHERE o.sha256 IS NULL GROUP BY o.storage_path) ORDER BY f.storage_path`)
}

// withContent returns a file that has the content, hidden or not; nil when there is none.
func (s store) withContent(ctx context.Context, digest string) (*File, error) {
	list, err := s.files(ctx, s.db, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.sha256 = $1 ORDER BY substr(f.storage_path, 1, 6) = 'blobs/', f.id LIMIT 1`, digest)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// backupRow is one run as the database remembers it. Times are microseconds since 1970.
type backupRow struct {
	id, place                        string
	started                          int64
	finished, verified               *int64
	files, bytes, newFiles, newBytes int64
	err                              string
	held                             bool // it is under way: its hold stands
}

func (s store) backupStarted(ctx context.Context, id, place string, now int64) error {
	_, err := s.db.Exec(ctx, `INSERT INTO files_backups (id, place, started) VALUES ($1, $2, $3)`, id, place, now)
	return err
}

// backupsInterrupted ends the runs at place that never ended, and their holds.
func (s store) backupsInterrupted(ctx context.Context, place string, now int64) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM files_holds WHERE name IN (SELECT id FROM files_backups WHERE place = $1 AND finished IS NULL)`, place); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE files_backups SET finished = $1, error = $2 WHERE place = $3 AND finished IS NULL`, now, "The backup was interrupted.", place)
		return err
	})
}

func (s store) backupFinished(ctx context.Context, r backupRow) error {
	_, err := s.db.Exec(ctx, `UPDATE files_backups SET finished = $1, verified = $2, files = $3, bytes = $4, new_files = $5, new_bytes = $6, error = $7 WHERE id = $8`,
		r.finished, r.verified, r.files, r.bytes, r.newFiles, r.newBytes, r.err, r.id)
	return err
}

const backupColumns = `SELECT b.id, b.place, b.started, b.finished, b.verified, b.files, b.bytes, b.new_files, b.new_bytes, b.error,
	CASE WHEN EXISTS (SELECT 1 FROM files_holds h WHERE h.name = b.id AND h.until > $1) THEN 1 ELSE 0 END FROM files_backups b `

// backups returns the newest runs.
func (s store) backups(ctx context.Context, now int64, limit int) ([]backupRow, error) {
	return s.backupRows(ctx, backupColumns+`ORDER BY b.started DESC, b.id DESC LIMIT $2`, now, limit)
}

// lastBackup returns the newest run that succeeded, at place if that is not ""; nil for none.
func (s store) lastBackup(ctx context.Context, now int64, place string) (*backupRow, error) {
	list, err := s.backupRows(ctx, backupColumns+`WHERE b.verified IS NOT NULL AND ($2 = '' OR b.place = $2) ORDER BY b.started DESC, b.id DESC LIMIT 1`, now, place)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// lastTry returns when the newest run at place began, 0 for none.
func (s store) lastTry(ctx context.Context, place string) (started int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT coalesce(max(started), 0) FROM files_backups WHERE place = $1`, place).Scan(&started)
	return started, err
}

func (s store) backupRows(ctx context.Context, query string, args ...any) ([]backupRow, error) {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []backupRow
	for rows.Next() {
		var r backupRow
		var held int
		if err := rows.Scan(&r.id, &r.place, &r.started, &r.finished, &r.verified, &r.files, &r.bytes, &r.newFiles, &r.newBytes, &r.err, &held); err != nil {
			return nil, err
		}
		r.held = held == 1
		list = append(list, r)
	}
	return list, rows.Err()
}

// forgetBackups drops all but the newest runs.
func (s store) forgetBackups(ctx context.Context, keep int) error {
	_, err := s.db.Exec(ctx, `DELETE FROM files_backups WHERE verified IS NULL AND id NOT IN (SELECT id FROM files_backups ORDER BY started DESC, id DESC LIMIT $1)`, keep)
	return err
}

// setting reads a setting of the room, "" when it is not set.
func (s store) setting(ctx context.Context, key string) (value string, err error) {
	err = s.db.QueryRow(ctx, `SELECT value FROM files_settings WHERE key = $1`, key).Scan(&value)
	if errors.Is(err, sqldb.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// set writes a setting of the room.
func (s store) set(ctx context.Context, key, value string) error {
	_, err := s.db.Exec(ctx, `INSERT INTO files_settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}

// afterRestore drops what speaks of the process that was: unfinished uploads, whose bytes are
// not in a backup, and holds. Numbers of the feed jump ahead, so that whoever remembers one from
// after the backup reads everything anew.
func (s store) afterRestore(ctx context.Context) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, statement := range []string{
			`DELETE FROM files_holds`, `DELETE FROM uploads`, `DELETE FROM file_changes`, `UPDATE files_feed SET seq = seq + 1000000, oldest = seq + 1000000`,
			`UPDATE files_scrub SET started = NULL, position = '', files = 0, bytes = 0`, `DELETE FROM file_damage`,
			// Where the storage has moved on, content that the old database knew as done with may be
			// in use again: the collector looks twice anew, and puts it aside instead of removing it.
			`UPDATE blobs SET unreferenced_at = NULL, found = 1 WHERE unreferenced_at IS NOT NULL`,
		} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}
