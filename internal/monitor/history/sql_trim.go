package history

import (
	"context"
	"errors"
	"math"
	"time"
)

// trimPace is how much of what is remembered goes with each look, an hour apart, at most: of each
// tier (of hours a page, which is a month), of the events and of the frozen lists. A clock that
// says 2040 for an hour costs a day of the oldest figures, and not all of them; a server that was
// off for a month is done with it after a day.
const trimPace = 24 * time.Hour

// ahead is how far in the future figures may lie and stay: a clock that is behind by hours, or was
// ahead by hours, costs nothing. What the latter wrote is written over before long.
const ahead = 24 * time.Hour

// Trim drops what is older than its tier is kept, what lies in the future and, when the file has
// grown beyond its limit, the oldest of the finest tier; then the series of which nothing is left.
func (h *History) Trim(ctx context.Context, now time.Time) error {
	if err := errors.Join(h.trimEvents(ctx, now), h.trimFrozen(ctx, now), h.trimFuture(ctx, now)); err != nil {
		return err
	}
	for t := range tiers {
		page := t.step().Milliseconds() * t.slots()
		oldest, pace := floorDiv(now.Add(-t.keep()).UnixMilli(), page), max(1, trimPace.Milliseconds()/page)
		if _, err := h.db.Exec(ctx, `DELETE FROM pages WHERE tier = $1 AND number < $2 AND number < (SELECT min(number) FROM pages WHERE tier = $3) + $4`, int(t), oldest, int(t), pace); err != nil {
			return err
		}
	}
	if err := h.trimSize(ctx, now); err != nil {
		return err
	}
	return h.forgetSeries(ctx)
}

// firstAhead is the number of the first page of a tier that lies in the future.
func firstAhead(t tier, now time.Time) int64 {
	return floorDiv(now.Add(ahead).UnixMilli(), t.step().Milliseconds()*t.slots()) + 1
}

// trimFuture drops what a clock that was wrong has written in the future, which nobody would ever
// see, and no age would ever end. It is done as slowly as with what is old, the oldest first, and a
// coarser tier once the finer ones are done: when it is the clock of this moment that is wrong,
// being years behind, it costs little, and of what lasts longest at first nothing.
func (h *History) trimFuture(ctx context.Context, now time.Time) error {
	for t := range tiers {
		first, pace := firstAhead(t, now), max(1, trimPace.Milliseconds()/(t.step().Milliseconds()*t.slots()))
		n, err := h.db.Exec(ctx, `DELETE FROM pages WHERE tier = $1 AND number >= $2 AND number < (SELECT min(number) FROM pages WHERE tier = $3 AND number >= $4) + $5`, int(t), first, int(t), first, pace)
		if err != nil || n > 0 {
			return err
		}
	}
	return nil
}

// trimSize drops, while the file is beyond its limit, what lies in the future, and then the oldest
// of the finest tier.
func (h *History) trimSize(ctx context.Context, now time.Time) error {
	for t := samples; t < hours; t++ {
		if err := h.dropOver(ctx, t, firstAhead(t, now)); err != nil {
			return err
		}
	}
	for t := samples; t < hours; t++ {
		if err := h.dropOver(ctx, t, math.MinInt64); err != nil {
			return err
		}
	}
	return nil
}

// dropOver drops the oldest pages of a tier, from a number on, while the file is beyond its limit.
func (h *History) dropOver(ctx context.Context, t tier, from int64) error {
	for {
		used, err := h.size(ctx)
		if err != nil || used <= h.config.MaxBytes {
			return err
		}
		n, err := h.db.Exec(ctx, `DELETE FROM pages WHERE tier = $1 AND number = (SELECT min(number) FROM pages WHERE tier = $2 AND number >= $3)`, int(t), int(t), from)
		if err != nil || n == 0 {
			return err
		}
	}
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
