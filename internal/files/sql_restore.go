package files

import (
	"cmp"
	"context"
	"errors"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// restoreTrash takes one thing out of the trash.
func (s store) restoreTrash(ctx context.Context, c *changing, id string, may func(*Trashed) error, onConflict conflict) (r restored, err error) {
	t, err := s.trashed(ctx, c.tx, id)
	if err == nil {
		err = may(t)
	}
	if err != nil {
		return r, err
	}
	if _, held := c.spaces[t.Owner]; !held {
		return r, errOwnersChanged()
	}
	to, err := s.home(ctx, c, t.Owner, t.Folder, t.Path)
	if err != nil {
		return r, err
	}
	r.item, r.folder = t, to.ID
	if gateFolder(identity.From(ctx), identity.ChangeFile)(to) != nil {
		onConflict = keepBoth // of a folder of somebody else's one learns nothing, and replaces nothing in it
	}
	if t.Kind == kindFolder {
		r.name, err = s.restoreFolder(ctx, c, t, to, onConflict)
	} else {
		r.name, err = s.restoreTrashedFile(ctx, c, t, to, onConflict)
	}
	if err != nil {
		return r, err
	}
	_, err = c.tx.Exec(ctx, `DELETE FROM trash WHERE id = $1`, t.ID)
	return r, err
}

// home is the folder that something from the trash comes back to: the one it lay in or, if that
// is gone, one at the end of the same names, which are made again.
func (s store) home(ctx context.Context, c *changing, owner, folder string, names []string) (*Folder, error) {
	d, err := s.folder(ctx, c.tx, folder)
	switch {
	case err == nil && d.Owner == owner:
		return d, nil
	case err != nil && !errs.Is(err, errs.NotFound):
		return nil, err
	}
	d = &Folder{ID: rootOf(owner), Owner: owner}
	for _, name := range names {
		if d, _, err = s.createFolder(ctx, c, d, name, keepBoth); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (s store) restoreTrashedFile(ctx context.Context, c *changing, t *Trashed, to *Folder, onConflict conflict) (name string, err error) {
	rows, err := s.lock(ctx, c.tx, []string{t.Item}, true, func(*File) error { return nil })
	if err == nil && (len(rows) == 0 || !rows[0].hidden) {
		err = errNotInTrash()
	}
	if err != nil {
		return "", err
	}
	err = s.restoreFile(ctx, c, &rows[0], to, onConflict)
	return rows[0].Name, err
}

// restoreFile takes a file out of the trash into a folder.
func (s store) restoreFile(ctx context.Context, c *changing, f *File, to *Folder, onConflict conflict) error {
	name, v, there, err := s.settle(ctx, c.tx, newcomer{kind: kindFile}, to.ID, f.Name, f.ID, onConflict)
	if err != nil {
		return err
	}
	if v == replaceFile {
		if _, err := s.trashFile(ctx, c, there.file); err != nil {
			return err
		}
	}
	f.Folder, f.Name, f.key, f.hidden = to.ID, name, nameKey(name), false
	f.Revision++
	if _, err := c.tx.Exec(ctx, `UPDATE file_metadata SET deleted_at = NULL, trash_id = NULL, folder_id = $1, filename = $2, name_key = $3, revision = $4 WHERE id = $5`,
		f.Folder, f.Name, f.key, f.Revision, f.ID); err != nil {
		return err
	}
	c.set.added(f, changeRestored)
	c.set.inSpace(f.Owner, spaceCounts{trash: -f.Size})
	return nil
}

// restoreFiles takes files out of the trash by their ids. It returns all that are there now and
// that may lets through, and those of them that had been deleted. As in the original two files
// may bear one name.
func (s store) restoreFiles(ctx context.Context, c *changing, ids []string, may func(*File) error) (there, restored []File, err error) {
	if sinking, err := s.sinkingWith(ctx, c.tx, ids); err != nil || len(sinking) > 0 {
		return nil, nil, cmp.Or(err, errStillSinking())
	}
	if there, err = s.lock(ctx, c.tx, ids, true, may); err != nil {
		return nil, nil, err
	}
	for i := range there {
		f := &there[i]
		if !f.hidden {
			continue
		}
		if _, held := c.spaces[f.Owner]; !held {
			return nil, nil, errOwnersChanged()
		}
		if err := s.takeOut(ctx, c, f); err != nil {
			return nil, nil, err
		}
		restored = append(restored, *f)
	}
	return there, restored, nil
}

// takeOut takes one file out of the trash, also when it went there with its folder.
func (s store) takeOut(ctx context.Context, c *changing, f *File) error {
	t, err := s.trashOf(ctx, c, f)
	if err != nil {
		return err
	}
	names := t.Path
	if t.Kind != kindFile { // it lay deeper than what was deleted
		if names, err = s.namesOf(ctx, c.tx, f.Folder); err != nil {
			return err
		}
		if err := s.thinOut(ctx, c, t, f); err != nil {
			return err
		}
	} else if _, err := c.tx.Exec(ctx, `DELETE FROM trash WHERE id = $1`, t.ID); err != nil {
		return err
	}
	to, err := s.home(ctx, c, f.Owner, f.Folder, names)
	if err != nil {
		return err
	}
	return s.restoreFile(ctx, c, f, to, keepBoth)
}

// trashOf finds what a file went to the trash with.
func (s store) trashOf(ctx context.Context, c *changing, f *File) (*Trashed, error) {
	t := new(Trashed)
	err := scanTrashed(c.tx.QueryRow(ctx, `SELECT `+trashColumns+` FROM trash t JOIN file_metadata f ON f.trash_id = t.id WHERE f.id = $1`, f.ID), t)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, errNotInTrash()
	}
	return t, err
}

// thinOut counts a file that leaves the trash before the folder it went there with.
func (s store) thinOut(ctx context.Context, c *changing, t *Trashed, f *File) error {
	if _, err := c.tx.Exec(ctx, `UPDATE trash SET files = files - 1, bytes = bytes - $1 WHERE id = $2`, f.Size, t.ID); err != nil {
		return err
	}
	_, err := c.tx.Exec(ctx, upTree+`UPDATE folders SET files = files - 1, bytes = bytes - $2 WHERE trash_id = $3 AND id IN (SELECT id FROM up)`, f.Folder, f.Size, t.ID)
	return err
}

// restoreFolder takes a folder with all that went with it out of the trash into another.
func (s store) restoreFolder(ctx context.Context, c *changing, t *Trashed, to *Folder, onConflict conflict) (name string, err error) {
	d := new(Folder)
	err = scanFolder(c.tx.QueryRow(ctx, `SELECT `+folderColumns+` FROM folders d WHERE d.id = $1 AND d.trash_id = $2`, t.Item, t.ID), d)
	if errors.Is(err, sqldb.ErrNoRows) {
		err = errNotInTrash()
	}
	if err != nil {
		return "", err
	}
	path, err := s.pathOf(ctx, c.tx, to.ID)
	if err == nil {
		err = s.fits(ctx, c.tx, path, d.ID, t.ID, d.height)
	}
	if err != nil {
		return "", err
	}
	name, v, there, err := s.settle(ctx, c.tx, newcomer{kind: kindFolder}, to.ID, d.Name, d.ID, onConflict)
	if err != nil {
		return "", err
	}
	if v == trashFolder {
		if err := s.replaceFolder(ctx, c, there.folder); err != nil {
			return "", err
		}
	}
	d.Parent, d.Name, d.key, d.hidden = to.ID, name, nameKey(name), false
	d.Revision++
	if _, err := c.tx.Exec(ctx, `UPDATE folders SET parent_id = $1, name = $2, name_nfc = $3, name_key = $4, modified_at = $5 WHERE id = $6`, d.Parent, d.Name, sameName(d.Name), d.key, c.now, d.ID); err != nil {
		return "", err
	}
	c.set.inFolder(to.ID, d.totals())
	c.set.noteFolder(d, changeRestored, nil)
	if err := s.raiseTree(ctx, c, t); err != nil {
		return "", err
	}
	return name, raiseHeights(ctx, c.tx, to.ID, d.height+1)
}

// raiseTree makes live again all that went to the trash with a folder. Of a large one nearly all
// files are marked already; no more of them than one transaction marks.
func (s store) raiseTree(ctx context.Context, c *changing, t *Trashed) error {
	raised, err := s.raiseFiles(ctx, c.tx, c.set.tags, t.ID)
	if err != nil {
		return err
	}
	if raised == s.atOnce { // there may be more
		var left int
		if err := c.tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT 1 FROM file_metadata WHERE trash_id = $1 LIMIT 1) f`, t.ID).Scan(&left); err != nil {
			return err
		}
		if left > 0 {
			return errStillSinking()
		}
	}
	// If all were ready before, what was counted then is right: nobody changes what is hidden.
	risen, counted := c.ahead[t.ID]
	if !counted || raised > 0 {
		if risen, err = s.countRisen(ctx, c.tx, t.ID); err != nil {
			return err
		}
	}
	all := risen.all
	c.set.countTree(t.Owner, 1, all)
	c.set.noteMany(t.Owner, changeRestored, all, inTree, t.Item)
	for _, statement := range []string{
		`DELETE FROM sinking WHERE trash_id = $1`,
		`UPDATE folders SET deleted_at = NULL, trash_id = NULL, revision = revision + 1 WHERE trash_id = $1`,
	} {
		if _, err := c.tx.Exec(ctx, statement, t.ID); err != nil {
			return err
		}
	}
	return nil
}

const typeStillSinking = "sinking"

// errStillSinking says that a large folder was on its way into the trash or out of it.
func errStillSinking() error {
	return errs.Typed(errs.Unavailable, typeStillSinking, "A large folder is just going to the trash, or coming back. Nothing was changed; please try again.")
}
