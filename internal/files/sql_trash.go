package files

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"homeserver/internal/platform/sqldb"
)

// trashColumns are what scanTrashed reads.
const trashColumns = `t.id, t.kind, t.item_id, t.owner_id, t.audience, t.name, t.folder_id, t.path, t.files, t.bytes, t.deleted_at, t.deleted_by,
	coalesce(CASE t.kind WHEN 'file' THEN (SELECT i.revision FROM file_metadata i WHERE i.id = t.item_id) ELSE (SELECT i.revision FROM folders i WHERE i.id = t.item_id) END, 0)`

func scanTrashed(row scanner, t *Trashed) error {
	var path string
	var at int64
	if err := row.Scan(&t.ID, &t.Kind, &t.Item, &t.Owner, &t.audience, &t.Name, &t.Folder, &path, &t.files, &t.bytes, &at, &t.By, &t.Revision); err != nil {
		return err
	}
	t.At = time.UnixMicro(at).UTC()
	return json.Unmarshal([]byte(path), &t.Path)
}

// trashed finds something in the trash.
func (s store) trashed(ctx context.Context, q sqldb.Querier, id string) (*Trashed, error) {
	if !possibleID(id) {
		return nil, errNotInTrash()
	}
	t := new(Trashed)
	err := scanTrashed(q.QueryRow(ctx, `SELECT `+trashColumns+` FROM trash t WHERE t.id = $1`, id), t)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, errNotInTrash()
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// inTrash lists what a view shows of the trash after a place, what was deleted last first.
func (s store) inTrash(ctx context.Context, v view, after *trashPosition, limit int) ([]Trashed, error) {
	w := listWriter{}
	w.text(`SELECT ` + trashColumns + ` FROM trash t WHERE t.kind <> ''`)
	w.visible(`t.audience`, v.filter())
	if after != nil {
		w.text(` AND (t.deleted_at, t.id) < (`, w.arg(after.at), `, `, w.arg(after.id), `)`)
	}
	w.text(` ORDER BY t.deleted_at DESC, t.id DESC LIMIT `, w.arg(limit))
	rows, err := s.db.Query(ctx, w.b.String(), w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Trashed
	for rows.Next() {
		var t Trashed
		if err := scanTrashed(rows, &t); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// trashTotal is how many things a view shows of the trash, and the bytes of the files.
func (s store) trashTotal(ctx context.Context, v view) (n, bytes int64, err error) {
	w := listWriter{}
	w.text(`SELECT count(*), CAST(coalesce(sum(t.bytes), 0) AS bigint) FROM trash t WHERE t.kind <> ''`)
	w.visible(`t.audience`, v.filter())
	err = s.db.QueryRow(ctx, w.b.String(), w.args...).Scan(&n, &bytes)
	return n, bytes, err
}

// liveFiles is how many files there are in the tree of every owner.
func (s store) liveFiles(ctx context.Context) (map[string]int64, error) {
	rows, err := s.db.Query(ctx, `SELECT owner_id, files FROM spaces`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var owner string
		var n int64
		if err := rows.Scan(&owner, &n); err != nil {
			return nil, err
		}
		all[owner] = n
	}
	return all, rows.Err()
}
