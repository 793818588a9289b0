package files

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
)

const (
	// spaceFloor is the free space, in bytes, below which nothing more is taken in: room for
	// the database's log and for people to clear up. On small file systems it is spaceShare
	// hundredths of them.
	spaceFloor = 256 << 20
	spaceShare = 2
	// spaceFor is how long a measurement of the free space holds.
	spaceFor = time.Second
	// firstRows is how many files are looked for to tell the original's storage directory from
	// the empty mount point of a drive that is not there.
	firstRows = 20
)

// Prepare makes sure, after the migrations and before anything is served, that the storage
// directory is the one the database belongs to. On the very first start it marks it; after
// that a directory that is missing or another is an error, never made anew.
func (f *Files) Prepare(ctx context.Context) error {
	id, err := f.store.storageID(ctx)
	if err != nil {
		return err
	}
	if id == "" {
		if id, err = f.introduce(ctx); err != nil {
			return err
		}
	}
	if err := f.identify(ctx, id); err != nil {
		return err
	}
	return errors.Join(f.refreshUsage(ctx), f.refreshQuotas(ctx), f.refreshDamage(ctx))
}

// identify checks the storage against the id the database remembers.
func (f *Files) identify(ctx context.Context, id string) error {
	found, err := f.blobs.Identify(ctx)
	place := f.blobs.Place()
	switch {
	case err != nil:
		return err
	case !found.Exists:
		return errs.Newf(errs.Unavailable, "STORAGE_PATH %s does not exist, but this database has a storage directory. Is the drive connected?", place)
	case found.ID == "":
		return errs.Newf(errs.Unavailable, "STORAGE_PATH %s lacks the marker file .homeserver-storage that this database's storage directory bears. Is the drive connected? If the marker was deleted, write %s into it.", place, id)
	case found.ID != id:
		return errs.Newf(errs.Unavailable, "STORAGE_PATH %s belongs to another database: its marker .homeserver-storage says %s, this database knows %s. Is the right drive connected?", place, found.ID, id)
	}
	return f.blobs.Bind(ctx, id)
}

// introduce makes database and storage known to each other, once. Of several processes that
// start together all end with the same id.
func (f *Files) introduce(ctx context.Context) (string, error) {
	found, err := f.blobs.Identify(ctx)
	if err != nil {
		return "", err
	}
	if err := f.mayIntroduce(ctx, found); err != nil {
		return "", err
	}
	id, err := f.blobs.Initialize(ctx, uuid.NewString())
	if err != nil {
		return "", err
	}
	return f.store.rememberStorage(ctx, id)
}

// mayIntroduce refuses a directory in which the files of an adopted database should lie and do
// not, and one whose content another database knows: a database that is new, lost or the wrong
// one must not take a household's library for leftovers.
func (f *Files) mayIntroduce(ctx context.Context, found blob.Identity) error {
	if found.ID != "" && found.Content {
		return errs.Newf(errs.Unavailable, "STORAGE_PATH %s holds the files of another database, and this database is new: it would know none of them. "+
			"Set DATABASE_URL (or DATA_DIR) to the database they belong to, or restore it. To begin anew in this directory all the same, empty the file .homeserver-storage in it; "+
			"the content then goes to quarantine, it is not deleted.", f.blobs.Place())
	}
	rows, err := f.store.firstFiles(ctx, firstRows)
	if err != nil || len(rows) == 0 || found.Consent {
		return err
	}
	place := f.blobs.Place()
	if !found.Exists {
		return errs.Newf(errs.Unavailable, "STORAGE_PATH %s does not exist, but the database lists files. Is the drive connected?", place)
	}
	if !found.Empty {
		return nil
	}
	return errs.Newf(errs.Unavailable, "STORAGE_PATH %s is empty, but the database lists files. Is the drive connected? If the directory is the right one all the same, put an empty file .homeserver-storage into it.", place)
}

// CheckStorage says whether the storage directory is there, the right one and writable.
func (f *Files) CheckStorage(ctx context.Context) error { return f.blobs.Check(ctx) }

// CheckSpace says whether there is room for uploads.
func (f *Files) CheckSpace(ctx context.Context) error { return f.space.check(ctx, f.blobs, 0) }

// spaceGauge measures the free space about once a second, whatever the number of uploads. One
// measurement runs at a time, on its own: a network share that hangs holds it up, and its
// callers only as long as their contexts allow.
type spaceGauge struct {
	least int64 // the floor that was configured; 0 for the usual one

	mu          sync.Mutex
	at          time.Time
	free, total int64
	err         error
	probing     chan struct{} // closed when the measurement under way ends; nil when none is
}

