package auth

import (
	"context"

	"homeserver/internal/platform/sqldb"
)

// entry is one line of the audit log.
type entry struct {
	at                                         int64
	id, actor, action, target, address, detail string
}

func (s store) insertEntry(ctx context.Context, q sqldb.Querier, e entry) error {
	_, err := q.Exec(ctx, `INSERT INTO audit_log (at, id, actor, action, target, address, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`, e.at, e.id, e.actor, e.action, e.target, e.address, e.detail)
	return err
}

// auditQuery chooses lines: those before a position, newest first.
type auditQuery struct {
	actor, action string // "" for all
	beforeAt      int64
	beforeID      string
	limit         int
}

func (s store) entries(ctx context.Context, q auditQuery) ([]entry, error) {
	rows, err := s.db.Query(ctx, `SELECT at, id, actor, action, target, address, detail FROM audit_log
		WHERE (at, id) < ($1, $2) AND ($3 = '' OR actor = $4) AND ($5 = '' OR action = $6) ORDER BY at DESC, id DESC LIMIT $7`,
		q.beforeAt, q.beforeID, q.actor, q.actor, q.action, q.action, q.limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []entry
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.at, &e.id, &e.actor, &e.action, &e.target, &e.address, &e.detail); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}
