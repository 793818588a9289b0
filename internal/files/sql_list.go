package files

import (
	"context"
	"errors"
	"time"

	"homeserver/internal/platform/sqldb"
)

// plan is how a list is read: from which end the database begins.
type plan int

const (
	walkOrder plan = iota // in the list's order along an index, passing by what does not match
	walkTag               // the tag's files, newest first, along the tag's index
	fromTag               // all files of a tag, then sort
	fromNames             // all names that match, along the index of names, then sort
)

// selection is a listQuery with what is known of it before it is read.
type selection struct {
	listQuery
	plan  plan
	tagID int64
	total int64 // all that match; -1 when nobody has counted
	// audiences are those whose files are walked, one after the other or merged; none: all at once.
	audiences []string
}

// maxMerged is how many audiences a list is merged of. In a house with more people than this an
// administrator's list is sorted instead, which takes longer; SQLite merges 500 at most.
const maxMerged = 100

// selectFiles finds out how to read a list, and unless it will be read whole how long it is.
func (s store) selectFiles(ctx context.Context, l listQuery) (sel selection, err error) {
	sel = selection{listQuery: l, total: -1}
	if l.impossible() {
		sel.total = 0
		return sel, nil
	}
	library, err := s.measure(ctx, &sel)
	if err != nil {
		return sel, err
	}
	matching := library.files
	if l.tag != "" {
		sel.tagID, matching, err = s.tagUsage(ctx, l.view, l.tag)
		if errors.Is(err, sqldb.ErrNoRows) {
			matching, err = 0, nil
		}
		if err != nil {
			return sel, err
		}
	}
	tagged := matching
	if l.q != "" && matching > 0 && l.limit > 0 {
		if matching, err = s.countMatching(ctx, sel); err != nil {
			return sel, err
		}
	}
	if l.q == "" || matching == 0 || l.limit > 0 {
		sel.total = matching
	}
	sel.plan = l.choose(tagged, matching, library.files)
	return sel, nil
}

// measure counts what the list's view shows, and finds out of whose files that is.
func (s store) measure(ctx context.Context, sel *selection) (library counts, err error) {
	sel.audiences = sel.view.filter()
	if !sel.view.all {
		return s.usage(ctx, sel.view)
	}
	by, err := s.usageBy(ctx)
	for _, c := range by {
		library.add(c)
	}
	if len(by) <= maxMerged {
		sel.audiences = by.inOrder()
	}
	return library, err
}

// choose weighs two costs. Collecting the n matches and sorting them costs about n. Walking
// all files in order until a page is full meets limit*all/n rows. Measured at 100,000 files.
func (l listQuery) choose(tagged, matching, all int64) plan {
	limit := int64(l.limit)
	if limit == 0 {
		limit = maxPage
	}
	few := func(n int64) bool { return n*n < limit*all }
	switch {
	case l.tag != "" && l.sort == byDate:
		return walkTag
	case l.tag != "" && few(tagged):
		return fromTag
	case l.q != "" && l.limit > 0 && l.sort != byName && few(matching):
		return fromNames
	}
	return walkOrder
}

// contains is the test for a part of a name; the dialects name it differently.
func (s store) contains(arg string) string {
	if s.db.Dialect() == sqldb.Postgres {
		return `strpos(f.name_key, ` + arg + `) > 0`
	}
	return `instr(f.name_key, ` + arg + `) > 0`
}

// matching writes from where the files are counted that a list shows.
func (w *listWriter) matching(from string) {
	w.text(` FROM `, from)
	w.visible(`f.audience`, w.sel.view.filter())
	w.text(` AND `, w.store.contains(w.arg(w.sel.q)))
	if w.sel.tag != "" {
		w.tagged()
	}
}

// countMatching counts by the index of names.
func (s store) countMatching(ctx context.Context, sel selection) (n int64, err error) {
	w := listWriter{store: s, sel: sel}
	w.text(`SELECT (SELECT count(*)`)
	w.matching(`file_metadata f WHERE f.deleted_at IS NULL`)
	w.text(`) - (SELECT count(*)`) // apart, so that the index of names is enough for all the others
	w.matching(`sinking s CROSS JOIN file_metadata f WHERE f.folder_id = s.folder_id AND f.deleted_at IS NULL`)
	w.text(`)`)
	err = s.db.QueryRow(ctx, w.b.String(), w.args...).Scan(&n)
	return n, err
}

func (s store) keyOf(sort sortKey, p *position) any {
	switch sort {
	case byName:
		return p.text
	case bySize:
		return p.number
	}
	return s.db.Time(time.UnixMicro(p.number))
}

// listColumns are the columns that a list shows: each costs time for every row. Their places
// are those of listWriter.places.
const listColumns = `f.id, f.filename, f.content_type, f.size, f.upload_date, f.tags, coalesce(f.sha256, ''), f.owner_id, f.audience, f.folder_id, f.modified_at, f.revision`

// scanListed reads listColumns and, in a list by name, the key that names its position.
func scanListed(row scanner, f *File, withKey bool) (err error) {
	var uploaded sqldb.Time
	var tags string
	var modified int64
	if withKey {
		err = row.Scan(&f.ID, &f.Name, &f.ContentType, &f.Size, &uploaded, &tags, &f.SHA256, &f.Owner, &f.audience, &f.Folder, &modified, &f.Revision, &f.key)
	} else {
		err = row.Scan(&f.ID, &f.Name, &f.ContentType, &f.Size, &uploaded, &tags, &f.SHA256, &f.Owner, &f.audience, &f.Folder, &modified, &f.Revision)
	}
	f.Uploaded, f.Tags = uploaded.Time, decodeTags(tags)
	f.setModified(modified)
	return err
}

// page reads up to limit files after a position and gives each to fn, which must not keep it.
// It returns how many there were and the position of the last. No cursor stays open.
func (s store) page(ctx context.Context, sel selection, after *position, limit int, fn func(*File)) (n int, last position, err error) {
	if sel.total == 0 {
		return 0, last, nil
	}
	query, args := s.query(sel, after, limit)
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return 0, last, err
	}
	defer rows.Close()
	var f File
	for ; rows.Next(); n++ {
		if err := scanListed(rows, &f, sel.sort == byName); err != nil {
			return n, last, err
		}
		fn(&f)
	}
	if n > 0 {
		last = sel.positionOf(&f)
	}
	return n, last, rows.Err()
}
