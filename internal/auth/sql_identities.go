package auth

import (
	"context"
	"errors"

	"homeserver/internal/platform/sqldb"
)

// identityRow is somebody at an OpenID provider, who is a person here.
type identityRow struct {
	issuer, subject, userID string
	created                 int64
}

// insertIdentity keeps an identity, and reports whether it was not known before.
func insertIdentity(ctx context.Context, tx *sqldb.Tx, r identityRow) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO auth_identities (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (issuer, subject) DO NOTHING`,
		r.issuer, r.subject, r.userID, r.created)
	return n > 0, err
}

// userByIdentity returns the account of an identity, nil if there is none.
func (s store) userByIdentity(ctx context.Context, q sqldb.Querier, issuer, subject string) (*User, error) {
	u := new(User)
	err := scanUser(q.QueryRow(ctx, `SELECT `+userColumns+` FROM users u JOIN auth_identities i ON i.user_id = u.id WHERE i.issuer = $1 AND i.subject = $2`, issuer, subject), u)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, nil
	}
	return u, err
}

// issuers lists the providers by which a person can come in.
func (s store) issuers(ctx context.Context, q sqldb.Querier, userID string) ([]string, error) {
	rows, err := q.Query(ctx, `SELECT DISTINCT issuer FROM auth_identities WHERE user_id = $1 ORDER BY issuer`, userID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []string{}
	for rows.Next() {
		var issuer string
		if err := rows.Scan(&issuer); err != nil {
			return nil, err
		}
		list = append(list, issuer)
	}
	return list, rows.Err()
}
