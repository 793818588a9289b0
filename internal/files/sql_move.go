package files

import (
	"context"
	"slices"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// lockedFile returns a live file whose tree the transaction holds, if may lets it through.
func (s store) lockedFile(ctx context.Context, c *changing, id string, may func(*File) error) (*File, error) {
	rows, err := s.lock(ctx, c.tx, []string{id}, false, may)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errNotFound()
	}
	f := &rows[0]
	if _, held := c.spaces[f.Owner]; !held {
		return nil, errOwnersChanged()
	}
	return f, nil
}

// itemFile finds a file that p may do something to, if it still is what the client knows.
func (s store) itemFile(ctx context.Context, c *changing, it item, p identity.Principal, action identity.Action) (*File, error) {
	match, err := parseIfMatch(it.IfMatch)
	if err != nil {
		return nil, err
	}
	return s.lockedFile(ctx, c, it.ID, gateIf(p, match, action))
}

// itemFolder finds a folder that p may do something to, if it still is what the client knows.
func (s store) itemFolder(ctx context.Context, c *changing, it item, p identity.Principal, action identity.Action) (*Folder, error) {
	match, err := parseIfMatch(it.IfMatch)
	if err != nil {
		return nil, err
	}
	return s.lockedFolder(ctx, c, it.ID, match, gateFolder(p, action))
}

