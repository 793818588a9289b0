package files

import (
	"context"

	"github.com/google/uuid"
)

// trashReplaced puts a file whose content another file has got into the trash.
func (s store) trashReplaced(ctx context.Context, c *changing, f *File) error {
	id := uuid.NewString()
	if _, err := c.tx.Exec(ctx, `UPDATE file_metadata SET deleted_at = $1, trash_id = $2, revision = revision + 1 WHERE id = $3`, c.now, id, f.ID); err != nil {
		return err
	}
	f.Revision++
	c.set.removed(f, changeTrashed)
	c.set.inSpace(f.Owner, spaceCounts{trash: f.Size})
	return s.insertTrash(ctx, c, id, kindFile, f.ID, f.Owner, f.audience, f.Name, f.Folder, counts{1, f.Size})
}

// insertTrash notes in the trash what was put there, and where it was.
func (s store) insertTrash(ctx context.Context, c *changing, id string, kind itemKind, item, owner, audience, name, folder string, size counts) error {
	path, err := s.pathOf(ctx, c.tx, folder)
	if err != nil {
		return err
	}
	names := []string{}
	for _, at := range path[min(1, len(path)):] {
		names = append(names, at.Name)
	}
	_, err = c.tx.Exec(ctx, `INSERT INTO trash (id, kind, item_id, owner_id, audience, name, folder_id, path, files, bytes, deleted_at, deleted_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		id, string(kind), item, owner, audience, name, folder, string(appendStrings(nil, names)), size.files, size.bytes, c.now, c.set.actor)
	return err
}

// trashReplacedFolder puts a folder with all that lies in it into the trash. The set's totals
// of folders are settled.
func (s store) trashReplacedFolder(ctx context.Context, c *changing, d *Folder) error {
	if err := s.untagTree(ctx, c, d); err != nil {
		return err
	}
	rows, err := c.tx.Query(ctx, belowTree+`SELECT audience, count(*), CAST(coalesce(sum(size), 0) AS bigint) FROM file_metadata WHERE id IN (`+treeFiles+`) GROUP BY audience`, d.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var audience string
		var n counts
		if err := rows.Scan(&audience, &n.files, &n.bytes); err != nil {
			return err
		}
		less := counts{-n.files, -n.bytes}
		by := c.set.usage[audience]
		by.add(less)
		c.set.usage[audience] = by
		c.set.inSpace(d.Owner, spaceCounts{counts: less, trash: n.bytes})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := rows.Close(); err != nil {
		return err
	}
	id := uuid.NewString()
	if _, err := c.tx.Exec(ctx, belowTree+`UPDATE file_metadata SET deleted_at = $2, trash_id = $3, revision = revision + 1 WHERE id IN (`+treeFiles+`)`, d.ID, c.now, id); err != nil {
		return err
	}
	if _, err := c.tx.Exec(ctx, belowTree+`UPDATE folders SET deleted_at = $2, trash_id = $3, revision = revision + 1 WHERE id IN (SELECT id FROM below)`, d.ID, c.now, id); err != nil {
		return err
	}
	d.Revision++
	c.set.inFolder(d.Parent, d.totals().negative())
	c.set.noteFolder(d, changeTrashed, nil)
	return s.insertTrash(ctx, c, id, kindFolder, d.ID, d.Owner, d.audience(), d.Name, d.Parent, d.counts)
}

// untagTree takes the files in a folder from the lists of their tags.
func (s store) untagTree(ctx context.Context, c *changing, d *Folder) error {
	rows, err := c.tx.Query(ctx, belowTree+`SELECT n.tag, t.audience, count(*) FROM file_tags t JOIN tag_names n ON n.id = t.tag_id
		WHERE t.file_id IN (`+treeFiles+`) GROUP BY n.tag, t.audience`, d.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tag, audience string
		var n int64
		if err := rows.Scan(&tag, &audience, &n); err != nil {
			return err
		}
		c.set.tags.count(tag, audience, -n)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := rows.Close(); err != nil {
		return err
	}
	_, err = c.tx.Exec(ctx, belowTree+`DELETE FROM file_tags WHERE file_id IN (`+treeFiles+`)`, d.ID)
	return err
}
