package diskblob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/failpoint"
)

// legacyFolder is the length of the original's folder names.
const legacyFolder = 2

// legal cleans a path of the original's and reports whether it may be touched at all.
func legal(p string) (string, bool) {
	if p == "" || strings.ContainsRune(p, 0) || !filepath.IsLocal(filepath.FromSlash(p)) {
		return "", false
	}
	p = path.Clean(filepath.ToSlash(p))
	first, _, _ := strings.Cut(p, "/")
	own := []string{".", blobsDir, incomingDir, quarantineDir, manifestsDir}
	if slices.ContainsFunc(own, func(name string) bool { return strings.EqualFold(name, first) }) {
		return "", false // EqualFold: file systems of macOS and Windows know no case
	}
	if len(first) >= len(markerFile) && strings.EqualFold(first[:len(markerFile)], markerFile) {
		return "", false
	}
	return p, true
}

// look opens the store's directory and makes sure that p leads to a regular file through
// real directories only. The caller closes the root.
func (s *Store) look(ctx context.Context, p string) (*os.Root, string, fs.FileInfo, error) {
	clean, ok := legal(p)
	if !ok {
		return nil, "", nil, blob.ErrNotExist
	}
	root, err := os.OpenRoot(s.root)
	if err != nil {
		return nil, "", nil, isAway(err)
	}
	info, err := lookAt(root, clean)
	if err != nil {
		_ = root.Close()
		return nil, "", nil, s.cannotRead(ctx, err)
	}
	return root, clean, info, nil
}

func lookAt(root *os.Root, clean string) (info fs.FileInfo, err error) {
	for i := range len(clean) + 1 {
		if i < len(clean) && clean[i] != '/' {
			continue
		}
		if info, err = root.Lstat(clean[:i]); err != nil {
			return nil, asMissing(err)
		}
		if i < len(clean) && !info.IsDir() {
			return nil, fs.ErrNotExist
		}
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	return info, nil
}

// asMissing makes "a path like this cannot exist" the same as "does not exist".
func asMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || isImpossible(err) {
		return fs.ErrNotExist
	}
	return err
}

// OpenLegacy implements blob.Legacy.
func (s *Store) OpenLegacy(ctx context.Context, p string) (blob.File, error) {
	root, clean, seen, err := s.look(ctx, p)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(clean)
	if err != nil {
		return nil, s.cannotRead(ctx, asMissing(err))
	}
	if opened, err := f.Stat(); err != nil || !os.SameFile(seen, opened) {
		_ = f.Close()
		return nil, blob.ErrNotExist // replaced while we looked
	}
	return f, nil
}

// Adopt implements blob.Legacy. The original never synced its files, so that is done first.
func (s *Store) Adopt(ctx context.Context, p, sha256 string) error {
	if !blob.ValidDigest(sha256) {
		return blob.ErrNotExist
	}
	if err := s.verify(ctx); err != nil {
		return err
	}
	root, clean, _, err := s.look(ctx, p)
	if errors.Is(err, blob.ErrNotExist) {
		_, err = s.Stat(ctx, sha256) // moved by an earlier call
		return err
	}
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := root.OpenFile(clean, os.O_RDWR, 0) // fsync wants a writable handle on Windows
	if err == nil {
		err = errors.Join(s.syncer.File(f), f.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return explain(err)
	}
	failpoint.Hit("adopt-before-rename")
	if err := s.moveLegacy(ctx, root, clean, sha256); err != nil {
		return err
	}
	failpoint.Hit("adopt-after-rename")
	return explain(errors.Join(s.syncer.Dir(s.folderOf(sha256)), s.syncer.Dir(filepath.Join(s.root, filepath.FromSlash(path.Dir(clean))))))
}

func (s *Store) moveLegacy(ctx context.Context, root *os.Root, clean, sha256 string) error {
	to := blob.Path(sha256)
	err := root.Rename(clean, to)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.makeDir(ctx, s.folderOf(sha256)); err != nil {
			return err
		}
		err = root.Rename(clean, to)
	}
	return explain(err)
}

// WalkLegacy implements blob.Legacy.
func (s *Store) WalkLegacy(ctx context.Context, fn func(p string, size int64) error) error {
	if err := s.verify(ctx); err != nil {
		return err
	}
	folders, err := os.ReadDir(s.root)
	if err != nil {
		return s.missing(ctx, err)
	}
	for _, folder := range folders {
		if len(folder.Name()) != legacyFolder || !folder.IsDir() {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(s.root, folder.Name()))
		if err != nil {
			return explain(err)
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
			if err := fn(folder.Name()+"/"+entry.Name(), info.Size()); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