// ownersOfItems are those whose trees must be held to change files and folders.
func (s store) ownersOfItems(ctx context.Context, t transfer) ([]string, error) {
	var all []string
	for _, ask := range []struct {
		table string
		list  []item
	}{{`file_metadata`, t.files}, {`folders`, t.folders}} {
		ids := make([]string, len(ask.list))
		for i, it := range ask.list {
			ids[i] = it.ID
		}
		for chunk := range slices.Chunk(inOrder(ids), idsAtOnce) {
			owners, err := sqldb.Texts(ctx, s.db, `SELECT DISTINCT owner_id FROM `+ask.table+` WHERE id IN (`+listText(1, len(chunk))+`)`, anys(chunk)...)
			if err != nil {
				return nil, err
			}
			all = append(all, owners...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// moveFile takes a file to a folder, under a name. In the folder it lies in that is a new name.
func (s store) moveFile(ctx context.Context, c *changing, f *File, to *Folder, name string, onConflict conflict, m *moved) error {
	if f.Folder == to.ID && f.Name == name {
		return nil // it is there
	}
	name, v, there, err := s.settle(ctx, c.tx, newcomer{kind: kindFile}, to.ID, name, f.ID, onConflict)
	if err != nil {
		return err
	}
	if v == replaceFile {
		if to.Owner != f.Owner {
			err = c.reserve(to.Owner, f.Size)
		}
		if err == nil {
			err = s.moveInto(ctx, c, f, there.file, m)
		}
		return err
	}
	if to.Owner != f.Owner {
		if err := s.reserveWithVersions(ctx, c, to.Owner, f.Size, `file_id = $1`, f.ID); err != nil {
			return err
		}
	}
	old := *f
	f.Folder, f.Name, f.key = to.ID, name, nameKey(name)
	f.Revision++
	if to.Owner != f.Owner {
		f.giveTo(to.Owner)
		if err := s.giveVersions(ctx, c, old.Owner, to.Owner, `file_id = $1`, f.ID); err != nil {
			return err
		}
	}
	if _, err := c.tx.Exec(ctx, `UPDATE file_metadata SET folder_id = $1, filename = $2, name_key = $3, owner_id = $4, audience = $5, revision = $6 WHERE id = $7`,
		f.Folder, f.Name, f.key, f.Owner, f.audience, f.Revision, f.ID); err != nil {
		return err
	}
	what := changeMoved
	if old.Folder == f.Folder {
		what = changeRenamed
	}
	c.set.changed(&old, f, what)
	m.name, m.alike = f.Name, there.alike
	return nil
}

// giveTo makes a file somebody else's. What comes from the household is the new owner's alone.
func (f *File) giveTo(owner string) {
	shared := f.shared() && f.Owner != household
	f.Owner = owner
	f.share(shared || owner == household)
}

// moveInto makes a file's content the new version of another; the file itself goes to the
// trash, where nothing of it is lost.
func (s store) moveInto(ctx context.Context, c *changing, f, present *File, m *moved) error {
	content := upload{File: *f}
	content.Modified = microTime(c.now)
	now, err := s.replaceContent(ctx, c.tx, c.set, present, &content)
	if err != nil {
		return err
	}
	if _, err := s.trashFile(ctx, c, f); err != nil {
		return err
	}
	m.id, m.name, m.replaced = now.ID, now.Name, now.ID
	return nil
}

// reserveWithVersions refuses files that come to an owner from another if they, of so many
// bytes, do not fit into the quota together with their older versions.
func (s store) reserveWithVersions(ctx context.Context, c *changing, owner string, bytes int64, which string, args ...any) error {
	if c.spaces[owner].quota == nil { // nearly always
		return nil
	}
	older, err := s.versionBytes(ctx, c, which, args...)
	if err != nil {
		return err
	}
	return c.reserve(owner, bytes+older)
}

// versionBytes is how much the older versions of files take.
func (s store) versionBytes(ctx context.Context, c *changing, which string, args ...any) (bytes int64, err error) {
	err = c.tx.QueryRow(ctx, `SELECT CAST(coalesce(sum(size), 0) AS bigint) FROM file_versions WHERE `+which, args...).Scan(&bytes)
	return bytes, err
}

// giveVersions counts the older versions of files for another owner.
func (s store) giveVersions(ctx context.Context, c *changing, from, to, which string, args ...any) error {
	bytes, err := s.versionBytes(ctx, c, which, args...)
	if err != nil {
		return err
	}
	c.set.inSpace(from, spaceCounts{versions: -bytes})
	c.set.inSpace(to, spaceCounts{versions: bytes})
	return nil
}

// moveFolder takes a folder into another, under a name. What lies in it is not looked at,
// unless it becomes somebody else's. The transaction holds both trees, so that nobody else
// moves anything meanwhile: of two folders that go into each other, the second finds itself
// above its target.
func (s store) moveFolder(ctx context.Context, c *changing, d, to *Folder, name string, onConflict conflict, m *moved) error {
	if d.root() {
		return errs.New(errs.Invalid, "This is the top of a tree; it stays where it is.")
	}
	if d.Parent == to.ID && d.Name == name {
		return nil // it is there
	}
	path, err := s.pathOf(ctx, c.tx, to.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(path, func(at step) bool { return at.ID == d.ID }) {
		return errs.New(errs.Conflict, "A folder cannot be moved into itself. Nothing was done to it.")
	}
	if err := s.fits(ctx, c.tx, path, d.ID, "", d.height); err != nil {
		return err
	}
	if n := d.files + d.Folders; to.Owner != d.Owner && n > maxGivenAway {
		return errs.Newf(errs.Conflict, "%q holds %d files and folders, and at most %d can go to another owner at once. Nothing was done to it; move what lies in it in parts.", d.Name, n, maxGivenAway)
	}
	if to.Owner != d.Owner {
		if err := s.reserveWithVersions(ctx, c, to.Owner, d.bytes, `file_id IN (`+belowTree+treeFiles+`)`, d.ID); err != nil {
			return err
		}
	}
	// What this request did before must be in the rows: their totals are taken along.
	if err := c.set.settleFolders(ctx, c.tx); err != nil {
		return err
	}
	as, v, there, err := s.settle(ctx, c.tx, newcomer{kind: kindFolder}, to.ID, name, d.ID, onConflict)
	if err != nil {
		return err
	}
	if v == trashFolder {
		if err := s.apart(ctx, c, d, there.folder); err != nil {
			return err
		}
		if err := s.replaceFolder(ctx, c, there.folder); err != nil {
			return err
		}
		m.replaced = there.folder.ID
	}
	if err := s.attach(ctx, c, d, to, as); err != nil {
		return err
	}
	m.name, m.alike, d.alike = as, there.alike, there.alike
	return nil
}

// apart makes sure that a folder does not replace the one it lies in.
func (s store) apart(ctx context.Context, c *changing, d, present *Folder) error {
	path, err := s.pathOf(ctx, c.tx, d.ID)
	if err == nil && slices.ContainsFunc(path, func(at step) bool { return at.ID == present.ID }) {
		err = errs.Newf(errs.Conflict, "%q lies in the folder that it would replace. Nothing was done to it.", d.Name)
	}
	return err
}

// attach takes a folder from where it is and puts it into another under a name nobody has there.
func (s store) attach(ctx context.Context, c *changing, d, to *Folder, name string) error {
	fresh, err := s.folder(ctx, c.tx, d.ID)
	if err != nil {
		return err
	}
	from, what := fresh.Parent, changeMoved
	if from == to.ID {
		what = changeRenamed
	}
	owner := fresh.Owner
	*d = *fresh
	d.Parent, d.Name, d.key, d.Owner = to.ID, name, nameKey(name), to.Owner
	d.Revision++
	d.Modified = microTime(c.now)
	if _, err := c.tx.Exec(ctx, `UPDATE folders SET parent_id = $1, name = $2, name_nfc = $3, name_key = $4, owner_id = $5, modified_at = $6, revision = $7 WHERE id = $8`,
		d.Parent, d.Name, sameName(d.Name), d.key, d.Owner, c.now, d.Revision, d.ID); err != nil {
		return err
	}
	if from != to.ID {
		c.set.inFolder(from, d.totals().negative())
		c.set.inFolder(to.ID, d.totals())
		if err := raiseHeights(ctx, c.tx, to.ID, d.height+1); err != nil {
			return err
		}
	}
	if owner == d.Owner {
		c.set.noteFolder(d, what, nil)
		return nil
	}
	c.set.noteFolder(d, what, &owner)
	return s.giveTree(ctx, c, d, owner)
}
