package notify

import (
	"context"
	"errors"
	"strconv"
	"time"

	"homeserver/internal/platform/sqldb"
)

// store asks the database the room's questions.
type store struct{ db *sqldb.DB }

const (
	// leaseTime is how long a dead copy keeps a channel from the others, and from the next life of
	// this one.
	leaseTime = 20 * time.Second
	// leaseRenewed is how often a copy that works at a channel says so.
	leaseRenewed = leaseTime / 4
)

// clock is the time that all copies of the server agree on: PostgreSQL's. SQLite is used by one.
func (s store) clock(ctx context.Context, q sqldb.Querier) (int64, error) {
	if s.db.Dialect() == sqldb.SQLite {
		return time.Now().UnixMicro(), nil
	}
	var now int64
	err := q.QueryRow(ctx, `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`).Scan(&now)
	return now, err
}

// lease takes or keeps a channel for this copy and returns what is known of it; false when
// another copy has it, or it is gone.
func (s store) lease(ctx context.Context, id, holder string) (c *Channel, ok bool, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		// A time further ahead than a lease lasts was written by a clock that was wrong.
		n, err := tx.Exec(ctx, `UPDATE notify_channels SET holder = $1, held_until = $2 WHERE id = $3 AND (held_until <= $4 OR held_until > $5 OR holder = $6)`,
			holder, now+leaseTime.Microseconds(), id, now, now+leaseTime.Microseconds(), holder)
		if ok = n > 0; err != nil || !ok {
			return err
		}
		c, err = s.channel(ctx, tx, id)
		return err
	})
	return c, ok, err
}

// renew keeps a channel for this copy, if it still has it.
func (s store) renew(ctx context.Context, id, holder string) error {
	now, err := s.clock(ctx, s.db)
	if err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, `UPDATE notify_channels SET held_until = $1 WHERE id = $2 AND holder = $3 AND held_until > $4`, now+leaseTime.Microseconds(), id, holder, now)
	return err
}

// release gives a channel back.
func (s store) release(ctx context.Context, id, holder string) error {
	_, err := s.db.Exec(ctx, `UPDATE notify_channels SET held_until = 0 WHERE id = $1 AND holder = $2`, id, holder)
	return err
}

// settings reads what somebody has set.
func (s store) settings(ctx context.Context) (map[string]string, error) {
	rows, err := s.db.Query(ctx, `SELECT key, value FROM notify_settings`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	values := map[string]string{}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		values[key] = value
	}
	return values, rows.Err()
}

// set keeps settings; the others stay.
func (s store) set(ctx context.Context, q sqldb.Querier, values map[string]string) error {
	for key, value := range values {
		if _, err := q.Exec(ctx, `INSERT INTO notify_settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value); err != nil {
			return err
		}
	}
	return nil
}

// saveSettings keeps settings, and has what is held looked at anew: the quiet hours may be others.
func (s store) saveSettings(ctx context.Context, values map[string]string, now int64) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := s.set(ctx, tx, values); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE notify_deliveries SET next_at = $1 WHERE state = 'held' AND digest_id = ''`, now)
		return err
	})
}

// watchdogTurn claims the next call of the watchdog for this copy; false when it is not time.
func (s store) watchdogTurn(ctx context.Context, every time.Duration) (turn bool, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		turn = false
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		var last int64
		err = tx.QueryRow(ctx, `SELECT CAST(value AS BIGINT) FROM notify_settings WHERE key = $1`, watchdogLast).Scan(&last)
		if errors.Is(err, sqldb.ErrNoRows) {
			err = nil
		}
		if err != nil || last <= now && now-last < every.Microseconds() {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO notify_settings (key, value) VALUES ($1, $2)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE notify_settings.value = $3`, watchdogLast, strconv.FormatInt(now, 10), strconv.FormatInt(last, 10))
		turn = n > 0
		return err
	})
	return turn, err
}

// tidy removes messages of which nothing waits any more. What was enqueued while its channel was
// being removed waits for nobody, and is given up.
func (s store) tidy(ctx context.Context, before, now int64) error {
	_, err := s.db.Exec(ctx, `UPDATE notify_deliveries SET state = 'failed', ended_at = $1, error = $2
		WHERE state IN ('pending', 'sending', 'held') AND NOT EXISTS (SELECT 1 FROM notify_channels c WHERE c.id = notify_deliveries.channel_id)`, now, removed)
	if err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, `DELETE FROM notify_messages WHERE created_at < $1
		AND NOT EXISTS (SELECT 1 FROM notify_deliveries d WHERE d.message_id = notify_messages.id AND d.state IN ('pending', 'sending', 'held'))`, before)
	return err
}
