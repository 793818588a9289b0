package files

import (
	"cmp"
	"context"
	"slices"

	"homeserver/internal/platform/failpoint"
	"homeserver/internal/platform/sqldb"
)

// insert stores a batch of uploads in one transaction; inPlace looks in the middle of it, while
// the blob rows are locked against the collector, whether their content is there. It may run
// twice. It returns what became of each, and what changed.
func (s store) insert(ctx context.Context, batch []*upload, now int64, inPlace func() error) (list []placed, a applied, err error) {
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		spaces, err := s.lockSpaces(ctx, tx, now, owners(batch)...)
		if err != nil {
			return err
		}
		if err := insertBlobs(ctx, tx, batch, now); err != nil {
			return err
		}
		failpoint.Hit("after-blob-row")
		if err := inPlace(); err != nil {
			return err
		}
		c := &changing{tx: tx, set: newChangeSet(ctx), spaces: spaces, now: now}
		if err := s.healUploaded(ctx, tx, c.set, now, arrived(batch)...); err != nil {
			return err
		}
		if list, err = s.place(ctx, c, batch); err != nil {
			return err
		}
		if err := finishResumables(ctx, tx, batch, list); err != nil {
			return err
		}
		a, err = c.set.apply(ctx, tx, now)
		failpoint.Hit("before-commit")
		return err
	})
	return list, a, err
}

// owners are those whose trees a batch touches.
func owners(batch []*upload) []string {
	list := make([]string, len(batch))
	for i, u := range batch {
		list[i] = u.Owner
	}
	return list
}

// arrived are the digests of the content that has come with a batch; of some it was here before.
func arrived(batch []*upload) []string {
	list := make([]string, 0, len(batch))
	for _, u := range batch {
		if u.staged.ID != "" {
			list = append(list, u.SHA256)
		}
	}
	return list
}

// insertBlobs adds or revives the blob rows, and so holds their locks until COMMIT.
func insertBlobs(ctx context.Context, tx *sqldb.Tx, batch []*upload, now int64) error {
	byDigest := slices.Clone(batch)
	slices.SortFunc(byDigest, func(a, b *upload) int { return cmp.Compare(a.SHA256, b.SHA256) })
	byDigest = slices.CompactFunc(byDigest, func(a, b *upload) bool { return a.SHA256 == b.SHA256 })
	args := make([]any, 0, 3*len(byDigest))
	for _, u := range byDigest {
		args = append(args, u.SHA256, u.Size, now)
	}
	return insertRows(ctx, tx, `INSERT INTO blobs (sha256, size, created_at)`, 3, `ON CONFLICT (sha256) DO UPDATE SET unreferenced_at = NULL, found = 0`, args)
}

func (s store) insertFiles(ctx context.Context, tx *sqldb.Tx, batch []*upload) error {
	const width = 13
	args := make([]any, 0, width*len(batch))
	for _, u := range batch {
		args = append(args, u.ID, u.Name, u.ContentType, u.Size, u.path, s.db.Time(u.Uploaded), encodeTags(u.Tags), u.SHA256, u.key, u.Owner, u.audience, u.Folder, u.modified())
	}
	return insertRows(ctx, tx, `INSERT INTO file_metadata (id, filename, content_type, size, storage_path, upload_date, tags, sha256, name_key, owner_id, audience, folder_id, modified_at)`, width, "", args)
}
