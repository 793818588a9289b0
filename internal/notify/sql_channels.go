package notify

import (
	"context"
	"encoding/json"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/sqldb"
)

const channelColumns = `id, position, kind, name, settings, secrets, enabled, allow_local, minimum, only_fallback, fallback_id, fallback_after, quiet,
	failures, wait_until, succeeded_at, failed_at, error`

// scanner is a row of either kind.
type scanner interface{ Scan(dest ...any) error }

func scanChannel(row scanner) (*Channel, error) {
	c := &Channel{}
	var settings string
	var enabled, local, minimum, only, quiet int64
	err := row.Scan(&c.ID, &c.position, &c.Kind, &c.Name, &settings, &c.sealed, &enabled, &local, &minimum, &only, &c.FallbackID, &c.FallbackAfter, &quiet,
		&c.Failures, &c.waitUntil, &c.succeededAt, &c.failedAt, &c.Error)
	if err != nil {
		return nil, err
	}
	c.Enabled, c.AllowLocal, c.OnlyFallback, c.Quiet = enabled != 0, local != 0, only != 0, quiet != 0
	c.Minimum = Severity(minimum)
	c.Name = httpd.OneLine(c.Name) // one of before names were looked at
	return c, json.Unmarshal([]byte(settings), &c.Settings)
}

// channel returns one channel, sqldb.ErrNoRows if there is none.
func (s store) channel(ctx context.Context, q sqldb.Querier, id string) (*Channel, error) {
	return scanChannel(q.QueryRow(ctx, `SELECT `+channelColumns+` FROM notify_channels WHERE id = $1`, id))
}

// channels returns all, in their order.
func (s store) channels(ctx context.Context, q sqldb.Querier) ([]*Channel, error) {
	rows, err := q.Query(ctx, `SELECT `+channelColumns+` FROM notify_channels ORDER BY position, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*Channel
	for rows.Next() {
		c, err := scanChannel(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// wanting returns the ids of the channels that want a message. That something is over is told
// only where it was told, or is still to be told, that it began: not by a channel that was added
// or switched on since, or that gave it up. Of a beginning that nobody knows of any more all are told.
func (s store) wanting(ctx context.Context, tx *sqldb.Tx, m Message) ([]string, error) {
	return sqldb.Texts(ctx, tx, `SELECT id FROM notify_channels c WHERE enabled = 1 AND only_fallback = 0 AND minimum <= $1
		AND ($2 = 0 OR NOT EXISTS (SELECT 1 FROM notify_messages m WHERE m.about = $3 AND m.state = 'raised')
		     OR EXISTS (SELECT 1 FROM notify_deliveries d WHERE d.channel_id = c.id AND d.about = $4 AND d.raised > 0 AND d.state <> 'failed' AND d.stands_for = ''))
		ORDER BY position, id`, int64(m.Severity), number(m.State == Recovered), m.Key, m.Key)
}

// number is how a yes or no is kept.
func number(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// lockChannels has changes of channels run one after the other.
func (s store) lockChannels(ctx context.Context, tx *sqldb.Tx) error {
	return s.set(ctx, tx, map[string]string{"channels_lock": ""})
}

// addChannel keeps a new channel behind the others.
func (s store) addChannel(ctx context.Context, tx *sqldb.Tx, c *Channel, now int64) error {
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, `SELECT coalesce(max(position), 0) + 1 FROM notify_channels`).Scan(&c.position); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO notify_channels (id, position, kind, name, settings, secrets, enabled, allow_local, minimum, only_fallback, fallback_id, fallback_after, quiet, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		c.ID, c.position, c.Kind, c.Name, string(settings), c.sealed, number(c.Enabled), number(c.AllowLocal), int64(c.Minimum), number(c.OnlyFallback), c.FallbackID, c.FallbackAfter, number(c.Quiet), now)
	return err
}

// changeChannel keeps a changed channel. It is tried again at once: that may be why it was changed.
func (s store) changeChannel(ctx context.Context, tx *sqldb.Tx, c *Channel) error {
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE notify_channels SET name = $1, settings = $2, secrets = $3, enabled = $4, allow_local = $5, minimum = $6, only_fallback = $7,
		fallback_id = $8, fallback_after = $9, quiet = $10, failures = 0, wait_until = 0, error = '' WHERE id = $11`,
		c.Name, string(settings), c.sealed, number(c.Enabled), number(c.AllowLocal), int64(c.Minimum), number(c.OnlyFallback), c.FallbackID, c.FallbackAfter, number(c.Quiet), c.ID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE notify_deliveries SET next_at = 0 WHERE channel_id = $1 AND (state = 'pending' OR state = 'held' AND digest_id = '')`, c.ID)
	return err
}

// removed is why something was given up.
const removed = "The channel was removed."

// removeChannel forgets a channel; what waits for it is given up. So is what is on its way: nobody
// would try it again. If it arrives after all, that is noted.
func (s store) removeChannel(ctx context.Context, tx *sqldb.Tx, id string, now int64) error {
	if _, err := tx.Exec(ctx, `UPDATE notify_deliveries SET state = 'pending' WHERE channel_id = $1 AND state = 'sending'`, id); err != nil {
		return err
	}
	if err := s.giveUp(ctx, tx, id, now, removed); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE notify_channels SET fallback_id = '' WHERE fallback_id = $1`, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM notify_channels WHERE id = $1`, id)
	return err
}

// noteTest keeps how a test went. One that went well ends the waiting.
func (s store) noteTest(ctx context.Context, id, failure string, now int64) error {
	if failure != "" {
		_, err := s.db.Exec(ctx, `UPDATE notify_channels SET failed_at = $1, error = $2 WHERE id = $3`, now, failure, id)
		return err
	}
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE notify_channels SET succeeded_at = $1, error = '', failures = 0, wait_until = 0 WHERE id = $2`, now, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE notify_deliveries SET next_at = $1 WHERE channel_id = $2 AND state = 'pending'`, now, id)
		return err
	})
}

// waiting counts what waits for each channel.
func (s store) waiting(ctx context.Context) (map[string]int64, error) {
	rows, err := s.db.Query(ctx, `SELECT channel_id, count(*) FROM notify_deliveries WHERE state IN ('pending', 'sending', 'held') GROUP BY channel_id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[string]int64{}
	for rows.Next() {
		var id string
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		counts[id] = n
	}
	return counts, rows.Err()
}
