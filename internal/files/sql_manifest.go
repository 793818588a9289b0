package files

import (
	"context"

	"homeserver/internal/files/manifest"
	"homeserver/internal/platform/sqldb"
)

// What a manifest says of folders and files. trashed is true of what somebody put into the
// trash, not of what lies in a folder that was: that follows from the folder, which may come back.
const (
	manifestFolder = `SELECT f.id, coalesce(f.parent_id, ''), f.name, f.owner_id,
		CASE WHEN f.deleted_at IS NOT NULL AND (f.trash_id IS NULL OR EXISTS (SELECT 1 FROM trash t WHERE t.id = f.trash_id AND t.item_id = f.id)) THEN 1 ELSE 0 END
		FROM folders f `
	manifestFile = `SELECT f.id, f.folder_id, f.filename, f.owner_id, f.audience, coalesce(f.sha256, ''), f.storage_path, f.size, f.content_type, f.tags, f.upload_date, f.modified_at,
		CASE WHEN f.deleted_at IS NOT NULL AND (f.trash_id IS NULL OR EXISTS (SELECT 1 FROM trash t WHERE t.id = f.trash_id AND t.item_id = f.id)) THEN 1 ELSE 0 END
		FROM file_metadata f `
	manifestVersion = `SELECT v.file_id, v.id, v.sha256, v.size, v.content_type, v.created_at, v.replaced_at, v.pinned FROM file_versions v `
)

// manifestOwners returns those who have a tree, but for the household.
func (s store) manifestOwners(ctx context.Context, q sqldb.Querier) ([]string, error) {
	return sqldb.Texts(ctx, q, `SELECT owner_id FROM spaces WHERE owner_id <> '' ORDER BY owner_id`)
}

// manifestFolders returns folders in the order of ids.
func (s store) manifestFolders(ctx context.Context, q sqldb.Querier, after string, limit int) ([]manifest.Folder, error) {
	return readFolders(ctx, q, manifestFolder+`WHERE f.id > $1 ORDER BY f.id LIMIT $2`, after, limit)
}

// manifestFiles returns files in the order of ids, with their versions.
func (s store) manifestFiles(ctx context.Context, q sqldb.Querier, after string, limit int) ([]manifest.File, error) {
	list, err := readFiles(ctx, q, manifestFile+`WHERE f.id > $1 ORDER BY f.id LIMIT $2`, after, limit)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	versions, err := readVersions(ctx, q, manifestVersion+`WHERE v.file_id >= $1 AND v.file_id <= $2 ORDER BY v.file_id, v.replaced_at, v.id`, list[0].ID, list[len(list)-1].ID)
	return withVersions(list, versions), err
}

// manifestNamed returns the folders or files with these ids, as far as they are still there.
func (s store) manifestNamed(ctx context.Context, q sqldb.Querier, folders, files []string) ([]manifest.Folder, []manifest.File, error) {
	var foundFolders []manifest.Folder
	var foundFiles []manifest.File
	var err error
	if len(folders) > 0 {
		if foundFolders, err = readFolders(ctx, q, manifestFolder+`WHERE f.id IN (`+listText(1, len(folders))+`)`, anys(folders)...); err != nil {
			return nil, nil, err
		}
	}
	if len(files) == 0 {
		return foundFolders, nil, nil
	}
	if foundFiles, err = readFiles(ctx, q, manifestFile+`WHERE f.id IN (`+listText(1, len(files))+`)`, anys(files)...); err != nil {
		return nil, nil, err
	}
	versions, err := readVersions(ctx, q, manifestVersion+`WHERE v.file_id IN (`+listText(1, len(files))+`) ORDER BY v.file_id, v.replaced_at, v.id`, anys(files)...)
	return foundFolders, withVersions(foundFiles, versions), err
}

func withVersions(list []manifest.File, versions map[string][]manifest.Version) []manifest.File {
	for i := range list {
		list[i].Versions = versions[list[i].ID]
	}
	return list
}

func readFolders(ctx context.Context, q sqldb.Querier, query string, args ...any) ([]manifest.Folder, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []manifest.Folder
	for rows.Next() {
		var f manifest.Folder
		var trashed int
		if err := rows.Scan(&f.ID, &f.Parent, &f.Name, &f.Owner, &trashed); err != nil {
			return nil, err
		}
		f.Trashed = trashed == 1
		list = append(list, f)
	}
	return list, rows.Err()
}

func readFiles(ctx context.Context, q sqldb.Querier, query string, args ...any) ([]manifest.File, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []manifest.File
	for rows.Next() {
		var row File
		var f manifest.File
		var uploaded sqldb.Time
		var tags string
		var trashed int
		if err := rows.Scan(&f.ID, &f.Folder, &f.Name, &f.Owner, &row.audience, &f.SHA256, &row.path, &f.Size, &f.ContentType, &tags, &uploaded, &f.Modified, &trashed); err != nil {
			return nil, err
		}
		row.SHA256 = f.SHA256
		if !row.adopted() {
			f.Path = row.path
		}
		f.Tags, f.Uploaded, f.Shared, f.Trashed = decodeTags(tags), uploaded.UnixMicro(), row.shared(), trashed == 1
		list = append(list, f)
	}
	return list, rows.Err()
}

func readVersions(ctx context.Context, q sqldb.Querier, query string, args ...any) (map[string][]manifest.Version, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string][]manifest.Version{}
	for rows.Next() {
		var v manifest.Version
		var pinned int
		if err := rows.Scan(&v.File, &v.ID, &v.SHA256, &v.Size, &v.ContentType, &v.Created, &v.Replaced, &pinned); err != nil {
			return nil, err
		}
		v.Pinned = pinned != 0
		found[v.File] = append(found[v.File], v)
	}
	return found, rows.Err()
}

// feedSeq is the number of the newest change, and the one since which all can still be read.
func (s store) feedSeq(ctx context.Context, q sqldb.Querier) (seq, oldest int64, err error) {
	err = q.QueryRow(ctx, `SELECT seq, oldest FROM files_feed WHERE one = 1`).Scan(&seq, &oldest)
	return seq, oldest, err
}

// changedThing is what a change was about.
type changedThing struct {
	seq      int64
	kind, id string
}

// changedAfter returns what changes after seq were about, in order.
func (s store) changedAfter(ctx context.Context, seq int64, limit int) ([]changedThing, error) {
	rows, err := s.db.Query(ctx, `SELECT seq, kind, item_id FROM file_changes WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []changedThing
	for rows.Next() {
		var c changedThing
		if err := rows.Scan(&c.seq, &c.kind, &c.id); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}
