package files

import (
	"context"
	"errors"
	"slices"

	"homeserver/internal/platform/sqldb"
)

// The order of ids is the order in which rows are locked.
func inOrder(ids []string) []string {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !possibleID(id) })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// hide marks files as deleted and returns the ids of those that were there.
func (s store) hide(ctx context.Context, ids []string, now int64) (hidden []string, c counts, err error) {
	return s.toggle(ctx, ids, `UPDATE file_metadata SET deleted_at = $1 WHERE id = $2 AND deleted_at IS NULL RETURNING `+ownColumns, now, -1)
}

// restore takes deletions back and returns the ids of the files that were deleted.
func (s store) restore(ctx context.Context, ids []string) (restored []string, c counts, err error) {
	return s.toggle(ctx, ids, `UPDATE file_metadata SET deleted_at = $1 WHERE id = $2 AND deleted_at IS NOT NULL RETURNING `+ownColumns, nil, 1)
}

func (s store) toggle(ctx context.Context, ids []string, update string, deletedAt any, sign int64) (changed []string, c counts, err error) {
	ids = inOrder(ids)
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		changed = nil
		tags, by := newTagChanges(), counts{}
		for _, id := range ids {
			f := new(File)
			err := scanFile(tx.QueryRow(ctx, update, deletedAt, id), f)
			if errors.Is(err, sqldb.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			changed = append(changed, f.ID)
			by.files, by.bytes = by.files+sign, by.bytes+sign*f.Size
			if sign > 0 {
				tags.add(f)
			} else {
				tags.remove(f)
			}
		}
		if err := tags.apply(ctx, tx); err != nil {
			return err
		}
		var err error
		c, err = addUsage(ctx, tx, by)
		return err
	})
	return changed, c, err
}

// present returns which of the ids are files that are not deleted.
func (s store) present(ctx context.Context, ids []string) ([]string, error) {
	var found []string
	for chunk := range slices.Chunk(inOrder(ids), idsAtOnce) {
		list, err := texts(ctx, s.db, `SELECT id FROM file_metadata WHERE deleted_at IS NULL AND id IN (`+listText(1, len(chunk))+`)`, anys(chunk)...)
		if err != nil {
			return nil, err
		}
		found = append(found, list...)
	}
	return found, nil
}

// idsAtOnce is how many ids one statement asks for.
const idsAtOnce = 500

func anys(list []string) []any {
	args := make([]any, len(list))
	for i, s := range list {
		args[i] = s
	}
	return args
}

// byIDs returns the files among ids that are not deleted, in no particular order.
func (s store) byIDs(ctx context.Context, ids []string) ([]File, error) {
	var all []File
	for chunk := range slices.Chunk(inOrder(ids), idsAtOnce) {
		list, err := s.files(ctx, s.db, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.deleted_at IS NULL AND f.id IN (`+listText(1, len(chunk))+`)`, anys(chunk)...)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// edit changes names and tags of files as change says, and returns the ids that exist and how
// many files were changed. change must not touch anything but the file.
func (s store) edit(ctx context.Context, ids []string, change func(f *File) error) (found []File, changed int, err error) {
	ids = inOrder(ids)
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		found, changed = nil, 0
		tags := newTagChanges()
		for _, id := range ids {
			f := new(File)
			// Writing a row to itself locks it on both databases.
			err := scanFile(tx.QueryRow(ctx, `UPDATE file_metadata SET filename = filename WHERE id = $1 AND deleted_at IS NULL RETURNING `+ownColumns, id), f)
			if errors.Is(err, sqldb.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			old := *f
			if err := change(f); err != nil {
				return err
			}
			found = append(found, *f)
			if f.Name == old.Name && slices.Equal(f.Tags, old.Tags) {
				continue
			}
			changed++
			if _, err := tx.Exec(ctx, `UPDATE file_metadata SET filename = $1, name_key = $2, tags = $3 WHERE id = $4`, f.Name, nameKey(f.Name), encodeTags(f.Tags), f.ID); err != nil {
				return err
			}
			tags.lose(&old, without(old.Tags, f.Tags))
			tags.gain(&old, without(f.Tags, old.Tags))
		}
		return tags.apply(ctx, tx)
	})
	return found, changed, err
}

// without returns the elements of a that b lacks.
func without(a, b []string) []string {
	var rest []string
	for _, s := range a {
		if !slices.Contains(b, s) {
			rest = append(rest, s)
		}
	}
	return rest
}
