package files

import (
	"context"
	"errors"
	"path"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/sqldb"
)

// allFiles returns rows in the order of ids, hidden ones too.
func (s store) allFiles(ctx context.Context, after string, limit int) ([]File, error) {
	return s.files(ctx, s.db, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.id > $1 ORDER BY f.id LIMIT $2`, after, limit)
}

// any returns a row, hidden or not; nil when there is none.
func (s store) any(ctx context.Context, id string) (*File, error) {
	f := new(File)
	err := scanFile(s.db.QueryRow(ctx, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.id = $1`, id), f)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, nil
	}
	return f, err
}

// knowsBlob reports whether a blob has a row.
func (s store) knowsBlob(ctx context.Context, digest string) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT count(*) FROM blobs WHERE sha256 = $1`, digest).Scan(&n)
	return n > 0, err
}

// legacyPaths returns the places of all files that are not adopted. Only `homeserver check`
// asks for them; they are few once adoption is done.
func (s store) legacyPaths(ctx context.Context) (map[string]bool, error) {
	known := map[string]bool{}
	for _, query := range []string{
		`SELECT storage_path FROM file_metadata WHERE sha256 IS NULL`,
		`SELECT storage_path FROM file_metadata WHERE sha256 IS NOT NULL AND substr(storage_path, 1, 6) <> 'blobs/'`,
	} {
		paths, err := sqldb.Texts(ctx, s.db, query)
		if err != nil {
			return nil, err
		}
		for _, p := range paths {
			known[path.Clean(p)] = true
		}
	}
	return known, nil
}

// versionUse is the content of an older version of a file.
type versionUse struct {
	blob.Info
	id, file, name string
}

// versionContent returns older versions in the order of ids.
func (s store) versionContent(ctx context.Context, after string, limit int) ([]versionUse, error) {
	rows, err := s.db.Query(ctx, `SELECT v.id, v.file_id, v.sha256, v.size, coalesce(f.filename, '') FROM file_versions v LEFT JOIN file_metadata f ON f.id = v.file_id WHERE v.id > $1 ORDER BY v.id LIMIT $2`, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []versionUse
	for rows.Next() {
		var v versionUse
		if err := rows.Scan(&v.id, &v.file, &v.SHA256, &v.Size, &v.name); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// hasVersion reports whether an older version is there.
func (s store) hasVersion(ctx context.Context, id string) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT count(*) FROM file_versions WHERE id = $1`, id).Scan(&n)
	return n > 0, err
}
