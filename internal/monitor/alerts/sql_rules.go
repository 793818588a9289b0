package alerts

import (
	"context"
	"time"

	"homeserver/internal/platform/sqldb"
)

// rules are the bodies of what people made and changed, by id.
func (s store) rules(ctx context.Context) (map[string]string, error) {
	rows, err := s.db.Query(ctx, `SELECT id, body FROM alert_rules`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	bodies := map[string]string{}
	for rows.Next() {
		var id, body string
		if err := rows.Scan(&id, &body); err != nil {
			return nil, err
		}
		bodies[id] = body
	}
	return bodies, rows.Err()
}

// setRule keeps the body of a rule in the place of another, or of none. It reports false when that
// is not there any more, or another is.
func (s store) setRule(ctx context.Context, id, body, was string, now time.Time) (ok bool, err error) {
	var n int64
	if was == "" {
		n, err = s.db.Exec(ctx, `INSERT INTO alert_rules (id, body, updated_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`, id, body, now.UnixMicro())
	} else {
		n, err = s.db.Exec(ctx, `UPDATE alert_rules SET body = $1, updated_at = $2 WHERE id = $3 AND body = $4`, body, now.UnixMicro(), id, was)
	}
	return n > 0, err
}

func (s store) dropRule(ctx context.Context, id string) (bool, error) {
	n, err := s.db.Exec(ctx, `DELETE FROM alert_rules WHERE id = $1`, id)
	return n > 0, err
}

// silences are those that are not over at now, the one that lasts longest first.
func (s store) silences(ctx context.Context, now time.Time) ([]Silence, error) {
	rows, err := s.db.Query(ctx, `SELECT id, rule_id, series, until, created_at, created_by, reason FROM alert_silences WHERE until > $1 ORDER BY until DESC, id`, now.UnixMicro())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Silence
	for rows.Next() {
		var one Silence
		var until, created int64
		if err := rows.Scan(&one.ID, &one.RuleID, &one.Series, &until, &created, &one.By, &one.Reason); err != nil {
			return nil, err
		}
		one.Until, one.Created = moment(until), moment(created)
		list = append(list, one)
	}
	return list, rows.Err()
}

// silence writes a silence in the place of those that are about the very same, and drops what
// was over long ago.
func (s store) silence(ctx context.Context, one Silence) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM alert_silences WHERE (rule_id = $1 AND series = $2) OR until < $3`, one.RuleID, one.Series, one.Created.UnixMicro()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO alert_silences (id, rule_id, series, until, created_at, created_by, reason) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			one.ID, one.RuleID, one.Series, one.Until.UnixMicro(), one.Created.UnixMicro(), one.By, one.Reason)
		return err
	})
}

func (s store) unsilence(ctx context.Context, id string) (bool, error) {
	n, err := s.db.Exec(ctx, `DELETE FROM alert_silences WHERE id = $1`, id)
	return n > 0, err
}

// unsilenceOf drops the silence that is about exactly this rule and series.
func (s store) unsilenceOf(ctx context.Context, ruleID, series string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM alert_silences WHERE rule_id = $1 AND series = $2`, ruleID, series)
	return err
}
