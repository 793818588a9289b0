package files

import (
	"context"
	"slices"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// The order of ids is the order in which rows are locked.
func inOrder(ids []string) []string {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !possibleID(id) })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// lockSpacesOf holds the trees that files belong to. Who owns a file may change until they are
// held, so it looks again afterwards.
func (s store) lockSpacesOf(ctx context.Context, tx *sqldb.Tx, ids []string, now int64) error {
	var held []string
	for {
		owners, err := s.ownersOf(ctx, tx, ids)
		if err != nil {
			return err
		}
		if len(without(owners, held)) == 0 {
			return nil
		}
		if len(held) > 0 {
			return errOwnersChanged()
		}
		if _, err := s.lockSpaces(ctx, tx, now, owners...); err != nil {
			return err
		}
		held = owners
	}
}

const typeOwnersChanged = "moving"

// errOwnersChanged says that files went to another tree just now; taking one more lock out of
// order could end in a deadlock.
func errOwnersChanged() error {
	return errs.Typed(errs.Unavailable, typeOwnersChanged, "The files were just being moved. Nothing was changed; please try again.")
}

// ownersOf are the owners of files, in order.
func (s store) ownersOf(ctx context.Context, tx *sqldb.Tx, ids []string) ([]string, error) {
	var all []string
	for chunk := range slices.Chunk(inOrder(ids), idsAtOnce) {
		owners, err := sqldb.Texts(ctx, tx, `SELECT DISTINCT owner_id FROM file_metadata WHERE id IN (`+listText(1, len(chunk))+`)`, anys(chunk)...)
		if err != nil {
			return nil, err
		}
		all = append(all, owners...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
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
		list, err := s.files(ctx, s.db, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.deleted_at IS NULL`+notSinking+` AND f.id IN (`+listText(1, len(chunk))+`)`, anys(chunk)...)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// edited is what an edit did.
type edited struct {
	found   []File // that exist and that may lets through, as they are now
	changed []File // those of them that are not as they were
	applied applied
}

// edit is what shall become of files.
type edit struct {
	ids    []string
	may    func(*File) error
	change func(*File) error // names, tags and audience; it must not touch anything but the file
	// onConflict says what is done if a new name is taken; "" lets both bear it.
	onConflict conflict
}

// edit changes names, tags and audiences of files.
func (s store) edit(ctx context.Context, ask edit, now int64) (e edited, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		e = edited{}
		var err error
		if err = s.lockSpacesOf(ctx, tx, ask.ids, now); err != nil {
			return err
		}
		if e.found, err = s.lock(ctx, tx, ask.ids, false, ask.may); err != nil {
			return err
		}
		set := newChangeSet(ctx)
		for i := range e.found {
			f := &e.found[i]
			old := *f
			if err := ask.change(f); err != nil {
				return err
			}
			if f.Name == old.Name && slices.Equal(f.Tags, old.Tags) && f.audience == old.audience {
				continue
			}
			if err := s.settleName(ctx, &changing{tx: tx, set: set, now: now}, f, old.Name, ask.onConflict); err != nil {
				return err
			}
			f.Revision++
			f.key = nameKey(f.Name)
			e.changed = append(e.changed, *f)
			if _, err := tx.Exec(ctx, `UPDATE file_metadata SET filename = $1, name_key = $2, tags = $3, audience = $4, revision = $5 WHERE id = $6`, f.Name, f.key, encodeTags(f.Tags), f.audience, f.Revision, f.ID); err != nil {
				return err
			}
			set.changed(&old, f, whatChanged(&old, f))
		}
		e.applied, err = set.apply(ctx, tx, now)
		return err
	})
	return e, err
}

// settleName decides under which name a file goes on in its folder. What it replaces there goes to
// the trash, if one may change that, too.
func (s store) settleName(ctx context.Context, c *changing, f *File, old string, onConflict conflict) error {
	if f.Name == old || onConflict == "" {
		return nil
	}
	// Whoever meets a shared file of a private folder learns nothing of what else lies there.
	if !identity.Allow(identity.From(ctx), identity.ReadFile, identity.Object{Owner: f.Owner, Shared: f.Owner == household}) {
		return nil
	}
	name, v, there, err := s.settle(ctx, c.tx, newcomer{kind: kindFile}, f.Folder, f.Name, f.ID, onConflict)
	if err == nil && v == replaceFile {
		if err = gate(identity.From(ctx), identity.ChangeFile)(there.file); err == nil {
			_, err = s.trashFile(ctx, c, there.file)
		}
	}
	f.Name = name
	return err
}

// whatChanged names an edit by the most it changes.
func whatChanged(old, now *File) changeType {
	switch {
	case old.audience != now.audience:
		return changeShared
	case old.Name != now.Name:
		return changeRenamed
	}
	return changeTagged
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
