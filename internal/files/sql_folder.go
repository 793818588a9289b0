package files

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
	"homeserver/internal/platform/sqldb"
)

// changing is a transaction that holds the trees it changes.
type changing struct {
	tx     *sqldb.Tx
	set    *changeSet
	spaces map[string]space // the trees that are held, by owner
	now    int64            // microseconds

	confirmed string           // what the client says of how many files may go
	going     map[string]int64 // how many files the request has replaced with their folders, by owner

	ahead map[string]ahead // counted before: by folder, what goes to the trash; by thing in the trash, what comes back
}

// change runs fn in a transaction that holds the trees of owners, and writes what the set has
// collected. fn may run twice.
func (s store) change(ctx context.Context, now int64, owners []string, fn func(*changing) error) (a applied, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		spaces, err := s.lockSpaces(ctx, tx, now, owners...)
		if err != nil {
			return err
		}
		c := &changing{tx: tx, set: newChangeSet(ctx), spaces: spaces, now: now}
		if err := fn(c); err != nil {
			return err
		}
		a, err = c.set.apply(ctx, tx, now)
		failpoint.Hit("before-change")
		return err
	})
	failpoint.Hit("after-change")
	return a, err
}

// folderColumns are what scanFolder reads.
const folderColumns = `d.id, d.owner_id, coalesce(d.parent_id, ''), d.name, d.name_key, d.created_at, d.modified_at, d.revision, d.files, d.bytes, d.folders, d.height, d.deleted_at IS NOT NULL`

func scanFolder(row scanner, d *Folder) error {
	var created, modified int64
	err := row.Scan(&d.ID, &d.Owner, &d.Parent, &d.Name, &d.key, &created, &modified, &d.Revision, &d.files, &d.bytes, &d.Folders, &d.height, &d.hidden)
	d.Created, d.Modified = time.UnixMicro(created).UTC(), time.UnixMicro(modified).UTC()
	return err
}

