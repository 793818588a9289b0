package history

import (
	"context"
	"time"
)

// Event is something that happened to the machine, to be marked in charts.
type Event struct {
	At    time.Time
	Kind  string // a word, such as boot
	ID    string // tells the same event noted twice from another of its kind
	Count int64  // how many times at once
}

// createEvents is the table of events. Files of before it was there get it when they are opened.
const createEvents = `CREATE TABLE IF NOT EXISTS events (kind TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (kind, id))`

// eventsByTime finds the events of a span.
const eventsByTime = `CREATE INDEX IF NOT EXISTS events_by_time ON events (at)`

// Note remembers an event for as long as hours are. One that is noted again is of the time said
// last: a clock that was wrong at the start is set soon.
func (h *History) Note(ctx context.Context, e Event) error {
	_, err := h.db.Exec(ctx, `INSERT INTO events (kind, id, at, count) VALUES ($1, $2, $3, $4) ON CONFLICT (kind, id) DO UPDATE SET at = excluded.at, count = excluded.count`,
		e.Kind, e.ID, e.At.UnixMilli(), e.Count)
	return err
}

// Events returns what happened from a time until before another, the oldest first, and of more
// than most the newest.
func (h *History) Events(ctx context.Context, from, to time.Time, most int) (list []Event, err error) {
	rows, err := h.db.Query(ctx, `SELECT kind, id, at, count FROM (SELECT kind, id, at, count FROM events WHERE at >= $1 AND at < $2 ORDER BY at DESC, kind, id LIMIT $3) AS newest ORDER BY at, kind, id`,
		from.UnixMilli(), to.UnixMilli(), most)
	if err != nil {
		return nil, h.config.broken(err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Event
		var at int64
		if err := rows.Scan(&e.Kind, &e.ID, &at, &e.Count); err != nil {
			return nil, h.config.broken(err)
		}
		e.At = time.UnixMilli(at).UTC()
		list = append(list, e)
	}
	return list, h.config.broken(rows.Err())
}

// trimEvents drops events that are older than hours are kept, and those in the future.
func (h *History) trimEvents(ctx context.Context, now time.Time) error {
	old, future := now.Add(-hours.keep()).UnixMilli(), now.Add(ahead).UnixMilli()
	_, err := h.db.Exec(ctx, `DELETE FROM events WHERE at < $1 AND at < (SELECT min(at) FROM events) + $2
		OR at > $3 AND at < (SELECT min(at) FROM events WHERE at > $4) + $5`, old, trimPace.Milliseconds(), future, future, trimPace.Milliseconds())
	return err
}
