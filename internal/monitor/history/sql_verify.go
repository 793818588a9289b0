package history

import (
	"context"
	"errors"

	"homeserver/internal/platform/sqldb"
)

// pageNumber says which page.
type pageNumber struct {
	tier           tier
	series, number int64
}

// pageNumbers is every page there is, the oldest of each series first.
func (h *History) pageNumbers(ctx context.Context) (list []pageNumber, err error) {
	rows, err := h.db.Query(ctx, `SELECT id, tier, number FROM pages ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var p pageNumber
		if err := rows.Scan(&id, &p.tier, &p.number); err != nil {
			return nil, err
		}
		p.series = seriesOf(id)
		list = append(list, p)
	}
	return list, rows.Err()
}

// blob is a page as it is written, nil where there is none.
func (h *History) blob(ctx context.Context, q sqldb.Querier, p pageNumber) (blob []byte, err error) {
	err = q.QueryRow(ctx, `SELECT page FROM pages WHERE id = $1`, pageID(p.tier, p.series, p.number)).Scan(&blob)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, nil
	}
	return blob, err
}

// byID finds a series by its row.
func (h *History) byID() map[int64]int {
	byID := map[int64]int{}
	for i, s := range h.series {
		if !s.forgotten {
			byID[s.id] = i
		}
	}
	return byID
}

func (h *History) keyOf(id int64) string {
	for _, s := range h.series {
		if s.id == id {
			return s.key
		}
	}
	return ""
}
