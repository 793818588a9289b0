package history

import (
	"context"
	"errors"
	"time"
)

// trimPace is how much of what is remembered goes with each look, an hour apart, at most: of each
// tier (of hours a page, which is a month), of the events and of the frozen lists. A clock that
// says 2040 for an hour costs a day of the oldest figures, and not all of them; a server that was
// off for a month is done with it after a day.
const trimPace = 24 * time.Hour

// Trim drops what is older than its tier is kept and, when the file has grown beyond its
// limit, the oldest of the finest tier; then the series of which nothing is left.
func (h *History) Trim(ctx context.Context, now time.Time) error {
	if err := errors.Join(h.trimEvents(ctx, now), h.trimFrozen(ctx, now)); err != nil {
		return err
	}
	for t := range tiers {
		page := t.step().Milliseconds() * t.slots()
		oldest, pace := floorDiv(now.Add(-t.keep()).UnixMilli(), page), max(1, trimPace.Milliseconds()/page)
		if _, err := h.db.Exec(ctx, `DELETE FROM pages WHERE tier = $1 AND number < $2 AND number < (SELECT min(number) FROM pages WHERE tier = $3) + $4`, int(t), oldest, int(t), pace); err != nil {
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
