package files

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
)

// trash puts what d names and p may change into the trash; c holds its trees.
func (s store) trash(ctx context.Context, c *changing, d deletion, p identity.Principal) (gone deleted, err error) {
	t := &trashing{store: s, c: c, inside: map[string]bool{}, paths: map[string]string{}}
	if gone.folders, err = t.folders(ctx, d, p); err != nil {
		return gone, err
	}
	if gone.files, err = s.lock(ctx, c.tx, d.files, false, d.match.gate(gate(p, identity.ChangeFile))); err != nil {
		return gone, err
	}
	for i := range gone.files {
		if _, held := c.spaces[gone.files[i].Owner]; !held {
			return gone, errOwnersChanged()
		}
	}
	tops, alone, err := t.apart(ctx, gone)
	if err != nil {
		return gone, err
	}
	if err := c.confirm(gone, tops, alone, d.confirm); err != nil {
		return gone, err
	}
	for _, i := range tops {
		id, err := s.trashFolder(ctx, c, &gone.folders[i])
		if err != nil {
			return gone, err
		}
		gone.trash = append(gone.trash, id)
	}
	ids, err := t.files(ctx, alone)
	gone.trash = append(gone.trash, ids...)
	return gone, err
}

// trashing is one request to delete.
type trashing struct {
	store  store
	c      *changing
	named  []string          // folders that go
	inside map[string]bool   // of folders: whether they are, or lie in, one that goes
	paths  map[string]string // of folders: the names that lead to them, as JSON
}

// folders finds the folders that d names.
func (t *trashing) folders(ctx context.Context, d deletion, p identity.Principal) (list []Folder, err error) {
	may := gateFolder(p, identity.ChangeFile)
	for _, id := range inOrder(d.folders) {
		folder, err := t.store.lockedFolder(ctx, t.c, id, d.match[id], may)
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err == nil && folder.root() {
			err = errs.New(errs.Invalid, "This is the top of a tree; it cannot be deleted. Nothing was deleted.")
		}
		if err != nil {
			return nil, err
		}
		list = append(list, *folder)
		t.named = append(t.named, id)
	}
	return list, nil
}

// apart tells what goes by itself from what lies in a folder that goes.
func (t *trashing) apart(ctx context.Context, gone deleted) (tops []int, alone []*File, err error) {
	for i := range gone.folders {
		inside, err := t.within(ctx, gone.folders[i].Parent)
		if err != nil {
			return nil, nil, err
		}
		if !inside {
			tops = append(tops, i)
		}
	}
	for i := range gone.files {
		inside, err := t.within(ctx, gone.files[i].Folder)
		if err != nil {
			return nil, nil, err
		}
		if !inside {
			alone = append(alone, &gone.files[i])
		}
	}
	return tops, alone, nil
}

// within reports whether a folder is one that goes, or lies in one.
func (t *trashing) within(ctx context.Context, id string) (bool, error) {
	if len(t.named) == 0 {
		return false, nil
	}
	inside, known := t.inside[id]
	if known {
		return inside, nil
	}
	path, err := t.store.pathOf(ctx, t.c.tx, id)
	inside = slices.ContainsFunc(path, func(at step) bool { return slices.Contains(t.named, at.ID) })
	t.inside[id] = inside
	return inside, err
}

// confirm asks for a second word if very much is going.
func (c *changing) confirm(gone deleted, tops []int, alone []*File, said string) error {
	by := map[string]int64{}
	for _, i := range tops {
		by[gone.folders[i].Owner] += gone.folders[i].files
	}
	for _, f := range alone {
		by[f.Owner]++
	}
	return confirm(by, c.all(), said)
}

