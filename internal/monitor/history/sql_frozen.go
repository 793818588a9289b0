package history

import (
	"context"
	"errors"
	"time"

	"homeserver/internal/platform/sqldb"
)

// mostFrozen is how many lists are kept, at some 6 kB each; the oldest go first.
const mostFrozen = 1000

const createFrozen = `CREATE TABLE IF NOT EXISTS frozen (at INTEGER PRIMARY KEY, list BLOB NOT NULL)`

// Freeze keeps a list of what was going on at a time, as it is given.
func (h *History) Freeze(ctx context.Context, at time.Time, list []byte) error {
	_, err := h.db.Exec(ctx, `INSERT INTO frozen (at, list) VALUES ($1, $2) ON CONFLICT (at) DO UPDATE SET list = excluded.list`, at.UnixMilli(), list)
	return err
}

// Frozen is the list that was kept nearest to a time, and no further away than within; nil when
// there is none.
func (h *History) Frozen(ctx context.Context, near time.Time, within time.Duration) (list []byte, err error) {
	err = h.db.QueryRow(ctx, `SELECT list FROM frozen WHERE at BETWEEN $1 AND $2 ORDER BY abs(at - $3) LIMIT 1`,
		near.Add(-within).UnixMilli(), near.Add(within).UnixMilli(), near.UnixMilli()).Scan(&list)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, nil
	}
	return list, h.config.broken(err)
}

// trimFrozen drops lists that are older than hours are kept, those in the future, and the oldest of
// too many; those in the future are no newer than others.
func (h *History) trimFrozen(ctx context.Context, now time.Time) error {
	old, future := now.Add(-hours.keep()).UnixMilli(), now.Add(ahead).UnixMilli()
	_, err := h.db.Exec(ctx, `DELETE FROM frozen WHERE at < $1 AND at < (SELECT min(at) FROM frozen) + $2
		OR at > $3 AND at < (SELECT min(at) FROM frozen WHERE at > $4) + $5
		OR at <= (SELECT at FROM frozen WHERE at <= $6 ORDER BY at DESC LIMIT 1 OFFSET $7)`, old, trimPace.Milliseconds(), future, future, trimPace.Milliseconds(), future, mostFrozen)
	return err
}
