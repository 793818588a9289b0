package auth

import (
	"context"

	"homeserver/internal/platform/sqldb"
)

// maxPasskeys is how many passkeys an account may have: far more than a person has devices.
const maxPasskeys = 50

// passkeyRow is a passkey as it is kept.
type passkeyRow struct {
	id, credentialID, userID, rpID, name string
	credential                           string // JSON of the library
	created, used                        int64  // used is 0 for never
}

const passkeyColumns = `id, credential_id, user_id, rp_id, name, credential, created_at, coalesce(used_at, 0)`

func scanPasskey(row scanner) (passkeyRow, error) {
	var r passkeyRow
	err := row.Scan(&r.id, &r.credentialID, &r.userID, &r.rpID, &r.name, &r.credential, &r.created, &r.used)
	return r, err
}

// insertPasskey keeps a passkey, and reports whether it was not known before.
func insertPasskey(ctx context.Context, tx *sqldb.Tx, r *passkeyRow) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO auth_passkeys (id, credential_id, user_id, rp_id, name, credential, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (credential_id) DO NOTHING`,
		r.id, r.credentialID, r.userID, r.rpID, r.name, r.credential, r.created)
	return n > 0, err
}

// passkey returns a passkey of a host name by what its authenticator calls it.
func (s store) passkey(ctx context.Context, rpID, credentialID string) (passkeyRow, error) {
	return scanPasskey(s.db.QueryRow(ctx, `SELECT `+passkeyColumns+` FROM auth_passkeys WHERE credential_id = $1 AND rp_id = $2`, credentialID, rpID))
}

// passkeys lists a person's passkeys, the oldest first.
func (s store) passkeys(ctx context.Context, userID string) ([]passkeyRow, error) {
	rows, err := s.db.Query(ctx, `SELECT `+passkeyColumns+` FROM auth_passkeys WHERE user_id = $1 ORDER BY created_at, id`, userID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []passkeyRow
	for rows.Next() {
		r, err := scanPasskey(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// passkeyHosts returns the host names that somebody has a passkey for.
func (s store) passkeyHosts(ctx context.Context) (map[string]bool, error) {
	rows, err := s.db.Query(ctx, `SELECT DISTINCT rp_id FROM auth_passkeys`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	hosts := map[string]bool{}
	for rows.Next() {
		var host string
		if err := rows.Scan(&host); err != nil {
			return nil, err
		}
		hosts[host] = true
	}
	return hosts, rows.Err()
}

func countPasskeys(ctx context.Context, tx *sqldb.Tx, userID string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM auth_passkeys WHERE user_id = $1`, userID).Scan(&n)
	return n, err
}

// usePasskey notes a use and the counter that came with it, unless the passkey was used or
// removed since r was read.
func usePasskey(ctx context.Context, tx *sqldb.Tx, r *passkeyRow, credential string, now int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE auth_passkeys SET credential = $1, used_at = $2 WHERE id = $3 AND credential = $4`, credential, now, r.id, r.credential)
	return n > 0, err
}

func renamePasskey(ctx context.Context, tx *sqldb.Tx, userID, id, name string) (passkeyRow, error) {
	return scanPasskey(tx.QueryRow(ctx, `UPDATE auth_passkeys SET name = $1 WHERE id = $2 AND user_id = $3 RETURNING `+passkeyColumns, name, id, userID))
}

func deletePasskey(ctx context.Context, tx *sqldb.Tx, userID, id string) (name string, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM auth_passkeys WHERE id = $1 AND user_id = $2 RETURNING name`, id, userID).Scan(&name)
	return name, err
}
