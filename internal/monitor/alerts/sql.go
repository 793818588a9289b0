package alerts

import (
	"context"
	"errors"
	"math"
	"time"

	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/sqldb"
)

// store asks the database.
type store struct{ db *sqldb.DB }

const entryColumns = `id, rule_id, rule_name, severity, series, series_title, unit, rule_condition, no_figure, flapping, threshold, first_value, worst_value, last_value, advice,
	began_at, raised_at, coalesce(cleared_at, 0), lasted, ended, coalesce(acked_at, 0), acked_by, note, owed`

// raise writes a new alert. It reports false when that series has an open one of the rule already.
func (s store) raise(ctx context.Context, tx *sqldb.Tx, e *Entry) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO alerts (id, rule_id, rule_name, severity, series, series_title, unit, rule_condition, no_figure, flapping,
			threshold, first_value, worst_value, last_value, advice, began_at, raised_at, owed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		ON CONFLICT DO NOTHING`,
		e.ID, e.RuleID, e.RuleName, string(e.Severity), e.Series, e.SeriesTitle, string(e.Unit), string(e.Condition), bit(e.NoFigure), bit(e.Flapping),
		e.Threshold, e.First, e.Worst, e.Last, e.Advice, e.Began.UnixMicro(), e.Raised.UnixMicro(), e.owed)
	return n > 0, err
}

// openOf is the open alert of a rule and series.
func (s store) openOf(ctx context.Context, q sqldb.Querier, ruleID, series string) (*Entry, error) {
	return one(entries(ctx, q, `SELECT `+entryColumns+` FROM alerts WHERE rule_id = $1 AND series = $2 AND cleared_at IS NULL`, ruleID, series))
}

// end writes that an alert is over. It reports what was owed until then, and false when it was
// over already. When it was still owed that it was raised, nothing is owed any more.
func (s store) end(ctx context.Context, tx *sqldb.Tx, e *Entry) (owed string, ok bool, err error) {
	err = tx.QueryRow(ctx, `SELECT owed FROM alerts WHERE id = $1 AND cleared_at IS NULL`, e.ID).Scan(&owed)
	if errors.Is(err, sqldb.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	n, err := tx.Exec(ctx, `UPDATE alerts SET cleared_at = $1, lasted = $2, ended = $3, worst_value = $4, last_value = $5, flapping = $6, owed = CASE WHEN owed = 'raised' THEN '' ELSE $7 END WHERE id = $8 AND cleared_at IS NULL`,
		e.Cleared.UnixMicro(), e.Lasted.Microseconds(), e.Ended, e.Worst, e.Last, bit(e.Flapping), e.owed, e.ID)
	return owed, n > 0, err
}

// note writes how an open alert goes on.
func (s store) note(ctx context.Context, e *Entry) error {
	_, err := s.db.Exec(ctx, `UPDATE alerts SET worst_value = $1, last_value = $2, flapping = $3 WHERE id = $4 AND cleared_at IS NULL`, e.Worst, e.Last, bit(e.Flapping), e.ID)
	return err
}

// settle writes that what was owed is no longer. It reports false when another copy was first.
func (s store) settle(ctx context.Context, q sqldb.Querier, id, owed string) (bool, error) {
	n, err := q.Exec(ctx, `UPDATE alerts SET owed = '' WHERE id = $1 AND owed = $2`, id, owed)
	return n > 0, err
}

// owing is what is still to be notified of after an entry, oldest first.
func (s store) owing(ctx context.Context, after *Entry, limit int) ([]*Entry, error) {
	at := int64(math.MinInt64)
	if after.ID != "" {
		at = after.Raised.UnixMicro()
	}
	return entries(ctx, s.db, `SELECT `+entryColumns+` FROM alerts WHERE owed <> '' AND (raised_at > $1 OR (raised_at = $2 AND id > $3)) ORDER BY raised_at, id LIMIT $4`,
		at, at, after.ID, limit)
}

// acknowledge writes who took note of an alert. It reports false when there is none that is open.
func (s store) acknowledge(ctx context.Context, id, by, note string, at time.Time) (bool, error) {
	n, err := s.db.Exec(ctx, `UPDATE alerts SET acked_at = $1, acked_by = $2, note = $3 WHERE id = $4 AND cleared_at IS NULL`, at.UnixMicro(), by, note, id)
	return n > 0, err
}

// open is every open alert.
func (s store) open(ctx context.Context) ([]*Entry, error) {
	return entries(ctx, s.db, `SELECT `+entryColumns+` FROM alerts WHERE cleared_at IS NULL ORDER BY raised_at DESC, id DESC`)
}

// entry is one alert.
func (s store) entry(ctx context.Context, id string) (*Entry, error) {
	return one(entries(ctx, s.db, `SELECT `+entryColumns+` FROM alerts WHERE id = $1`, id))
}

// page is what a list shows: alerts of which some part lies between from and to, older than the
// place before, newest first.
type page struct {
	past     bool // only those that are over
	ruleID   string
	from, to int64
	at       int64 // of the last one of the page before
	id       string
	limit    int
}

func (s store) list(ctx context.Context, p page) ([]*Entry, error) {
	return entries(ctx, s.db, `SELECT `+entryColumns+` FROM alerts
		WHERE ($1 = 0 OR cleared_at IS NOT NULL) AND ($2 = '' OR rule_id = $3) AND raised_at <= $4 AND (cleared_at IS NULL OR cleared_at >= $5)
		  AND (raised_at < $6 OR (raised_at = $7 AND id < $8))
		ORDER BY raised_at DESC, id DESC LIMIT $9`,
		bit(p.past), p.ruleID, p.ruleID, p.to, p.from, p.at, p.at, p.id, p.limit)
}

// forget drops alerts that were over before a time.
func (s store) forget(ctx context.Context, before time.Time) error {
	_, err := s.db.Exec(ctx, `DELETE FROM alerts WHERE cleared_at < $1 AND owed = ''`, before.UnixMicro())
	return err
}

func entries(ctx context.Context, q sqldb.Querier, query string, args ...any) ([]*Entry, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*Entry
	for rows.Next() {
		e := &Entry{saved: true, resumed: true}
		var severity, unit, condition string
		var noFigure, flapping, began, raised, cleared, lasted, acked int64
		err := rows.Scan(&e.ID, &e.RuleID, &e.RuleName, &severity, &e.Series, &e.SeriesTitle, &unit, &condition, &noFigure, &flapping, &e.Threshold, &e.First, &e.Worst, &e.Last, &e.Advice,
			&began, &raised, &cleared, &lasted, &e.Ended, &acked, &e.AckedBy, &e.Note, &e.owed)
		if err != nil {
			return nil, err
		}
		e.Severity, e.Unit, e.Condition, e.NoFigure, e.Flapping = Severity(severity), metric.Unit(unit), Condition(condition), noFigure != 0, flapping != 0
		e.Began, e.Raised, e.Cleared, e.Acked, e.Lasted = moment(began), moment(raised), moment(cleared), moment(acked), time.Duration(lasted)*time.Microsecond
		list = append(list, e)
	}
	return list, rows.Err()
}

// one is the only entry of a list, nil when there is none.
func one(list []*Entry, err error) (*Entry, error) {
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// moment is a time in microseconds; 0 is none.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
