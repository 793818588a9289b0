package files

import (
	"context"
	"hash/fnv"
	"strings"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// defaultEntries is how many entries of a folder a page holds unless the client asks for more
// or fewer: two screens full.
const defaultEntries = 200

// entriesQuery is a question for what lies in a folder: its folders, then its files, each in
// the same order.
type entriesQuery struct {
	listQuery
	folder string
	files  bool // after is a position among the files; all folders came before
}

// The first byte of a cursor's text says among what its position is.
const (
	amongFolders = "d"
	amongFiles   = "f"
)

// parseEntries checks what a client asked for.
func parseEntries(folder, q, sort, order string, limit int, cursor string) (entriesQuery, error) {
	if limit == 0 {
		limit = defaultEntries
	}
	l, err := parseList("", q, sort, order, limit, "")
	e := entriesQuery{listQuery: l, folder: folder}
	if err != nil || cursor == "" {
		return e, err
	}
	tied := e.tied()
	at, err := tied.decode(cursor)
	if err != nil {
		return e, err
	}
	var among string
	if len(at.text) > 0 {
		among, at.text = at.text[:1], at.text[1:]
	}
	if among != amongFolders && among != amongFiles {
		return e, errs.New(errs.Invalid, "This cursor does not belong to this list. Start again without a cursor.")
	}
	e.after, e.files = at, among == amongFiles
	return e, nil
}

// tied is a list whose cursors are those of this folder alone.
func (e entriesQuery) tied() listQuery {
	h := fnv.New64a()
	h.Write([]byte(e.folder))
	tied := e.listQuery
	tied.tag = "entries " + string(h.Sum(nil))
	return tied
}

// cursor leads to what follows a position.
func (e entriesQuery) cursor(among string, at position) string {
	at.text = among + at.text
	return e.tied().encode(at)
}

// positionOfFolder is where d stands among the folders.
func (l listQuery) positionOfFolder(d *Folder) position {
	p := position{id: d.ID}
	switch l.sort {
	case byName:
		p.text = d.key
	case bySize:
		p.number = d.bytes
	default:
		p.number = d.Created.UnixMicro()
	}
	return p
}

// entries is a page of what lies in a folder.
type entries struct {
	folders                  []Folder
	files                    []File
	totalFolders, totalFiles int64
	next                     string
}

// Entries lists what lies in a folder that the principal of ctx may read.
func (f *Files) Entries(ctx context.Context, d *Folder, e entriesQuery) (page entries, err error) {
	if page.totalFolders, page.totalFiles, err = f.store.countEntries(ctx, d, e.listQuery); err != nil {
		return page, err
	}
	room := e.limit + 1 // one more than asked for tells whether another page follows
	if !e.files && page.totalFolders > 0 {
		if page.folders, err = f.store.subfolders(ctx, e, room); err != nil {
			return page, err
		}
		if len(page.folders) == room {
			page.folders = page.folders[:e.limit]
			page.next = e.cursor(amongFolders, e.positionOfFolder(&page.folders[e.limit-1]))
			return page, nil
		}
	}
	room -= len(page.folders)
	after := e.after
	if !e.files {
		after = nil
	}
	if page.totalFiles > 0 {
		if page.files, err = f.store.filesIn(ctx, e, after, room); err != nil {
			return page, err
		}
	}
	if len(page.files) == room {
		page.files = page.files[:room-1]
		page.next = e.lastCursor(page)
	}
	return page, nil
}

// lastCursor leads to what follows a full page.
func (e entriesQuery) lastCursor(page entries) string {
	if n := len(page.files); n > 0 {
		return e.cursor(amongFiles, e.positionOf(&page.files[n-1]))
	}
	return e.cursor(amongFolders, e.positionOfFolder(&page.folders[len(page.folders)-1]))
}

// resolved is what a path leads to: a file or a folder.
type resolved struct {
	file   *File
	folder *Folder
}

// Resolve finds what a path leads to from a folder: a folder rather than a file of the same
// name, and of several files the one that came last.
func (f *Files) Resolve(ctx context.Context, root, path string) (resolved, error) {
	d, err := f.folder(ctx, root, identity.ReadFile)
	if err != nil {
		return resolved{}, err
	}
	names := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if len(names) > maxDepth+1 {
		return resolved{}, errNoFolder()
	}
	for i, name := range names {
		there, err := f.store.namesakes(ctx, f.store.db, d.ID, name, "")
		switch {
		case err != nil:
			return resolved{}, err
		case there.folder != nil:
			d = there.folder
		case there.file != nil && i == len(names)-1:
			return resolved{file: there.file}, nil
		default:
			return resolved{}, errs.Newf(errs.NotFound, "There is nothing of the name %q here", name)
		}
	}
	return resolved{folder: d}, nil
}
