package auth

import (
	"context"

	"homeserver/internal/platform/sqldb"
)

// maxSessions is how many devices one account may be signed in on: far more than a person has.
// Beyond, the one that was not used for longest ends.
const maxSessions = 100

// sessionRow is a session as it is kept.
type sessionRow struct {
	id, hash, userID, keyDigest    string
	method, address, agent         string
	created, proved, used, expires int64
}

func insertSession(ctx context.Context, tx *sqldb.Tx, r *sessionRow) error {
	var user any
	if r.userID != "" {
		user = r.userID
	}
	_, err := tx.Exec(ctx, `INSERT INTO auth_sessions (id, token_hash, user_id, key_digest, method, address, agent, created_at, proved_at, used_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, r.id, r.hash, user, r.keyDigest, r.method, r.address, r.agent, r.created, r.proved, r.used, r.expires)
	if err != nil || r.userID == "" {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM auth_sessions WHERE user_id = $1 AND id NOT IN (SELECT id FROM auth_sessions WHERE user_id = $1 ORDER BY used_at DESC, id LIMIT $2)`, r.userID, maxSessions)
	return err
}

// rotateSession gives a session a new secret: what could have been learnt before is worthless.
func rotateSession(ctx context.Context, tx *sqldb.Tx, id, hash string) error {
	_, err := tx.Exec(ctx, `UPDATE auth_sessions SET token_hash = $1 WHERE id = $2`, hash, id)
	return err
}

// endSessions ends a person's sessions but the one called except, which may be "".
func endSessions(ctx context.Context, tx *sqldb.Tx, userID, except string) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM auth_sessions WHERE coalesce(user_id, '') = $1 AND id <> $2`, userID, except)
}

// endSession ends one session by its id, if it is the person's.
func endSession(ctx context.Context, tx *sqldb.Tx, userID, id string) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM auth_sessions WHERE id = $1 AND coalesce(user_id, '') = $2`, id, userID)
}

// endSessionByHash signs out whoever holds the secret.
func endSessionByHash(ctx context.Context, tx *sqldb.Tx, hash string) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM auth_sessions WHERE token_hash = $1`, hash)
}

// sessions lists a person's sessions, the last used first; "" are those that API_KEY began.
func (s store) sessions(ctx context.Context, userID string, now int64) ([]sessionRow, error) {
	rows, err := s.db.Query(ctx, `SELECT id, token_hash, method, address, agent, created_at, proved_at, used_at, expires_at FROM auth_sessions
		WHERE coalesce(user_id, '') = $1 AND expires_at > $2 ORDER BY used_at DESC, id`, userID, now)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []sessionRow
	for rows.Next() {
		var r sessionRow
		if err := rows.Scan(&r.id, &r.hash, &r.method, &r.address, &r.agent, &r.created, &r.proved, &r.used, &r.expires); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// signedInFrom reports whether a person has a session from an address.
func (s store) signedInFrom(ctx context.Context, userID, address string) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT count(*) FROM auth_sessions WHERE user_id = $1 AND address = $2`, userID, address).Scan(&n)
	return n > 0, err
}
