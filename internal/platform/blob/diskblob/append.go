package diskblob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

// appending is a file under incoming that grows over several sittings. It is locked, so that
// not even another process writes to it meanwhile.
type appending struct {
	writer
	named bool // its name is durable
}

// Append implements blob.Appender.
func (s *Store) Append(ctx context.Context, id string, offset int64) (blob.Appending, error) {
	flags := os.O_RDWR
	if offset == 0 {
		flags |= os.O_CREATE
	}
	f, err := s.openIncoming(ctx, id, flags)
	if err != nil {
		return nil, s.missing(ctx, err)
	}
	if err := prepare(f, offset); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	failpoint.Hit("after-append")
	return &appending{writer: writer{s: s, f: f, path: s.incoming(id), size: offset, flushed: offset}, named: offset > 0}, nil
}

// prepare locks the file, cuts it to length and goes to its end.
func prepare(f *os.File, offset int64) error {
	free, err := lockFile(f)
	if err != nil {
		return explain(err)
	}
	if !free {
		return blob.ErrBusy
	}
	info, err := f.Stat()
	if err != nil {
		return explain(err)
	}
	if info.Size() < offset {
		return blob.ErrNotExist
	}
	if info.Size() > offset {
		err = f.Truncate(offset)
	}
	if err == nil {
		_, err = f.Seek(offset, io.SeekStart)
	}
	return explain(err)
}

// Sync implements blob.Appending.
func (a *appending) Sync() error {
	failpoint.Hit("before-append-sync")
	if err := a.s.syncer.File(a.f); err != nil {
		return explain(err)
	}
	if !a.named {
		if err := a.s.syncer.Dir(filepath.Dir(a.path)); err != nil {
			return explain(err)
		}
		a.named = true
	}
	failpoint.Hit("after-append-sync")
	return nil
}

// Commit implements blob.Appending. Unlike the writer's it removes nothing when it fails: what
// an earlier Sync made durable may be gone on with.
func (a *appending) Commit() error {
	failpoint.Hit("before-fsync")
	err := a.s.syncer.File(a.f)
	if err = errors.Join(err, a.Close()); err != nil {
		return explain(err)
	}
	failpoint.Hit("after-fsync")
	return nil
}

// Close implements blob.Appending.
func (a *appending) Close() error {
	if a.f == nil {
		return nil
	}
	err := a.f.Close()
	a.f = nil
	return explain(err)
}

// OpenStaged implements blob.Appender.
func (s *Store) OpenStaged(ctx context.Context, id string) (blob.File, error) {
	if !plainName(id) {
		return nil, blob.ErrNotExist
	}
	f, err := openFile(s.incoming(id), os.O_RDONLY, 0)
	if err != nil {
		return nil, s.cannotRead(ctx, err)
	}
	return f, nil
}

// Join implements blob.Appender. From file to file the system copies by itself
// (copy_file_range), on some file systems without copying anything.
func (s *Store) Join(ctx context.Context, id string, parts []blob.Staged) error {
	f, err := s.openIncoming(ctx, id, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return explain(err)
	}
	err = prepare(f, 0)
	if errors.Is(err, blob.ErrBusy) {
		return errors.Join(err, f.Close())
	}
	for _, part := range parts {
		if err == nil {
			err = s.joinOne(ctx, f, part)
		}
	}
	if err == nil {
		err = s.syncer.File(f)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.syncer.Dir(filepath.Dir(s.incoming(id)))
	}
	if err != nil {
		_ = os.Remove(s.incoming(id))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return explain(err)
}

func (s *Store) joinOne(ctx context.Context, to *os.File, part blob.Staged) error {
	from, err := s.OpenStaged(ctx, part.ID)
	if err != nil {
		return err
	}
	defer from.Close()
	for left := part.Size; left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.CopyN(to, from, min(left, joinChunk))
		if errors.Is(err, io.EOF) {
			return errs.Newf(errs.Internal, "diskblob: %s is shorter than its %d bytes", part.ID, part.Size)
		}
		if err != nil {
			return explain(err)
		}
		left -= n
	}
	return nil
}

// joinChunk is how many bytes are copied before it is looked whether anybody still wants them.
const joinChunk = 64 << 20
