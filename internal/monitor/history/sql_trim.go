package history

import (
	"context"
	"errors"
	"time"

	"homeserver/internal/platform/sqldb"
)

// createTrimmed is the table of how far retention has come. Files of before it was there get it
// when they are opened.
const createTrimmed = `CREATE TABLE IF NOT EXISTS trimmed (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL)`

// trimPace is how far the time that retention goes by moves with each look, an hour apart, at
// most. A clock that says 2040 costs a day of the oldest figures an hour, and not all of them
// at once; a server that was off for a month is done with it after a day.
const trimPace = 24 * time.Hour

// TrimAt is Trim at a time that the clock says, as far as that can be believed.
func (h *History) TrimAt(ctx context.Context, clock time.Time) error {
	var last int64
	err := h.db.QueryRow(ctx, `SELECT at FROM trimmed`).Scan(&last)
	switch {
	case errors.Is(err, sqldb.ErrNoRows):
	case err != nil:
		return err
	case clock.After(time.UnixMilli(last).Add(trimPace)):
		clock = time.UnixMilli(last).Add(trimPace)
	}
	if _, err := h.db.Exec(ctx, `INSERT INTO trimmed (one, at) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET at = excluded.at`, clock.UnixMilli()); err != nil {
		return err
	}
	return h.Trim(ctx, clock)
}

// Trim drops what is older than its tier is kept and, when the file has grown beyond its
// limit, the oldest of the finest tier; then the series of which nothing is left.
func (h *History) Trim(ctx context.Context, now time.Time) error {
	if err := errors.Join(h.trimEvents(ctx, now), h.trimFrozen(ctx, now)); err != nil {
		return err
	}
	for t := range tiers {
		oldest := floorDiv(now.Add(-t.keep()).UnixMilli(), t.step().Milliseconds()*t.slots())
		if _, err := h.db.Exec(ctx, `DELETE FROM pages WHERE tier = $1 AND number < $2`, int(t), oldest); err != nil {
			return err
		}
	}
	if err := h.trimSize(ctx); err != nil {
		return err
	}
	return h.forgetSeries(ctx)
}

// trimSize drops the oldest of the finest tier while the file is beyond its limit.
func (h *History) trimSize(ctx context.Context) error {
	for t := samples; t < hours; t++ {
		for {
			used, err := h.size(ctx)
			if err != nil || used <= h.config.MaxBytes {
				return err
			}
			n, err := h.db.Exec(ctx, `DELETE FROM pages WHERE tier = $1 AND number = (SELECT min(number) FROM pages WHERE tier = $1)`, int(t))
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}

// size is what the file's pages in use take, in bytes.
func (h *History) size(ctx context.Context) (int64, error) {
	var used, free, page int64
	err := errors.Join(
		h.db.QueryRow(ctx, `PRAGMA page_count`).Scan(&used),
		h.db.QueryRow(ctx, `PRAGMA freelist_count`).Scan(&free),
		h.db.QueryRow(ctx, `PRAGMA page_size`).Scan(&page))
	return (used - free) * page, err
}
