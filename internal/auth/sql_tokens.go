package auth

import (
	"context"

	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// tokenRow is a token or app password as it is kept.
type tokenRow struct {
	id, hash, userID, name, hint string
	kind                         kind
	scopes                       []identity.Scope
	created, used, expires       int64 // used and expires are 0 for never
	from                         string
}

func insertToken(ctx context.Context, tx *sqldb.Tx, r *tokenRow, scopes string) error {
	var expires any
	if r.expires != 0 {
		expires = r.expires
	}
	_, err := tx.Exec(ctx, `INSERT INTO auth_tokens (id, token_hash, user_id, kind, name, hint, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.id, r.hash, r.userID, string(r.kind), r.name, r.hint, scopes, r.created, expires)
	return err
}

func countTokens(ctx context.Context, tx *sqldb.Tx, userID string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM auth_tokens WHERE user_id = $1`, userID).Scan(&n)
	return n, err
}

func deleteToken(ctx context.Context, tx *sqldb.Tx, userID, id string) (name string, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM auth_tokens WHERE id = $1 AND user_id = $2 RETURNING name`, id, userID).Scan(&name)
	return name, err
}

// tokens lists a person's tokens, the newest first.
func (s store) tokens(ctx context.Context, userID string) ([]tokenRow, error) {
	rows, err := s.db.Query(ctx, `SELECT id, kind, name, hint, scopes, created_at, coalesce(used_at, 0), used_from, coalesce(expires_at, 0) FROM auth_tokens
		WHERE user_id = $1 ORDER BY created_at DESC, id`, userID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []tokenRow
	for rows.Next() {
		var r tokenRow
		var k, scopes string
		if err := rows.Scan(&r.id, &k, &r.name, &r.hint, &scopes, &r.created, &r.used, &r.from, &r.expires); err != nil {
			return nil, err
		}
		r.kind, r.scopes = kind(k), scopesOf(scopes)
		list = append(list, r)
	}
	return list, rows.Err()
}
