package notify

import (
	"context"

	"homeserver/internal/platform/sqldb"
)

// hold keeps a channel's deliveries until a time, but for what is critical. What another channel
// stands in for comes back, and a digest that could not be sent is taken apart again: its parts
// are told together with what comes in these quiet hours.
func (s store) hold(ctx context.Context, channel string, until, now int64) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := s.takeBack(ctx, tx, channel); err != nil {
			return err
		}
		if err := s.takeApart(ctx, tx, channel, until); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE notify_deliveries SET state = 'held', next_at = $1
			WHERE channel_id = $2 AND state IN ('pending', 'held') AND next_at <= $3 AND worst < $4 AND digest_id = '' AND diverted_to = ''`, until, channel, now, int64(Critical))
		return err
	})
}

// takeBack drops what stands in for a channel's deliveries, unless it is being sent. What tells
// them beside what is another channel's own stays as it is.
func (s store) takeBack(ctx context.Context, tx *sqldb.Tx, channel string) error {
	copies, err := sqldb.Texts(ctx, tx, `SELECT diverted_to FROM notify_deliveries WHERE channel_id = $1 AND state = 'pending' AND diverted_to <> '' AND worst < $2`, channel, int64(Critical))
	if err != nil {
		return err
	}
	for _, id := range copies {
		n, err := tx.Exec(ctx, `DELETE FROM notify_deliveries WHERE id = $1 AND state IN ('pending', 'held') AND digest_id = ''
			AND EXISTS (SELECT 1 FROM notify_deliveries d WHERE d.id = notify_deliveries.stands_for AND d.channel_id = $2)`, id, channel)
		if err == nil && n > 0 { // others that it told as well are given to another again
			_, err = tx.Exec(ctx, `UPDATE notify_deliveries SET diverted_to = '' WHERE diverted_to = $1`, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// takeApart makes of the digests that wait for a channel what they were made of.
func (s store) takeApart(ctx context.Context, tx *sqldb.Tx, channel string, until int64) error {
	digests, err := sqldb.Texts(ctx, tx, `SELECT DISTINCT digest_id FROM notify_deliveries WHERE channel_id = $1 AND state = 'held' AND digest_id <> ''`, channel)
	if err != nil {
		return err
	}
	for _, id := range digests {
		n, err := tx.Exec(ctx, `DELETE FROM notify_deliveries WHERE id = $1 AND state = 'pending' AND diverted_to = ''`, id)
		if err == nil && n > 0 {
			_, err = tx.Exec(ctx, `UPDATE notify_deliveries SET digest_id = '', next_at = $1 WHERE digest_id = $2`, until, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// heldDue returns what was held and may go now, in order.
func (s store) heldDue(ctx context.Context, q sqldb.Querier, channel string, now int64) ([]*delivery, error) {
	return scanDeliveries(q.Query(ctx, `SELECT `+deliveryColumns+` FROM notify_deliveries d JOIN notify_messages m ON m.id = d.message_id
		WHERE d.channel_id = $1 AND d.state = 'held' AND d.digest_id = '' AND d.next_at <= $2 ORDER BY d.created_at, d.id`, channel, now))
}

// letGo makes what was held due.
func (s store) letGo(ctx context.Context, q sqldb.Querier, id string, now int64) error {
	_, err := q.Exec(ctx, `UPDATE notify_deliveries SET state = 'pending', next_at = $1 WHERE id = $2 AND state = 'held' AND digest_id = ''`, now, id)
	return err
}

// tellIn has a held delivery told by a digest; false when it has collapsed into another meanwhile.
func (s store) tellIn(ctx context.Context, tx *sqldb.Tx, id, digest string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE notify_deliveries SET digest_id = $1 WHERE id = $2 AND state = 'held' AND digest_id = ''`, digest, id)
	return n > 0, err
}

// dropDelivery removes one that nothing came of.
func (s store) dropDelivery(ctx context.Context, tx *sqldb.Tx, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM notify_deliveries WHERE id = $1`, id)
	return err
}

// undiverted returns what waits for a channel, was refused at least so often, and no other
// tells.
func (s store) undiverted(ctx context.Context, tx *sqldb.Tx, channel string, refusals int64) ([]*delivery, error) {
	return scanDeliveries(tx.Query(ctx, `SELECT `+deliveryColumns+` FROM notify_deliveries d JOIN notify_messages m ON m.id = d.message_id JOIN notify_channels c ON c.id = d.channel_id
		WHERE d.channel_id = $1 AND d.state = 'pending' AND d.diverted_to = '' AND d.stands_for = '' AND d.refusals >= $2 AND `+untold+` ORDER BY d.created_at, d.id`, channel, refusals))
}

// divert has another channel tell a delivery; false when it has collapsed or was sent meanwhile.
func (s store) divert(ctx context.Context, tx *sqldb.Tx, d *delivery, channel string, now int64) (bool, error) {
	// First of all, so that nothing is placed for one that is gone: whoever sends it waits here.
	n, err := tx.Exec(ctx, `UPDATE notify_deliveries SET diverted_to = $1 WHERE id = $2 AND state = 'pending' AND diverted_to = ''`, d.id, d.id)
	if err != nil || n == 0 {
		return false, err
	}
	to, err := s.placeFor(ctx, tx, d, channel, now)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `UPDATE notify_deliveries SET diverted_to = $1 WHERE id = $2`, to, d.id)
	return true, err
}
