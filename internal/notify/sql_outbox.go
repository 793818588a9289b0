package notify

import (
	"context"
	"encoding/base64"

	"homeserver/internal/platform/sqldb"
)

// digestState is the state of messages that the room makes of those that were held.
const digestState State = "digest"

// storedMessage is a message as it is kept.
type storedMessage struct {
	id string
	Message
	created int64
}

// delivery is a message on its way to one channel.
type delivery struct {
	id, channel, state, err, standsFor, divertedTo string
	attempts, refusals                             int64
	next, created, ended                           int64
	since, times, worst, raised                    int64
	message                                        storedMessage
	image                                          string
}

const deliveryColumns = `d.id, d.channel_id, d.state, d.error, d.stands_for, d.diverted_to, d.attempts, d.refusals, d.next_at, d.created_at, d.ended_at, d.since, d.times, d.worst, d.raised,
	m.id, m.about, m.state, m.severity, m.title, m.body, m.link, m.at, m.created_at`

func scanDelivery(row scanner, more ...any) (*delivery, error) {
	d := &delivery{}
	var state string
	var severity, at int64
	err := row.Scan(append([]any{&d.id, &d.channel, &d.state, &d.err, &d.standsFor, &d.divertedTo, &d.attempts, &d.refusals, &d.next, &d.created, &d.ended, &d.since, &d.times, &d.worst, &d.raised,
		&d.message.id, &d.message.Key, &state, &severity, &d.message.Title, &d.message.Text, &d.message.Link, &at, &d.message.created}, more...)...)
	d.message.State, d.message.Severity, d.message.At = State(state), Severity(severity), micro(at)
	return d, err
}

func scanDeliveries(rows *sqldb.Rows, err error) ([]*delivery, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*delivery
	for rows.Next() {
		d, err := scanDelivery(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

func (s store) addMessage(ctx context.Context, tx *sqldb.Tx, m storedMessage) error {
	_, err := tx.Exec(ctx, `INSERT INTO notify_messages (id, about, state, severity, title, body, link, at, image, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		m.id, m.Key, string(m.State), int64(m.Severity), m.Title, m.Text, m.Link, m.At.UnixMicro(), base64.StdEncoding.EncodeToString(m.Image), m.created)
	return err
}

// untold is whether the channel that stands in for c is not told the delivery d, or something
// that the digest d tells, by itself: otherwise it would tell it twice.
const untold = `EXISTS (SELECT 1 FROM notify_deliveries part
	WHERE (part.digest_id = d.id OR part.id = d.id AND NOT EXISTS (SELECT 1 FROM notify_deliveries other WHERE other.digest_id = d.id))
	  AND NOT EXISTS (SELECT 1 FROM notify_deliveries own WHERE own.message_id = part.message_id AND own.channel_id = c.fallback_id AND own.state <> 'failed'))`

// dueChannels returns the channels at which there is something to do.
func (s store) dueChannels(ctx context.Context, now int64) ([]string, error) {
	wait, hold := now+longestWait.Microseconds(), now+longestHold.Microseconds()
	return sqldb.Texts(ctx, s.db, `SELECT DISTINCT c.id FROM notify_deliveries d JOIN notify_channels c ON c.id = d.channel_id
		WHERE d.state IN ('pending', 'sending', 'held') AND d.digest_id = '' AND (d.next_at <= $1 OR d.next_at > $2 AND d.state <> 'held' OR d.next_at > $3)
		  AND (c.wait_until <= $4 OR c.wait_until > $5 OR c.enabled = 0 OR c.failures >= c.fallback_after AND d.diverted_to = '' AND d.stands_for = '' AND d.state = 'pending'
		       AND EXISTS (SELECT 1 FROM notify_channels other WHERE other.id = c.fallback_id AND other.enabled = 1) AND `+untold+`)`, now, wait, hold, now, wait)
}

// orphans makes due again what a copy that died was sending, and what waits for a time that a
// wrong clock has set.
func (s store) orphans(ctx context.Context, channel string, now int64) error {
	_, err := s.db.Exec(ctx, `UPDATE notify_deliveries SET state = CASE WHEN state = 'sending' THEN 'pending' ELSE state END, next_at = $1
		WHERE channel_id = $2 AND (state = 'sending' OR state = 'pending' AND next_at > $3 OR state = 'held' AND next_at > $4)`,
		now, channel, now+longestWait.Microseconds(), now+longestHold.Microseconds())
	return err
}

// begin marks the next delivery that is due as being sent and returns it; nil when there is none.
func (s store) begin(ctx context.Context, channel string, now int64) (*delivery, error) {
	var d *delivery
	err := s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		d = nil
		ids, err := sqldb.Texts(ctx, tx, `SELECT id FROM notify_deliveries WHERE channel_id = $1 AND state = 'pending' AND next_at <= $2 ORDER BY created_at, id LIMIT 1`, channel, now)
		if err != nil || len(ids) == 0 {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE notify_deliveries SET state = 'sending', attempts = attempts + 1 WHERE id = $1 AND state = 'pending'`, ids[0])
		if err != nil || n == 0 { // collapsed into a later one meanwhile, which is looked for next time
			return err
		}
		var image string
		d, err = scanDelivery(tx.QueryRow(ctx, `SELECT `+deliveryColumns+`, m.image FROM notify_deliveries d JOIN notify_messages m ON m.id = d.message_id WHERE d.id = $1`, ids[0]), &image)
		if err == nil {
			d.image = image
		}
		return err
	})
	return d, err
}

// sent notes that a delivery was taken, and closes what it told as well.
func (s store) sent(ctx context.Context, d *delivery, by, warning string, now int64) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, one := range []struct {
			text string
			args []any
		}{
			{`UPDATE notify_deliveries SET state = 'sent', ended_at = $1, error = $2 WHERE id = $3`, []any{now, warning, d.id}},
			{`UPDATE notify_deliveries SET state = 'sent', ended_at = $1 WHERE digest_id = $2`, []any{now, d.id}},
			// The channel stood in for another: that need not tell it any more. Or the other way round.
			{`UPDATE notify_deliveries SET state = 'sent', ended_at = $1, error = $2 WHERE (id = $3 OR diverted_to = $4) AND state = 'pending'`, []any{now, "Sent by " + by + ", which stood in.", d.standsFor, d.id}},
			{`UPDATE notify_deliveries SET diverted_to = '' WHERE state IN ('pending', 'sending') AND diverted_to IN
				(SELECT id FROM notify_deliveries own WHERE own.stands_for = $1 AND own.state IN ('pending', 'held') AND own.digest_id = '')`, []any{d.id}},
			{`DELETE FROM notify_deliveries WHERE stands_for = $1 AND state IN ('pending', 'held') AND digest_id = ''`, []any{d.id}},
			{`UPDATE notify_channels SET failures = 0, wait_until = 0, succeeded_at = $1, error = $2 WHERE id = $3`, []any{now, warning, d.channel}},
		} {
			if _, err := tx.Exec(ctx, one.text, one.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// refused notes that the service took offence at this one; others may fare better. Only the
// first time it counts as a failure of the channel: a channel fails that refuses one after the other.
func (s store) refused(ctx context.Context, d *delivery, reason string, next, now int64) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE notify_deliveries SET state = 'pending', next_at = $1, error = $2, refusals = refusals + 1 WHERE id = $3 AND state = 'sending'`, next, reason, d.id); err != nil {
			return err
		}
		if err := s.dropOvertaken(ctx, tx, d, now); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE notify_channels SET failures = failures + $1, failed_at = $2, error = $3 WHERE id = $4`, number(d.refusals == 0), now, reason, d.channel)
		return err
	})
}

