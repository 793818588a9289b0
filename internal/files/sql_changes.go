package files

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"homeserver/internal/platform/sqldb"
)

// space is an owner's tree: its use and its quota.
type space struct {
	spaceCounts
	quota *int64 // bytes; nil: none
}

// lockSpaces holds the trees of owners until COMMIT, and makes those that are not there yet.
// It comes first in every transaction that changes files or folders: from then on nobody else
// changes these trees.
func (s store) lockSpaces(ctx context.Context, tx *sqldb.Tx, now int64, owners ...string) (map[string]space, error) {
	owners = slices.Compact(slices.Sorted(slices.Values(owners)))
	there, err := s.readSpaces(ctx, tx, owners)
	if err != nil || len(there) == len(owners) {
		return there, err
	}
	for _, owner := range owners {
		if _, ok := there[owner]; ok {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO spaces (owner_id) VALUES ($1) ON CONFLICT (owner_id) DO NOTHING`, owner); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO folders (id, owner_id, parent_id, name, name_nfc, name_key, created_at, modified_at)
			VALUES ($1, $2, NULL, '', '', '', $3, $4) ON CONFLICT (id) DO NOTHING`, rootOf(owner), owner, now, now); err != nil {
			return nil, err
		}
	}
	return s.readSpaces(ctx, tx, owners)
}

func (s store) readSpaces(ctx context.Context, tx *sqldb.Tx, owners []string) (map[string]space, error) {
	suffix := ``
	if tx.Dialect() == sqldb.Postgres { // on SQLite there is one writer at a time
		suffix = ` FOR UPDATE`
	}
	rows, err := tx.Query(ctx, `SELECT owner_id, files, bytes, trash_bytes, version_bytes, quota FROM spaces WHERE owner_id IN (`+listText(1, len(owners))+`) ORDER BY owner_id`+suffix, anys(owners)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	there := map[string]space{}
	for rows.Next() {
		var owner string
		var sp space
		if err := rows.Scan(&owner, &sp.files, &sp.bytes, &sp.trash, &sp.versions, &sp.quota); err != nil {
			return nil, err
		}
		there[owner] = sp
	}
	return there, rows.Err()
}

// apply writes what the set has collected, in the order of locks.
func (s *changeSet) apply(ctx context.Context, tx *sqldb.Tx, now int64) (applied, error) {
	if err := s.tags.apply(ctx, tx); err != nil {
		return applied{}, err
	}
	if err := s.applyFolders(ctx, tx); err != nil {
		return applied{}, err
	}
	if err := s.applySpaces(ctx, tx); err != nil {
		return applied{}, err
	}
	by, err := addUsage(ctx, tx, s.usage)
	if err != nil {
		return applied{}, err
	}
	seq, err := s.applyFeed(ctx, tx, now)
	return applied{counts: by, seq: seq, healed: s.healed, sinks: s.sinks}, err
}

// applyFolders adds to folders and to all above them. UNION ends even where a damaged
// database holds a circle.
func (s *changeSet) applyFolders(ctx context.Context, tx *sqldb.Tx) error {
	for _, id := range slices.Sorted(maps.Keys(s.folders)) {
		by := s.folders[id]
		if by == (folderCounts{}) {
			continue
		}
		if _, err := tx.Exec(ctx, `WITH RECURSIVE up (id, parent_id) AS (
				SELECT id, parent_id FROM folders WHERE id = $1
				UNION SELECT f.id, f.parent_id FROM folders f JOIN up ON f.id = up.parent_id
			) UPDATE folders SET files = files + $2, bytes = bytes + $3, folders = folders + $4 WHERE id IN (SELECT id FROM up)`,
			id, by.files, by.bytes, by.folders); err != nil {
			return err
		}
	}
	return nil
}

func (s *changeSet) applySpaces(ctx context.Context, tx *sqldb.Tx) error {
	for _, owner := range slices.Sorted(maps.Keys(s.spaces)) {
		by := s.spaces[owner]
		if by == (spaceCounts{}) {
			continue
		}
		if _, err := tx.Exec(ctx, `UPDATE spaces SET files = files + $1, bytes = bytes + $2, trash_bytes = trash_bytes + $3, version_bytes = version_bytes + $4 WHERE owner_id = $5`,
			by.files, by.bytes, by.trash, by.versions, owner); err != nil {
			return err
		}
	}
	return nil
}

// applyFeed numbers the changes. The counter's row is held until COMMIT, so that numbers
// become visible in their order and a reader never misses one that was slow.
func (s *changeSet) applyFeed(ctx context.Context, tx *sqldb.Tx, now int64) (last int64, err error) {
	total := int64(len(s.feed))
	for _, m := range s.many {
		total += m.n
	}
	if total == 0 {
		return 0, nil
	}
	if err := tx.QueryRow(ctx, `UPDATE files_feed SET seq = seq + $1 WHERE one = 1 RETURNING seq`, total).Scan(&last); err != nil {
		return 0, err
	}
	const width = 12
	first := last - total + 1
	args := make([]any, 0, width*len(s.feed))
	for i, c := range s.feed {
		var was any
		if c.Was != nil {
			was = *c.Was
		}
		args = append(args, first+int64(i), now, string(c.Type), string(c.Kind), c.ID, c.Folder, c.Name, c.Owner, c.Audience, was, c.Actor, c.Revision)
	}
	if err := insertRows(ctx, tx, `INSERT INTO file_changes (`+feedColumns+`)`, width, "", args); err != nil {
		return 0, err
	}
	before := first + int64(len(s.feed)) - 1
	for _, m := range s.many {
		n, err := tx.Exec(ctx, `INSERT INTO file_changes (`+feedColumns+`)
			SELECT $1 + row_number() OVER (ORDER BY f.id), $2, $3, 'file', f.id, f.folder_id, f.filename, f.owner_id, f.audience, NULL, $4, f.revision`+m.files,
			append([]any{before, now, string(m.what), s.actor}, m.args...)...)
		if err == nil && n != m.n {
			err = fmt.Errorf("the feed has %d places for %d files", m.n, n)
		}
		if err != nil {
			return 0, err
		}
		before += n
	}
	return last, nil
}

// feedColumns are the columns of a row of the feed.
const feedColumns = `seq, at, type, kind, item_id, folder_id, name, owner_id, audience, was, actor, revision`
