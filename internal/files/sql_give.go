package files

import "context"

// belowTree is the folder $1 and all below it that are not in the trash.
const belowTree = `WITH RECURSIVE below (id) AS (
		SELECT id FROM folders WHERE id = $1
		UNION SELECT d.id FROM folders d JOIN below ON d.parent_id = below.id WHERE d.deleted_at IS NULL
	) `

// treeFiles are the files in belowTree.
const treeFiles = `SELECT f.id FROM file_metadata f JOIN below ON f.folder_id = below.id WHERE f.deleted_at IS NULL`

// newAudience is who sees a file that goes from one owner to another, $2 and $3, beside
// administrators: what the household gives away is the new owner's alone, what it gets
// everybody's; what one person gives to another stays as shared as it was.
const newAudience = `CASE WHEN $2 = '' THEN $3 WHEN $3 = '' THEN '' WHEN audience = $2 THEN $3 ELSE audience END`

// giveTree makes all that lies in a folder its owner's, to whom it came from another. It is the
// one change of a folder that costs what lies in it.
func (s store) giveTree(ctx context.Context, c *changing, d *Folder, from string) error {
	if err := s.giveTags(ctx, c, d, from); err != nil {
		return err
	}
	if err := s.giveCounts(ctx, c, d, from); err != nil {
		return err
	}
	if err := s.giveVersions(ctx, c, from, d.Owner, `file_id IN (`+belowTree+treeFiles+`)`, d.ID); err != nil {
		return err
	}
	if _, err := c.tx.Exec(ctx, belowTree+`UPDATE file_metadata SET audience = `+newAudience+`, owner_id = $4, revision = revision + 1
		WHERE folder_id IN (SELECT id FROM below) AND deleted_at IS NULL`, d.ID, from, d.Owner, d.Owner); err != nil {
		return err
	}
	_, err := c.tx.Exec(ctx, belowTree+`UPDATE folders SET owner_id = $2, revision = revision + 1 WHERE id IN (SELECT id FROM below) AND id <> $3`, d.ID, d.Owner, d.ID)
	return err
}

// giveTags counts tags for whom the files that bear them are there from now on.
func (s store) giveTags(ctx context.Context, c *changing, d *Folder, from string) error {
	rows, err := c.tx.Query(ctx, belowTree+`SELECT n.tag, t.audience, `+newAudience+`, count(*) FROM file_tags t JOIN tag_names n ON n.id = t.tag_id
		WHERE t.file_id IN (`+treeFiles+`) GROUP BY n.tag, t.audience`, d.ID, from, d.Owner)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tag, was, now string
		var n int64
		if err := rows.Scan(&tag, &was, &now, &n); err != nil {
			return err
		}
		c.set.tags.count(tag, was, -n)
		c.set.tags.count(tag, now, n)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := rows.Close(); err != nil {
		return err
	}
	_, err = c.tx.Exec(ctx, belowTree+`UPDATE file_tags SET audience = `+newAudience+` WHERE file_id IN (`+treeFiles+`)`, d.ID, from, d.Owner)
	return err
}

// giveCounts counts the files for their new audience and their new owner.
func (s store) giveCounts(ctx context.Context, c *changing, d *Folder, from string) error {
	rows, err := c.tx.Query(ctx, belowTree+`SELECT audience, `+newAudience+`, count(*), CAST(coalesce(sum(size), 0) AS bigint) FROM file_metadata
		WHERE id IN (`+treeFiles+`) GROUP BY audience`, d.ID, from, d.Owner)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var was, now string
		var n counts
		if err := rows.Scan(&was, &now, &n.files, &n.bytes); err != nil {
			return err
		}
		c.set.usage.shift(was, now, n)
		c.set.inSpace(from, spaceCounts{counts: counts{-n.files, -n.bytes}})
		c.set.inSpace(d.Owner, spaceCounts{counts: n})
	}
	return rows.Err()
}

// shift counts files for another audience.
func (by countsBy) shift(was, now string, n counts) {
	less := by[was]
	less.add(counts{-n.files, -n.bytes})
	by[was] = less
	more := by[now] // of the same audience, perhaps
	more.add(n)
	by[now] = more
}
