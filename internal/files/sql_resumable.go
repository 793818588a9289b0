package files

import (
	"context"
	"errors"
	"time"

	"homeserver/internal/platform/sqldb"
)

// resumableColumns are what scanResumable reads.
const resumableColumns = `id, principal, owner_id, folder_id, name, metadata, concat, coalesce(size, -1), offset_bytes, hash_state, epoch, created_at, expires_at, coalesce(file_id, '')`

func scanResumable(row scanner) (*resumable, error) {
	u := new(resumable)
	var created, expires int64
	err := row.Scan(&u.ID, &u.Principal, &u.owner, &u.Folder, &u.Name, &u.Metadata, &u.Concat, &u.Size, &u.Offset, &u.state, &u.epoch, &created, &expires, &u.File)
	u.Created, u.Expires = time.UnixMicro(created).UTC(), time.UnixMicro(expires).UTC()
	return u, err
}

// sizeOrNull is the column of a size.
func (u *resumable) sizeOrNull() any {
	if u.Size == noSize {
		return nil
	}
	return u.Size
}

func (s store) insertResumable(ctx context.Context, u *resumable) error {
	_, err := s.db.Exec(ctx, `INSERT INTO uploads (id, principal, owner_id, folder_id, name, metadata, concat, size, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		u.ID, u.Principal, u.owner, u.Folder, u.Name, u.Metadata, u.Concat, u.sizeOrNull(), u.Created.UnixMicro(), u.Expires.UnixMicro())
	return err
}

// findResumable returns an upload of a principal's, also one that became a file.
func (s store) findResumable(ctx context.Context, id, principal string) (*resumable, error) {
	if !possibleID(id) {
		return nil, errNoUpload()
	}
	u, err := scanResumable(s.db.QueryRow(ctx, `SELECT `+resumableColumns+` FROM uploads WHERE id = $1 AND principal = $2`, id, principal))
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, errNoUpload()
	}
	return u, err
}

// sit begins a sitting: whoever else is at the upload can note nothing any more.
func (s store) sit(ctx context.Context, id, principal string) (u *resumable, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		var err error
		u, err = scanResumable(tx.QueryRow(ctx, `UPDATE uploads SET epoch = epoch + 1 WHERE id = $1 AND principal = $2 RETURNING `+resumableColumns, id, principal))
		if errors.Is(err, sqldb.ErrNoRows) {
			return errNoUpload()
		}
		return err
	})
	return u, err
}

// epochOf tells who is at an upload; -1 when it is gone.
func (s store) epochOf(ctx context.Context, id string) (epoch int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT epoch FROM uploads WHERE id = $1`, id).Scan(&epoch)
	if errors.Is(err, sqldb.ErrNoRows) {
		return -1, nil
	}
	return epoch, err
}

// saveResumable notes how far an upload came, unless somebody else is at it by now.
func (s store) saveResumable(ctx context.Context, u *resumable) error {
	n, err := s.db.Exec(ctx, `UPDATE uploads SET offset_bytes = $1, hash_state = $2, size = $3, expires_at = $4, metadata = $5, folder_id = $6, name = $7, owner_id = $8 WHERE id = $9 AND epoch = $10 AND file_id IS NULL`,
		u.Offset, u.state, u.sizeOrNull(), u.Expires.UnixMicro(), u.Metadata, u.Folder, u.Name, u.owner, u.ID, u.epoch)
	if err == nil && n == 0 {
		return errTaken
	}
	return err
}

// finishResumables notes what uploads became, in the transaction that stores their files. One
// that somebody else finished or removed meanwhile stores nothing.
func finishResumables(ctx context.Context, tx *sqldb.Tx, batch []*upload, list []placed) error {
	for i, u := range batch {
		if u.resumable == nil || list[i].err != nil {
			continue
		}
		file := list[i].file.ID
		expires := u.Uploaded.Add(finishedFor).UnixMicro()
		n, err := tx.Exec(ctx, `UPDATE uploads SET file_id = $1, offset_bytes = $2, size = $2, hash_state = NULL, expires_at = $3 WHERE id = $4 AND epoch = $5 AND file_id IS NULL`, file, u.Size, expires, u.resumable.ID, u.resumable.epoch)
		if err != nil {
			return err
		}
		if n == 0 {
			return errTaken
		}
		for _, part := range u.resumable.parts {
			if _, err := tx.Exec(ctx, `UPDATE uploads SET file_id = $1, hash_state = NULL, expires_at = $2 WHERE id = $3`, file, expires, part.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeResumable forgets an upload of a principal's.
func (s store) removeResumable(ctx context.Context, id, principal string) (bool, error) {
	n, err := s.db.Exec(ctx, `DELETE FROM uploads WHERE id = $1 AND principal = $2`, id, principal)
	return n > 0, err
}

func (s store) removeExpired(ctx context.Context, id string, now int64) (bool, error) {
	n, err := s.db.Exec(ctx, `DELETE FROM uploads WHERE id = $1 AND expires_at <= $2`, id, now)
	return n > 0, err
}

func (s store) expiredResumables(ctx context.Context, now int64, limit int) ([]string, error) {
	return sqldb.Texts(ctx, s.db, `SELECT id FROM uploads WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2`, now, limit)
}

// isResumable reports whether an upload of this id is unfinished.
func (s store) isResumable(ctx context.Context, id string) (bool, error) {
	found, err := sqldb.Texts(ctx, s.db, `SELECT id FROM uploads WHERE id = $1 AND file_id IS NULL`, id)
	return len(found) > 0, err
}

func (s store) countResumable(ctx context.Context, principal string) (n int, err error) {
	err = s.db.QueryRow(ctx, `SELECT count(*) FROM uploads WHERE principal = $1 AND file_id IS NULL`, principal).Scan(&n)
	return n, err
}

// resumables lists what a principal has not finished, the newest first.
func (s store) resumables(ctx context.Context, principal string, now int64, limit int) ([]*resumable, error) {
	rows, err := s.db.Query(ctx, `SELECT `+resumableColumns+` FROM uploads WHERE principal = $1 AND file_id IS NULL AND expires_at > $2 AND concat NOT LIKE 'final;%' ORDER BY created_at DESC LIMIT $3`, principal, now, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*resumable
	for rows.Next() {
		u, err := scanResumable(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, rows.Err()
}

// resumableOf returns the upload that was put together to a file, nil if it is forgotten.
func (s store) resumableOf(ctx context.Context, file, principal string) (*resumable, error) {
	u, err := scanResumable(s.db.QueryRow(ctx, `SELECT `+resumableColumns+` FROM uploads WHERE principal = $1 AND file_id = $2 AND concat LIKE 'final;%'`, principal, file))
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, nil
	}
	return u, err
}
