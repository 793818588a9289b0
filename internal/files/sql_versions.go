package files

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/sqldb"
)

// versionColumns are what scanVersion reads.
const versionColumns = `v.id, v.file_id, v.sha256, v.size, v.content_type, v.created_at, v.replaced_at, v.replaced_by, v.pinned`

func scanVersion(row scanner, v *Version) error {
	var created, replaced, pinned int64
	err := row.Scan(&v.ID, &v.File, &v.SHA256, &v.Size, &v.ContentType, &created, &replaced, &v.By, &pinned)
	v.Created, v.Replaced, v.Pinned = time.UnixMicro(created).UTC(), time.UnixMicro(replaced).UTC(), pinned != 0
	return err
}

// versions lists a file's versions, the newest first.
func (s store) versions(ctx context.Context, file string) ([]Version, error) {
	rows, err := s.db.Query(ctx, `SELECT `+versionColumns+` FROM file_versions v WHERE v.file_id = $1 ORDER BY v.replaced_at DESC, v.id DESC`, file)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Version
	for rows.Next() {
		var v Version
		if err := scanVersion(rows, &v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// version finds one version of a file.
func (s store) version(ctx context.Context, q sqldb.Querier, file, id string) (*Version, error) {
	if !possibleID(id) {
		return nil, errNoVersion()
	}
	v := new(Version)
	err := scanVersion(q.QueryRow(ctx, `SELECT `+versionColumns+` FROM file_versions v WHERE v.id = $1 AND v.file_id = $2`, id, file), v)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, errNoVersion()
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// replaceContent makes content the present file's; what the file was becomes a version. The
// transaction holds the file, its tree and the content's blob. The same content again changes
// nothing. It returns the file as it is now.
func (s store) replaceContent(ctx context.Context, tx *sqldb.Tx, set *changeSet, present *File, with *upload) (*File, error) {
	if present.SHA256 == with.SHA256 {
		return present, nil
	}
	if !present.adopted() {
		return nil, errNotAdopted()
	}
	at := with.Modified.UnixMicro()
	if _, err := tx.Exec(ctx, `INSERT INTO file_versions (id, file_id, sha256, size, content_type, created_at, replaced_at, replaced_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		uuid.NewString(), present.ID, present.SHA256, present.Size, present.ContentType, present.Modified.UnixMicro(), at, set.actor); err != nil {
		return nil, err
	}
	now := *present
	now.SHA256, now.path, now.Size, now.ContentType, now.Modified = with.SHA256, with.path, with.Size, with.ContentType, with.Modified
	now.Revision++
	if _, err := tx.Exec(ctx, `UPDATE file_metadata SET sha256 = $1, storage_path = $2, size = $3, content_type = $4, modified_at = $5, revision = $6 WHERE id = $7`,
		now.SHA256, now.path, now.Size, now.ContentType, at, now.Revision, now.ID); err != nil {
		return nil, err
	}
	set.changed(present, &now, changeContent)
	set.inSpace(present.Owner, spaceCounts{versions: present.Size})
	return &now, nil
}

// lockOne holds a live file and its tree, and before the file whatever before locks.
func (s store) lockOne(ctx context.Context, tx *sqldb.Tx, id string, now int64, may func(*File) error, before func() error) (*File, error) {
	if err := s.lockSpacesOf(ctx, tx, []string{id}, now); err != nil {
		return nil, err
	}
	if before != nil {
		if err := before(); err != nil {
			return nil, err
		}
	}
	rows, err := s.lock(ctx, tx, []string{id}, false, may)
	if err == nil && len(rows) == 0 {
		err = errNotFound()
	}
	if err != nil {
		return nil, err
	}
	return &rows[0], nil
}

// restoreVersion swaps a version and the file's content. References to content come and go in
// one transaction, so the collector never sees it without one.
func (s store) restoreVersion(ctx context.Context, id, version string, at time.Time, may func(*File) error) (row *File, a applied, err error) {
	now := at.UnixMicro()
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		present, err := s.lockOne(ctx, tx, id, now, may, nil)
		if err != nil {
			return err
		}
		v, err := s.version(ctx, tx, id, version)
		if err != nil {
			return err
		}
		set := newChangeSet(ctx)
		with := v.asFile(present)
		with.Modified = at
		if row, err = s.replaceContent(ctx, tx, set, present, &upload{File: *with}); err != nil {
			return err
		}
		if row != present {
			if err := s.dropVersion(ctx, tx, set, present.Owner, v); err != nil {
				return err
			}
		}
		a, err = set.apply(ctx, tx, now)
		return err
	})
	return row, a, err
}

// dropVersion removes the row of a version.
func (s store) dropVersion(ctx context.Context, tx *sqldb.Tx, set *changeSet, owner string, v *Version) error {
	set.inSpace(owner, spaceCounts{versions: -v.Size})
	_, err := tx.Exec(ctx, `DELETE FROM file_versions WHERE id = $1`, v.ID)
	return err
}

func (s store) pinVersion(ctx context.Context, id, version string, pinned bool, may func(*File) error) error {
	n := 0
	if pinned {
		n = 1
	}
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		rows, err := s.lock(ctx, tx, []string{id}, false, may)
		if err == nil && len(rows) == 0 {
			err = errNotFound()
		}
		if err != nil {
			return err
		}
		changed, err := tx.Exec(ctx, `UPDATE file_versions SET pinned = $1 WHERE id = $2 AND file_id = $3`, n, version, id)
		if err == nil && changed == 0 {
			err = errNoVersion()
		}
		return err
	})
}

// deleteVersion forgets a version; its content is dated for the collector unless something else
// has it.
func (s store) deleteVersion(ctx context.Context, id, version string, now int64, may func(*File) error) (row *File, a applied, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		var v *Version
		row, err = s.lockOne(ctx, tx, id, now, may, func() (err error) {
			if v, err = s.version(ctx, tx, id, version); err != nil {
				return err
			}
			return lockBlob(ctx, tx, v.SHA256)
		})
		if err != nil {
			return err
		}
		if v, err = s.version(ctx, tx, id, version); err != nil {
			return err
		}
		if v.Pinned {
			return errs.New(errs.Conflict, "This version is pinned, so that it is kept. Unpin it first.")
		}
		set := newChangeSet(ctx)
		if err := s.dropVersion(ctx, tx, set, row.Owner, v); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE blobs SET unreferenced_at = $1 WHERE sha256 = $2 AND `+unreferenced, now, v.SHA256); err != nil {
			return err
		}
		a, err = set.apply(ctx, tx, now)
		return err
	})
	return row, a, err
}
