package files

import (
	"context"
	"errors"
	"slices"
	"strings"

	"homeserver/internal/platform/failpoint"
	"homeserver/internal/platform/sqldb"
)

// damage is a row of file_damage.
type damage struct {
	SHA256   string
	kind     damageKind
	size     int64
	found    int64 // microseconds
	place    string
	healed   int64 // microseconds; 0: not healed
	healedBy string
}

// damageNoted is what became of a damage that was reported.
type damageNoted struct {
	there bool // the content is damaged
	fresh bool // nobody knew
	files int  // live files concerned
}

// noteDamage notes damage and tells the feed of every live file concerned, while the blob's row
// is held: an upload of the same content comes before, and still sees it, or after, and heals.
func (s store) noteDamage(ctx context.Context, d damage, still func(context.Context) (bool, error)) (a applied, noted damageNoted, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		a, noted = applied{}, damageNoted{}
		if err := lockBlob(ctx, tx, d.SHA256); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `SELECT size FROM blobs WHERE sha256 = $1`, d.SHA256).Scan(&d.size)
		if errors.Is(err, sqldb.ErrNoRows) {
			return nil // collected meanwhile
		}
		if err == nil {
			noted.there, err = still(ctx)
		}
		if err != nil || !noted.there {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE file_damage SET kind = $1, place = CASE WHEN $2 = '' THEN place ELSE $2 END WHERE sha256 = $3 AND healed_at IS NULL`, string(d.kind), d.place, d.SHA256)
		if err != nil || n > 0 {
			return err
		}
		noted.fresh = true
		if _, err := tx.Exec(ctx, `INSERT INTO file_damage (sha256, kind, size, found_at, place) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (sha256) DO UPDATE SET kind = excluded.kind, size = excluded.size, found_at = excluded.found_at, place = excluded.place, healed_at = NULL, healed_by = ''`,
			d.SHA256, string(d.kind), d.size, d.found, d.place); err != nil {
			return err
		}
		set := newChangeSet(ctx)
		if noted.files, err = s.noteConcerned(ctx, tx, set, d.SHA256, changeDamaged); err != nil {
			return err
		}
		a, err = set.apply(ctx, tx, d.found)
		failpoint.Hit("scrub-noting")
		return err
	})
	return a, noted, err
}

// noteConcerned puts every live file with a content into the feed.
func (s store) noteConcerned(ctx context.Context, tx *sqldb.Tx, set *changeSet, digest string, what changeType) (int, error) {
	list, err := s.files(ctx, tx, `SELECT `+fileColumns+` FROM file_metadata f WHERE f.sha256 = $1 AND f.deleted_at IS NULL`+notSinking+` ORDER BY f.id`, digest)
	for i := range list {
		set.note(&list[i], what, nil)
	}
	return len(list), err
}

// noteHealed notes that damaged content is well again.
func (s store) noteHealed(ctx context.Context, digest, by string, now int64) (a applied, healed bool, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := lockBlob(ctx, tx, digest); err != nil {
			return err
		}
		set := newChangeSet(ctx)
		var err error
		if healed, err = s.heal(ctx, tx, set, digest, by, now); err == nil && healed {
			a, err = set.apply(ctx, tx, now)
		}
		return err
	})
	return a, healed, err
}

// heal notes in a transaction that holds the blob's row that damaged content is well again.
func (s store) heal(ctx context.Context, tx *sqldb.Tx, set *changeSet, digest, by string, now int64) (healed bool, err error) {
	n, err := tx.Exec(ctx, `UPDATE file_damage SET healed_at = $1, healed_by = $2 WHERE sha256 = $3 AND healed_at IS NULL`, now, by, digest)
	if err != nil || n == 0 {
		return false, err
	}
	set.healed = append(set.healed, digest)
	_, err = s.noteConcerned(ctx, tx, set, digest, changeHealed)
	return true, err
}

// healUploaded is for every transaction that has content come in and holds the rows of its
// blobs: of what was damaged it notes that it is well again. Without damage it costs nothing.
func (s store) healUploaded(ctx context.Context, tx *sqldb.Tx, set *changeSet, now int64, digests ...string) error {
	if s.damaged.count() == 0 {
		return nil
	}
	slices.Sort(digests)
	for _, digest := range slices.Compact(digests) {
		if !s.damaged.has(digest) {
			continue
		}
		if _, err := s.heal(ctx, tx, set, digest, healedByUpload, now); err != nil {
			return err
		}
	}
	return nil
}

// storedSize is how long content was when it was stored; -1 for content that nobody knows.
func (s store) storedSize(ctx context.Context, digest string) (size int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT coalesce((SELECT size FROM blobs WHERE sha256 = $1), -1)`, digest).Scan(&size)
	return size, err
}

