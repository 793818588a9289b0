package notify

import (
	"context"
	"errors"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

// States of deliveries that the code asks for.
const (
	statePending = "pending"
	stateHeld    = "held"
	stateSent    = "sent"
	stateFailed  = "failed"
)

// messages returns what there was to tell before a position, newest first.
func (s store) messages(ctx context.Context, beforeAt int64, beforeID string, limit int) ([]storedMessage, error) {
	rows, err := s.db.Query(ctx, `SELECT id, about, state, severity, title, body, link, at, created_at FROM notify_messages
		WHERE (created_at, id) < ($1, $2) AND state <> 'digest' ORDER BY created_at DESC, id DESC LIMIT $3`, beforeAt, beforeID, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []storedMessage
	for rows.Next() {
		var m storedMessage
		var state string
		var severity, at int64
		if err := rows.Scan(&m.id, &m.Key, &state, &severity, &m.Title, &m.Text, &m.Link, &at, &m.created); err != nil {
			return nil, err
		}
		m.State, m.Severity, m.At = State(state), Severity(severity), micro(at)
		list = append(list, m)
	}
	return list, rows.Err()
}

// outboxQuery chooses deliveries: those before a position, newest first.
type outboxQuery struct {
	beforeAt       int64
	beforeID       string
	channel, state string // "" for all
	limit          int
}

func (s store) deliveries(ctx context.Context, q outboxQuery) ([]*delivery, error) {
	return scanDeliveries(s.db.Query(ctx, `SELECT `+deliveryColumns+` FROM notify_deliveries d JOIN notify_messages m ON m.id = d.message_id
		WHERE (d.created_at, d.id) < ($1, $2) AND ($3 = '' OR d.channel_id = $4)
		  AND ($5 = '' OR d.state = $6 OR $7 = 'waiting' AND d.state IN ('pending', 'sending', 'held'))
		ORDER BY d.created_at DESC, d.id DESC LIMIT $8`, q.beforeAt, q.beforeID, q.channel, q.channel, q.state, q.state, q.state, q.limit))
}

// retry makes a delivery due now, also one that was given up, and its channel with it.
func (s store) retry(ctx context.Context, id string, now int64) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		var state, channel string
		err := tx.QueryRow(ctx, `SELECT state, channel_id FROM notify_deliveries WHERE id = $1`, id).Scan(&state, &channel)
		switch {
		case errors.Is(err, sqldb.ErrNoRows):
			return errs.New(errs.NotFound, "There is no such notification.")
		case err != nil:
			return err
		case state == stateHeld:
			return errs.New(errs.Conflict, "It is held until the quiet hours end.")
		case state != statePending && state != stateFailed:
			return errs.New(errs.Conflict, "It was sent already, or is being sent.")
		}
		n, err := tx.Exec(ctx, `UPDATE notify_channels SET wait_until = 0 WHERE id = $1 AND enabled = 1`, channel)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.Conflict, "Its channel was removed or switched off.")
		}
		// One that was given up begins anew: it has its days before it again, and may be told by another
		// channel again. One that waits is told by that already.
		_, err = tx.Exec(ctx, `UPDATE notify_deliveries SET state = 'pending', next_at = $1, ended_at = 0, digest_id = '', diverted_to = CASE WHEN state = 'failed' THEN '' ELSE diverted_to END,
			created_at = CASE WHEN state = 'failed' THEN $2 ELSE created_at END WHERE id = $3 AND state IN ('pending', 'failed')`, now, now, id)
		return err
	})
}
