package files

import (
	"context"

	"homeserver/internal/platform/identity"
)

// placing puts the uploads of a batch where they shall go, within a transaction that holds
// their trees and their blobs.
type placing struct {
	store   store
	c       *changing
	folders map[string]error // whether a folder is still there
	waiting []*upload        // that get a row of their own, and have none yet
	taken   map[string]bool  // their names, by folder
	free    map[string]bool  // names that nobody bears, by folder, until one of the batch does
}

// place puts every upload of a batch where it shall go. What is wrong with one of them is told
// of it alone. It changes nothing of the batch.
func (s store) place(ctx context.Context, c *changing, batch []*upload) ([]placed, error) {
	p := &placing{store: s, c: c, folders: map[string]error{}, taken: map[string]bool{}}
	var err error
	if p.free, err = s.freeNames(ctx, c.tx, batch); err != nil {
		return nil, err
	}
	list := make([]placed, len(batch))
	for i, u := range batch {
		c.set.actor = u.actor
		got, err := p.admit(ctx, u)
		if err != nil && !itsOwn(err) {
			return nil, err
		}
		got.err = err
		list[i] = got
	}
	return list, p.flush(ctx)
}

// admit places an upload if it fits into the quota of the owner, whose space is held.
func (p *placing) admit(ctx context.Context, u *upload) (placed, error) {
	if err := p.c.reserve(u.Owner, u.Size); err != nil {
		return placed{}, err
	}
	got, err := p.one(ctx, u)
	if sp := p.c.spaces[u.Owner]; err == nil && sp.quota != nil {
		if text := sp.warning(u.Owner); text != "" {
			got.warnings = append(got.warnings, text)
		}
	}
	return got, err
}

// one places an upload.
func (p *placing) one(ctx context.Context, u *upload) (placed, error) {
	if u.replaces != "" {
		return p.replace(ctx, u)
	}
	if err := p.folder(ctx, u); err != nil {
		return placed{}, err
	}
	name, alike := u.Name, ""
	if u.mayMeet() && !p.free[u.Folder+"/"+u.key] {
		if u.conflict == renameNew || p.taken[u.Folder+"/"+u.key] { // numbers are looked for among the rows
			if err := p.flush(ctx); err != nil {
				return placed{}, err
			}
		}
		as, v, there, err := p.store.settle(ctx, p.c.tx, newcomer{kind: kindFile}, u.Folder, name, "", u.conflict)
		if err != nil {
			return placed{}, err
		}
		if v == replaceFile {
			now, err := p.store.replaceContent(ctx, p.c.tx, p.c.set, there.file, u)
			if err != nil {
				return placed{}, err
			}
			return placed{file: *now, replaced: true}, nil
		}
		name, alike = as, there.alike
	}
	row := &upload{File: u.File}
	row.Name, row.key = name, nameKey(name)
	p.waiting = append(p.waiting, row)
	p.taken[row.Folder+"/"+row.key] = true
	delete(p.free, row.Folder+"/"+row.key)
	p.c.set.added(&row.File, changeCreated)
	return placed{file: row.File, warnings: alikeText(alike)}, nil
}

// replace makes an upload the new content of a file.
func (p *placing) replace(ctx context.Context, u *upload) (placed, error) {
	row, err := p.store.lockedFile(ctx, p.c, u.replaces, gateIf(u.who, u.match, identity.ChangeFile))
	if err != nil {
		return placed{}, err
	}
	now, err := p.store.replaceContent(ctx, p.c.tx, p.c.set, row, u)
	if err != nil {
		return placed{}, err
	}
	return placed{file: *now, replaced: true}, nil
}

// folder makes sure that the folder is still there. The root of a tree always is.
func (p *placing) folder(ctx context.Context, u *upload) error {
	if u.Folder == rootOf(u.Owner) {
		return nil
	}
	key := u.Owner + "/" + u.Folder
	err, known := p.folders[key]
	if !known {
		_, err = p.store.still(ctx, p.c, &Folder{ID: u.Folder, Owner: u.Owner})
		if err != nil && !itsOwn(err) {
			return err
		}
		p.folders[key] = err
	}
	return err
}

// flush writes the rows that wait.
func (p *placing) flush(ctx context.Context) error {
	if len(p.waiting) == 0 {
		return nil
	}
	err := p.store.insertFiles(ctx, p.c.tx, p.waiting)
	p.waiting = p.waiting[:0]
	clear(p.taken)
	return err
}