// failed notes that the channel could not be reached: all that waits for it waits longer.
func (s store) failed(ctx context.Context, d *delivery, reason string, next, now int64) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE notify_deliveries SET state = 'pending', next_at = $1, error = $2 WHERE id = $3 AND state = 'sending'`, next, reason, d.id); err != nil {
			return err
		}
		if err := s.dropOvertaken(ctx, tx, d, now); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE notify_channels SET failures = failures + 1, wait_until = $1, failed_at = $2, error = $3 WHERE id = $4`, next, now, reason, d.channel)
		return err
	})
}

// dropOvertaken ends a delivery that failed, but was told by the other channel while this one was
// on its way. One that stood in is dropped, and what it also told given out again.
func (s store) dropOvertaken(ctx context.Context, tx *sqldb.Tx, d *delivery, now int64) error {
	if d.standsFor == "" {
		_, err := tx.Exec(ctx, `UPDATE notify_deliveries SET state = 'sent', ended_at = $1, error = $2
			WHERE id = $3 AND state = 'pending' AND EXISTS (SELECT 1 FROM notify_deliveries told WHERE told.id = notify_deliveries.diverted_to AND told.state = 'sent')`,
			now, "Sent by another channel, which stood in.", d.id)
		return err
	}
	n, err := tx.Exec(ctx, `DELETE FROM notify_deliveries WHERE id = $1 AND state = 'pending' AND EXISTS (SELECT 1 FROM notify_deliveries told WHERE told.id = $2 AND told.state = 'sent')`, d.id, d.standsFor)
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE notify_deliveries SET diverted_to = '' WHERE state IN ('pending', 'sending') AND diverted_to = $1`, d.id)
	return err
}

// interrupted gives back what this copy could not finish sending before its end.
func (s store) interrupted(ctx context.Context, d *delivery, now int64) error {
	_, err := s.db.Exec(ctx, `UPDATE notify_deliveries SET state = 'pending', next_at = $1, attempts = attempts - 1 WHERE id = $2 AND state = 'sending'`, now, d.id)
	return err
}

// endWaiting gives up what waits for a channel.
const endWaiting = `UPDATE notify_deliveries SET state = 'failed', ended_at = $1, error = CASE WHEN error = '' THEN $2 ELSE $3 || ' ' || error END
	WHERE channel_id = $4 AND state IN ('pending', 'held')`

// giveUp ends everything that waits for a channel. What it stood in for is given out again: the
// other channel may have another by now.
func (s store) giveUp(ctx context.Context, q sqldb.Querier, channel string, now int64, reason string) error {
	_, err := q.Exec(ctx, `UPDATE notify_deliveries SET diverted_to = '' WHERE state IN ('pending', 'sending') AND diverted_to IN
		(SELECT id FROM notify_deliveries own WHERE own.channel_id = $1 AND own.state IN ('pending', 'held'))`, channel)
	if err == nil {
		_, err = q.Exec(ctx, endWaiting, now, reason, reason, channel)
	}
	return err
}

// giveUpOld ends what has waited for a channel since before a time and was tried so often, by
// itself or in its digest.
func (s store) giveUpOld(ctx context.Context, channel string, tries, before, now int64, reason string) error {
	_, err := s.db.Exec(ctx, endWaiting+` AND created_at <= $5 AND (attempts >= $6
		OR EXISTS (SELECT 1 FROM notify_deliveries digest WHERE digest.id = notify_deliveries.digest_id AND digest.attempts >= $7))`,
		now, reason, reason, channel, before, tries, tries)
	return err
}
