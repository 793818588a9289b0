package auth

import (
	"context"
	"errors"

	"homeserver/internal/platform/sqldb"
)

// challenge is what one step leaves for the next.
type challenge struct {
	id, kind, userID, data string
	expires                int64
}

// replaceChallenge keeps c instead of what its person began of the same kind before.
func (s store) replaceChallenge(ctx context.Context, c challenge) error {
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM auth_challenges WHERE kind = $1 AND user_id = $2`, c.kind, c.userID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO auth_challenges (id, kind, user_id, data, expires_at) VALUES ($1, $2, $3, $4, $5)`, c.id, c.kind, c.userID, c.data, c.expires)
		return err
	})
}

// lookChallenge returns what was kept for a person, and leaves it.
func (s store) lookChallenge(ctx context.Context, id, kind, userID string, now int64) (data string, err error) {
	err = s.db.QueryRow(ctx, `SELECT data FROM auth_challenges WHERE id = $1 AND kind = $2 AND user_id = $3 AND expires_at > $4`, id, kind, userID, now).Scan(&data)
	return data, err
}

// dropChallenge removes what was kept, and reports whether it was still there.
func dropChallenge(ctx context.Context, tx *sqldb.Tx, id, kind string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM auth_challenges WHERE id = $1 AND kind = $2`, id, kind)
	return n > 0, err
}

// markUsed notes that a ticket was used, and reports whether it was not before.
func markUsed(ctx context.Context, tx *sqldb.Tx, id, kind string, expires int64) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO auth_challenges (id, kind, data, expires_at) VALUES ($1, $2, '', $3) ON CONFLICT (id) DO NOTHING`, id, kind, expires)
	return n > 0, err
}

// useStep notes that the code of a step was used, unless it or a later one was already: of two
// sign-ins with one code one succeeds. Nobody's rights change.
func (s store) useStep(ctx context.Context, u *User, step int64) (bool, error) {
	n, err := s.db.Exec(ctx, `UPDATE users SET totp_step = $1 WHERE id = $2 AND totp = $3 AND totp_step < $4`, step, u.ID, u.totp, step)
	return n > 0, err
}

// setTOTP keeps a sealed secret and the step of the code that confirmed it; an empty secret
// takes the second factor away.
func setTOTP(ctx context.Context, tx *sqldb.Tx, userID, sealed string, step int64) error {
	_, err := tx.Exec(ctx, `UPDATE users SET totp = $1, totp_step = $2 WHERE id = $3`, sealed, step, userID)
	return err
}

// setRecoveryCodes replaces a person's recovery codes; none removes them.
func setRecoveryCodes(ctx context.Context, tx *sqldb.Tx, userID string, hashes []string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM auth_recovery_codes WHERE user_id = $1`, userID); err != nil {
		return err
	}
	for _, hash := range hashes {
		if _, err := tx.Exec(ctx, `INSERT INTO auth_recovery_codes (user_id, code_hash) VALUES ($1, $2)`, userID, hash); err != nil {
			return err
		}
	}
	return nil
}

// removeSecondFactor takes away the authenticator app and the recovery codes.
func removeSecondFactor(ctx context.Context, tx *sqldb.Tx, userID string) error {
	return errors.Join(setTOTP(ctx, tx, userID, "", 0), setRecoveryCodes(ctx, tx, userID, nil))
}

// useRecoveryCode removes a code and reports whether it was there.
func (s store) useRecoveryCode(ctx context.Context, userID, hash string) (bool, error) {
	n, err := s.db.Exec(ctx, `DELETE FROM auth_recovery_codes WHERE user_id = $1 AND code_hash = $2`, userID, hash)
	return n > 0, err
}

// recoveryCodesLeft counts the codes that were not used.
func (s store) recoveryCodesLeft(ctx context.Context, userID string) (n int, err error) {
	err = s.db.QueryRow(ctx, `SELECT count(*) FROM auth_recovery_codes WHERE user_id = $1`, userID).Scan(&n)
	return n, err
}
