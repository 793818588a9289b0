package history

import (
	"context"
	"fmt"
	"time"

	"homeserver/internal/platform/sqldb"
)

// checkVersion makes sure that the file is of a format that is known here.
func checkVersion(ctx context.Context, q sqldb.Querier) error {
	var version int
	if err := q.QueryRow(ctx, `SELECT version FROM format`).Scan(&version); err != nil {
		return err
	}
	if version < 1 || version > schemaVersion {
		return fmt.Errorf("the history of the figures is of format %d, this program knows %d: put the file aside, or start the program that made it", version, schemaVersion)
	}
	return nil
}

// stretchesOf is every stretch that has pages.
func stretchesOf(ctx context.Context, q sqldb.Querier) (list []stretch, err error) {
	rows, err := q.Query(ctx, `SELECT DISTINCT tier, number FROM pages ORDER BY tier, number`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t, number int64
		if err := rows.Scan(&t, &number); err != nil {
			return nil, err
		}
		if t < 0 || t >= int64(tiers) {
			return nil, fmt.Errorf("%w: tier %d", errPage, t)
		}
		st := stretch{tier: tier(t)}
		st.first = floorDiv(number, st.tier.piecePages()) * st.tier.piecePages()
		st.next = st.first + st.tier.piecePages()
		if n := len(list); n == 0 || list[n-1] != st {
			list = append(list, st)
		}
	}
	return list, rows.Err()
}

// eachPage calls fn with the pages of a stretch, in the order of the index that finds them:
// sorted otherwise they would be gathered first.
func eachPage(ctx context.Context, q sqldb.Querier, st stretch, fn func(id, number int64, page []byte) error) error {
	rows, err := q.Query(ctx, `SELECT id, number, page FROM pages WHERE tier = $1 AND number >= $2 AND number < $3 ORDER BY number, id`, int(st.tier), st.first, st.next)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, number int64
		var page []byte
		if err := rows.Scan(&id, &number, &page); err != nil {
			return err
		}
		if err := fn(id, number, page); err != nil {
			return err
		}
	}
	return rows.Err()
}

// eachAbout calls fn with all that is no page.
func eachAbout(ctx context.Context, q sqldb.Querier, fn func(about) error) error {
	titled, err := hasTitles(ctx, q)
	if err != nil {
		return err
	}
	series := `SELECT id, key, '' AS title, scale FROM series ORDER BY id`
	if titled {
		series = `SELECT id, key, title, scale FROM series ORDER BY id`
	}
	for _, part := range []struct {
		table, query string
		scan         func(*sqldb.Rows) (about, error)
	}{
		{"series", series, func(rows *sqldb.Rows) (about, error) {
			var s aboutSeries
			err := rows.Scan(&s.ID, &s.Key, &s.Title, &s.Scale)
			return about{Series: &s}, err
		}},
		{"tail", `SELECT ticks FROM tail ORDER BY id`, func(rows *sqldb.Rows) (a about, err error) {
			err = rows.Scan(&a.Tail)
			return a, err
		}},
		{"events", `SELECT kind, id, at, count FROM events ORDER BY at, kind, id`, func(rows *sqldb.Rows) (about, error) {
			var e Event
			var at int64
			err := rows.Scan(&e.Kind, &e.ID, &at, &e.Count)
			e.At = time.UnixMilli(at).UTC()
			return about{Event: &e}, err
		}},
		{"frozen", `SELECT at, list FROM frozen ORDER BY at`, func(rows *sqldb.Rows) (about, error) {
			var f aboutFrozen
			err := rows.Scan(&f.At, &f.List)
			return about{Frozen: &f}, err
		}},
	} {
		if err := eachRow(ctx, q, part.table, part.query, part.scan, fn); err != nil {
			return err
		}
	}
	return nil
}

// eachRow calls fn with each row of a table, which files of the first versions may not have.
func eachRow(ctx context.Context, q sqldb.Querier, table, query string, scan func(*sqldb.Rows) (about, error), fn func(about) error) error {
	var there int
	if err := q.QueryRow(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1`, table).Scan(&there); err != nil || there == 0 {
		return err
	}
	rows, err := q.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		a, err := scan(rows)
		if err == nil {
			err = fn(a)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// createOrigin is the table that says from which backup a file was restored.
const createOrigin = `CREATE TABLE IF NOT EXISTS origin (one INTEGER PRIMARY KEY CHECK (one = 1), backup TEXT NOT NULL)`

// originOf is the backup that a file was restored from, "" for none.
func originOf(ctx context.Context, db *sqldb.DB) (backup string, err error) {
	some, err := db.HasRows(ctx, "origin")
	if err != nil || !some {
		return "", err
	}
	err = db.QueryRow(ctx, `SELECT backup FROM origin`).Scan(&backup)
	return backup, err
}

// putAbout writes a line of the first piece.
func putAbout(ctx context.Context, tx *sqldb.Tx, a about) (err error) {
	switch {
	case a.Series != nil:
		_, err = tx.Exec(ctx, `INSERT INTO series (id, key, title, scale) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, a.Series.ID, a.Series.Key, a.Series.Title, a.Series.Scale)
	case a.Tail != nil:
		_, err = tx.Exec(ctx, `INSERT INTO tail (ticks) VALUES ($1)`, a.Tail)
	case a.Event != nil:
		_, err = tx.Exec(ctx, `INSERT INTO events (kind, id, at, count) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, a.Event.Kind, a.Event.ID, a.Event.At.UnixMilli(), a.Event.Count)
	case a.Frozen != nil:
		_, err = tx.Exec(ctx, `INSERT INTO frozen (at, list) VALUES ($1, $2) ON CONFLICT DO NOTHING`, a.Frozen.At, a.Frozen.List)
	}
	return err
}

// putPage writes a page as it is.
func putPage(ctx context.Context, tx *sqldb.Tx, t tier, series, number int64, page []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO pages (id, tier, number, page) VALUES ($1, $2, $3, $4)`, pageID(t, series, number), int(t), number, page)
	return err
}

// putOrigin notes which backup a file comes from.
func putOrigin(ctx context.Context, db *sqldb.DB, backup string) error {
	_, err := db.Exec(ctx, `INSERT INTO origin (one, backup) VALUES (1, $1)`, backup)
	return err
}
