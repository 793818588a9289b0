package notify

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"homeserver/internal/platform/sqldb"
)

// tally is what a delivery tells of all that collapsed into it.
type tally struct{ since, times, worst, raised int64 }

// plus is the tally of two together.
func (a tally) plus(b tally) tally {
	return tally{min(a.since, b.since), a.times + b.times, max(a.worst, b.worst), a.raised + b.raised}
}

// tallyOf is the tally of a message by itself.
func tallyOf(m storedMessage) tally {
	return tally{m.At.UnixMicro(), 1, int64(m.Severity), number(m.State == Raised)}
}

// place makes a message's delivery to a channel. What waits there about the same key collapses
// into it: that is gone, and this one tells since when, how often and how bad.
func (s store) place(ctx context.Context, tx *sqldb.Tx, m storedMessage, channel string, now int64) (id string, err error) {
	return s.put(ctx, tx, m, tallyOf(m), channel, "", now)
}

// placeFor makes the delivery by which a channel stands in for d's, or has one that waits there
// and is newer tell what d tells: the last word about a key is the last to be told.
//
// It takes in what stands in for others, and nothing that is the channel's own: that must be told
// even if d's channel works again, and what stands in for it is dropped.
func (s store) placeFor(ctx context.Context, tx *sqldb.Tx, d *delivery, channel string, now int64) (id string, err error) {
	told := tally{d.since, d.times, d.worst, d.raised}
	if d.message.Key == "" {
		return s.put(ctx, tx, d.message, told, channel, d.id, now)
	}
	newer, err := sqldb.Texts(ctx, tx, `SELECT w.id FROM notify_deliveries w JOIN notify_messages m ON m.id = w.message_id
		WHERE w.channel_id = $1 AND w.about = $2 AND w.state IN ('pending', 'held') AND w.digest_id = '' AND w.diverted_to = '' AND m.created_at >= $3
		ORDER BY m.created_at DESC, w.id DESC LIMIT 1`, channel, d.message.Key, d.message.created)
	if err != nil {
		return "", err
	}
	if len(newer) > 0 {
		// Due, as the other would be: whether it must wait for the end of quiet hours is decided anew.
		n, err := tx.Exec(ctx, `UPDATE notify_deliveries SET state = 'pending', next_at = CASE WHEN state = 'held' THEN $1 ELSE next_at END, since = CASE WHEN since < $2 THEN since ELSE $3 END,
			times = times + $4, worst = CASE WHEN worst > $5 THEN worst ELSE $6 END, raised = raised + $7 WHERE id = $8 AND state IN ('pending', 'held') AND digest_id = ''`,
			now, told.since, told.since, told.times, told.worst, told.worst, told.raised, newer[0])
		if err != nil || n > 0 {
			return newer[0], err
		}
	}
	return s.put(ctx, tx, d.message, told, channel, d.id, now)
}

// put makes a delivery, into which what waits at the channel about the same key collapses; of
// one that stands in for another only what stands in, too.
func (s store) put(ctx context.Context, tx *sqldb.Tx, m storedMessage, told tally, channel, standsFor string, now int64) (id string, err error) {
	ordered, err := uuid.NewV7() // ids grow with time: what was enqueued first is sent first, within a microsecond too
	if err != nil {
		return "", err
	}
	id = ordered.String()
	if m.Key != "" {
		before, err := s.collapse(ctx, tx, m.Key, channel, id, standsFor != "")
		if err != nil {
			return "", err
		}
		for _, one := range before {
			told = told.plus(one)
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO notify_deliveries (id, message_id, channel_id, about, state, next_at, created_at, since, times, worst, raised, stands_for)
		VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11)`, id, m.id, channel, m.Key, now, now, told.since, told.times, told.worst, told.raised, standsFor)
	return id, err
}

// collapse removes what waits at a channel about a key, for the delivery into to tell it.
func (s store) collapse(ctx context.Context, tx *sqldb.Tx, key, channel, into string, onlyStandIns bool) (list []tally, err error) {
	// Of rows, not of a count: whatever is being sent at this moment is told by itself.
	rows, err := tx.Query(ctx, `DELETE FROM notify_deliveries WHERE channel_id = $1 AND about = $2 AND state IN ('pending', 'held') AND digest_id = '' AND diverted_to = '' AND (stands_for <> '' OR $3 = 0)
		RETURNING id, since, times, worst, raised`, channel, key, number(onlyStandIns))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var gone []string
	for rows.Next() {
		var id string
		var one tally
		if err := rows.Scan(&id, &one.since, &one.times, &one.worst, &one.raised); err != nil {
			return nil, err
		}
		gone, list = append(gone, id), append(list, one)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, id := range gone { // what these stood in for is told by the same
		if _, err := tx.Exec(ctx, `UPDATE notify_deliveries SET diverted_to = $1 WHERE diverted_to = $2`, into, id); err != nil {
			return nil, err
		}
	}
	return list, nil
}
