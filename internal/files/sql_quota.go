package files

import (
	"context"
	"errors"

	"homeserver/internal/platform/sqldb"
)

// space reads what an owner uses and may use; nothing, and no quota, before there is a row.
func (s store) space(ctx context.Context, owner string) (*space, error) {
	sp := new(space)
	err := s.db.QueryRow(ctx, `SELECT files, bytes, trash_bytes, version_bytes, quota FROM spaces WHERE owner_id = $1`, owner).Scan(&sp.files, &sp.bytes, &sp.trash, &sp.versions, &sp.quota)
	if errors.Is(err, sqldb.ErrNoRows) {
		return new(space), nil
	}
	if err != nil {
		return nil, err
	}
	return sp, nil
}

// ownedSpace is a space with whose it is.
type ownedSpace struct {
	space
	owner string
}

// spaces reads all spaces, the household's first.
func (s store) spaces(ctx context.Context) ([]ownedSpace, error) {
	rows, err := s.db.Query(ctx, `SELECT owner_id, files, bytes, trash_bytes, version_bytes, quota FROM spaces ORDER BY owner_id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []ownedSpace
	for rows.Next() {
		var sp ownedSpace
		if err := rows.Scan(&sp.owner, &sp.files, &sp.bytes, &sp.trash, &sp.versions, &sp.quota); err != nil {
			return nil, err
		}
		list = append(list, sp)
	}
	return list, rows.Err()
}

// withQuota returns the owners whose use is limited.
func (s store) withQuota(ctx context.Context) ([]string, error) {
	return sqldb.Texts(ctx, s.db, `SELECT owner_id FROM spaces WHERE quota IS NOT NULL`)
}

// setQuota sets how much an owner may use; nil sets no limit. It returns the space as it is now.
func (s store) setQuota(ctx context.Context, owner string, quota *int64, now int64) (sp space, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		held, err := s.lockSpaces(ctx, tx, now, owner)
		if err != nil {
			return err
		}
		sp = held[owner]
		sp.quota = quota
		var value any
		if quota != nil {
			value = *quota
		}
		_, err = tx.Exec(ctx, `UPDATE spaces SET quota = $1 WHERE owner_id = $2`, value, owner)
		return err
	})
	return sp, err
}
