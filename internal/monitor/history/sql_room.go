package history

import (
	"context"
	"fmt"

	"homeserver/internal/platform/sqldb"
)

const (
	// recentHours is how long ago a series was measured that gives way to no other: what people
	// look at after something has happened.
	recentHours = 24
	// giveWay is how many series are dropped together, so that not each new one looks for another.
	giveWay = mostSeries / 100
)

// room makes sure that there may be one more series: when there are as many as there may be, those
// give way that were measured longest ago. It is an error when all were measured of late.
func (h *History) room(ctx context.Context, key string) error {
	if len(h.series)-h.forgotten < mostSeries {
		return nil
	}
	if h.hour != noHour && h.crowded != h.hour {
		if err := h.dropOldest(ctx); err != nil {
			return err
		}
		if len(h.series)-h.forgotten < mostSeries {
			return nil
		}
		h.crowded = h.hour // it is not looked for again and again
	}
	return fmt.Errorf("%s is not remembered: %d series are the most, and all were measured within a day", key, mostSeries)
}

// dropOldest forgets the series that were measured longest ago, with all that is left of them.
func (h *History) dropOldest(ctx context.Context) error {
	used, byID := h.used(), h.byID()
	var gone []int
	err := h.db.Tx(ctx, func(tx *sqldb.Tx) error {
		gone = gone[:0]
		ids, err := leastRecent(ctx, tx, h.hour-recentHours)
		if err != nil {
			return err
		}
		for _, id := range ids {
			i, known := byID[id]
			if known && used[i] {
				continue
			}
			for t := range tiers {
				if _, err := tx.Exec(ctx, `DELETE FROM pages WHERE id BETWEEN $1 AND $2`, pageID(t, id, 0), pageID(t, id, -1)); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(ctx, `DELETE FROM series WHERE id = $1`, id); err != nil {
				return err
			}
			if known {
				gone = append(gone, i)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	h.forget(gone)
	h.log.Info("figures that were measured longest ago make room for others", "series", len(gone))
	return nil
}

// leastRecent is the rows of the series that were last measured before an hour, longest ago
// first. The finest tier in which there is something says best when that was. Those of which nothing was written yet are
// not among them.
func leastRecent(ctx context.Context, q sqldb.Querier, before int64) ([]int64, error) {
	// The number of the last page of a series in a tier.
	last := func(t tier) string {
		return fmt.Sprintf(`(SELECT number FROM pages WHERE pages.id BETWEEN ((%[1]d << %[2]d) | series.id) << %[3]d AND ((((%[1]d << %[2]d) | series.id) + 1) << %[3]d) - 1 ORDER BY pages.id DESC LIMIT 1)`, int(t), seriesBits, numberBits)
	}
	return seriesIDs(ctx, q, fmt.Sprintf(`SELECT id FROM (SELECT series.id AS id, coalesce(%s, %s * 24 + 23, %s * %d) AS hour FROM series) AS measured
		WHERE hour < $1 ORDER BY hour, id LIMIT $2`, last(samples), last(minutes), last(hours), hoursPerMonth), before, giveWay)
}

// used is the series of which something waits to be written.
func (h *History) used() map[int]bool {
	used := map[int]bool{}
	for i := range h.open {
		used[i] = true
	}
	for _, t := range h.fresh {
		for _, i := range t.samples {
			used[i] = true
		}
	}
	return used
}

// forget notes that the rows of some series are gone. Their numbers stay theirs.
func (h *History) forget(gone []int) {
	for _, i := range gone {
		h.series[i].forgotten = true
	}
	h.forgotten += len(gone)
}
