package files

import (
	"context"
	"errors"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/failpoint"
)

const (
	// incomingAge is how old something under incoming is when it must be a crash's leftover.
	incomingAge = 24 * time.Hour
	// collectBatch is how many blobs are asked for at a time.
	collectBatch = 500
)

// Collect removes content that nothing refers to, looking twice: the first look dates it, a
// look at least Config.CollectAfter later removes it, if it is still so. It also dates what
// lies on the disk unknown to the database, for quarantine at the second look, and removes
// what crashes left under incoming.
func (f *Files) Collect(ctx context.Context) error {
	swept, err := f.blobs.Sweep(ctx, time.Now().Add(-incomingAge), f.unfinished(ctx)) // compared with the file system's clock
	if err != nil {
		return err
	}
	now := f.now()
	// The second look comes first, so that nothing is dated and removed in one run.
	removed, err := f.collectExpired(ctx, now.Add(-f.config.CollectAfter).UnixMicro())
	if err != nil {
		return err
	}
	orphans, err := f.findOrphans(ctx, now.UnixMicro())
	if err != nil {
		return err
	}
	marked, err := f.store.markUnreferenced(ctx, now.UnixMicro())
	if err != nil {
		return err
	}
	if swept+removed+orphans > 0 || marked > 0 {
		f.log.Info("collected content that nothing refers to", "removed", removed, "first_seen", marked+int64(orphans), "unfinished_uploads_removed", swept)
	}
	return f.store.dropUnusedTags(ctx)
}

func (f *Files) collectExpired(ctx context.Context, cutoff int64) (removed int, err error) {
	// A backup is copying what was referred to a moment ago: everything waits for the next look.
	if held, err := f.store.held(ctx, f.now().UnixMicro()); held || err != nil {
		return 0, err
	}
	for after := ""; ; {
		digests, err := f.store.collectable(ctx, cutoff, after, collectBatch)
		if err != nil || len(digests) == 0 {
			return removed, err
		}
		after = digests[len(digests)-1]
		awaited, err := f.store.awaited(ctx)
		if err != nil {
			return removed, err
		}
		for _, digest := range digests {
			if awaited[digest] {
				continue
			}
			ok, err := f.collectOne(ctx, digest, cutoff)
			if err != nil {
				return removed, err
			}
			if ok {
				removed++
				f.log.Debug("removed content that nothing refers to", "sha256", digest)
			}
		}
	}
}

// collectOne removes a blob unless something refers to it after all, or an upload is about to.
// What this database never knew (it may be new, or restored from an older copy) is put into
// quarantine, where people find it; only what its own files once were is removed for good.
func (f *Files) collectOne(ctx context.Context, digest string, cutoff int64) (removed bool, err error) {
	release, free := f.claims.remove(digest)
	if !free {
		return false, nil
	}
	defer release()
	failpoint.Hit("collect-before")
	var broken error
	removed, err = f.store.collect(ctx, digest, cutoff, f.now().UnixMicro(), func(found bool) error {
		failpoint.Hit("collect-row")
		broken = f.takeAway(ctx, digest, found)
		return broken
	})
	if broken != nil && ctx.Err() == nil && f.blobs.Readable(ctx) == nil {
		f.log.Error("content that nothing refers to cannot be removed", "sha256", digest, "error", broken)
		return false, nil // one file that cannot be moved must not keep all others
	}
	return removed, err
}

func (f *Files) takeAway(ctx context.Context, digest string, found bool) error {
	if !found {
		return f.blobs.Remove(ctx, digest)
	}
	place, err := f.blobs.Quarantine(ctx, digest)
	if errors.Is(err, blob.ErrNotExist) {
		return nil
	}
	if err == nil {
		f.log.Warn("content that no file of this database ever had was put into quarantine", "sha256", digest, "place", place)
	}
	return err
}

// findOrphans gives content on disk that the database does not know a row dated now. An
// upload that is being committed holds its row; if its transaction wins, ours changes nothing.
func (f *Files) findOrphans(ctx context.Context, now int64) (found int, err error) {
	folder, known, batch := "", map[string]bool{}, []blob.Info{}
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		found += len(batch)
		err := f.store.adoptOrphans(ctx, batch, now)
		batch = batch[:0]
		return err
	}
	err = f.blobs.Walk(ctx, func(b blob.Info) error {
		if next := b.SHA256[:2]; next != folder {
			if err := flush(); err != nil {
				return err
			}
			var err error
			if known, err = f.store.knownBlobs(ctx, next); err != nil {
				return err
			}
			folder = next
		}
		if _, ok := known[b.SHA256]; !ok {
			batch = append(batch, b)
		}
		return nil
	})
	if err != nil {
		return found, err
	}
	return found, flush()
}
