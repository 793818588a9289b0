package files

import (
	"context"
	"time"

	"homeserver/internal/platform/sqldb"
)

// countEntries counts what a list of a folder shows whatever the page: folders by the index of
// names, and files from the totals, without looking at any file, unless a name is searched for.
func (s store) countEntries(ctx context.Context, d *Folder, l listQuery) (folders, files int64, err error) {
	if l.impossible() {
		return 0, 0, nil
	}
	if l.q == "" {
		var below int64
		err = s.db.QueryRow(ctx, `SELECT count(*), CAST(coalesce(sum(d.files), 0) AS bigint) FROM folders d WHERE d.parent_id = $1 AND d.deleted_at IS NULL`, d.ID).Scan(&folders, &below)
		return folders, d.files - below, err
	}
	if err = s.db.QueryRow(ctx, `SELECT count(*) FROM folders d WHERE d.parent_id = $1 AND d.deleted_at IS NULL AND `+s.containsIn(`d.name_key`, `$2`), d.ID, l.q).Scan(&folders); err != nil {
		return 0, 0, err
	}
	err = s.db.QueryRow(ctx, `SELECT count(*) FROM file_metadata f WHERE f.folder_id = $1 AND f.deleted_at IS NULL AND `+s.contains(`$2`), d.ID, l.q).Scan(&files)
	return folders, files, err
}

// containsIn is the test for a part of a text; the dialects name it differently.
func (s store) containsIn(column, arg string) string {
	if s.db.Dialect() == sqldb.Postgres {
		return `strpos(` + column + `, ` + arg + `) > 0`
	}
	return `instr(` + column + `, ` + arg + `) > 0`
}

// subfolders reads up to limit folders of a folder, from a position on.
func (s store) subfolders(ctx context.Context, e entriesQuery, limit int) ([]Folder, error) {
	w := listWriter{store: s, sel: selection{listQuery: e.listQuery}}
	w.text(`SELECT `, folderColumns, ` FROM folders d WHERE d.parent_id = `, w.arg(e.folder), ` AND d.deleted_at IS NULL`)
	if e.q != "" {
		w.text(` AND `, s.containsIn(`d.name_key`, w.arg(e.q)))
	}
	key := map[sortKey]string{byName: `d.name_key`, bySize: `d.bytes`, byDate: `d.created_at`}[e.sort]
	if e.after != nil {
		var at any = e.after.number
		if e.sort == byName {
			at = e.after.text
		}
		w.beyond(key, `d.id`, at, e.after.id)
	}
	w.order(key, `d.id`)
	w.text(` LIMIT `, w.arg(limit))
	return s.folders(ctx, s.db, w.b.String(), w.args...)
}

// beyond keeps to what follows a position.
func (w *listWriter) beyond(key, id string, at any, atID string) {
	beyond := ` > `
	if w.sel.descending {
		beyond = ` < `
	}
	w.text(` AND (`, key, `, `, id, `)`, beyond, `(`, w.arg(at), `, `, w.arg(atID), `)`)
}

// filesIn reads up to limit files of a folder, from a position on. Which they are is found in an
// index alone: by name and date in its order, by size, which is asked for seldom and is not
// worth an index that every upload writes, by going through the names. Only their rows are read.
func (s store) filesIn(ctx context.Context, e entriesQuery, after *position, limit int) ([]File, error) {
	query, args := s.filesInQuery(e, after, limit)
	return s.files(ctx, s.db, query, args...)
}

func (s store) filesInQuery(e entriesQuery, after *position, limit int) (string, []any) {
	w := listWriter{store: s, sel: selection{listQuery: e.listQuery}}
	key := map[sortKey]string{byName: `f.name_key`, bySize: `f.size`, byDate: `f.upload_date`}[e.sort]
	w.text(`SELECT `, fileColumns, ` FROM file_metadata f WHERE f.id IN (SELECT f.id FROM file_metadata f WHERE f.folder_id = `, w.arg(e.folder), ` AND f.deleted_at IS NULL`)
	if e.q != "" {
		w.text(` AND `, s.contains(w.arg(e.q)))
	}
	if after != nil {
		w.beyond(key, `f.id`, s.keyOf(e.sort, after), after.id)
	}
	w.order(key, `f.id`)
	w.text(` LIMIT `, w.arg(limit), `)`)
	w.order(key, `f.id`)
	return w.b.String(), w.args
}

// microTime is the time of a column that holds microseconds.
func microTime(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// largest returns the folders in a folder, the largest first.
func (s store) largest(ctx context.Context, id string) ([]Folder, error) {
	return s.folders(ctx, s.db, `SELECT `+folderColumns+` FROM folders d WHERE d.parent_id = $1 AND d.deleted_at IS NULL ORDER BY d.bytes DESC, d.name_key, d.id`, id)
}
