package files

import (
	"context"
	"slices"
	"strconv"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// maxDepth is how many folders may lie in each other. Paths stay short enough for every file
// system, and what walks up a tree has an end.
const maxDepth = 100

// mine is what a client may write for the root of its own tree.
const mine = "mine"

// Folder is a folder of somebody's tree as its row describes it.
type Folder struct {
	ID       string
	Owner    string // an account's id; "" is the household
	Parent   string // "" for a root
	Name     string // "" for a root
	Created  time.Time
	Modified time.Time // when it was made, renamed, moved or restored last
	Revision int64

	counts        // of the files in it and below it
	Folders int64 // in it and below it

	key    string // nameKey of Name
	height int64  // at most so many folders lie in each other below it
	hidden bool   // in the trash
	alike  string // after a change: a name beside it that differs in case only
}

// root reports whether it is the top of a tree.
func (d *Folder) root() bool { return d.Parent == "" }

// Object is what the gate must know of the folder.
func (d *Folder) Object() identity.Object {
	return identity.Object{Owner: d.Owner, Shared: d.Owner == household}
}

// audience is who may see the folder beside administrators: everybody, or its owner.
func (d *Folder) audience() string { return d.Owner }

// totals are what the folder adds to the one it lies in.
func (d *Folder) totals() folderCounts {
	return folderCounts{counts: d.counts, folders: d.Folders + 1}
}

// negative is what is taken away.
func (c folderCounts) negative() folderCounts {
	return folderCounts{counts: counts{-c.files, -c.bytes}, folders: -c.folders}
}

func errNoFolder() error { return errs.New(errs.NotFound, "Folder not found") }

// gateFolder asks the gate whether p may do all of actions to a folder. Of what one may not
// even read one learns nothing: it is not found.
func gateFolder(p identity.Principal, actions ...identity.Action) func(*Folder) error {
	return func(d *Folder) error {
		object := d.Object()
		for _, action := range actions {
			if identity.Allow(p, action, object) {
				continue
			}
			if !identity.Allow(p, identity.ReadFile, object) {
				return errNoFolder()
			}
			if err := identity.Refusal(p, action); err != nil {
				return err
			}
			return errs.New(errs.Forbidden, "You may look into this folder, but not change it.")
		}
		return nil
	}
}

// folderID is the id that a client means: its own root where it names none.
func folderID(p identity.Principal, id string) string {
	if id == "" || id == mine {
		return rootOf(p.UserID)
	}
	return id
}

// folder finds a folder that is not in the trash and that the principal of ctx may do all of
// actions to; "" and mine are the root of one's own tree.
func (f *Files) folder(ctx context.Context, id string, actions ...identity.Action) (*Folder, error) {
	p := identity.From(ctx)
	id = folderID(p, id)
	d, err := f.store.folder(ctx, f.store.db, id)
	if errs.Is(err, errs.NotFound) && f.mayHaveRoot(p, id) {
		d, err = &Folder{ID: id, Owner: id, Revision: 1}, nil
	}
	if err == nil {
		err = gateFolder(p, actions...)(d)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// mayHaveRoot reports whether a tree that is not there yet will be when something is put into
// it: one's own, and for administrators that of every account.
func (f *Files) mayHaveRoot(p identity.Principal, id string) bool {
	return id != rootFolder && (id == p.UserID || p.SeesAll() && f.lent.displayName(id) != "")
}

// intoFolder finds a folder that the principal of ctx may put something into.
func (f *Files) intoFolder(ctx context.Context, id string) (*Folder, error) {
	return f.folder(ctx, id, identity.CreateFile, identity.ChangeFile)
}

// CreateFolder makes a folder in another, or answers the one that is there if onConflict is
// keep. made tells which.
func (f *Files) CreateFolder(ctx context.Context, parent, name string, onConflict conflict) (d *Folder, made bool, err error) {
	if err := strictName(name); err != nil {
		return nil, false, err
	}
	in, err := f.intoFolder(ctx, parent)
	if err != nil {
		return nil, false, err
	}
	a, err := f.store.change(ctx, f.now().UnixMicro(), []string{in.Owner}, func(c *changing) error {
		var err error
		d, made, err = f.store.createFolder(ctx, c, in, name, onConflict)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	f.done(a)
	if made {
		f.recordFolder(ctx, "files.folder.create", d)
	}
	return d, made, nil
}

// MakePath finds the folder that names lead to from a folder, and makes what is missing.
func (f *Files) MakePath(ctx context.Context, parent string, names []string) (d *Folder, err error) {
	if len(names) > maxDepth {
		return nil, errTooDeep()
	}
	for _, name := range names {
		if err := strictName(name); err != nil {
			return nil, err
		}
	}
	in, err := f.intoFolder(ctx, parent)
	if err != nil {
		return nil, err
	}
	made := false
	a, err := f.store.change(ctx, f.now().UnixMicro(), []string{in.Owner}, func(c *changing) error {
		d, made = in, false
		for _, name := range names {
			next, isNew, err := f.store.createFolder(ctx, c, d, name, keepBoth)
			if err != nil {
				return err
			}
			d, made = next, made || isNew
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	f.done(a)
	if made {
		f.recordFolder(ctx, "files.folder.create", d)
	}
	return d, nil
}

// RenameFolder gives a folder another name.
func (f *Files) RenameFolder(ctx context.Context, id, name string, match ifMatch, onConflict conflict, confirmed string) (*Folder, error) {
	if err := strictName(name); err != nil {
		return nil, err
	}
	d, err := f.folder(ctx, id, identity.ChangeFile)
	if err != nil {
		return nil, err
	}
	if d.root() {
		return nil, errs.New(errs.Invalid, "This is the top of a tree; it has no name that could be changed.")
	}
	a, err := f.store.change(ctx, f.now().UnixMicro(), []string{d.Owner}, func(c *changing) error {
		c.confirmed = confirmed
		var err error
		if d, err = f.store.lockedFolder(ctx, c, d.ID, match, gateFolder(identity.From(ctx), identity.ChangeFile)); err != nil {
			return err
		}
		if d.Name == name {
			return nil
		}
		return f.store.moveFolder(ctx, c, d, &Folder{ID: d.Parent, Owner: d.Owner}, name, onConflict, new(moved))
	})
	if err != nil {
		return nil, err
	}
	f.done(a)
	f.recordFolder(ctx, "files.folder.rename", d)
	return d, nil
}

// Roots are the tops of the trees that the principal of ctx may look into: its own, the
// household's, and for administrators those of all others.
func (f *Files) Roots(ctx context.Context) ([]Folder, error) {
	p := identity.From(ctx)
	owners := []string{household, p.UserID}
	if p.SeesAll() {
		owners = nil
	}
	roots, err := f.store.roots(ctx, owners)
	if err != nil {
		return nil, err
	}
	own := slices.IndexFunc(roots, func(d Folder) bool { return d.Owner == p.UserID })
	switch {
	case own > 0: // one's own comes first
		roots[0], roots[own] = roots[own], roots[0]
	case own < 0 && identity.Refusal(p, identity.CreateFile) == nil:
		roots = append([]Folder{{ID: rootOf(p.UserID), Owner: p.UserID, Revision: 1}}, roots...)
	}
	return roots, nil
}

// recordFolder notes in the audit log what was done to a folder.
func (f *Files) recordFolder(ctx context.Context, action string, d *Folder) {
	f.lent.record(ctx, action, d.ID, strconv.Quote(d.Name))
}

func errTooDeep() error {
	return errs.Newf(errs.Invalid, "Folders would lie more than %d deep in each other. Nothing was changed.", maxDepth)
}
