package files

import (
	"context"
	"slices"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

// usageBy reads the counters of all audiences.
func (s store) usageBy(ctx context.Context) (countsBy, error) {
	rows, err := s.db.Query(ctx, `SELECT audience, files, bytes FROM files_usage`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	by := countsBy{}
	for rows.Next() {
		var audience string
		var c counts
		if err := rows.Scan(&audience, &c.files, &c.bytes); err != nil {
			return nil, err
		}
		by[audience] = c
	}
	return by, rows.Err()
}

// usage reads how much of the library a view shows. There are as many counters as people.
func (s store) usage(ctx context.Context, v view) (c counts, err error) {
	const sums = `SELECT CAST(coalesce(sum(files), 0) AS bigint), CAST(coalesce(sum(bytes), 0) AS bigint) FROM files_usage`
	if v.all {
		err = s.db.QueryRow(ctx, sums).Scan(&c.files, &c.bytes)
	} else {
		err = s.db.QueryRow(ctx, sums+` WHERE audience IN ('', $1)`, v.own).Scan(&c.files, &c.bytes)
	}
	return c, err
}

// addUsage changes the counters and returns what they are now. It takes the locks that every
// writer needs, so it comes last, and in the order of audiences.
func addUsage(ctx context.Context, tx *sqldb.Tx, by countsBy) (countsBy, error) {
	now := countsBy{}
	for _, audience := range by.inOrder() {
		change := by[audience]
		if change == (counts{}) {
			continue
		}
		var c counts
		err := tx.QueryRow(ctx, `INSERT INTO files_usage (audience, files, bytes) VALUES ($1, $2, $3)
			ON CONFLICT (audience) DO UPDATE SET files = files_usage.files + excluded.files, bytes = files_usage.bytes + excluded.bytes RETURNING files, bytes`,
			audience, change.files, change.bytes).Scan(&c.files, &c.bytes)
		if err != nil {
			return nil, err
		}
		now[audience] = c
	}
	return now, nil
}

// tagUsage returns a tag's id and how many of its files a view shows; ErrNoRows when there is
// no such tag.
func (s store) tagUsage(ctx context.Context, v view, tag string) (id, files int64, err error) {
	if v.all {
		err = s.db.QueryRow(ctx, `SELECT id, files FROM tag_names WHERE tag_key = $1`, tagKey(tag)).Scan(&id, &files)
	} else {
		err = s.db.QueryRow(ctx, `SELECT t.id, t.files - CAST(coalesce((SELECT sum(p.files) FROM tag_private p WHERE p.tag_id = t.id AND p.audience <> $1), 0) AS bigint)
			FROM tag_names t WHERE t.tag_key = $2`, v.own, tagKey(tag)).Scan(&id, &files)
	}
	return id, files, err
}

// mostUsedTags lists the tags of the files that a view shows, the most used first.
func (s store) mostUsedTags(ctx context.Context, v view, limit int) ([]tagCount, error) {
	query, args := `SELECT tag, files FROM tag_names WHERE files > 0 ORDER BY files DESC, tag_key LIMIT $1`, []any{limit}
	if !v.all {
		query, args = `SELECT tag, visible FROM (
				SELECT t.tag, t.tag_key, t.files - CAST(coalesce(p.hidden, 0) AS bigint) AS visible FROM tag_names t
				LEFT JOIN (SELECT tag_id, sum(files) AS hidden FROM tag_private WHERE audience <> $1 GROUP BY tag_id) p ON p.tag_id = t.id
			) v WHERE visible > 0 ORDER BY visible DESC, tag_key LIMIT $2`, []any{v.own, limit}
	}
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []tagCount{}
	for rows.Next() {
		var t tagCount
		if err := rows.Scan(&t.Tag, &t.Files); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// lock returns, in the order of ids, the rows of those files that may lets through and holds
// them until COMMIT: what may has said stays true until then. What it does not find is passed
// by; any other refusal ends the transaction. hidden asks for deleted files too.
func (s store) lock(ctx context.Context, tx *sqldb.Tx, ids []string, hidden bool, may func(*File) error) ([]File, error) {
	filter, suffix := ` AND f.deleted_at IS NULL`+notSinking, ``
	if hidden {
		filter = ``
	}
	if tx.Dialect() == sqldb.Postgres { // on SQLite there is one writer at a time
		suffix = ` FOR UPDATE`
	}
	var allowed []File
	for chunk := range slices.Chunk(inOrder(ids), idsAtOnce) {
		rows, err := s.files(ctx, tx, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.id IN (`+listText(1, len(chunk))+`)`+filter+` ORDER BY f.id`+suffix, anys(chunk)...)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			err := may(&rows[i])
			if errs.Is(err, errs.NotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			allowed = append(allowed, rows[i])
		}
	}
	return allowed, nil
}
