package files

import (
	"context"
	"slices"

	"homeserver/internal/platform/failpoint"
	"homeserver/internal/platform/sqldb"
)

// portions puts things in the trash together whose files one transaction destroys. One with more
// comes alone, so that its files are found in the order of an index.
func (s store) portions(ctx context.Context, entries []string) (all [][]string, err error) {
	rows, err := s.db.Query(ctx, `SELECT id, files FROM trash WHERE id IN (`+listText(1, len(entries))+`) ORDER BY deleted_at, id`, anys(entries)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for together := int64(destroyFiles); rows.Next(); {
		var id string
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		if together += n; together >= destroyFiles {
			all, together = append(all, nil), n
		}
		last := &all[len(all)-1]
		*last = append(*last, id)
	}
	return all, rows.Err()
}

// filesInTrash returns files of things in the trash, in the order of ids.
func (s store) filesInTrash(ctx context.Context, entries []string, after string, limit int) ([]File, error) {
	args := append(anys(entries), after, limit)
	return s.files(ctx, s.db, filesInTrashText(len(entries)), args...)
}

func filesInTrashText(entries int) string {
	return `SELECT ` + fileColumns + ` FROM file_metadata f WHERE f.trash_id IN (` + listText(1, entries) + `) AND f.deleted_at IS NOT NULL AND f.id > ` + listText(entries+1, 1) + ` ORDER BY f.id LIMIT ` + listText(entries+2, 1)
}

// destroy drops files that are in the trash as one of entries, and with last the entries that
// are empty then, with their folders.
func (s store) destroy(ctx context.Context, entries, ids []string, last bool, now int64) (d destroyed, a applied, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		d = destroyed{}
		owners, err := sqldb.Texts(ctx, tx, `SELECT DISTINCT owner_id FROM trash WHERE id IN (`+listText(1, len(entries))+`)`, anys(entries)...)
		if err != nil || len(owners) == 0 {
			return err
		}
		if _, err := s.lockSpaces(ctx, tx, now, owners...); err != nil {
			return err
		}
		// What sinks somebody is taking out of the trash.
		entries, err := sqldb.Texts(ctx, tx, `SELECT t.id FROM trash t WHERE t.id IN (`+listText(1, len(entries))+`) AND NOT EXISTS (SELECT 1 FROM sinking s WHERE s.trash_id = t.id)`, anys(entries)...)
		if err != nil || len(entries) == 0 {
			return err
		}
		set := newChangeSet(ctx)
		for chunk := range slices.Chunk(ids, idsAtOnce) {
			if err := s.destroyFiles(ctx, tx, set, &d, entries, chunk, now); err != nil {
				return err
			}
		}
		if last {
			if err := s.dropEntries(ctx, tx, set, &d, entries); err != nil {
				return err
			}
		}
		a, err = set.apply(ctx, tx, now)
		failpoint.Hit("destroy-rows")
		return err
	})
	return d, a, err
}

