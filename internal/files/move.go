package files

import (
	"context"
	"slices"
	"strconv"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

const (
	// maxGivenAway is how many files and folders a folder may hold that goes to another owner:
	// each of them is written, in one transaction, while everybody else waits; who may see them must
	// change for all at once, and the indexes of all lists are by that.
	maxGivenAway = 100_000
)

// item names a file or folder, and what the client knows of it.
type item struct {
	ID      string `json:"id" maxLength:"36" example:"3f2b8c1e-9d4a-4f6b-8a3e-2c1d0e9f8b7a"`
	Name    string `json:"name,omitempty" doc:"The name that it shall have there; its own if left out" example:"report.txt"`
	IfMatch string `json:"if_match,omitempty" maxLength:"200" doc:"The etag that it must still have; for files the SHA-256 of their content will do"`
}

// as is the name that something of this name shall have where it goes.
func (it item) as(own string) (string, error) {
	if it.Name == "" || it.Name == own { // also one that could not be given today
		return own, nil
	}
	return it.Name, strictName(it.Name)
}

// transfer is a request to move or copy.
type transfer struct {
	files, folders []item
	to             string
	onConflict     conflict
	confirm        string // how many files may be replaced with their folders
}

// moved is what became of one item.
type moved struct {
	kind     itemKind
	id       string // of the copy, or of the file that has the content now
	of       string // the id that the client named
	name     string
	folder   string
	from     string // the folder that it came from
	replaced string // the file that got a version, or the folder that went to the trash
	alike    string // a name in the folder that differs in case only
	err      error  // why nothing became of it
}

// Move takes files and folders to another folder, each on its own: one that cannot be moved
// does not stop the others. A folder costs the same whatever lies in it, unless it goes to
// another owner.
func (f *Files) Move(ctx context.Context, t transfer) ([]moved, error) {
	return f.carry(ctx, "files.move", t, func(c *changing, to *Folder) ([]moved, error) { return f.moveAll(ctx, c, t, to) })
}

// carry runs fn, which moves or copies into the folder to, while the trees of all items and
// of the folder are held. fn may run twice.
func (f *Files) carry(ctx context.Context, action string, t transfer, fn func(c *changing, to *Folder) ([]moved, error)) ([]moved, error) {
	to, err := f.intoFolder(ctx, t.to)
	if err != nil {
		return nil, err
	}
	owners, err := f.store.ownersOfItems(ctx, t)
	if err != nil {
		return nil, err
	}
	var done []moved
	a, err := f.store.change(ctx, f.now().UnixMicro(), append(owners, to.Owner), func(c *changing) error {
		c.confirmed = t.confirm
		to, err := f.store.still(ctx, c, to)
		if err != nil {
			return err
		}
		done, err = fn(c, to)
		return err
	})
	if err != nil {
		return nil, err
	}
	f.done(a)
	f.recordMoved(ctx, action, done, to)
	return done, nil
}

// moveAll moves one item after the other.
func (f *Files) moveAll(ctx context.Context, c *changing, t transfer, to *Folder) (done []moved, err error) {
	p := identity.From(ctx)
	for _, it := range unique(t.files) {
		m := moved{kind: kindFile, id: it.ID, of: it.ID, folder: to.ID}
		row, err := f.store.itemFile(ctx, c, it, p, identity.ChangeFile)
		if err == nil {
			m.from, m.name = row.Folder, row.Name
			err = mayGive(p, row.Object(), row.Owner, to)
		}
		var as string
		if err == nil {
			as, err = it.as(row.Name)
		}
		if err == nil {
			err = f.store.moveFile(ctx, c, row, to, as, t.onConflict, &m)
		}
		if done, err = note(done, m, err); err != nil {
			return nil, err
		}
	}
	for _, it := range unique(t.folders) {
		m := moved{kind: kindFolder, id: it.ID, of: it.ID, folder: to.ID}
		d, err := f.store.itemFolder(ctx, c, it, p, identity.ChangeFile)
		if err == nil {
			m.from, m.name = d.Parent, d.Name
			err = mayGive(p, d.Object(), d.Owner, to)
		}
		var as string
		if err == nil {
			as, err = it.as(d.Name)
		}
		if err == nil {
			err = f.store.moveFolder(ctx, c, d, to, as, t.onConflict, &m)
		}
		if done, err = note(done, m, err); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// note adds what became of an item. An error that is the item's own does not end the
// transaction; one of the database does.
func note(done []moved, m moved, err error) ([]moved, error) {
	if err != nil && !itsOwn(err) {
		return nil, err
	}
	m.err = err
	return append(done, m), nil
}

// itsOwn reports whether an error is that of one item among several, and not of the database:
// the transaction goes on without it.
func itsOwn(err error) bool {
	switch errs.KindOf(err) {
	case errs.Malformed, errs.Invalid, errs.Forbidden, errs.NotFound, errs.Conflict, errs.PreconditionFailed, errs.TooLarge:
		return true
	}
	kind := errs.TypeOf(err)
	return kind == typeQuota || kind == typeOwnersChanged || kind == typeStillSinking
}

// mayGive says whether p may take something of owner's to a folder. Who gives away what is
// their own must be its owner; what is the household's or another's only administrators take.
func mayGive(p identity.Principal, object identity.Object, owner string, to *Folder) error {
	switch {
	case owner == to.Owner:
		return nil
	case p.SeesAll(), to.Owner == household && identity.Allow(p, identity.ShareFile, object):
		return nil
	}
	return errs.New(errs.Forbidden, "Only administrators take what belongs to the household or to somebody else to another owner's folder. It was left where it is; you may copy it.")
}

// unique are items without those named before.
func unique(list []item) []item {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(list), func(it item) bool {
		again := seen[it.ID]
		seen[it.ID] = true
		return again
	})
}

// recordMoved notes in the audit log what was moved or copied where.
func (f *Files) recordMoved(ctx context.Context, action string, done []moved, to *Folder) {
	done = slices.DeleteFunc(slices.Clone(done), func(m moved) bool { return m.err != nil })
	switch len(done) {
	case 0:
	case 1:
		f.lent.record(ctx, action, done[0].id, strconv.Quote(done[0].name)+" to "+to.ID)
	default:
		f.lent.record(ctx, action, "", strconv.Itoa(len(done))+" files and folders to "+to.ID)
	}
}
