package files

import (
	"context"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/sqldb"
)

// keyScrubFast is the setting that is there while somebody waits for the pass.
const keyScrubFast = "scrub.fast"

// scrubPass reads how far reading everything has come.
func (s store) scrubPass(ctx context.Context) (p pass, err error) {
	var fast int64
	err = s.db.QueryRow(ctx, `SELECT coalesce(started, 0), position, files, bytes, coalesce(last_finished, 0), last_files, last_bytes,
			(SELECT count(*) FROM files_settings WHERE key = $1) FROM files_scrub WHERE one = 1`, keyScrubFast).
		Scan(&p.started, &p.position, &p.verified.files, &p.verified.bytes, &p.finished, &p.last.files, &p.last.bytes, &fast)
	p.fast = fast > 0
	return p, err
}

// beginPass begins at the first content. The start is a name of the pass too, so it is never
// that of the one before.
func (s store) beginPass(ctx context.Context, now int64, fast bool) (p pass, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE files_scrub SET started = CASE WHEN started = $1 THEN started + 1 ELSE $1 END, position = '', files = 0, bytes = 0 WHERE one = 1`, now); err != nil {
			return err
		}
		if !fast {
			return nil
		}
		_, err := tx.Exec(ctx, `INSERT INTO files_settings (key, value) VALUES ($1, '1') ON CONFLICT (key) DO NOTHING`, keyScrubFast)
		return err
	})
	if err != nil {
		return p, err
	}
	return s.scrubPass(ctx)
}

// savePass notes the place reached; kept is false when another pass has begun meanwhile.
func (s store) savePass(ctx context.Context, p *pass) (kept bool, err error) {
	n, err := s.db.Exec(ctx, `UPDATE files_scrub SET position = $1, files = $2, bytes = $3 WHERE one = 1 AND started = $4`, p.position, p.verified.files, p.verified.bytes, p.started)
	return n > 0, err
}

// finishPass notes that the pass is through, unless another has begun meanwhile.
func (s store) finishPass(ctx context.Context, p *pass, now int64) (kept bool, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE files_scrub SET position = $1, files = $2, bytes = $3, last_files = $2, last_bytes = $3, last_finished = $4 WHERE one = 1 AND started = $5`,
			positionEnd, p.verified.files, p.verified.bytes, now, p.started)
		if kept = n > 0; err != nil || !kept {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM files_settings WHERE key = $1`, keyScrubFast)
		return err
	})
	return kept, err
}

// contentUse is a content and how many live files have it.
type contentUse struct {
	blob.Info
	files int64
}

// scrubbable returns content that something refers to, in the order of digests.
func (s store) scrubbable(ctx context.Context, after string, limit int) ([]contentUse, error) {
	rows, err := s.db.Query(ctx, `SELECT b.sha256, b.size, (SELECT count(*) FROM file_metadata f WHERE f.sha256 = b.sha256 AND f.deleted_at IS NULL`+notSinking+`)
		FROM blobs b WHERE b.sha256 > $1 AND b.unreferenced_at IS NULL ORDER BY b.sha256 LIMIT $2`, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []contentUse
	for rows.Next() {
		var c contentUse
		if err := rows.Scan(&c.SHA256, &c.Size, &c.files); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// content counts what is stored, each content once.
func (s store) content(ctx context.Context) (c counts, err error) {
	err = s.db.QueryRow(ctx, `SELECT count(*), CAST(coalesce(sum(size), 0) AS bigint) FROM blobs WHERE unreferenced_at IS NULL`).Scan(&c.files, &c.bytes)
	return c, err
}
