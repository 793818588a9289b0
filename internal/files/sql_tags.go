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
	tag     string
	by      int64
	private map[string]int64 // by audience: of the files that only their owner sees
	id      int64
}

// tagging is a file's tag, with the file's audience at the time.
type tagging struct {
	key      string
	file     *File
	audience string
}

func newTagChanges() *tagChanges { return &tagChanges{tags: map[string]*tagChange{}} }

// add gives a file its tags, remove takes them away.
func (c *tagChanges) add(f *File)    { c.gain(f, f.Tags) }
func (c *tagChanges) remove(f *File) { c.lose(f, f.Tags) }

// change turns a file's tags from what they were into what they are.
func (c *tagChanges) change(old, now *File) {
	if old.audience != now.audience {
		c.remove(old)
		c.add(now)
		return
	}
	c.lose(now, without(old.Tags, now.Tags))
	c.gain(now, without(now.Tags, old.Tags))
}

func (c *tagChanges) gain(f *File, tags []string) {
	for _, tag := range tags {
		c.count(tag, f.audience, 1)
		c.gained = append(c.gained, tagging{tagKey(tag), f, f.audience})
	}
}

// list puts a file into the lists of its tags, which have counted it, or will.
func (c *tagChanges) list(f *File) {
	for _, tag := range f.Tags {
		c.count(tag, f.audience, 0)
		c.gained = append(c.gained, tagging{tagKey(tag), f, f.audience})
	}
}

func (c *tagChanges) lose(f *File, tags []string) {
	for _, tag := range tags {
		c.count(tag, f.audience, -1)
		c.lost = append(c.lost, tagging{tagKey(tag), f, f.audience})
	}
}

func (c *tagChanges) count(tag, audience string, by int64) {
	key := tagKey(tag)
	t := c.tags[key]
	if t == nil {
		t = &tagChange{tag: tag}
		c.tags[key] = t
	}
	t.by += by
	if audience == household {
		return
	}
	if t.private == nil {
		t.private = map[string]int64{}
	}
	t.private[audience] += by
}

// apply writes it all.
func (c *tagChanges) apply(ctx context.Context, tx *sqldb.Tx) error {
	keys := slices.Sorted(maps.Keys(c.tags))
	for _, key := range keys {
		t := c.tags[key]
		err := tx.QueryRow(ctx, `INSERT INTO tag_names (tag, tag_key, files) VALUES ($1, $2, $3)
			ON CONFLICT (tag_key) DO UPDATE SET files = tag_names.files + excluded.files RETURNING id`, t.tag, key, t.by).Scan(&t.id)
		if err != nil {
			return err
		}
	}
	for _, key := range keys {
		if err := c.tags[key].applyPrivate(ctx, tx); err != nil {
			return err
		}
	}
	for _, t := range c.lost {
		if _, err := tx.Exec(ctx, `DELETE FROM file_tags WHERE tag_id = $1 AND upload_date = $2 AND file_id = $3`,
			c.tags[t.key].id, tx.Time(t.file.Uploaded), t.file.ID); err != nil {
			return err
		}
	}
	const width = 4
	args := make([]any, 0, width*len(c.gained))
	for _, t := range c.gained {
		args = append(args, c.tags[t.key].id, tx.Time(t.file.Uploaded), t.file.ID, t.audience)
	}
	return insertRows(ctx, tx, `INSERT INTO file_tags (tag_id, upload_date, file_id, audience)`, width, "", args)
}

// applyPrivate counts the files that only their owner sees, in the order of audiences.
func (t *tagChange) applyPrivate(ctx context.Context, tx *sqldb.Tx) error {
	for _, audience := range slices.Sorted(maps.Keys(t.private)) {
		if t.private[audience] == 0 {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO tag_private (tag_id, audience, files) VALUES ($1, $2, $3)
			ON CONFLICT (tag_id, audience) DO UPDATE SET files = tag_private.files + excluded.files`, t.id, audience, t.private[audience]); err != nil {
			return err
		}
	}
	return nil
}

// tagCount is a tag and the number of files that bear it.
type tagCount struct {
	Tag   string `json:"tag" example:"holiday"`
	Files int64  `json:"files" example:"3"`
}

// dropUnusedTags forgets tags that no file bears. In the trash a large folder's files may still be
// in the lists of their tags, or again: tags are held while it is looked for that.
func (s store) dropUnusedTags(ctx context.Context) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM tag_private WHERE files = 0`); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if tx.Dialect() == sqldb.Postgres { // on SQLite there is one writer at a time
			if _, err := sqldb.Texts(ctx, tx, `SELECT tag_key FROM tag_names WHERE files = 0 ORDER BY tag_key FOR UPDATE`); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `DELETE FROM tag_names WHERE files = 0 AND NOT EXISTS (SELECT 1 FROM file_tags t WHERE t.tag_id = tag_names.id)`)
		return err
	})
}