// destroyFiles drops the rows of files, unless they left the trash meanwhile, and of their versions.
func (s store) destroyFiles(ctx context.Context, tx *sqldb.Tx, set *changeSet, d *destroyed, entries, ids []string, now int64) error {
	of := `f.id IN (` + listText(1, len(ids)) + `) AND f.deleted_at IS NOT NULL AND f.trash_id IN (` + listText(len(ids)+1, len(entries)) + `)`
	args := append(anys(ids), anys(entries)...)
	rows, err := s.files(ctx, tx, `SELECT `+fileColumns+` FROM file_metadata f WHERE `+of+` ORDER BY f.id`, args...)
	if err != nil || len(rows) == 0 {
		return err
	}
	versions, err := s.ownedVersions(ctx, tx, `SELECT v.id, v.sha256, v.size, f.owner_id FROM file_versions v JOIN file_metadata f ON f.id = v.file_id WHERE `+of, args...)
	if err != nil {
		return err
	}
	digests := versions.digests()
	gone := make([]string, len(rows))
	for i := range rows {
		row := &rows[i]
		gone[i] = row.ID
		if row.SHA256 != "" {
			digests = append(digests, row.SHA256)
		}
		set.inSpace(row.Owner, spaceCounts{trash: -row.Size})
		d.files++
		d.bytes += row.Size
	}
	if digests, err = s.lockBlobs(ctx, tx, digests); err != nil {
		return err
	}
	if err := s.dropVersions(ctx, tx, set, d, versions); err != nil {
		return err
	}
	if err := s.countDown(ctx, tx, gone); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM file_metadata WHERE id IN (`+listText(1, len(gone))+`)`, anys(gone)...); err != nil {
		return err
	}
	return s.dateBlobs(ctx, tx, d, digests, now)
}

// folderDownText takes files from the totals of the folders that are in the trash with them. coalesce
// keeps SQLite from walking the index of all folders there for each.
func folderDownText(files int) string {
	return `WITH RECURSIVE up (id, trash_id, files, bytes, n) AS (
			SELECT f.folder_id, f.trash_id, count(*), CAST(sum(f.size) AS bigint), 0 FROM file_metadata f WHERE f.id IN (` + listText(1, files) + `) GROUP BY f.folder_id, f.trash_id
			UNION ALL SELECT d.parent_id, up.trash_id, up.files, up.bytes, up.n + 1 FROM up CROSS JOIN folders d WHERE d.id = up.id AND coalesce(d.trash_id, '') = up.trash_id AND up.n < 1000
		) UPDATE folders SET files = folders.files - gone.files, bytes = folders.bytes - gone.bytes
			FROM (SELECT id, trash_id, CAST(sum(files) AS bigint) AS files, CAST(sum(bytes) AS bigint) AS bytes FROM up GROUP BY id, trash_id) gone
			WHERE folders.id = gone.id AND coalesce(folders.trash_id, '') = gone.trash_id`
}

// countDown takes files from what the trash says of the things they went there with, and from the
// totals of the folders that lie there with them: what is left of one may come back.
func (s store) countDown(ctx context.Context, tx *sqldb.Tx, ids []string) error {
	if _, err := tx.Exec(ctx, folderDownText(len(ids)), anys(ids)...); err != nil {
		return err
	}
	of := `FROM file_metadata f WHERE f.trash_id = trash.id AND f.id IN (` + listText(1, len(ids)) + `)`
	_, err := tx.Exec(ctx, `UPDATE trash SET files = files - (SELECT count(*) `+of+`), bytes = bytes - CAST((SELECT coalesce(sum(f.size), 0) `+of+`) AS bigint)
		WHERE id IN (SELECT f.trash_id FROM file_metadata f WHERE f.id IN (`+listText(1, len(ids))+`))`, anys(ids)...)
	return err
}

// dropEntries drops what has no files left from the trash.
func (s store) dropEntries(ctx context.Context, tx *sqldb.Tx, set *changeSet, d *destroyed, entries []string) error {
	empty := ` AND NOT EXISTS (SELECT 1 FROM file_metadata f WHERE f.trash_id = t.id AND f.deleted_at IS NOT NULL)`
	rows, err := tx.Query(ctx, `SELECT t.id, t.kind, t.item_id, t.folder_id, t.name, t.owner_id, t.audience FROM trash t WHERE t.id IN (`+listText(1, len(entries))+`)`+empty+` ORDER BY t.id`, anys(entries)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		c := change{Type: changeRemoved, Actor: set.actor}
		var id, kind string
		if err := rows.Scan(&id, &kind, &c.ID, &c.Folder, &c.Name, &c.Owner, &c.Audience); err != nil {
			return err
		}
		c.Kind = itemKind(kind)
		ids = append(ids, id)
		set.feed = append(set.feed, c)
	}
	if err := rows.Err(); err != nil || len(ids) == 0 {
		return err
	}
	if err := rows.Close(); err != nil {
		return err
	}
	d.entries += len(ids)
	for _, drop := range []string{`DELETE FROM folders WHERE deleted_at IS NOT NULL AND trash_id IN (`, `DELETE FROM trash WHERE id IN (`} {
		if _, err := tx.Exec(ctx, drop+listText(1, len(ids))+`)`, anys(ids)...); err != nil {
			return err
		}
	}
	return nil
}

// ownedVersion is an older version that is about to go.
type ownedVersion struct {
	id, digest, owner string
	size              int64
}

type ownedVersions []ownedVersion

func (list ownedVersions) digests() []string {
	digests := make([]string, len(list))
	for i := range list {
		digests[i] = list[i].digest
	}
	return digests
}

func (s store) ownedVersions(ctx context.Context, q sqldb.Querier, query string, args ...any) (ownedVersions, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list ownedVersions
	for rows.Next() {
		var v ownedVersion
		if err := rows.Scan(&v.id, &v.digest, &v.size, &v.owner); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// dropVersions drops the rows of versions whose content is locked.
func (s store) dropVersions(ctx context.Context, tx *sqldb.Tx, set *changeSet, d *destroyed, list ownedVersions) error {
	for chunk := range slices.Chunk(list, idsAtOnce) {
		ids := make([]string, len(chunk))
		for i, v := range chunk {
			ids[i] = v.id
			set.inSpace(v.owner, spaceCounts{versions: -v.size})
			d.bytes += v.size
		}
		if _, err := tx.Exec(ctx, `DELETE FROM file_versions WHERE id IN (`+listText(1, len(ids))+`)`, anys(ids)...); err != nil {
			return err
		}
	}
	return nil
}

// destroyVersions drops versions by their ids, unless they were pinned.
func (s store) destroyVersions(ctx context.Context, ids []string, now int64) (d destroyed, a applied, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		d, a = destroyed{}, applied{}
		query := `SELECT v.id, v.sha256, v.size, f.owner_id FROM file_versions v JOIN file_metadata f ON f.id = v.file_id WHERE v.pinned = 0 AND v.id IN (` + listText(1, len(ids)) + `) ORDER BY v.id`
		list, err := s.ownedVersions(ctx, tx, query, anys(ids)...)
		if err != nil || len(list) == 0 {
			return err
		}
		held := map[string]bool{}
		var owners []string
		for _, v := range list {
			if !held[v.owner] {
				held[v.owner] = true
				owners = append(owners, v.owner)
			}
		}
		if _, err := s.lockSpaces(ctx, tx, now, owners...); err != nil {
			return err
		}
		if tx.Dialect() == sqldb.Postgres { // against who pins them just now
			query += ` FOR UPDATE OF v`
		}
		if list, err = s.ownedVersions(ctx, tx, query, anys(ids)...); err != nil { // as they are under the lock
			return err
		}
		list = slices.DeleteFunc(list, func(v ownedVersion) bool { return !held[v.owner] }) // given away meanwhile
		digests, err := s.lockBlobs(ctx, tx, list.digests())
		if err != nil {
			return err
		}
		set := newChangeSet(ctx)
		if err := s.dropVersions(ctx, tx, set, &d, list); err != nil {
			return err
		}
		if err := s.dateBlobs(ctx, tx, &d, digests, now); err != nil {
			return err
		}
		d.entries = len(list)
		a, err = set.apply(ctx, tx, now)
		return err
	})
	return d, a, err
}

// lockBlobs holds the rows of blobs until COMMIT, in the order of digests, and returns that.
func (s store) lockBlobs(ctx context.Context, tx *sqldb.Tx, digests []string) ([]string, error) {
	slices.Sort(digests)
	digests = slices.Compact(digests)
	if tx.Dialect() != sqldb.Postgres { // there is one writer at a time
		return digests, nil
	}
	for chunk := range slices.Chunk(digests, idsAtOnce) {
		if _, err := sqldb.Texts(ctx, tx, `SELECT sha256 FROM blobs WHERE sha256 IN (`+listText(1, len(chunk))+`) ORDER BY sha256 FOR UPDATE`, anys(chunk)...); err != nil {
			return nil, err
		}
	}
	return digests, nil
}

// dateBlobs dates those of the locked blobs for the collector that nothing refers to any more.
func (s store) dateBlobs(ctx context.Context, tx *sqldb.Tx, d *destroyed, digests []string, now int64) error {
	for chunk := range slices.Chunk(digests, idsAtOnce) {
		freed, err := sum(ctx, tx, `UPDATE blobs SET unreferenced_at = $1 WHERE unreferenced_at IS NULL AND sha256 IN (`+listText(2, len(chunk))+`) AND `+unreferenced+` RETURNING size`, append([]any{now}, anys(chunk)...)...)
		if err != nil {
			return err
		}
		d.freed += freed
	}
	return nil
}

// sum adds up the numbers that a query returns.
func sum(ctx context.Context, q sqldb.Querier, query string, args ...any) (total int64, err error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
		total += n
	}
	return total, rows.Err()
}
