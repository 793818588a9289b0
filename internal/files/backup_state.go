package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"homeserver/internal/platform/errs"
)

// restoringEnd marks what a restore has not written in full. What a killed one left is overwritten.
const restoringEnd = ".restoring"

// state copies what the house keeps beside database and storage.
func (b *backup) state(ctx context.Context) error {
	for _, name := range b.f.lent.State {
		top := filepath.Join(b.f.lent.DataDir, name)
		err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && path == top {
				return nil
			}
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			rel, err := filepath.Rel(b.f.lent.DataDir, path)
			if err != nil {
				return err
			}
			in, err := os.Open(path)
			if err != nil {
				return err
			}
			defer in.Close()
			return b.part(statePrefix+filepath.ToSlash(rel), func(w io.Writer) error {
				_, err := io.Copy(w, readUntil{ctx, in})
				return err
			})
		})
		if err != nil {
			return errs.Wrap(errs.Unavailable, fmt.Sprintf("%s cannot be read. A backup without it could not be used in full.", top), err)
		}
	}
	return nil
}

// RestoreState gives back what the house keeps in DATA_DIR. What is there and differs is kept
// beside it, under a name of its own.
func (b *StoredBackup) RestoreState(ctx context.Context, dataDir string) error {
	root, err := os.OpenRoot(dataDir)
	if err != nil {
		return errs.Wrap(errs.Unavailable, fmt.Sprintf("DATA_DIR %s cannot be opened.", dataDir), err)
	}
	defer root.Close()
	for _, p := range b.Parts {
		rest, ours := strings.CutPrefix(p.Name, statePrefix)
		if !ours || !filepath.IsLocal(filepath.FromSlash(rest)) {
			continue
		}
		in, err := b.Open(p.Name)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(readUntil{ctx, in})
		in.Close()
		if err == nil {
			err = putState(root, filepath.FromSlash(rest), text)
		}
		if err != nil {
			return errs.Wrap(errs.Unavailable, fmt.Sprintf("%s cannot be written into DATA_DIR %s.", rest, dataDir), err)
		}
	}
	return syncFolder(dataDir)
}

func putState(root *os.Root, name string, text []byte) error {
	present, err := root.ReadFile(name)
	switch {
	case err == nil && bytes.Equal(present, text):
		return nil
	case err == nil:
		if err := root.Rename(name, name+".before-restore"); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := root.MkdirAll(filepath.Dir(name), privateDir); err != nil {
		return err
	}
	temp := name + restoringEnd
	out, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateFile)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return root.Rename(temp, name)
}
