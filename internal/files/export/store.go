package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
)

// directory is a folder of the target with the numbers given out in it.
type directory struct{ next map[string]int }

// content is something to give back.
type content struct {
	digest   string
	path     string // the original's place, where the content may still be
	size     int64
	modified time.Time // zero: as it is in the storage
}

// place finds a free name for label in dir and calls make with it: first as it is, then
// numbered, and in forms that fewer file systems refuse.
func (x *exporter) place(dir, label string, isFile bool, create func(name string) error) (string, error) {
	d := x.dirs[dir]
	if d == nil {
		d = &directory{next: map[string]int{}}
		x.dirs[dir] = d
	}
	for _, form := range []func(string) string{harmless, portable} {
		base := form(label)
		for {
			d.next[base]++
			name := path.Join(dir, numbered(base, d.next[base], isFile))
			err := create(filepath.FromSlash(name))
			switch {
			case err == nil:
				if path.Base(name) != label {
					x.report.Renamed++
				}
				return name, nil
			case errors.Is(err, fs.ErrExist):
				continue
			case isFull(err):
				return "", errs.Wrap(errs.StorageFull, "There is no more room in the target. What is there is whole; choose a larger drive and start anew.", err)
			case !refused(err):
				return "", err
			}
			break // this file system refuses the name
		}
	}
	return "", fmt.Errorf("no name was found for %q in %s", label, dir)
}

// makeDir makes a folder of the target.
func (x *exporter) makeDir(dir, label string) (string, error) {
	name, err := x.place(dir, label, false, func(name string) error { return x.target.Mkdir(name, privateDir) })
	if err == nil {
		x.report.Folders++
	}
	return name, err
}

// makeAll makes the folders that lead to a path of the target's, as they are.
func (x *exporter) makeAll(elements ...string) (string, error) {
	dir := path.Join(elements...)
	return dir, x.target.MkdirAll(filepath.FromSlash(dir), privateDir)
}

// store gives one content back under a name of its own in dir. needed says that content which is
// not there is a problem; versions may have been given up since they were written down.
func (x *exporter) store(ctx context.Context, dir, label string, c content, needed bool) (stored bool, err error) {
	source, err := x.openContent(c)
	if errors.Is(err, fs.ErrNotExist) && !needed {
		return false, nil
	}
	if err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		reason := "its content cannot be read: " + err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			reason = "its content is not in the storage"
		}
		x.report.Problems = append(x.report.Problems, Problem{Path: path.Join(dir, label), SHA256: c.digest, Size: c.size, Reason: reason})
		return false, nil
	}
	defer source.Close()
	var to *os.File
	name, err := x.place(dir, label, true, func(name string) (err error) {
		to, err = x.target.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, privateFile)
		return err
	})
	if err != nil {
		return false, err
	}
	digest, size, err := copyContent(ctx, to, source)
	err = errors.Join(err, to.Close())
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case isFull(err):
		return false, errs.Wrap(errs.StorageFull, "There is no more room in the target. Choose a larger drive and start anew.", err)
	case err != nil:
		return false, x.putAside(name, c, "its content cannot be copied: "+err.Error())
	case c.digest != "" && digest != c.digest:
		return false, x.putAside(name, c, "its content does not match its digest")
	}
	x.report.Bytes += size
	if !c.modified.IsZero() {
		if err := x.target.Chtimes(filepath.FromSlash(name), time.Time{}, c.modified); err != nil {
			return false, err
		}
	}
	if x.options.Progress != nil {
		x.options.Progress(x.report.Files+x.report.Versions+x.report.Unnamed+1, x.report.Bytes)
	}
	return true, nil
}

// putAside moves what was copied and is not right to Damaged/ and reports it.
func (x *exporter) putAside(name string, c content, reason string) error {
	problem := Problem{Path: name, SHA256: c.digest, Size: c.size, Reason: reason}
	if _, err := x.makeAll(damagedDir); err != nil {
		return err
	}
	to, err := x.place(damagedDir, path.Base(name), true, func(to string) error {
		if _, err := x.target.Lstat(to); err == nil {
			return fs.ErrExist
		}
		return x.target.Rename(filepath.FromSlash(name), to)
	})
	if err != nil {
		return err
	}
	problem.MovedTo = to
	x.report.Problems = append(x.report.Problems, problem)
	return nil
}

// openContent opens content at its blob's place or at the original's.
func (x *exporter) openContent(c content) (*os.File, error) {
	err := fs.ErrNotExist
	if blob.ValidDigest(c.digest) {
		var f *os.File
		if f, err = openRegular(x.source, filepath.FromSlash(blob.Path(c.digest))); err == nil {
			return f, nil
		}
	}
	if c.path != "" && filepath.IsLocal(filepath.FromSlash(c.path)) && errors.Is(err, fs.ErrNotExist) {
		return openRegular(x.source, filepath.FromSlash(c.path))
	}
	return nil, err
}

// openRegular opens a file and nothing else: no link, no device.
func openRegular(root *os.Root, name string) (*os.File, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	return root.Open(name)
}

// copyContent copies and hashes. Where the file system can share the bytes it only hashes.
func copyContent(ctx context.Context, to, from *os.File) (digest string, size int64, err error) {
	if clone(to, from) {
		return blob.Receive(io.Discard, readUntil{ctx, to})
	}
	return blob.Receive(to, readUntil{ctx, from})
}

// unnamed gives back content that no manifest knows, under its digest.
func (x *exporter) unnamed(ctx context.Context) error {
	folders, err := fs.ReadDir(x.source.FS(), "blobs")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, folder := range folders {
		entries, err := fs.ReadDir(x.source.FS(), "blobs/"+folder.Name())
		if err != nil {
			continue // a stray file
		}
		for _, e := range entries {
			digest := e.Name()
			if !blob.ValidDigest(digest) || x.known[digest] || !e.Type().IsRegular() {
				continue
			}
			if _, err := x.makeAll(unnamedDir); err != nil {
				return err
			}
			stored, err := x.store(ctx, unnamedDir, digest, content{digest: digest}, true)
			if err != nil {
				return err
			}
			if stored {
				x.report.Unnamed++
			}
		}
	}
	return nil
}
