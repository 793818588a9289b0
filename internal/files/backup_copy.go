package files

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"homeserver/internal/files/vault"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/sqldb"
)

// say tells how far the run is.
func (b *backup) say(step string) {
	b.progress.Step = step
	b.tell()
}

func (b *backup) tell() {
	now := b.progress
	b.f.backups.set(&now)
	if b.options.Progress != nil {
		b.options.Progress(now)
	}
}

// draftContents lists what the files of q have.
func (b *backup) draftContents(ctx context.Context, q sqldb.Querier) error {
	out, err := os.OpenFile(b.draft.Path(contentsDraft), os.O_WRONLY|os.O_CREATE|os.O_EXCL, privateFile)
	if err != nil {
		return err
	}
	defer out.Close()
	w, err := vault.NewContentsWriter(out)
	if err != nil {
		return err
	}
	return errors.Join(b.f.store.eachContent(ctx, q, w.Write), w.Close())
}

// eachContent calls fn with the draft's list.
func (b *backup) eachContent(fn func(vault.Content) error) error {
	list, err := b.draft.Contents(contentsDraft)
	if err != nil {
		return err
	}
	defer list.Close()
	for {
		c, err := list.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = fn(c)
		}
		if err != nil {
			return err
		}
	}
}

// eachNew calls fn with what of the list is not in the directory of backups.
func (b *backup) eachNew(ctx context.Context, fn func(vault.Content) error) error {
	folder, have := "", map[string]int64{}
	return b.eachContent(func(c vault.Content) (err error) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if next := c.SHA256[:2]; next != folder {
			folder = next
			if have, err = b.vault.List(folder); err != nil {
				return err
			}
		}
		if size, ok := have[c.SHA256]; ok && size == c.Size {
			return nil
		}
		return fn(c)
	})
}

// copyContents copies what is new, and the originals, which are always compared.
func (b *backup) copyContents(ctx context.Context) error {
	b.progress = BackupProgress{Step: "copy"}
	if err := b.eachNew(ctx, func(c vault.Content) error {
		b.progress.OfFiles++
		b.progress.OfBytes += c.Size
		return nil
	}); err != nil {
		return err
	}
	b.tell()
	if err := b.eachNew(ctx, func(c vault.Content) error { return b.copyOne(ctx, c) }); err != nil {
		return err
	}
	if err := b.copyOriginals(ctx); err != nil {
		return err
	}
	return b.vault.Flush(ctx)
}

// copyOne copies one content. One that is missing or damaged does not keep the others from
// being saved.
func (b *backup) copyOne(ctx context.Context, c vault.Content) error {
	content, err := b.openContent(ctx, c.SHA256)
	if err != nil {
		return b.lose(ctx, c, err)
	}
	_, size, err := b.vault.Put(ctx, c.SHA256, content)
	content.Close()
	var source vault.SourceError
	if errors.Is(err, vault.ErrDamaged) || errors.As(err, &source) {
		return b.lose(ctx, c, err)
	}
	if err != nil {
		return err
	}
	b.copied(size)
	return nil
}

func (b *backup) copied(size int64) {
	b.report.NewFiles++
	b.report.NewBytes += size
	b.progress.Files++
	b.progress.Bytes += size
	b.tell()
}

// openContent opens content at its blob's place, or at the original's while it is being adopted.
func (b *backup) openContent(ctx context.Context, digest string) (blob.File, error) {
	content, err := b.f.blobs.Open(ctx, digest)
	if !errors.Is(err, blob.ErrNotExist) {
		return content, err
	}
	row, lookErr := b.f.store.withContent(ctx, digest)
	if lookErr != nil {
		return nil, lookErr
	}
	if row == nil || row.adopted() {
		return nil, err
	}
	return b.f.openAt(ctx, row)
}

// lose notes content that cannot be saved. While the storage as a whole is away that is no
// single content's trouble, and the run fails.
func (b *backup) lose(ctx context.Context, c vault.Content, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !errors.Is(err, vault.ErrDamaged) && !errors.Is(err, blob.ErrNotExist) {
		if away := b.f.blobs.Readable(ctx); away != nil {
			return away
		}
	}
	reason := "it cannot be read"
	switch {
	case errors.Is(err, vault.ErrDamaged):
		reason = "it does not match its digest"
	case errors.Is(err, blob.ErrNotExist):
		reason = "it is not in the storage"
	}
	b.f.log.Error("content is not in the backup", "sha256", c.SHA256, "size", c.Size, "reason", reason, "error", err)
	b.report.Lost = append(b.report.Lost, vault.Lost{SHA256: c.SHA256, Size: c.Size, Reason: reason})
	return nil
}

// listContents writes the final list: the draft's with what the originals turned out to be.
func (b *backup) listContents() error {
	slices.SortFunc(b.extra, func(a, c vault.Content) int { return strings.Compare(a.SHA256, c.SHA256) })
	extra := slices.CompactFunc(b.extra, func(a, c vault.Content) bool { return a.SHA256 == c.SHA256 })
	err := b.part(vault.ContentsPart, func(out io.Writer) error {
		w, err := vault.NewContentsWriter(out)
		if err != nil {
			return err
		}
		err = b.eachContent(func(c vault.Content) error {
			for len(extra) > 0 && extra[0].SHA256 <= c.SHA256 {
				if extra[0].SHA256 < c.SHA256 {
					if err := w.Write(extra[0]); err != nil {
						return err
					}
				}
				extra = extra[1:]
			}
			return w.Write(c)
		})
		for _, c := range extra {
			if err == nil {
				err = w.Write(c)
			}
		}
		return errors.Join(err, w.Close())
	})
	return errors.Join(err, os.Remove(b.draft.Path(contentsDraft)))
}

// reread reads everything in the directory of backups again. What is damaged is put aside, and
// so copied anew.
func (b *backup) reread(ctx context.Context) error {
	b.progress = BackupProgress{Step: "verify"}
	b.tell()
	list, err := b.draft.Contents(contentsDraft)
	if err != nil {
		return err
	}
	defer list.Close()
	found := vault.Verified{}
	err = b.vault.VerifyContents(ctx, list, true, &found, func(files, bytes int64) {
		b.progress.Files, b.progress.Bytes = files, bytes
		b.tell()
	})
	b.report.Repaired = len(found.Damaged)
	return err
}