// folders collects the rows of a query for folderColumns.
func (s store) folders(ctx context.Context, q sqldb.Querier, query string, args ...any) ([]Folder, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Folder
	for rows.Next() {
		var d Folder
		if err := scanFolder(rows, &d); err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// folder returns a folder that is not in the trash.
func (s store) folder(ctx context.Context, q sqldb.Querier, id string) (*Folder, error) {
	if !possibleID(id) {
		return nil, errNoFolder()
	}
	d := new(Folder)
	err := scanFolder(q.QueryRow(ctx, `SELECT `+folderColumns+` FROM folders d WHERE d.id = $1 AND d.deleted_at IS NULL`, id), d)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, errNoFolder()
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// lockedFolder returns a folder whose tree the transaction holds, if it still is what a client
// knows and may lets it through.
func (s store) lockedFolder(ctx context.Context, c *changing, id string, match ifMatch, may func(*Folder) error) (*Folder, error) {
	d, err := s.folder(ctx, c.tx, id)
	if err != nil {
		return nil, err
	}
	if err := may(d); err != nil {
		return nil, err
	}
	if _, held := c.spaces[d.Owner]; !held {
		return nil, errOwnersChanged()
	}
	return d, match.folder(d.Name, d.Revision)
}

// upTree is the folder $1 and all above it with their distance. It ends also where a damaged
// database holds a circle.
const upTree = `WITH RECURSIVE up (id, parent_id, name, n) AS (
		SELECT id, parent_id, name, 0 FROM folders WHERE id = $1
		UNION ALL SELECT d.id, d.parent_id, d.name, up.n + 1 FROM folders d JOIN up ON d.id = up.parent_id WHERE up.n < 1000
	) `

// step is a folder on the way from the root.
type step struct {
	ID   string `json:"id" example:"household"`
	Name string `json:"name" example:"Photos" doc:"Empty for the root of a tree"`
}

// pathOf is the way from the root to a folder, both included.
func (s store) pathOf(ctx context.Context, q sqldb.Querier, id string) ([]step, error) {
	rows, err := q.Query(ctx, upTree+`SELECT id, name FROM up ORDER BY n DESC`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	path := []step{}
	for rows.Next() {
		var at step
		if err := rows.Scan(&at.ID, &at.Name); err != nil {
			return nil, err
		}
		path = append(path, at)
	}
	return path, rows.Err()
}

// raiseHeights notes with the folder id and all above it that so many folders lie in each
// other below it. Heights never shrink: they are only asked whether a tree surely is not too deep.
func raiseHeights(ctx context.Context, tx *sqldb.Tx, id string, height int64) error {
	_, err := tx.Exec(ctx, upTree+`UPDATE folders SET height = up.n + $2 FROM up WHERE folders.id = up.id AND folders.height < up.n + $3`, id, height, height)
	return err
}

// fits makes sure that a folder with so many in each other below it may lie in parent, which
// is at the end of path. height may be too large a guess; then the tree below id is asked: of
// what is live, or of what went to the trash as one thing.
func (s store) fits(ctx context.Context, tx *sqldb.Tx, path []step, id, trash string, height int64) error {
	room := int64(maxDepth - len(path)) // the newcomer lies len(path) deep: the root counts as none
	if height <= room {
		return nil
	}
	if room >= 0 && id != "" {
		err := tx.QueryRow(ctx, `WITH RECURSIVE below (id, n) AS (
				SELECT id, 0 FROM folders WHERE id = $1
				UNION ALL SELECT d.id, below.n + 1 FROM folders d JOIN below ON d.parent_id = below.id WHERE coalesce(d.trash_id, '') = $2 AND below.n < 1000
			) SELECT max(n) FROM below`, id, trash).Scan(&height)
		if err != nil {
			return err
		}
		if height <= room {
			return nil
		}
	}
	return errTooDeep()
}

// namesakes are a file and a folder that bear a name in a folder; nil where there is none.
type namesakes struct {
	file   *File
	folder *Folder
	alike  string // another name there that differs in case only
}

func (n namesakes) none() bool { return n.file == nil && n.folder == nil }

// namesakes looks who bears a name in a folder, but for the item except. Of several files it is
// the one that came last.
func (s store) namesakes(ctx context.Context, q sqldb.Querier, folder, name, except string) (n namesakes, err error) {
	key, same := nameKey(name), sameName(name)
	folders, err := s.folders(ctx, q, `SELECT `+folderColumns+` FROM folders d WHERE d.parent_id = $1 AND d.name_key = $2 AND d.deleted_at IS NULL`, folder, key)
	for i := range folders {
		switch d := &folders[i]; {
		case d.ID == except:
		case sameName(d.Name) == same:
			n.folder = d
		default:
			n.alike = d.Name
		}
	}
	if err != nil {
		return n, err
	}
	list, err := s.files(ctx, q, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.folder_id = $1 AND f.name_key = $2 AND f.deleted_at IS NULL`, folder, key)
	for i := range list {
		switch f := &list[i]; {
		case f.ID == except:
		case sameName(f.Name) != same:
			n.alike = f.Name
		case n.file == nil || newer(f, n.file):
			n.file = f
		}
	}
	return n, err
}

// alikeText warns of a name that differs from another in case only, which to many disks is none.
func alikeText(other string) []string {
	if other == "" {
		return nil
	}
	return []string{fmt.Sprintf("There is also %q here. Many systems cannot tell the two names apart.", other)}
}

func newer(a, b *File) bool {
	return a.Uploaded.After(b.Uploaded) || a.Uploaded.Equal(b.Uploaded) && a.ID > b.ID
}

// child is the folder of a name in another, nil when there is none.
func (s store) child(ctx context.Context, q sqldb.Querier, parent, name string) (*Folder, error) {
	d := new(Folder)
	err := scanFolder(q.QueryRow(ctx, `SELECT `+folderColumns+` FROM folders d WHERE d.parent_id = $1 AND d.name_nfc = $2 AND d.deleted_at IS NULL`, parent, sameName(name)), d)
	if errors.Is(err, sqldb.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// numbered finds a number for a name that is taken in a folder.
func (s store) numbered(ctx context.Context, q sqldb.Querier, folder, name, except string) (string, error) {
	return freeName(name, func(name string) (bool, error) {
		n, err := s.namesakes(ctx, q, folder, name, except)
		return !n.none(), err
	})
}

// settle decides under which name a newcomer comes into a folder, and what becomes of those
// that bear it already.
func (s store) settle(ctx context.Context, q sqldb.Querier, n newcomer, folder, name, except string, onConflict conflict) (as string, v verdict, there namesakes, err error) {
	if n.kind == kindFile && onConflict == keepBoth {
		return name, takeName, there, nil
	}
	if there, err = s.namesakes(ctx, q, folder, name, except); err != nil {
		return name, refuseName, there, err
	}
	v = onConflict.decide(n, there.file != nil, there.folder != nil)
	switch v {
	case refuseName:
		by := kindFile
		if there.folder != nil {
			by = kindFolder
		}
		return name, v, there, errExists(name, by)
	case numberName:
		there.alike = ""
		name, err = s.numbered(ctx, q, folder, name, except)
	}
	return name, v, there, err
}

// createFolder makes a folder in another, whose tree the transaction holds, or finds the one
// that is there.
func (s store) createFolder(ctx context.Context, c *changing, parent *Folder, name string, onConflict conflict) (d *Folder, made bool, err error) {
	if parent, err = s.still(ctx, c, parent); err != nil {
		return nil, false, err
	}
	as, v, there, err := s.settle(ctx, c.tx, newcomer{kindFolder, true}, parent.ID, name, "", onConflict)
	if err != nil {
		return nil, false, err
	}
	if v == answerFolder {
		return there.folder, false, nil
	}
	path, err := s.pathOf(ctx, c.tx, parent.ID)
	if err == nil {
		err = s.fits(ctx, c.tx, path, "", "", 0)
	}
	if err != nil {
		return nil, false, err
	}
	at := time.UnixMicro(c.now).UTC()
	d = &Folder{ID: uuid.NewString(), Owner: parent.Owner, Parent: parent.ID, Name: as, key: nameKey(as), Created: at, Modified: at, Revision: 1, alike: there.alike}
	if err := s.insertFolders(ctx, c.tx, []Folder{*d}); err != nil {
		return nil, false, err
	}
	if err := raiseHeights(ctx, c.tx, parent.ID, 1); err != nil {
		return nil, false, err
	}
	c.set.inFolder(parent.ID, d.totals())
	c.set.noteFolder(d, changeCreated, nil)
	return d, true, nil
}

// still returns a folder that was looked at before the transaction held its tree as it is now.
func (s store) still(ctx context.Context, c *changing, d *Folder) (*Folder, error) {
	now, err := s.folder(ctx, c.tx, d.ID)
	if err == nil && now.Owner != d.Owner {
		err = errOwnersChanged()
	}
	if errs.Is(err, errs.NotFound) {
		err = errs.New(errs.NotFound, "The folder was just being deleted. Nothing was stored in it.")
	}
	return now, err
}

// insertFolders inserts rows of folders that are empty yet.
func (s store) insertFolders(ctx context.Context, tx *sqldb.Tx, list []Folder) error {
	const width = 9
	args := make([]any, 0, width*len(list))
	for i := range list {
		d := &list[i]
		args = append(args, d.ID, d.Owner, d.Parent, d.Name, sameName(d.Name), d.key, d.Created.UnixMicro(), d.Modified.UnixMicro(), d.height)
	}
	return insertRows(ctx, tx, `INSERT INTO folders (id, owner_id, parent_id, name, name_nfc, name_key, created_at, modified_at, height)`, width, "", args)
}

// noteFolder adds a folder to the feed; was is who saw it before, if others.
func (s *changeSet) noteFolder(d *Folder, what changeType, was *string) {
	s.feed = append(s.feed, change{Type: what, Kind: kindFolder, ID: d.ID, Folder: d.Parent, Name: d.Name, Owner: d.Owner, Audience: d.audience(), Was: was, Actor: s.actor, Revision: d.Revision})
}

// settleFolders writes the totals and tags collected so far, so that rows hold what is true
// before a folder with all that lies in it is taken along or put away. Tags are then locked in
// two steps: two requests that each bring something and put it away again may have to be run
// once more on PostgreSQL.
func (s *changeSet) settleFolders(ctx context.Context, tx *sqldb.Tx) error {
	if err := s.applyFolders(ctx, tx); err != nil {
		return err
	}
	clear(s.folders)
	if len(s.tags.gained)+len(s.tags.lost) == 0 {
		return nil
	}
	err := s.tags.apply(ctx, tx)
	s.tags = newTagChanges()
	return err
}

// roots returns the tops of the trees of owners, of all with nil.
func (s store) roots(ctx context.Context, owners []string) ([]Folder, error) {
	query := `SELECT ` + folderColumns + ` FROM folders d JOIN spaces s ON d.id = CASE s.owner_id WHEN '' THEN 'household' ELSE s.owner_id END`
	if owners == nil {
		return s.folders(ctx, s.db, query+` ORDER BY d.owner_id`)
	}
	return s.folders(ctx, s.db, query+` WHERE s.owner_id IN (`+listText(1, len(owners))+`) ORDER BY d.owner_id`, anys(slices.Compact(owners))...)
}
