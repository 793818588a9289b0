package history

import (
	"context"

	"homeserver/internal/platform/sqldb"
)

// hasTitles reports whether the file's series have titles, which those of the first versions had not.
func hasTitles(ctx context.Context, q sqldb.Querier) (bool, error) {
	var n int
	err := q.QueryRow(ctx, `SELECT count(*) FROM pragma_table_info('series') WHERE name = 'title'`).Scan(&n)
	return n > 0, err
}

// addTitles makes room for titles where there is none.
func (h *History) addTitles(ctx context.Context) error {
	there, err := hasTitles(ctx, h.db)
	if err != nil || there {
		return err
	}
	_, err = h.db.Exec(ctx, `ALTER TABLE series ADD COLUMN title TEXT NOT NULL DEFAULT ''`)
	return err
}

func (h *History) loadSeries(ctx context.Context) error {
	titles, err := hasTitles(ctx, h.db)
	if err != nil {
		return err
	}
	query := `SELECT id, key, title, scale FROM series ORDER BY id`
	if !titles { // whoever only reads adds none
		query = `SELECT id, key, '', scale FROM series ORDER BY id`
	}
	rows, err := h.db.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s series
		if err := rows.Scan(&s.id, &s.key, &s.title, &s.scale); err != nil {
			return err
		}
		h.keep(s)
	}
	return rows.Err()
}

func (h *History) addSeries(ctx context.Context, key, title string, scale float64) (s series, err error) {
	s = series{key: key, title: title, scale: scale}
	err = h.db.Tx(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `INSERT INTO series (key, title, scale) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET title = excluded.title RETURNING id, scale`, key, title, scale).Scan(&s.id, &s.scale)
	})
	return s, err
}

// rename keeps another title of a series.
func (h *History) rename(ctx context.Context, id int64, title string) error {
	_, err := h.db.Exec(ctx, `UPDATE series SET title = $2 WHERE id = $1`, id, title)
	return err
}

// forgetSeries drops the series of which nothing is left, so that what comes and goes does not use up
// the most that there may be. Their numbers stay theirs: one that is measured again is made anew.
func (h *History) forgetSeries(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	used := h.used()
	byID := h.byID()
	var gone []int
	err := h.db.Tx(ctx, func(tx *sqldb.Tx) error {
		gone = gone[:0]
		ids, err := pageless(ctx, tx)
		if err != nil {
			return err
		}
		for _, id := range ids {
			i, known := byID[id]
			if known && used[i] {
				continue
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
	return nil
}

// pageless is the rows of the series without a page in any tier.
func pageless(ctx context.Context, q sqldb.Querier) ([]int64, error) {
	return seriesIDs(ctx, q, `SELECT id FROM series WHERE NOT EXISTS (SELECT 1 FROM pages JOIN (SELECT 0 AS tier UNION ALL SELECT 1 UNION ALL SELECT 2) AS every
		ON pages.id BETWEEN ((every.tier << $1) | series.id) << $2 AND ((((every.tier << $1) | series.id) + 1) << $2) - 1)`, seriesBits, numberBits)
}

// seriesIDs is the rows of series that a query finds.
func seriesIDs(ctx context.Context, q sqldb.Querier, query string, args ...any) (ids []int64, err error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// revive makes a series anew that was forgotten, under the number that it had.
func (h *History) revive(ctx context.Context, i int, title string) error {
	if err := h.room(ctx, h.series[i].key); err != nil {
		return err
	}
	s, err := h.addSeries(ctx, h.series[i].key, title, h.series[i].scale)
	if err != nil {
		return err
	}
	h.series[i] = s
	h.forgotten--
	return nil
}
