package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"homeserver/internal/files/vault"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
)

// originalPlace is a file that was not adopted when a snapshot was made: its content is a blob there,
// and belongs at the original's place when it is restored.
type originalPlace struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

// copyOriginals copies files that are not adopted and lists where they belong.
func (b *backup) copyOriginals(ctx context.Context) error {
	if len(b.originals) == 0 {
		return nil
	}
	return b.part(originalsPart, func(w io.Writer) error {
		packed, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
		lines := json.NewEncoder(packed)
		for i := range b.originals {
			c, err := b.copyOriginal(ctx, &b.originals[i])
			if err != nil {
				return errors.Join(err, packed.Close())
			}
			if c.SHA256 == "" {
				continue
			}
			b.extra = append(b.extra, c)
			if err := lines.Encode(originalPlace{b.originals[i].path, c.SHA256}); err != nil {
				return errors.Join(err, packed.Close())
			}
		}
		return packed.Close()
	})
}

// copyOriginal copies one; adoption may be moving it at this moment.
func (b *backup) copyOriginal(ctx context.Context, row *File) (c vault.Content, err error) {
	at := *row
	content, err := b.f.openAt(ctx, &at)
	if errors.Is(err, blob.ErrNotExist) {
		fresh, lookErr := b.f.store.any(ctx, row.ID)
		if lookErr != nil {
			return c, lookErr
		}
		if fresh != nil {
			content, err = b.f.openAt(ctx, fresh)
		}
	}
	if errors.Is(err, blob.ErrNotExist) {
		return c, nil // the original lost it long ago; check reports it
	}
	if err != nil {
		return c, b.lose(ctx, vault.Content{Size: row.Size}, err)
	}
	defer content.Close()
	c.SHA256, c.Size, err = b.vault.Put(ctx, "", content)
	var source vault.SourceError
	if errors.As(err, &source) {
		return vault.Content{}, b.lose(ctx, vault.Content{Size: row.Size}, err)
	}
	if err == nil {
		b.copied(c.Size)
	}
	return c, err
}

// restoreOriginals puts files that were not adopted where the database looks for them.
func (b *StoredBackup) restoreOriginals(ctx context.Context, store blob.Store) error {
	if _, some := b.Part(originalsPart); !some {
		return nil
	}
	in, err := b.Open(originalsPart)
	if err != nil {
		return err
	}
	defer in.Close()
	packed, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer packed.Close()
	root, err := os.OpenRoot(store.Place())
	if err != nil {
		return errs.Wrap(errs.Unavailable, "The storage directory cannot be opened.", err)
	}
	defer root.Close()
	for lines := json.NewDecoder(packed); ; {
		var o originalPlace
		if err := lines.Decode(&o); errors.Is(err, io.EOF) {
			return syncFolder(store.Place())
		} else if err != nil {
			return err
		}
		if err := b.restoreOriginal(ctx, root, o); err != nil {
			return fmt.Errorf("%s: %w", o.Path, err)
		}
	}
}

func (b *StoredBackup) restoreOriginal(ctx context.Context, root *os.Root, o originalPlace) error {
	name := filepath.FromSlash(path.Clean(o.Path))
	if !filepath.IsLocal(name) || !blob.ValidDigest(o.SHA256) {
		return nil // the server would not look there either
	}
	in, err := b.v.OpenBlob(o.SHA256)
	if err != nil {
		return nil //nolint:nilerr // reported with the contents that the backup lacks
	}
	defer in.Close()
	if err := root.MkdirAll(filepath.Dir(name), privateDir); err != nil {
		return err
	}
	if _, err := root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return err // restored by an earlier attempt, or never lost
	}
	// It bears its name when it is whole: half of one that a killed restore left would be taken
	// for the file by the next.
	temp := name + restoringEnd
	out, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateFile)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, readUntil{ctx, in})
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = root.Rename(temp, name)
	}
	if err != nil {
		_ = root.Remove(temp)
	}
	return err
}
