package files

import (
	"context"
	"encoding/base64"
	"maps"
	"strconv"
	"strings"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

const (
	// manyFiles is how many files one request deletes without a second word: more than anybody
	// deletes by hand and looks at.
	manyFiles = 1000
	// someFiles is how many files are worth asking about when they are half of all or more.
	someFiles = 10
	// typeConfirm is the type of the problem that a second word is asked for.
	typeConfirm = "confirm"
)

// Trashed is a file or a folder in the trash; of a folder everything in it goes and comes with it.
type Trashed struct {
	ID     string
	Kind   itemKind
	Item   string // the file's or folder's id
	Owner  string
	Name   string
	Folder string   // the folder it lay in, which may be gone
	Path   []string // the names of the folders it lay in, from the root's first
	counts
	At       time.Time
	By       string // the account that deleted it; "" for the household
	Revision int64  // the file's or folder's

	audience string
}

// Object is what the gate must know.
func (t *Trashed) Object() identity.Object {
	return identity.Object{Owner: t.Owner, Shared: t.audience == household}
}

func errNotInTrash() error { return errs.New(errs.NotFound, "This is not in the trash.") }

// gateTrash asks the gate whether p may do all of actions to something in the trash.
func gateTrash(p identity.Principal, actions ...identity.Action) func(*Trashed) error {
	return func(t *Trashed) error {
		err := gate(p, actions...)(&File{Owner: t.Owner, audience: t.audience})
		if errs.Is(err, errs.NotFound) {
			return errNotInTrash()
		}
		return err
	}
}

// deletion is what a client wants deleted.
type deletion struct {
	files, folders []string
	match          ifMatches // what they must still be
	confirm        string    // the number of files, where it was asked for
}

// deleted is what went to the trash.
type deleted struct {
	files   []File
	folders []Folder
	trash   []string // what to restore it by
}

func (d deleted) nothing() bool { return len(d.files)+len(d.folders) == 0 }

// ids are those of the files, then those of the folders.
func (d deleted) ids() []string {
	ids := fileIDs(d.files)
	for i := range d.folders {
		ids = append(ids, d.folders[i].ID)
	}
	return ids
}

// Delete puts files and folders into the trash: those that are there and that the principal of
// ctx may change. It returns them, and until when they can be had back, if the disk does not fill up before.
func (f *Files) Delete(ctx context.Context, d deletion) (gone deleted, undoUntil time.Time, err error) {
	now := f.now()
	settings, err := f.Settings(ctx)
	if err != nil {
		return gone, undoUntil, err
	}
	if undoUntil, _ = settings.keptUntil(now); undoUntil.IsZero() {
		undoUntil = now.Add(maxKept * day) // until somebody empties it; clients want a time
	}
	undoUntil = undoUntil.UTC().Truncate(time.Second)
	owners, err := f.store.ownersOfItems(ctx, transfer{files: items(d.files), folders: items(d.folders)})
	if err != nil || len(owners) == 0 {
		return gone, undoUntil, err
	}
	counted, err := f.countAhead(ctx, d.folders)
	if err != nil {
		return gone, undoUntil, err
	}
	p := identity.From(ctx)
	a, err := f.store.change(ctx, now.UnixMicro(), owners, func(c *changing) (err error) {
		c.ahead = counted
		gone, err = f.store.trash(ctx, c, d, p)
		return err
	})
	if err != nil {
		return deleted{}, undoUntil, err
	}
	f.done(a)
	f.recordDeleted(ctx, "files.delete", gone)
	return gone, undoUntil, nil
}

// items are ids without conditions.
func items(ids []string) []item {
	list := make([]item, len(ids))
	for i, id := range ids {
		list[i].ID = id
	}
	return list
}

// recordFiles notes in the audit log what was done to files: to one by its id and name, to
// several by their number.
func (f *Files) recordFiles(ctx context.Context, action string, list []File, what string) {
	target, detail := "", strconv.Itoa(len(list))+" files"
	if len(list) == 1 {
		target, detail = list[0].ID, strconv.Quote(list[0].Name)
	}
	if what != "" {
		detail += ": " + what
	}
	f.lent.record(ctx, action, target, detail)
}

// recordDeleted notes in the audit log what was deleted.
func (f *Files) recordDeleted(ctx context.Context, action string, gone deleted) {
	if len(gone.files) > 0 {
		f.recordFiles(ctx, action, gone.files, "")
	}
	for i := range gone.folders {
		d := &gone.folders[i]
		f.lent.record(ctx, action, d.ID, strconv.Quote(d.Name)+": a folder of "+strconv.FormatInt(d.files, 10)+" files")
	}
}

// confirm is the rule of the second word: who deletes very many files at once, or half of a
// tree, says how many they are. all are those of a tree; by is how many of them shall go.
func confirm(by, all map[string]int64, said string) error {
	var n int64
	ask := false
	for owner, some := range by {
		n += some
		ask = ask || some >= someFiles && 2*some >= all[owner]
	}
	if !ask && n <= manyFiles {
		return nil
	}
	if most, err := strconv.ParseInt(said, 10, 64); err == nil && n <= most {
		return nil
	}
	number := strconv.FormatInt(n, 10)
	return &errs.Error{Kind: errs.Conflict, Type: typeConfirm, Confirm: number,
		Detail: "This would delete " + number + " files at once. Nothing was deleted. If that is meant, send the same once more with confirm=" + number + "."}
}

// Restore takes files out of the trash by their ids. It returns all that are there now and that
// the principal of ctx may change, also those that had not been deleted.
func (f *Files) Restore(ctx context.Context, ids []string, match ifMatches) (there []File, err error) {
	if err := f.sinkFiles(ctx, ids); err != nil {
		return nil, err
	}
	owners, err := f.store.ownersOfItems(ctx, transfer{files: items(ids)})
	if err != nil || len(owners) == 0 {
		return nil, err
	}
	var restored []File
	may := match.gate(gate(identity.From(ctx), identity.ChangeFile))
	a, err := f.store.change(ctx, f.now().UnixMicro(), owners, func(c *changing) (err error) {
		there, restored, err = f.store.restoreFiles(ctx, c, ids, may)
		return err
	})
	if err != nil {
		return nil, err
	}
	f.done(a)
	if len(restored) > 0 {
		f.recordFiles(ctx, "files.restore", restored, "")
	}
	return there, nil
}

// restored is what became of one thing in the trash.
type restored struct {
	id     string
	item   *Trashed
	name   string // as it is now
	folder string // where it lies now
	err    error
}

// RestoreTrash takes things out of the trash, each on its own: back to where they were, even if
// the folder is gone.
func (f *Files) RestoreTrash(ctx context.Context, ids []string, match ifMatches, onConflict conflict, confirmed string) ([]restored, error) {
	var all []restored
	going := map[string]int64{} // replaced by the whole request, each thing a transaction of its own
	for _, id := range uniqueIDs(ids) {
		r, err := f.restoreOne(ctx, id, match[id], onConflict, confirmed, going)
		if err != nil && !itsOwn(err) {
			return all, err
		}
		r.id, r.err = id, err
		all = append(all, r)
	}
	return all, nil
}

func (f *Files) restoreOne(ctx context.Context, id string, match ifMatch, onConflict conflict, confirmed string, going map[string]int64) (r restored, err error) {
	permitted := gateTrash(identity.From(ctx), identity.ChangeFile)
	may := func(t *Trashed) error {
		if err := permitted(t); err != nil {
			return err
		}
		return match.folder(t.Name, t.Revision)
	}
	t, err := f.store.trashed(ctx, f.store.db, id)
	if err == nil {
		err = may(t)
	}
	if err != nil {
		return r, err
	}
	counted, err := f.rise(ctx, t)
	if err != nil {
		f.letSink(ctx, t)
		return r, err
	}
	var gone *changing
	a, err := f.store.change(ctx, f.now().UnixMicro(), []string{t.Owner}, func(c *changing) (err error) {
		c.confirmed, c.going = confirmed, maps.Clone(going) // it may run twice
		c.ahead, gone = counted, c
		r, err = f.store.restoreTrash(ctx, c, id, may, onConflict)
		return err
	})
	if err != nil {
		f.letSink(ctx, t)
		return r, err
	}
	f.done(a)
	maps.Copy(going, gone.going)
	f.lent.record(ctx, "files.restore", r.item.Item, strconv.Quote(r.name))
	return r, nil
}

// uniqueIDs are ids without those named before.
func uniqueIDs(ids []string) []string {
	seen := map[string]bool{}
	var list []string
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			list = append(list, id)
		}
	}
	return list
}

// trashPosition is a place in the list of the trash, which begins with what was deleted last.
type trashPosition struct {
	at int64
	id string
}

func (p trashPosition) encode() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.at, 10) + " " + p.id))
}

func parseTrashCursor(cursor string) (p trashPosition, err error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	at, id, ok := strings.Cut(string(text), " ")
	if err == nil && ok && possibleID(id) {
		if p.at, err = strconv.ParseInt(at, 10, 64); err == nil {
			p.id = id
			return p, nil
		}
	}
	return p, errs.New(errs.Invalid, "This cursor does not belong to the trash. Start again without a cursor.")
}
