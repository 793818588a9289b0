package files

import (
	"context"
	"maps"
	"slices"

	"homeserver/internal/platform/sqldb"
)

// tagChanges collects what a transaction changes about tags: which files gain and lose which,
// so that each tag's counter is touched once, in the order of keys.
type tagChanges struct {
	tags   map[string]*tagChange // by tagKey
	gained []tagging
	lost   []tagging
}

type tagChange struct {
	tag string
	by  int64
	id  int64
}

type tagging struct {
	key  string
	file *File
}

func newTagChanges() *tagChanges { return &tagChanges{tags: map[string]*tagChange{}} }

// add gives a file its tags, remove takes them away.
func (c *tagChanges) add(f *File)    { c.gain(f, f.Tags) }
func (c *tagChanges) remove(f *File) { c.lose(f, f.Tags) }

func (c *tagChanges) gain(f *File, tags []string) {
	for _, tag := range tags {
		c.count(tag, 1)
		c.gained = append(c.gained, tagging{tagKey(tag), f})
	}
}

func (c *tagChanges) lose(f *File, tags []string) {
	for _, tag := range tags {
		c.count(tag, -1)
		c.lost = append(c.lost, tagging{tagKey(tag), f})
	}
}

func (c *tagChanges) count(tag string, by int64) {
	key := tagKey(tag)
	if c.tags[key] == nil {
		c.tags[key] = &tagChange{tag: tag}
	}
	c.tags[key].by += by
}

// apply writes it all.
func (c *tagChanges) apply(ctx context.Context, tx *sqldb.Tx) error {
	for _, key := range slices.Sorted(maps.Keys(c.tags)) {
		t := c.tags[key]
		err := tx.QueryRow(ctx, `INSERT INTO tag_names (tag, tag_key, files) VALUES ($1, $2, $3)
			ON CONFLICT (tag_key) DO UPDATE SET files = tag_names.files + excluded.files RETURNING id`, t.tag, key, t.by).Scan(&t.id)
		if err != nil {
			return err
		}
	}
	for _, t := range c.lost {
		if _, err := tx.Exec(ctx, `DELETE FROM file_tags WHERE tag_id = $1 AND upload_date = $2 AND file_id = $3`,
			c.tags[t.key].id, tx.Time(t.file.Uploaded), t.file.ID); err != nil {
			return err
		}
	}
	args := make([]any, 0, 3*len(c.gained))
	for _, t := range c.gained {
		args = append(args, c.tags[t.key].id, tx.Time(t.file.Uploaded), t.file.ID)
	}
	return insertRows(ctx, tx, `INSERT INTO file_tags (tag_id, upload_date, file_id)`, 3, "", args)
}

// tagCount is a tag and the number of files that bear it.
type tagCount struct {
	Tag   string `json:"tag" example:"holiday"`
	Files int64  `json:"files" example:"3"`
}

// mostUsedTags lists tags, the most used first.
func (s store) mostUsedTags(ctx context.Context, limit int) ([]tagCount, error) {
	rows, err := s.db.Query(ctx, `SELECT tag, files FROM tag_names WHERE files > 0 ORDER BY files DESC, tag_key LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []tagCount{}
	for rows.Next() {
		var t tagCount
		if err := rows.Scan(&t.Tag, &t.Files); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// dropUnusedTags forgets tags that no file bears.
func (s store) dropUnusedTags(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `DELETE FROM tag_names WHERE files = 0`)
	return err
}
