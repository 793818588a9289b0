package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/failpoint"
)

// Open implements blob.Reader.
func (s *Store) Open(ctx context.Context, sha256 string) (blob.File, error) {
	if !blob.ValidDigest(sha256) {
		return nil, blob.ErrNotExist
	}
	f, err := openPlain(s.path(sha256))
	if err != nil {
		return nil, s.cannotRead(ctx, err)
	}
	return f, nil
}

// openPlain opens a regular file. A link could lead out of the store, and whoever opens a pipe
// waits for ever: for readers as for Stat, anything but a file is no content.
func openPlain(path string) (*os.File, error) {
	f, err := openNoFollow(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// Load implements blob.Loader.
func (s *Store) Load(ctx context.Context, sha256 string, buf []byte) (int, error) {
	if !blob.ValidDigest(sha256) {
		return 0, blob.ErrNotExist
	}
	n, err := readFile(s.path(sha256), buf)
	if err != nil {
		return n, s.cannotRead(ctx, err)
	}
	return n, nil
}

// Stat implements blob.Reader.
func (s *Store) Stat(ctx context.Context, sha256 string) (blob.Info, error) {
	if !blob.ValidDigest(sha256) {
		return blob.Info{}, blob.ErrNotExist
	}
	info, err := os.Lstat(s.path(sha256))
	if err != nil {
		return blob.Info{}, s.cannotRead(ctx, err)
	}
	if !info.Mode().IsRegular() {
		return blob.Info{}, blob.ErrNotExist
	}
	return blob.Info{SHA256: sha256, Size: info.Size()}, nil
}

// Walk implements blob.Remover. Names that are no digests are not the store's and are passed by.
func (s *Store) Walk(ctx context.Context, fn func(blob.Info) error) error {
	if err := s.verify(ctx); err != nil {
		return err
	}
	folders, err := os.ReadDir(filepath.Join(s.root, blobsDir))
	if err != nil {
		return s.emptyOr(ctx, err)
	}
	for _, folder := range folders {
		entries, err := os.ReadDir(filepath.Join(s.root, blobsDir, folder.Name()))
		if err != nil {
			continue // a stray file, or removed meanwhile
		}
		for _, entry := range entries {
			name := entry.Name()
			if !blob.ValidDigest(name) || name[:2] != folder.Name() || !entry.Type().IsRegular() {
				continue
			}
			info, err := entry.Info()
			if err != nil {
				continue // removed meanwhile
			}
			if err := fn(blob.Info{SHA256: name, Size: info.Size()}); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// emptyOr lets a folder that does not exist count as empty if the store itself is there.
func (s *Store) emptyOr(ctx context.Context, err error) error {
	if err = s.missing(ctx, err); errors.Is(err, blob.ErrNotExist) {
		return nil
	}
	return err
}

// Remove implements blob.Remover.
func (s *Store) Remove(ctx context.Context, sha256 string) error {
	if !blob.ValidDigest(sha256) {
		return nil
	}
	if err := s.verify(ctx); err != nil {
		return err
	}
	failpoint.Hit("before-unlink")
	if err := os.Remove(s.path(sha256)); err != nil {
		return s.emptyOr(ctx, err)
	}
	failpoint.Hit("after-unlink")
	return nil
}

// Quarantine implements blob.Remover. The new name bears the time, so that nothing that lies
// there already is replaced.
func (s *Store) Quarantine(ctx context.Context, sha256 string) (string, error) {
	return s.quarantine(ctx, sha256, func(string) bool { return true })
}

// QuarantineOpened implements blob.Remover. Between the look at the name and the rename another
// process may still publish over it; so what was moved is looked at again, and put back.
func (s *Store) QuarantineOpened(ctx context.Context, sha256 string, opened blob.File) (string, error) {
	info, err := opened.Stat()
	_ = opened.Close() // Windows renames no open file
	if err != nil {
		return "", explain(err)
	}
	return s.quarantine(ctx, sha256, func(path string) bool {
		found, err := os.Lstat(path)
		return err != nil || os.SameFile(info, found) // what is not there, the rename tells
	})
}

// putBack gives a good file its name back, and ErrNotExist for what was to be moved. If the
// same content has been published once more, that has the name, and this stays where it is.
func (s *Store) putBack(sha256, from string) error {
	err := linkNew(from, s.path(sha256))
	if errors.Is(err, fs.ErrExist) {
		return blob.ErrNotExist
	}
	if err == nil {
		err = s.syncer.Dir(s.folderOf(sha256))
	}
	if err != nil {
		return explain(err)
	}
	_ = os.Remove(from) // the name it had before, unless linkNew has renamed it
	return blob.ErrNotExist
}

func (s *Store) quarantine(ctx context.Context, sha256 string, meant func(path string) bool) (string, error) {
	if !blob.ValidDigest(sha256) {
		return "", blob.ErrNotExist
	}
	dir := filepath.Join(s.root, quarantineDir)
	if err := s.makeDir(ctx, dir); err != nil {
		return "", err
	}
	name := fmt.Sprintf("%s.%s", sha256, time.Now().UTC().Format("20060102T150405.000000000"))
	to := filepath.Join(dir, name)
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return "", explain(fmt.Errorf("%s is taken: %w", to, err))
	}
	if !meant(s.path(sha256)) {
		return "", blob.ErrNotExist
	}
	if err := os.Rename(s.path(sha256), to); err != nil {
		return "", s.missing(ctx, err)
	}
	if !meant(to) {
		return "", s.putBack(sha256, to)
	}
	err := errors.Join(s.syncer.Dir(dir), s.syncer.Dir(s.folderOf(sha256)))
	return quarantineDir + "/" + name, explain(err)
}