// files puts live files into the trash that the transaction holds.
func (t *trashing) files(ctx context.Context, list []*File) (ids []string, err error) {
	for _, f := range list {
		path, known := t.paths[f.Folder]
		if !known {
			if path, err = t.store.namesTo(ctx, t.c.tx, f.Folder); err != nil {
				return nil, err
			}
			t.paths[f.Folder] = path
		}
		id, err := t.store.trashFileFrom(ctx, t.c, f, path)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// trashFile puts a live file, which the transaction holds with its tree, into the trash.
func (s store) trashFile(ctx context.Context, c *changing, f *File) (id string, err error) {
	path, err := s.namesTo(ctx, c.tx, f.Folder)
	if err != nil {
		return "", err
	}
	return s.trashFileFrom(ctx, c, f, path)
}

func (s store) trashFileFrom(ctx context.Context, c *changing, f *File, path string) (id string, err error) {
	id = uuid.NewString()
	f.Revision++
	f.hidden = true
	if _, err := c.tx.Exec(ctx, `UPDATE file_metadata SET deleted_at = $1, trash_id = $2, revision = $3 WHERE id = $4`, c.now, id, f.Revision, f.ID); err != nil {
		return "", err
	}
	c.set.removed(f, changeTrashed)
	c.set.inSpace(f.Owner, spaceCounts{trash: f.Size})
	return id, s.insertTrash(ctx, c, path, &Trashed{ID: id, Kind: kindFile, Item: f.ID, Owner: f.Owner, audience: f.audience, Name: f.Name, Folder: f.Folder, counts: counts{1, f.Size}})
}

// insertTrash notes in the trash what was put there.
func (s store) insertTrash(ctx context.Context, c *changing, path string, t *Trashed) error {
	_, err := c.tx.Exec(ctx, `INSERT INTO trash (id, kind, item_id, owner_id, audience, name, folder_id, path, files, bytes, deleted_at, deleted_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		t.ID, string(t.Kind), t.Item, t.Owner, t.audience, t.Name, t.Folder, path, t.files, t.bytes, c.now, c.set.actor)
	return err
}

// namesTo are the names that lead from the root to a folder, as JSON.
func (s store) namesTo(ctx context.Context, q sqldb.Querier, folder string) (string, error) {
	names, err := s.namesOf(ctx, q, folder)
	return string(appendStrings(nil, names)), err
}

func (s store) namesOf(ctx context.Context, q sqldb.Querier, folder string) ([]string, error) {
	path, err := s.pathOf(ctx, q, folder)
	names := []string{}
	for _, at := range path[min(1, len(path)):] {
		names = append(names, at.Name)
	}
	return names, err
}

// trashFolder puts a folder with all that lies in it into the trash.
func (s store) trashFolder(ctx context.Context, c *changing, d *Folder) (id string, err error) {
	// What this request did before must be in the rows: their totals are taken along.
	if err := c.set.settleFolders(ctx, c.tx); err != nil {
		return "", err
	}
	fresh, err := s.folder(ctx, c.tx, d.ID)
	if err != nil {
		return "", err
	}
	*d = *fresh
	path, err := s.namesTo(ctx, c.tx, d.Parent)
	if err != nil {
		return "", err
	}
	all, err := s.countLiveNow(ctx, c, d.ID)
	if err != nil {
		return "", err
	}
	c.set.countTree(d.Owner, -1, all)
	large := d.files > int64(s.atOnce)
	if !large {
		err = s.noteShared(ctx, c, d.Owner, d.ID)
	}
	if err != nil {
		return "", err
	}
	id = uuid.NewString()
	if err := s.markTree(ctx, c, d.ID, id, large); err != nil {
		return "", err
	}
	if large {
		c.set.noteMany(d.Owner, changeTrashed, all, inSinking, id)
	}
	d.Revision++
	d.hidden = true
	c.set.inFolder(d.Parent, d.totals().negative())
	c.set.noteFolder(d, changeTrashed, nil)
	return id, s.insertTrash(ctx, c, path, &Trashed{ID: id, Kind: kindFolder, Item: d.ID, Owner: d.Owner, audience: d.audience(), Name: d.Name, Folder: d.Parent, counts: d.counts})
}

// replaceFolder puts a folder into the trash whose name another takes; the request has said how
// many files may go, if they are very many.
func (s store) replaceFolder(ctx context.Context, c *changing, d *Folder) error {
	if c.going == nil {
		c.going = map[string]int64{}
	}
	c.going[d.Owner] += d.files
	if err := confirm(c.going, c.all(), c.confirmed); err != nil {
		c.going[d.Owner] -= d.files
		return err
	}
	_, err := s.trashFolder(ctx, c, d)
	return err
}

// all is how many files there are in the trees that the transaction holds.
func (c *changing) all() map[string]int64 {
	all := map[string]int64{}
	for owner, space := range c.spaces {
		all[owner] = space.files
	}
	return all
}

// markTree marks a folder and all below it as being in the trash: of a large one only the folders,
// which hide the files in them until those are marked too.
func (s store) markTree(ctx context.Context, c *changing, folder, trash string, large bool) error {
	if !large {
		if _, err := c.tx.Exec(ctx, belowTree+`DELETE FROM file_tags WHERE file_id IN (`+treeFiles+`)`, folder); err != nil {
			return err
		}
		if _, err := c.tx.Exec(ctx, belowTree+`UPDATE file_metadata SET deleted_at = $2, trash_id = $3, revision = revision + 1 WHERE id IN (`+treeFiles+`)`, folder, c.now, trash); err != nil {
			return err
		}
	}
	if _, err := c.tx.Exec(ctx, belowTree+`UPDATE folders SET deleted_at = $2, trash_id = $3, revision = revision + 1 WHERE id IN (SELECT id FROM below)`, folder, c.now, trash); err != nil {
		return err
	}
	if !large {
		return nil
	}
	c.set.sinks = true
	return s.sinkTree(ctx, c.tx, trash)
}

// noteShared adds those files of a person's folder to the feed that everybody may see, as they
// will be: nobody else hears of the folder itself.
func (s store) noteShared(ctx context.Context, c *changing, owner, folder string) error {
	if owner == household {
		return nil
	}
	list, err := s.files(ctx, c.tx, belowTree+`SELECT `+fileColumns+` FROM file_metadata f WHERE f.id IN (`+treeFiles+`) AND f.audience <> f.owner_id`, folder)
	for i := range list {
		list[i].Revision++
		c.set.note(&list[i], changeTrashed, nil)
	}
	return err
}
