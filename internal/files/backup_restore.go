package files

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"homeserver/internal/files/vault"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
)

// restorers is how many contents are restored at a time: their syncs then share the disk's time.
const restorers = 8

// StoredBackup is a snapshot to restore from.
type StoredBackup struct {
	vault.Snapshot
	v *vault.Vault
}

// RestoreReport is what a restore did.
type RestoreReport struct {
	Snapshot string       `json:"snapshot"`
	Files    int64        `json:"files"` // contents
	Bytes    int64        `json:"bytes"`
	Kept     int64        `json:"kept"`    // contents that were there already, and right
	Lost     []vault.Lost `json:"lost"`    // contents that the backup does not have or has damaged
	Strange  []string     `json:"strange"` // tables of the backup that are not the house's

	History *RestoredHistory `json:"history"` // null: there is none in the backup
}

// RestoredHistory is what a restore did with the history of the figures.
type RestoredHistory struct {
	Pieces int    `json:"pieces"`
	Lost   int    `json:"lost"`            // pieces that are damaged in the backup: gaps in charts
	None   bool   `json:"none"`            // nothing of it can be used
	Kept   bool   `json:"kept"`            // it was there already
	Aside  string `json:"aside,omitempty"` // what an earlier one that was there is called now
}

// OK reports whether everything was restored.
func (r *RestoreReport) OK() bool {
	return len(r.Lost) == 0 && (r.History == nil || r.History.Lost == 0 && !r.History.None)
}

// OpenBackup opens a snapshot of a directory of backups: the one called name, or the newest. The
// directory's lock is held until release is called.
func OpenBackup(dir, name string) (b *StoredBackup, release func(), err error) {
	v, err := vault.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	release, _, err = v.Lock()
	if err != nil {
		return nil, nil, err
	}
	b = &StoredBackup{v: v}
	if name != "" {
		b.Snapshot, err = v.Snapshot(name)
	} else {
		var list []vault.Snapshot
		var broken []string
		list, broken, err = v.Snapshots()
		switch {
		case err != nil:
		case len(list) == 0:
			err = errs.Newf(errs.NotFound, "%s holds no snapshot that is whole.", dir)
		case len(broken) > 0 && broken[len(broken)-1] > list[len(list)-1].Name:
			err = errs.Newf(errs.Unavailable, "The newest snapshot in %s, %s, is damaged. Name the one to restore: --snapshot %s", dir, broken[len(broken)-1], list[len(list)-1].Name)
		default:
			b.Snapshot = list[len(list)-1]
		}
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return b, release, nil
}

// Open opens a part that was compared with its digest.
func (b *StoredBackup) Open(name string) (io.ReadCloser, error) {
	return b.v.OpenPart(&b.Snapshot, name)
}

// Prepare makes sure that store may be restored into: it is missing or empty, or the very
// storage of this household, in which only what is missing is put. It is marked then.
func (b *StoredBackup) Prepare(ctx context.Context, store blob.Marker) error {
	found, err := store.Identify(ctx)
	if err != nil {
		return err
	}
	if found.Exists && !found.Empty && found.ID != b.Storage {
		return errs.Newf(errs.Conflict, "The storage directory %s is not empty. Restore into one that is, so that nothing of yours is mixed up.", store.Place())
	}
	id, err := store.Initialize(ctx, b.Storage)
	if err != nil {
		return err
	}
	if id != b.Storage {
		return errs.Newf(errs.Conflict, "The storage directory %s belongs to another household.", store.Place())
	}
	return store.Bind(ctx, id)
}

// RestoreContent gives all content back, each compared with its digest. Content that is damaged
// in the backup is reported and does not keep the rest from coming back.
func (b *StoredBackup) RestoreContent(ctx context.Context, store blob.Store, progress func(BackupProgress)) (RestoreReport, error) {
	report := RestoreReport{Snapshot: b.Name, Lost: append([]vault.Lost{}, b.Lost...), Strange: []string{}}
	lost := map[string]bool{}
	for _, l := range b.Lost {
		lost[l.SHA256] = true
	}
	list, err := b.v.Contents(b.Name)
	if err != nil {
		return report, err
	}
	defer list.Close()
	var mu sync.Mutex
	var done, size, kept atomic.Int64
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(restorers)
	for working.Err() == nil {
		c, err := list.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return report, errors.Join(err, group.Wait())
		}
		if lost[c.SHA256] {
			continue
		}
		group.Go(func() error {
			there, err := b.restoreOne(working, store, c)
			if reason := damageOf(err); reason != "" {
				mu.Lock()
				defer mu.Unlock()
				report.Lost = append(report.Lost, vault.Lost{SHA256: c.SHA256, Size: c.Size, Reason: reason})
				return nil
			}
			if err != nil {
				return err
			}
			if there {
				kept.Add(1)
			}
			p := BackupProgress{Step: "copy", Files: done.Add(1), Bytes: size.Add(c.Size), OfFiles: b.Files, OfBytes: b.Bytes}
			if progress != nil {
				mu.Lock()
				defer mu.Unlock()
				progress(p)
			}
			return nil
		})
	}
	err = group.Wait()
	report.Files, report.Bytes, report.Kept = done.Load(), size.Load(), kept.Load()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = b.restoreOriginals(ctx, store)
	}
	return report, err
}

// damageOf says in words what is wrong with content of the backup; "" for other errors.
func damageOf(err error) string {
	var source vault.SourceError
	switch {
	case errors.Is(err, vault.ErrDamaged):
		return "it is damaged in the backup"
	case errors.As(err, &source):
		return "it cannot be read from the backup"
	}
	return ""
}

// restoreOne gives one content back unless it is there and right.
func (b *StoredBackup) restoreOne(ctx context.Context, store blob.Store, c vault.Content) (there bool, err error) {
	if present, err := store.Open(ctx, c.SHA256); err == nil {
		digest, _, err := blob.Receive(io.Discard, readUntil{ctx, present})
		present.Close()
		if err == nil && digest == c.SHA256 {
			return true, nil
		}
	}
	in, err := b.v.OpenBlob(c.SHA256)
	if err != nil {
		return false, vault.SourceError{Err: err}
	}
	defer in.Close()
	return false, putContent(ctx, store, c.SHA256, in)
}

// putContent puts content that should have the digest into a store.
func putContent(ctx context.Context, store blob.Store, digest string, in io.Reader) error {
	id := uuid.NewString()
	w, err := store.Create(ctx, id)
	if err != nil {
		return err
	}
	defer w.Abort()
	found, size, err := blob.Receive(w, vault.Source(ctx, in))
	if err != nil {
		return err
	}
	if found != digest {
		return vault.ErrDamaged
	}
	if err := w.Commit(); err != nil {
		return err
	}
	if err := store.Publish(ctx, []blob.Staged{{ID: id, SHA256: digest, Size: size}}); err != nil {
		_ = store.Discard(id)
		return err
	}
	return nil
}

// AfterRestore makes the house that was restored a house that can begin: the storage is the
// database's, and nothing speaks of processes that are no more.
func (f *Files) AfterRestore(ctx context.Context) error {
	if err := f.store.afterRestore(ctx); err != nil {
		return err
	}
	return f.Prepare(ctx)
}
