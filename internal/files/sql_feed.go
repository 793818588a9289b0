package files

import (
	"context"
	"errors"

	"homeserver/internal/platform/sqldb"
)

// feedTrim is how many changes are forgotten in one statement.
const feedTrim = 10_000

// feedNewest is the number of the last change.
func (s store) feedNewest(ctx context.Context) (seq int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT seq FROM files_feed WHERE one = 1`).Scan(&seq)
	return seq, err
}

// changesAfter reads up to limit changes after since that a view shows or did show, passing by
// no more than feedWindow rows.
func (s store) changesAfter(ctx context.Context, v view, since int64, limit int) (page feedPart, err error) {
	newest, err := s.feedNewest(ctx)
	if err != nil {
		return page, err
	}
	if since > newest { // a backup was played back, or it is another house's
		return page, errFeedGone()
	}
	page.cursor = min(newest, since+feedWindow)
	page.list, err = s.readChanges(ctx, v, since, page.cursor, limit)
	if err != nil {
		return page, err
	}
	// Only now: what is forgotten is first said to be, and then deleted.
	var oldest int64
	if err := s.db.QueryRow(ctx, `SELECT oldest FROM files_feed WHERE one = 1`).Scan(&oldest); err != nil {
		return page, err
	}
	if since < oldest {
		return page, errFeedGone()
	}
	if len(page.list) == limit {
		page.cursor = page.list[limit-1].seq
	}
	page.more = page.cursor < newest
	return page, nil
}

func (s store) readChanges(ctx context.Context, v view, after, upTo int64, limit int) ([]feedEntry, error) {
	query, args := `SELECT seq, at, type, kind, item_id, folder_id, name, owner_id, audience, actor, revision FROM file_changes WHERE seq > $1 AND seq <= $2`, []any{after, upTo}
	if v.all {
		query += ` ORDER BY seq LIMIT $3`
	} else {
		query += ` AND (audience IN ('', $3) OR was IN ('', $4)) ORDER BY seq LIMIT $5`
		args = append(args, v.own, v.own)
	}
	rows, err := s.db.Query(ctx, query, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []feedEntry
	for rows.Next() {
		var e feedEntry
		if err := rows.Scan(&e.seq, &e.at, &e.Type, &e.Kind, &e.ID, &e.Folder, &e.Name, &e.Owner, &e.Audience, &e.Actor, &e.Revision); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// trimFeed forgets changes from before cutoff, and all but the last keep.
func (s store) trimFeed(ctx context.Context, cutoff, keep int64) (forgotten int64, err error) {
	newest, err := s.feedNewest(ctx)
	if err != nil {
		return 0, err
	}
	var bound int64 // the last to be forgotten
	err = s.db.QueryRow(ctx, `SELECT seq FROM file_changes WHERE at >= $1 ORDER BY seq LIMIT 1`, cutoff).Scan(&bound)
	switch {
	case errors.Is(err, sqldb.ErrNoRows):
		bound = newest
	case err != nil:
		return 0, err
	default:
		bound--
	}
	bound = max(bound, newest-keep)
	if _, err := s.db.Exec(ctx, `UPDATE files_feed SET oldest = $1 WHERE oldest < $2`, bound, bound); err != nil {
		return 0, err
	}
	for {
		var first int64
		err := s.db.QueryRow(ctx, `SELECT seq FROM file_changes ORDER BY seq LIMIT 1`).Scan(&first)
		if errors.Is(err, sqldb.ErrNoRows) || err == nil && first > bound {
			return forgotten, nil
		}
		if err != nil {
			return forgotten, err
		}
		n, err := s.db.Exec(ctx, `DELETE FROM file_changes WHERE seq <= $1`, min(bound, first+feedTrim))
		if err != nil {
			return forgotten, err
		}
		forgotten += n
	}
}
