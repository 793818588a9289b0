package diskblob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

// flushEvery is how many written bytes are pushed towards the disk at a time while an upload
// goes on, so that the final fsync does not find a gigabyte to write.
const flushEvery = 8 << 20

// writer receives one file under incoming.
type writer struct {
	s       *Store
	f       *os.File
	path    string
	later   bool // Commit does not wait for the disk: the group does
	size    int64
	flushed int64
}

// Create implements blob.Creator.
func (s *Store) Create(ctx context.Context, id string) (blob.Writer, error) {
	w, err := s.create(ctx, id)
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (s *Store) create(ctx context.Context, id string) (*writer, error) {
	f, err := s.openIncoming(ctx, id, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, explain(err)
	}
	failpoint.Hit("after-create")
	return &writer{s: s, f: f, path: s.incoming(id)}, nil
}

// openIncoming opens a file under incoming, and makes the folder if it creates the file.
func (s *Store) openIncoming(ctx context.Context, id string, flags int) (*os.File, error) {
	if !plainName(id) {
		return nil, errs.Newf(errs.Internal, "diskblob: %q is not a plain name", id)
	}
	if err := s.Check(ctx); err != nil {
		return nil, err
	}
	path := s.incoming(id)
	f, err := openFile(path, flags, privateFile)
	if errors.Is(err, fs.ErrNotExist) && flags&os.O_CREATE != 0 {
		if err := s.makeDir(ctx, filepath.Dir(path)); err != nil {
			return nil, err
		}
		f, err = openFile(path, flags, privateFile)
	}
	return f, err
}

func plainName(id string) bool {
	return id != "" && id == filepath.Base(id) && filepath.IsLocal(id)
}

// Write implements io.Writer.
func (w *writer) Write(p []byte) (int, error) {
	n, err := w.write(p)
	w.size += int64(n)
	if w.size-w.flushed >= flushEvery {
		startWriteback(w.f, w.flushed, w.size-w.flushed)
		w.flushed = w.size
	}
	return n, explain(err)
}

func (w *writer) write(p []byte) (int, error) {
	if !failpoint.Enabled || len(p) < 2 {
		return w.f.Write(p)
	}
	half, err := w.f.Write(p[:len(p)/2])
	if err != nil {
		return half, err
	}
	failpoint.Hit("mid-write")
	n, err := w.f.Write(p[half:])
	return half + n, err
}

// Commit implements blob.Writer.
func (w *writer) Commit() error {
	failpoint.Hit("before-fsync")
	var err error
	if !w.later {
		err = w.s.syncer.File(w.f)
	}
	err = errors.Join(err, w.f.Close())
	w.f = nil
	if err != nil {
		_ = os.Remove(w.path)
		return explain(err)
	}
	failpoint.Hit("after-fsync")
	return nil
}

// Abort implements blob.Writer.
func (w *writer) Abort() {
	if w.f == nil {
		return
	}
	_ = w.f.Close()
	w.f = nil
	_ = os.Remove(w.path)
}

// Discard implements blob.Creator.
func (s *Store) Discard(id string) error {
	if err := os.Remove(s.incoming(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain(err)
	}
	return nil
}

// Publish implements blob.Publisher. Directories are synced once each, side by side: the
// file system then makes them durable in one or two writes of its journal.
func (s *Store) Publish(ctx context.Context, items []blob.Staged) error {
	if err := s.verify(ctx); err != nil {
		return err
	}
	touched, err := s.touchedBy(items)
	if err != nil {
		return err
	}
	whole, end := s.wholeFor(len(touched))
	defer end()
	for _, item := range items {
		if err := s.rename(ctx, item); err != nil {
			return err
		}
	}
	failpoint.Hit("after-rename")
	if err := s.syncDirs(touched, whole); err != nil {
		return explain(err)
	}
	failpoint.Hit("after-dirsync")
	return nil
}

// rename moves one item from incoming to its place.
func (s *Store) rename(ctx context.Context, item blob.Staged) error {
	from, to := s.incoming(item.ID), s.path(item.SHA256)
	err := os.Rename(from, to)
	if err == nil {
		return nil
	}
	if info, statErr := os.Lstat(to); statErr == nil && info.IsDir() {
		return s.insteadOfDir(ctx, item)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return explain(err)
	}
	if info, statErr := os.Lstat(to); statErr == nil && info.Mode().IsRegular() && info.Size() == item.Size {
		if _, gone := os.Lstat(from); errors.Is(gone, fs.ErrNotExist) {
			return nil // published by an earlier call
		}
	}
	if err := s.makeDir(ctx, filepath.Dir(to)); err != nil {
		return err
	}
	return explain(os.Rename(from, to))
}

// insteadOfDir puts a directory that has taken a content's place aside. A rename replaces
// anything else that is no content, but not that, and the content could never come again.
func (s *Store) insteadOfDir(ctx context.Context, item blob.Staged) error {
	if _, err := s.Quarantine(ctx, item.SHA256); err != nil && !errors.Is(err, blob.ErrNotExist) {
		return err
	}
	return explain(os.Rename(s.incoming(item.ID), s.path(item.SHA256)))
}

// Sweep implements blob.Keeper. Content being received changes its modification time all the
// time, so what is old belongs to nobody.
func (s *Store) Sweep(ctx context.Context, before time.Time, keep func(id string) bool) (int, error) {
	if err := s.verify(ctx); err != nil {
		return 0, err
	}
	entries, err := os.ReadDir(filepath.Join(s.root, incomingDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, explain(err)
	}
	swept := 0
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || !info.ModTime().Before(before) || keep(entry.Name()) {
			continue // gone meanwhile, not ours, young, or to be gone on with
		}
		if err := s.Discard(entry.Name()); err != nil {
			return swept, err
		}
		swept++
	}
	return swept, ctx.Err()
}
