package files

import (
	"context"
	"errors"
	"slices"

	"homeserver/internal/platform/failpoint"
	"homeserver/internal/platform/sqldb"
)

// notSinking keeps to files that lie in no folder of sinking: those are in the trash, whatever
// their own rows say. Whoever asks for files that are not deleted, and not for those of one
// folder that is known to be there, asks for this too.
const notSinking = ` AND f.folder_id NOT IN (SELECT s.folder_id FROM sinking s)`

// sinkTree marks the folders of a large tree, which has just gone to the trash, so that what lies
// in them is hidden until its own rows are marked.
func (s store) sinkTree(ctx context.Context, tx *sqldb.Tx, trash string) error {
	_, err := tx.Exec(ctx, `INSERT INTO sinking (folder_id, trash_id) SELECT id, trash_id FROM folders WHERE trash_id = $1 ON CONFLICT (folder_id) DO NOTHING`, trash)
	return err
}

// sinking are those of things in the trash, or with none of all, of which files are still to be marked.
func (s store) sinking(ctx context.Context, among []string) (list []string, err error) {
	if len(among) == 0 {
		return sqldb.Texts(ctx, s.db, `SELECT DISTINCT trash_id FROM sinking ORDER BY trash_id`)
	}
	for chunk := range slices.Chunk(among, idsAtOnce) {
		some, err := sqldb.Texts(ctx, s.db, `SELECT DISTINCT trash_id FROM sinking WHERE trash_id IN (`+listText(1, len(chunk))+`)`, anys(chunk)...)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

// sinkingWith are the things in the trash with which files lie there that are still to be marked.
func (s store) sinkingWith(ctx context.Context, q sqldb.Querier, files []string) (list []string, err error) {
	for chunk := range slices.Chunk(inOrder(files), idsAtOnce) {
		some, err := sqldb.Texts(ctx, q, `SELECT DISTINCT s.trash_id FROM file_metadata f JOIN sinking s ON s.folder_id = f.folder_id WHERE f.id IN (`+listText(1, len(chunk))+`)`, anys(chunk)...)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// sinkSome marks some of the files of a tree in the trash, and takes them from the lists of their
// tags; all counters know of them already. It returns whether there are more. Of a tree that
// somebody takes out of the trash just now it marks none.
func (s store) sinkSome(ctx context.Context, trash string, now int64) (more bool, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		more = false
		deleted, rising, err := s.lockTrash(ctx, tx, trash, now)
		if err != nil || rising > now && rising <= now+risingFor.Microseconds() {
			return err
		}
		ids, err := sqldb.Texts(ctx, tx, `SELECT f.id FROM sinking s CROSS JOIN file_metadata f WHERE s.trash_id = $1 AND f.folder_id = s.folder_id AND f.deleted_at IS NULL LIMIT $2`, trash, s.atOnce)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(inOrder(ids), idsAtOnce) {
			if _, err := tx.Exec(ctx, `DELETE FROM file_tags WHERE file_id IN (`+listText(1, len(chunk))+`)`, anys(chunk)...); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE file_metadata SET deleted_at = $1, trash_id = $2, revision = revision + 1 WHERE id IN (`+listText(3, len(chunk))+`)`, append([]any{deleted, trash}, anys(chunk)...)...); err != nil {
				return err
			}
		}
		if more = len(ids) == s.atOnce; !more {
			_, err = tx.Exec(ctx, `DELETE FROM sinking WHERE trash_id = $1`, trash)
		}
		failpoint.Hit("sinking")
		return err
	})
	return more, err
}

// lockTrash holds the tree that something in the trash belongs to, and returns when it was
// deleted and until when somebody takes it out. What is no longer there nobody takes out.
func (s store) lockTrash(ctx context.Context, tx *sqldb.Tx, trash string, now int64) (deleted, rising int64, err error) {
	var owner string
	err = tx.QueryRow(ctx, `SELECT owner_id FROM trash WHERE id = $1`, trash).Scan(&owner)
	if err == nil {
		_, err = s.lockSpaces(ctx, tx, now, owner)
	}
	if err == nil { // as it is under the lock
		err = tx.QueryRow(ctx, `SELECT deleted_at, rising_until FROM trash WHERE id = $1`, trash).Scan(&deleted, &rising)
	}
	if errors.Is(err, sqldb.ErrNoRows) {
		err = errNotInTrash()
	}
	return deleted, rising, err
}

// riseSome makes some of the files of a large tree in the trash ready to be there again; its
// folders hide them until then. It returns whether there are more than one transaction marks. Nobody
// else marks any of them before until.
func (s store) riseSome(ctx context.Context, trash string, now, until int64) (more bool, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, _, err := s.lockTrash(ctx, tx, trash, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE trash SET rising_until = $1 WHERE id = $2`, until, trash); err != nil {
			return err
		}
		if err := s.sinkTree(ctx, tx, trash); err != nil {
			return err
		}
		tags := newTagChanges()
		raised, err := s.raiseFiles(ctx, tx, tags, trash)
		if err == nil {
			err = tags.apply(ctx, tx)
		}
		more = raised == s.atOnce
		failpoint.Hit("rising")
		return err
	})
	return more, err
}

// letSink says that nobody takes something out of the trash any more.
func (s store) letSink(ctx context.Context, trash string) error {
	_, err := s.db.Exec(ctx, `UPDATE trash SET rising_until = 0 WHERE id = $1`, trash)
	return err
}

// large reports whether one transaction does not mark all files of something in the trash.
func (s store) large(t *Trashed) bool { return t.Kind == kindFolder && t.files > int64(s.atOnce) }

// raiseFiles marks as many files of something in the trash as one transaction does as being there
// again, and puts them into the lists of their tags. It counts nothing.
func (s store) raiseFiles(ctx context.Context, tx *sqldb.Tx, tags *tagChanges, trash string) (raised int, err error) {
	list, err := s.files(ctx, tx, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.trash_id = $1 LIMIT $2`, trash, s.atOnce)
	if err != nil {
		return 0, err
	}
	for chunk := range slices.Chunk(inOrder(fileIDs(list)), idsAtOnce) {
		if _, err := tx.Exec(ctx, `UPDATE file_metadata SET deleted_at = NULL, trash_id = NULL, revision = revision + 1 WHERE id IN (`+listText(1, len(chunk))+`)`, anys(chunk)...); err != nil {
			return 0, err
		}
	}
	for i := range list {
		tags.list(&list[i])
	}
	return len(list), nil
}

// use is what some files take, by who sees them and by their tags.
type use map[useKey]counts

type useKey struct{ audience, tags string }

// useOf adds up the files of a FROM and WHERE, and says up to which change in the feed that is.
func (s store) useOf(ctx context.Context, q sqldb.Querier, with, from string, args ...any) (all use, seq int64, err error) {
	rows, err := q.Query(ctx, with+`SELECT (SELECT seq FROM files_feed WHERE one = 1), f.audience, f.tags, f.size FROM `+from, args...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	all = use{}
	for rows.Next() {
		var key useKey
		one := counts{files: 1}
		if err := rows.Scan(&seq, &key.audience, &key.tags, &one.bytes); err != nil {
			return nil, 0, err
		}
		by := all[key]
		by.add(one)
		all[key] = by
	}
	return all, seq, rows.Err()
}

// ahead is what was counted before the transaction that needs it, so that nobody waits meanwhile.
type ahead struct {
	all use
	seq int64 // of the last change in the feed that it knows of
}

// countLive counts what lies in a folder and below it.
func (s store) countLive(ctx context.Context, q sqldb.Querier, folder string) (a ahead, err error) {
	a.all, a.seq, err = s.useOf(ctx, q, belowTree, `below JOIN file_metadata f ON f.folder_id = below.id WHERE f.deleted_at IS NULL`, folder)
	return a, err
}

// countLiveNow is countLive in a transaction that holds the tree. What was counted ahead is right
// if nothing has changed since in the folder or below it, and nothing was moved anywhere.
func (s store) countLiveNow(ctx context.Context, c *changing, folder string) (use, error) {
	a, counted := c.ahead[folder]
	if counted && len(a.all) > 0 {
		var changed int
		err := c.tx.QueryRow(ctx, belowTree+`SELECT count(*) FROM (SELECT 1 FROM file_changes WHERE seq > $2
			AND (type = 'moved' OR folder_id IN (SELECT id FROM below) OR item_id IN (SELECT id FROM below)) LIMIT 1) c`, folder, a.seq).Scan(&changed)
		if err != nil || changed == 0 {
			return a.all, err
		}
	}
	a, err := s.countLive(ctx, c.tx, folder)
	return a.all, err
}

// countRisen counts the files of a thing in the trash that are ready to come back.
func (s store) countRisen(ctx context.Context, q sqldb.Querier, trash string) (a ahead, err error) {
	a.all, a.seq, err = s.useOf(ctx, q, ``, `file_metadata f WHERE f.folder_id IN (SELECT id FROM folders WHERE trash_id = $1) AND f.deleted_at IS NULL`, trash)
	return a, err
}

// countTree counts files of one owner as no longer live, with sign -1, or as live again; they go
// to the trash, or come from there.
func (s *changeSet) countTree(owner string, sign int64, all use) {
	for key, n := range all {
		n = counts{sign * n.files, sign * n.bytes}
		by := s.usage[key.audience]
		by.add(n)
		s.usage[key.audience] = by
		s.inSpace(owner, spaceCounts{counts: n, trash: -n.bytes})
		for _, tag := range decodeTags(key.tags) {
			s.tags.count(tag, key.audience, n.files)
		}
	}
}

// Where noteMany finds the files of a thing that has just gone to the trash, and of a folder that has come back.
const (
	inSinking = ` FROM file_metadata f WHERE f.folder_id IN (SELECT id FROM folders WHERE trash_id = $5) AND f.deleted_at IS NULL AND f.audience <> f.owner_id`
	inTree    = ` FROM file_metadata f WHERE f.folder_id IN (
		WITH RECURSIVE below (id) AS (
			SELECT id FROM folders WHERE id = $5
			UNION SELECT d.id FROM folders d JOIN below ON d.parent_id = below.id WHERE d.deleted_at IS NULL
		) SELECT id FROM below) AND f.deleted_at IS NULL AND f.audience <> f.owner_id`
)

// noteMany adds those files of a person's folder to the feed that everybody may see: nobody else
// hears of the folder itself.
func (s *changeSet) noteMany(owner string, what changeType, all use, files, folder string) {
	m := manyChanges{what: what, files: files, args: []any{folder}}
	for key, n := range all {
		if key.audience != owner {
			m.n += n.files
		}
	}
	if m.n > 0 {
		s.many = append(s.many, m)
	}
}
