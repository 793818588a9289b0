package files

import (
	"strconv"
	"strings"

	"homeserver/internal/platform/sqldb"
)

// listWriter writes the SELECTs of a list.
type listWriter struct {
	store store
	sel   selection
	b     strings.Builder
	args  []any
}

func (w *listWriter) text(parts ...string) {
	for _, part := range parts {
		w.b.WriteString(part)
	}
}

// arg passes a value and returns its placeholder.
func (w *listWriter) arg(v any) string {
	w.args = append(w.args, v)
	return `$` + strconv.Itoa(len(w.args))
}

// query writes the SELECT for up to limit files after a position.
func (s store) query(sel selection, after *position, limit int) (string, []any) {
	w := listWriter{store: s, sel: sel}
	audiences := sel.view.filter()
	if sel.plan == walkOrder { // the indexes of orders are by audience
		audiences = sel.audiences
	}
	if len(audiences) > 1 && (sel.plan == walkOrder || sel.plan == walkTag) {
		w.merge(audiences, after, limit)
	} else {
		w.arm(audiences, after)
		w.order(w.keys())
		w.text(` LIMIT `, w.arg(limit))
	}
	return w.b.String(), w.args
}

// merge walks the files of each audience along an index of its own and merges them, so that a
// page costs the same however many files of other people lie between one's own. SQLite merges
// as it reads; PostgreSQL reads a page of each first.
func (w *listWriter) merge(audiences []string, after *position, limit int) {
	whole := w.store.db.Dialect() == sqldb.Postgres
	for i, audience := range audiences {
		if i > 0 {
			w.text(` UNION ALL `)
		}
		if whole {
			w.text(`(`)
		}
		w.arm([]string{audience}, after)
		if whole {
			w.order(w.keys())
			w.text(` LIMIT `, w.arg(limit), `)`)
		}
	}
	w.order(w.places())
	w.text(` LIMIT `, w.arg(limit))
}

// arm writes a SELECT of the files of audiences, or with none of all, without its order.
func (w *listWriter) arm(audiences []string, after *position) {
	sel, columns, audience := w.sel, listColumns, `f.audience`
	key, id := w.keys()
	if sel.plan == walkTag && len(audiences) > 0 { // the order of a merge is that of its columns
		columns = tagColumns
	}
	if sel.sort == byName {
		columns += `, f.name_key`
	}
	w.text(`SELECT `, columns)
	switch sel.plan {
	case walkTag, fromTag: // SQLite reads a CROSS JOIN in the order it is written
		w.text(` FROM file_tags t CROSS JOIN file_metadata f WHERE f.id = t.file_id AND f.deleted_at IS NULL`, notSinking, ` AND t.tag_id = `, w.arg(sel.tagID))
		audience = `t.audience`
	case fromNames:
		w.text(` FROM file_metadata f WHERE f.id IN (SELECT f.id FROM file_metadata f WHERE f.deleted_at IS NULL`)
		w.visible(audience, audiences)
		w.text(` AND `, w.store.contains(w.arg(sel.q)), `) AND f.deleted_at IS NULL`, notSinking)
	default:
		w.text(` FROM file_metadata f WHERE f.deleted_at IS NULL`, notSinking)
	}
	if sel.plan != fromNames {
		w.visible(audience, audiences)
	}
	if sel.tag != "" && (sel.plan == walkOrder || sel.plan == fromNames) {
		w.tagged()
	}
	if sel.q != "" && sel.plan != fromNames {
		w.text(` AND `, w.store.contains(w.arg(sel.q)))
	}
	if after != nil {
		beyond := ` > `
		if sel.descending {
			beyond = ` < `
		}
		w.text(` AND (`, key, `, `, id, `)`, beyond, `(`, w.arg(w.store.keyOf(sel.sort, after)), `, `, w.arg(after.id), `)`)
	}
}

// visible keeps to the files of audiences; with none there is nothing to keep to.
func (w *listWriter) visible(column string, audiences []string) {
	switch len(audiences) {
	case 0:
		return
	case 1:
		w.text(` AND `, column, ` = `, w.arg(audiences[0]))
		return
	}
	w.text(` AND `, column, ` IN (`)
	for i, audience := range audiences {
		if i > 0 {
			w.text(`, `)
		}
		w.text(w.arg(audience))
	}
	w.text(`)`)
}

// tagged keeps to the files that bear the tag.
func (w *listWriter) tagged() {
	w.text(` AND EXISTS (SELECT 1 FROM file_tags t WHERE t.file_id = f.id AND t.tag_id = `, w.arg(w.sel.tagID), `)`)
}

// order writes by what the files are ordered.
func (w *listWriter) order(key, id string) {
	direction := ` ASC`
	if w.sel.descending {
		direction = ` DESC`
	}
	w.text(` ORDER BY `, key, direction, `, `, id, direction)
}

// keys are the columns that a list is ordered by.
func (w *listWriter) keys() (key, id string) {
	switch {
	case w.sel.plan == walkTag:
		return `t.upload_date`, `t.file_id`
	case w.sel.sort == byName:
		return `f.name_key`, `f.id`
	case w.sel.sort == bySize:
		return `f.size`, `f.id`
	}
	return `f.upload_date`, `f.id`
}

// places are the same by their places among listColumns, for a merge.
func (w *listWriter) places() (key, id string) {
	switch w.sel.sort {
	case byName:
		return `13`, `1`
	case bySize:
		return `4`, `1`
	}
	return `5`, `1`
}

// tagColumns are listColumns with the order's columns taken from the tag's index.
const tagColumns = `t.file_id, f.filename, f.content_type, f.size, t.upload_date, f.tags, coalesce(f.sha256, ''), f.owner_id, f.audience, f.folder_id, f.modified_at, f.revision`
