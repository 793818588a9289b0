package files

import (
	"context"
	"slices"

	"homeserver/internal/platform/sqldb"
)

// The order of ids is the order in which rows are locked.
func inOrder(ids []string) []string {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !possibleID(id) })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// hide marks files as deleted and returns those that were there and that may lets through.
func (s store) hide(ctx context.Context, ids []string, now int64, may func(*File) error) (hidden []File, c countsBy, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		var err error
		if hidden, err = s.lock(ctx, tx, ids, false, may); err != nil {
			return err
		}
		tags, by := newTagChanges(), countsBy{}
		for i := range hidden {
			if _, err := tx.Exec(ctx, `UPDATE file_metadata SET deleted_at = $1 WHERE id = $2`, now, hidden[i].ID); err != nil {
				return err
			}
			tags.remove(&hidden[i])
			by.count(&hidden[i], -1)
		}
		c, err = applyCounts(ctx, tx, tags, by)
		return err
	})
	return hidden, c, err
}

// restore takes deletions back. It returns all files that are there now and that may lets
// through, and those of them that had been deleted.
func (s store) restore(ctx context.Context, ids []string, may func(*File) error) (there, restored []File, c countsBy, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		var err error
		restored = nil
		if there, err = s.lock(ctx, tx, ids, true, may); err != nil {
			return err
		}
		tags, by := newTagChanges(), countsBy{}
		for i := range there {
			if !there[i].hidden {
				continue
			}
			if _, err := tx.Exec(ctx, `UPDATE file_metadata SET deleted_at = NULL WHERE id = $1`, there[i].ID); err != nil {
				return err
			}
			restored = append(restored, there[i])
			tags.add(&there[i])
			by.count(&there[i], 1)
		}
		c, err = applyCounts(ctx, tx, tags, by)
		return err
	})
	return there, restored, c, err
}

// applyCounts writes what a transaction changes about tags and counters, in the order of locks.
func applyCounts(ctx context.Context, tx *sqldb.Tx, tags *tagChanges, by countsBy) (countsBy, error) {
	if err := tags.apply(ctx, tx); err != nil {
		return nil, err
	}
	return addUsage(ctx, tx, by)
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

// edited is what an edit did.
type edited struct {
	found   []File   // that exist and that may lets through, as they are now
	changed []File   // those of them that are not as they were
	counts  countsBy // the counters that changed
}

// edit changes names, tags and audiences of files as change says. change must not touch
// anything but the file.
func (s store) edit(ctx context.Context, ids []string, may, change func(f *File) error) (e edited, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		e = edited{}
		var err error
		if e.found, err = s.lock(ctx, tx, ids, false, may); err != nil {
			return err
		}
		tags, by := newTagChanges(), countsBy{}
		for i := range e.found {
			f := &e.found[i]
			old := *f
			if err := change(f); err != nil {
				return err
			}
			if f.Name == old.Name && slices.Equal(f.Tags, old.Tags) && f.audience == old.audience {
				continue
			}
			e.changed = append(e.changed, *f)
			if _, err := tx.Exec(ctx, `UPDATE file_metadata SET filename = $1, name_key = $2, tags = $3, audience = $4 WHERE id = $5`, f.Name, nameKey(f.Name), encodeTags(f.Tags), f.audience, f.ID); err != nil {
				return err
			}
			tags.change(&old, f)
			by.count(&old, -1)
			by.count(f, 1)
		}
		e.counts, err = applyCounts(ctx, tx, tags, by)
		return err
	})
	return e, err
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
