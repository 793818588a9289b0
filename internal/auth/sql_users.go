package auth

import (
	"context"
	"errors"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

const userColumns = `u.id, u.name, u.display_name, u.role, u.password, u.totp, u.totp_step, u.created_at, u.disabled_at IS NOT NULL,
	(SELECT count(*) FROM auth_passkeys p WHERE p.user_id = u.id)`

type scanner interface{ Scan(dest ...any) error }

func scanUser(row scanner, u *User, more ...any) error {
	var role string
	err := row.Scan(append([]any{&u.ID, &u.Name, &u.DisplayName, &role, &u.password, &u.totp, &u.totpStep, &u.created, &u.Disabled, &u.passkeys}, more...)...)
	u.Role = identity.Role(role)
	return err
}

// user returns an account by id.
func (s store) user(ctx context.Context, q sqldb.Querier, id string) (*User, error) {
	return findUser(q.QueryRow(ctx, `SELECT `+userColumns+` FROM users u WHERE u.id = $1`, id))
}

// userByName returns an account by its name, whatever the case.
func (s store) userByName(ctx context.Context, q sqldb.Querier, name string) (*User, error) {
	return findUser(q.QueryRow(ctx, `SELECT `+userColumns+` FROM users u WHERE u.name_key = $1`, nameKey(name)))
}

func findUser(row scanner) (*User, error) {
	u := new(User)
	err := scanUser(row, u)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, errNoUser()
	}
	return u, err
}

func errNoUser() error { return errs.New(errs.NotFound, "There is no such account.") }

// users returns everybody with what is known of them, by name.
func (s store) users(ctx context.Context) ([]User, error) {
	rows, err := s.db.Query(ctx, `SELECT `+userColumns+`,
		coalesce((SELECT max(used_at) FROM auth_sessions s WHERE s.user_id = u.id), 0), coalesce((SELECT max(used_at) FROM auth_tokens t WHERE t.user_id = u.id), 0)
		FROM users u ORDER BY u.name_key`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []User
	for rows.Next() {
		var u User
		var session, token int64
		if err := scanUser(rows, &u, &session, &token); err != nil {
			return nil, err
		}
		u.used = max(session, token)
		list = append(list, u)
	}
	return list, rows.Err()
}

// insertUser adds an account; a name that is taken is a Conflict.
func insertUser(ctx context.Context, tx *sqldb.Tx, u *User) error {
	n, err := tx.Exec(ctx, `INSERT INTO users (id, name, name_key, display_name, role, password, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name_key) DO NOTHING`,
		u.ID, u.Name, nameKey(u.Name), u.DisplayName, string(u.Role), u.password, u.created)
	if err == nil && n == 0 {
		return errs.New(errs.Conflict, "This name is taken. Choose another.")
	}
	return err
}

// countUsers counts accounts.
func countUsers(ctx context.Context, tx *sqldb.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM users`).Scan(&n)
	return n, err
}

// otherAdministrators counts those who could still manage the house without one.
func otherAdministrators(ctx context.Context, tx *sqldb.Tx, id string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM users WHERE role = $1 AND disabled_at IS NULL AND id <> $2`, string(identity.Administrator), id).Scan(&n)
	return n, err
}

// updateUser writes name, role and whether the account is disabled.
func updateUser(ctx context.Context, tx *sqldb.Tx, u *User, now int64) error {
	var disabled any
	if u.Disabled {
		disabled = now
	}
	_, err := tx.Exec(ctx, `UPDATE users SET display_name = $1, role = $2, disabled_at = $3 WHERE id = $4`, u.DisplayName, string(u.Role), disabled, u.ID)
	return err
}

// setPassword keeps a new hash; an empty one takes the password away.
func setPassword(ctx context.Context, tx *sqldb.Tx, id, encoded string) error {
	_, err := tx.Exec(ctx, `UPDATE users SET password = $1 WHERE id = $2`, encoded, id)
	return err
}

// renewPassword replaces a hash by one of the same password that took more work, unless the
// password was changed meanwhile. Nobody's rights change.
func (s store) renewPassword(ctx context.Context, id, old, encoded string) (bool, error) {
	n, err := s.db.Exec(ctx, `UPDATE users SET password = $1 WHERE id = $2 AND password = $3`, encoded, id, old)
	return n > 0, err
}

// anyPassword returns what is kept of the oldest account's password, "" if there is none.
func (s store) anyPassword(ctx context.Context) (encoded string, err error) {
	err = s.db.QueryRow(ctx, `SELECT password FROM users WHERE password <> '' ORDER BY created_at LIMIT 1`).Scan(&encoded)
	if errors.Is(err, sqldb.ErrNoRows) {
		return "", nil
	}
	return encoded, err
}