// damagedDigests returns content that is damaged, in the order of digests.
func (s store) damagedDigests(ctx context.Context, after string, limit int) ([]string, error) {
	return sqldb.Texts(ctx, s.db, `SELECT sha256 FROM file_damage WHERE healed_at IS NULL AND sha256 > $1 ORDER BY sha256 LIMIT $2`, after, limit)
}

// damagedCount is how many contents are damaged.
func (s store) damagedCount(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT count(*) FROM file_damage WHERE healed_at IS NULL`).Scan(&n)
	return n, err
}

// damages returns the damage that was not healed before since and that concerns what a view
// shows, what is not healed first.
func (s store) damages(ctx context.Context, v view, since int64, limit int) ([]damage, error) {
	w := listWriter{}
	w.text(`SELECT d.sha256, d.kind, d.size, d.found_at, d.place, coalesce(d.healed_at, 0), d.healed_by FROM file_damage d WHERE (d.healed_at IS NULL OR d.healed_at >= `, w.arg(since), `)`)
	if audiences := v.filter(); audiences != nil {
		w.text(` AND (EXISTS (SELECT 1 FROM file_metadata f WHERE f.sha256 = d.sha256`)
		w.visible(`f.audience`, audiences)
		w.text(`) OR EXISTS (SELECT 1 FROM file_versions v JOIN file_metadata f ON f.id = v.file_id WHERE v.sha256 = d.sha256`)
		w.visible(`f.owner_id`, audiences)
		w.text(`))`)
	}
	w.text(` ORDER BY CASE WHEN d.healed_at IS NULL THEN 0 ELSE 1 END, d.found_at DESC, d.sha256 LIMIT `, w.arg(limit))
	rows, err := s.db.Query(ctx, w.b.String(), w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []damage
	for rows.Next() {
		var d damage
		var kind string
		if err := rows.Scan(&d.SHA256, &kind, &d.size, &d.found, &d.place, &d.healed, &d.healedBy); err != nil {
			return nil, err
		}
		d.kind = damageKind(kind)
		list = append(list, d)
	}
	return list, rows.Err()
}

// hiddenColumns are fileColumns that call hidden also what lies in a folder that sinks.
var hiddenColumns = strings.Replace(fileColumns, `f.deleted_at IS NOT NULL`, `(f.deleted_at IS NOT NULL OR f.folder_id IN (SELECT s.folder_id FROM sinking s))`, 1)

// concerned returns files that have a content now and that a view shows, or had it in an older
// version, which only the owner sees.
func (s store) concerned(ctx context.Context, v view, digest string, limit int) ([]File, error) {
	w := listWriter{}
	w.text(`SELECT `+hiddenColumns+` FROM file_metadata f WHERE f.id IN (SELECT f.id FROM file_metadata f WHERE f.sha256 = `, w.arg(digest))
	w.visible(`f.audience`, v.filter())
	w.text(` UNION SELECT f.id FROM file_versions v JOIN file_metadata f ON f.id = v.file_id WHERE v.sha256 = `, w.arg(digest)) // with OR, PostgreSQL walks all files
	w.visible(`f.owner_id`, v.filter())
	w.text(`) ORDER BY f.id LIMIT `, w.arg(limit))
	return s.files(ctx, s.db, w.b.String(), w.args...)
}
