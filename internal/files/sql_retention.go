package files

import (
	"context"
	"errors"
	"fmt"

	"homeserver/internal/platform/sqldb"
)

// keyClock is the setting that holds what was seen of the clock.
const keyClock = "retention.clock"

// seenClock reads what was seen of the clock.
func (s store) seenClock(ctx context.Context) (c seen, err error) {
	var text string
	err = s.db.QueryRow(ctx, `SELECT value FROM files_settings WHERE key = $1`, keyClock).Scan(&text)
	if errors.Is(err, sqldb.ErrNoRows) {
		return seen{}, nil
	}
	if err != nil {
		return seen{}, err
	}
	if _, err := fmt.Sscan(text, &c.wall, &c.proven, &c.steady); err != nil {
		return seen{}, nil //nolint:nilerr // as if it had never been seen: nothing is destroyed before it has
	}
	return c, nil
}

// noteClock remembers what was seen of the clock.
func (s store) noteClock(ctx context.Context, c seen) error {
	return s.saveSettings(ctx, map[string]string{keyClock: fmt.Sprint(c.wall, " ", c.proven, " ", c.steady)})
}

// renewDates gives what was deleted or replaced between two moments the date now.
func (s store) renewDates(ctx context.Context, from, to, now int64) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, renew := range []string{`UPDATE trash SET deleted_at = $1 WHERE deleted_at >= $2 AND deleted_at <= $3`, `UPDATE file_versions SET replaced_at = $1 WHERE replaced_at >= $2 AND replaced_at <= $3`} {
			if _, err := tx.Exec(ctx, renew, now, from, to); err != nil {
				return err
			}
		}
		return nil
	})
}

// trashEntry is a place in the order of age.
type trashEntry struct {
	at int64
	id string
}

func agedIDs(list []trashEntry) []string {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].id
	}
	return ids
}

// oldestTrash returns what went to the trash before cutoff, the oldest first.
func (s store) oldestTrash(ctx context.Context, cutoff int64, after trashEntry, limit int) ([]trashEntry, error) {
	return s.entries(ctx, `SELECT deleted_at, id FROM trash WHERE deleted_at < $1 AND (deleted_at, id) > ($2, $3) ORDER BY deleted_at, id LIMIT $4`, cutoff, after.at, after.id, limit)
}

// oldestVersions returns versions that are not pinned and were replaced before cutoff, the oldest first.
func (s store) oldestVersions(ctx context.Context, cutoff int64, after trashEntry, limit int) ([]trashEntry, error) {
	return s.entries(ctx, `SELECT replaced_at, id FROM file_versions WHERE pinned = 0 AND replaced_at < $1 AND (replaced_at, id) > ($2, $3) ORDER BY replaced_at, id LIMIT $4`, cutoff, after.at, after.id, limit)
}

func (s store) entries(ctx context.Context, query string, args ...any) ([]trashEntry, error) {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []trashEntry
	for rows.Next() {
		var e trashEntry
		if err := rows.Scan(&e.at, &e.id); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// fileVersions are the versions of one file, the newest first.
type fileVersions struct {
	file     string
	versions []keptVersion
}

// versionsByFile returns all versions of files that have some older than cutoff, in the order of
// the files' ids.
func (s store) versionsByFile(ctx context.Context, after string, cutoff int64, limit int) ([]fileVersions, error) {
	rows, err := s.db.Query(ctx, `SELECT v.file_id, v.id, v.replaced_at, v.pinned FROM file_versions v WHERE v.file_id IN (
			SELECT DISTINCT file_id FROM file_versions WHERE file_id > $1 AND replaced_at < $2 ORDER BY file_id LIMIT $3
		) ORDER BY v.file_id, v.replaced_at DESC, v.id DESC`, after, cutoff, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []fileVersions
	for rows.Next() {
		var file string
		var v keptVersion
		var pinned int64
		if err := rows.Scan(&file, &v.id, &v.replaced, &pinned); err != nil {
			return nil, err
		}
		v.pinned = pinned != 0
		if len(list) == 0 || list[len(list)-1].file != file {
			list = append(list, fileVersions{file: file})
		}
		of := &list[len(list)-1]
		of.versions = append(of.versions, v)
	}
	return list, rows.Err()
}

// waiting is how many bytes the collector will remove; what it puts into quarantine is not among them.
func (s store) waiting(ctx context.Context) (bytes int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT CAST(coalesce(sum(size), 0) AS bigint) FROM blobs WHERE unreferenced_at IS NOT NULL AND found = 0`).Scan(&bytes)
	return bytes, err
}