// floor is the free space below which nothing is taken in, in a storage of a size.
func (g *spaceGauge) floor(total int64) int64 {
	if g.least > 0 {
		return g.least
	}
	return min(int64(spaceFloor), total/100*spaceShare)
}

// check says whether bytes more leave more free than the floor.
func (g *spaceGauge) check(ctx context.Context, store blob.Keeper, bytes int64) error {
	free, _, floor, err := g.measured(ctx, store)
	if err == nil && free-bytes <= floor {
		cause := fmt.Errorf("%d bytes are free, %d are the floor, %d are wanted", free, floor, bytes)
		if free > floor {
			return errs.Wrap(errs.StorageFull, fmt.Sprintf("The upload has %s, and the storage has room for %s only. Nothing was stored; free some space and try again.", humanBytes(bytes), humanBytes(free-floor)), cause)
		}
		return errs.Wrap(errs.StorageFull, "The storage is full. Nothing was stored; free some space and try again.", cause)
	}
	return err
}

// measured is the free space, the size and the floor, at most a second old.
func (g *spaceGauge) measured(ctx context.Context, store blob.Keeper) (free, total, floor int64, err error) {
	g.mu.Lock()
	if !g.at.IsZero() && time.Since(g.at) < spaceFor {
		defer g.mu.Unlock()
		return g.free, g.total, g.floor(g.total), g.err
	}
	if g.probing == nil {
		g.probing = make(chan struct{})
		go g.probe(context.WithoutCancel(ctx), store, g.probing)
	}
	probing := g.probing
	g.mu.Unlock()
	select {
	case <-probing:
	case <-ctx.Done():
		return 0, 0, 0, errs.Wrap(errs.Unavailable, "The storage directory does not answer. Is the drive connected?", ctx.Err())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.free, g.total, g.floor(g.total), g.err
}

// probe measures and tells everyone who waits.
func (g *spaceGauge) probe(ctx context.Context, store blob.Keeper, done chan struct{}) {
	free, total, err := store.Space(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at, g.free, g.total, g.err, g.probing = time.Now(), free, total, err, nil
	close(done)
}

// open opens a file's content. The row may be older than what adoption did meanwhile: content
// only ever moves from the original's place to the blob's, so looking there, here, and there
// again finds it, and a second look at the row finds what was hashed in between.
func (f *Files) open(ctx context.Context, row *File) (blob.File, error) {
	if err := f.intact(row); err != nil {
		return nil, err
	}
	content, err := f.openAt(ctx, row)
	if !errors.Is(err, blob.ErrNotExist) {
		return f.asLong(ctx, row, content, err)
	}
	fresh, err := f.store.find(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	*row = *fresh
	content, err = f.openAt(ctx, row)
	if errors.Is(err, blob.ErrNotExist) {
		f.log.Error("a file has no content in the storage; homeserver check tells more", "id", row.ID, "sha256", row.SHA256, "storage_path", row.path)
		return nil, errs.Wrap(errs.NotFound, detailNotFound, err)
	}
	return f.asLong(ctx, row, content, err)
}

// asLong refuses content that was cut or has grown since it was stored: that costs a look, and
// wrong bytes under the right digest are worse than none. What the scrub has not found yet it
// finds then; rows of the original may say another length than its content ever had.
func (f *Files) asLong(ctx context.Context, row *File, content blob.File, err error) (blob.File, error) {
	if err != nil || row.SHA256 == "" {
		return content, err
	}
	info, err := content.Stat()
	if err == nil && info.Size() == row.Size {
		return content, nil
	}
	if err == nil {
		var stored int64
		if stored, err = f.store.storedSize(ctx, row.SHA256); err == nil && info.Size() != stored {
			err = errDamaged(row.Name, fmt.Errorf("%s has %d bytes, and %d were stored; homeserver check tells more", row.SHA256, info.Size(), stored))
		}
	}
	if err != nil {
		closeContent(content)
		return nil, err
	}
	return content, nil
}

func (f *Files) openAt(ctx context.Context, row *File) (blob.File, error) {
	if row.SHA256 == "" {
		return f.blobs.OpenLegacy(ctx, row.path)
	}
	content, err := f.blobs.Open(ctx, row.SHA256)
	if row.adopted() || !errors.Is(err, blob.ErrNotExist) {
		return content, err
	}
	if content, err = f.blobs.OpenLegacy(ctx, row.path); errors.Is(err, blob.ErrNotExist) {
		return f.blobs.Open(ctx, row.SHA256)
	}
	return content, err
}
