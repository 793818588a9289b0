package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

const (
	// batchFiles and batchBytes bound what is copied before it is synced and named: enough that
	// syncing does not count, little enough that a crash loses minutes at most.
	batchFiles = 500
	batchBytes = 512 << 20
)

// ErrDamaged says that content does not match its digest.
var ErrDamaged = errors.New("the content does not match its digest")

// SourceError says that content could not be read where it comes from.
type SourceError struct{ Err error }

// Error implements error.
func (e SourceError) Error() string { return "the content cannot be read: " + e.Err.Error() }

// Unwrap gives the cause to errors.Is and errors.As.
func (e SourceError) Unwrap() error { return e.Err }

// staged is content that is copied and has no name yet.
type staged struct {
	temp   string
	digest string
	size   int64
}

func (v *Vault) blobPath(digest string) string {
	return filepath.Join(v.dir, filepath.FromSlash(blob.Path(digest)))
}

// sourceReader tells errors of the source from those of the destination, and ends with ctx.
type sourceReader struct {
	ctx context.Context
	r   io.Reader
}

// Source is r, which ends with ctx, and whose errors are SourceErrors.
func Source(ctx context.Context, r io.Reader) io.Reader { return sourceReader{ctx, r} }

func (s sourceReader) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = SourceError{err}
	}
	return n, err
}

// Put copies content. It bears its name after the next Flush, which Put calls by itself now and
// then. digest may be "" for content whose digest is to be found out. On ErrDamaged and
// SourceError nothing was kept, and others can still be put.
func (v *Vault) Put(ctx context.Context, digest string, src io.Reader) (found string, size int64, err error) {
	temp := filepath.Join(v.dir, incomingDir, uuid.NewString())
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, privateFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(temp), privateDir); err == nil {
			f, err = os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, privateFile)
		}
	}
	if err != nil {
		return "", 0, v.explain(err)
	}
	found, size, err = blob.Receive(f, sourceReader{ctx, src})
	failpoint.Hit("backup-copying")
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil && digest != "" && found != digest {
		err = ErrDamaged
	}
	if err != nil {
		_ = os.Remove(temp)
		var source SourceError
		if errors.Is(err, ErrDamaged) || errors.As(err, &source) || ctx.Err() != nil {
			return found, size, err
		}
		return found, size, v.explain(err)
	}
	v.staged = append(v.staged, staged{temp, found, size})
	v.bytes += size
	if len(v.staged) >= batchFiles || v.bytes >= batchBytes {
		return found, size, v.Flush(ctx)
	}
	return found, size, nil
}

// Flush syncs what was put, gives it its names, and reads it again from the drive.
func (v *Vault) Flush(ctx context.Context) error {
	batch := v.staged
	v.staged, v.bytes = nil, 0
	if len(batch) == 0 {
		return nil
	}
	paths := make([]string, len(batch))
	for i, s := range batch {
		paths[i] = s.temp
	}
	if err := syncFiles(v.dir, paths); err != nil {
		return v.explain(err)
	}
	failpoint.Hit("backup-synced")
	for i, s := range batch {
		to := v.blobPath(s.digest)
		err := os.Rename(s.temp, to)
		if errors.Is(err, fs.ErrNotExist) {
			if err = os.MkdirAll(filepath.Dir(to), privateDir); err == nil {
				err = os.Rename(s.temp, to)
			}
		}
		if err != nil {
			return v.explain(err)
		}
		paths[i] = to
	}
	failpoint.Hit("backup-named")
	if err := syncFiles(v.dir, paths); err != nil {
		return v.explain(err)
	}
	for _, s := range batch {
		if err := v.Check(ctx, s.digest); err != nil {
			if errors.Is(err, ErrDamaged) {
				return v.untrue(err)
			}
			return err
		}
	}
	return nil
}

// untrue says that a drive does not keep what it is given.
func (v *Vault) untrue(err error) error {
	return errs.Wrap(errs.Unavailable, fmt.Sprintf("What was just written to %s reads back different. The drive is not to be trusted; earlier backups may be damaged too. Check them with: homeserver backup --verify-all", v.dir), err)
}

// Check reads content from the drive and compares it with its digest. What is wrong is put
// aside, so that the next backup copies it anew: ErrDamaged.
func (v *Vault) Check(ctx context.Context, digest string) error {
	return v.check(ctx, v.blobPath(digest), digest)
}

// check is Check of a file that lies anywhere below the directory.
func (v *Vault) check(ctx context.Context, path, digest string) error {
	f, err := os.Open(path)
	if err != nil {
		return v.explain(err)
	}
	forget(f)
	found, _, err := blob.Receive(io.Discard, sourceReader{ctx, f})
	f.Close()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && found == digest {
		return nil
	}
	dir := filepath.Join(v.dir, damagedDir)
	if err := os.MkdirAll(dir, privateDir); err != nil {
		return v.explain(err)
	}
	aside := filepath.Join(dir, digest+"."+time.Now().UTC().Format("20060102T150405.000000000"))
	if err := os.Rename(path, aside); err != nil {
		return v.explain(err)
	}
	return errors.Join(ErrDamaged, err)
}

// OpenBlob opens content.
func (v *Vault) OpenBlob(digest string) (*os.File, error) {
	if !blob.ValidDigest(digest) {
		return nil, fs.ErrNotExist
	}
	return os.Open(v.blobPath(digest))
}

// List returns the content in one of the folders of blobs/ with its sizes; folder is the first
// two characters of the digests.
func (v *Vault) List(folder string) (map[string]int64, error) {
	entries, err := os.ReadDir(filepath.Join(v.dir, blobsDir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, v.explain(err)
	}
	found := make(map[string]int64, len(entries))
	for _, e := range entries {
		if name := e.Name(); blob.ValidDigest(name) && name[:2] == folder && e.Type().IsRegular() {
			info, err := e.Info()
			if err != nil {
				return nil, v.explain(err)
			}
			found[name] = info.Size()
		}
	}
	return found, nil
}

// tidy removes what earlier runs left unfinished. It is called under the lock.
func (v *Vault) tidy() error {
	for _, dir := range []string{incomingDir, snapshotsDir} {
		entries, err := os.ReadDir(filepath.Join(v.dir, dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return v.explain(err)
		}
		for _, e := range entries {
			if dir == incomingDir || e.Name()[0] == '.' {
				if err := os.RemoveAll(filepath.Join(v.dir, dir, e.Name())); err != nil {
					return v.explain(err)
				}
			}
		}
	}
	return nil
}
