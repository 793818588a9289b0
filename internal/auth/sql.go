package auth

import (
	"context"
	"errors"
	"strings"

	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// store asks the database the room's questions. Every change of people, sessions and tokens
// goes through change, which counts it for the other copies of the server.
type store struct{ db *sqldb.DB }

// change runs a transaction and counts it. The counter's row is taken first, so that changes
// of accounts never run beside each other: the last administrator cannot be removed by two
// people at once.
func (s store) change(ctx context.Context, fn func(tx *sqldb.Tx) error) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE auth_generation SET generation = generation + 1 WHERE one = 1`); err != nil {
			return err
		}
		return fn(tx)
	})
}

// generation counts the changes so far.
func (s store) generation(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT generation FROM auth_generation WHERE one = 1`).Scan(&n)
	return n, err
}

// people returns what is known of all accounts.
func (s store) people(ctx context.Context) (*people, error) {
	rows, err := s.db.Query(ctx, `SELECT id, CASE WHEN display_name <> '' THEN display_name ELSE name END FROM users`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	p := &people{names: map[string]string{}}
	for rows.Next() {
		var id, name string
		if err := rows.Scan(&id, &name); err != nil {
			return nil, err
		}
		p.names[id] = name
	}
	p.count = len(p.names)
	if err := rows.Err(); err != nil {
		return nil, err
	}
	p.passkeyHosts, err = s.passkeyHosts(ctx)
	return p, err
}

// credential returns the session or token whose secret has this hash, with its person.
func (s store) credential(ctx context.Context, k kind, hash string) (*credentialRow, error) {
	r := &credentialRow{}
	var role, scopes string
	if k == kindSession {
		err := s.db.QueryRow(ctx, `SELECT s.id, coalesce(u.id, ''), coalesce(u.name, ''), coalesce(u.name_key, ''), coalesce(u.role, ''), u.disabled_at IS NOT NULL,
			s.created_at, s.proved_at, s.used_at, s.expires_at, s.address, s.key_digest
			FROM auth_sessions s LEFT JOIN users u ON u.id = s.user_id WHERE s.token_hash = $1`, hash).
			Scan(&r.id, &r.userID, &r.name, &r.nameKey, &role, &r.disabled, &r.created, &r.proved, &r.used, &r.expires, &r.from, &r.keyDigest)
		r.role = identity.Role(role)
		return r, err
	}
	err := s.db.QueryRow(ctx, `SELECT t.id, u.id, u.name, u.name_key, u.role, u.disabled_at IS NOT NULL, t.scopes,
		t.created_at, coalesce(t.used_at, 0), coalesce(t.expires_at, 0), t.used_from
		FROM auth_tokens t JOIN users u ON u.id = t.user_id WHERE t.token_hash = $1 AND t.kind = $2`, hash, string(k)).
		Scan(&r.id, &r.userID, &r.name, &r.nameKey, &role, &r.disabled, &scopes, &r.created, &r.used, &r.expires, &r.from)
	r.role, r.scopes = identity.Role(role), scopesOf(scopes)
	return r, err
}

// scopesOf reads the column; a token without scopes may do nothing, which is not nil.
func scopesOf(text string) []identity.Scope {
	list := []identity.Scope{}
	for _, one := range strings.Fields(text) {
		list = append(list, identity.Scope(one))
	}
	return list
}

// noteUses writes when credentials were last used. It is no change of anybody's rights.
func (s store) noteUses(ctx context.Context, used []*credential) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, c := range used {
			var err error
			if c.kind == kindSession {
				_, err = tx.Exec(ctx, `UPDATE auth_sessions SET used_at = $1, expires_at = $2, address = $3 WHERE token_hash = $4`, c.used.Load(), c.expires.Load(), *c.from.Load(), c.hash)
			} else {
				_, err = tx.Exec(ctx, `UPDATE auth_tokens SET used_at = $1, used_from = $2 WHERE token_hash = $3`, c.used.Load(), *c.from.Load(), c.hash)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// putChallenge keeps what one step leaves for the next.
func (s store) putChallenge(ctx context.Context, id, kind, userID, data string, expires int64) error {
	_, err := s.db.Exec(ctx, `INSERT INTO auth_challenges (id, kind, user_id, data, expires_at) VALUES ($1, $2, $3, $4, $5)`, id, kind, userID, data, expires)
	return err
}

// takeChallenge returns what was kept and removes it: it works once. sqldb.ErrNoRows says
// that there is none.
func (s store) takeChallenge(ctx context.Context, id, kind string, now int64) (userID, data string, err error) {
	found := false
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		err := tx.QueryRow(ctx, `DELETE FROM auth_challenges WHERE id = $1 AND kind = $2 AND expires_at > $3 RETURNING user_id, data`, id, kind, now).Scan(&userID, &data)
		found = err == nil
		if errors.Is(err, sqldb.ErrNoRows) {
			return nil
		}
		return err
	})
	if err == nil && !found {
		err = sqldb.ErrNoRows
	}
	return userID, data, err
}

// tidy removes what has expired.
func (s store) tidy(ctx context.Context, now, auditBefore int64) error {
	for _, statement := range []struct {
		text  string
		until int64
	}{
		{`DELETE FROM auth_challenges WHERE expires_at <= $1`, now},
		{`DELETE FROM auth_invitations WHERE expires_at <= $1`, now},
		{`DELETE FROM auth_sessions WHERE expires_at <= $1`, now},
		{`DELETE FROM auth_tokens WHERE expires_at IS NOT NULL AND expires_at <= $1`, now - expiredTokenShown.Microseconds()},
		{`DELETE FROM audit_log WHERE at < $1`, auditBefore},
	} {
		if _, err := s.db.Exec(ctx, statement.text, statement.until); err != nil {
			return err
		}
	}
	return nil
}

// hasChallenge reports whether something is kept, and leaves it.
func (s store) hasChallenge(ctx context.Context, id, kind string, now int64) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT count(*) FROM auth_challenges WHERE id = $1 AND kind = $2 AND expires_at > $3`, id, kind, now).Scan(&n)
	return n > 0, err
}

// dropChallenges removes all of a kind.
func dropChallenges(ctx context.Context, tx *sqldb.Tx, kind string) error {
	_, err := tx.Exec(ctx, `DELETE FROM auth_challenges WHERE kind = $1`, kind)
	return err
}
