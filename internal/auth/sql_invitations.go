package auth

import (
	"context"

	"homeserver/internal/platform/sqldb"
)

// invitation is a link that makes an account, or gives one a new password.
type invitation struct {
	id, hash, userID, role, name, createdBy string
	creatorID                               string // "" is the household or a terminal
	created, expires                        int64
}

const invitationColumns = `id, coalesce(user_id, ''), role, name, created_by, created_at, expires_at`

func scanInvitation(row scanner) (invitation, error) {
	var i invitation
	err := row.Scan(&i.id, &i.userID, &i.role, &i.name, &i.createdBy, &i.created, &i.expires)
	return i, err
}

func insertInvitation(ctx context.Context, tx *sqldb.Tx, i *invitation) error {
	var user any
	if i.userID != "" {
		user = i.userID
	}
	_, err := tx.Exec(ctx, `INSERT INTO auth_invitations (id, code_hash, user_id, role, name, created_by, creator_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		i.id, i.hash, user, i.role, i.name, i.createdBy, i.creatorID, i.created, i.expires)
	return err
}

// invitation finds an open invitation by its code's hash.
func (s store) invitation(ctx context.Context, hash string, now int64) (invitation, error) {
	return scanInvitation(s.db.QueryRow(ctx, `SELECT `+invitationColumns+` FROM auth_invitations WHERE code_hash = $1 AND expires_at > $2`, hash, now))
}

// takeInvitation removes an open invitation and returns it: it works once.
func takeInvitation(ctx context.Context, tx *sqldb.Tx, hash string, now int64) (invitation, error) {
	return scanInvitation(tx.QueryRow(ctx, `DELETE FROM auth_invitations WHERE code_hash = $1 AND expires_at > $2 RETURNING `+invitationColumns, hash, now))
}

// deleteInvitation removes an invitation and returns it.
func deleteInvitation(ctx context.Context, tx *sqldb.Tx, id string) (invitation, error) {
	return scanInvitation(tx.QueryRow(ctx, `DELETE FROM auth_invitations WHERE id = $1 RETURNING `+invitationColumns, id))
}

// dropMadeBy removes the links that somebody made who may make none any more.
func dropMadeBy(ctx context.Context, tx *sqldb.Tx, userID string) error {
	_, err := tx.Exec(ctx, `DELETE FROM auth_invitations WHERE creator_id = $1`, userID)
	return err
}

// dropResets removes the links that would give a person a new password.
func dropResets(ctx context.Context, tx *sqldb.Tx, userID string) error {
	_, err := tx.Exec(ctx, `DELETE FROM auth_invitations WHERE user_id = $1`, userID)
	return err
}

// invitations lists open invitations, the newest first.
func (s store) invitations(ctx context.Context, now int64) ([]invitation, error) {
	rows, err := s.db.Query(ctx, `SELECT `+invitationColumns+` FROM auth_invitations WHERE expires_at > $1 ORDER BY created_at DESC, id`, now)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []invitation
	for rows.Next() {
		i, err := scanInvitation(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, rows.Err()
}
