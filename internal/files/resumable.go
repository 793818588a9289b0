package files

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/files/tus"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// The story of a resumable upload (tus 1.0.0; resumable*.go, sql_resumable.go,
// http_resumable.go). Its row in uploads says who sends what and how many bytes are safe; the
// bytes lie under incoming, where each sitting goes on in place. The row's offset and the state
// of the hash behind it move on only when the bytes before it are synced. The last sitting
// publishes the content by a rename, as every upload does, and the transaction that stores the
// file notes its id in the row, so that an upload ends in one file, once, whatever breaks.
//
// One sitting at a time: whoever comes later ends the earlier one and waits for it, since the
// same client comes again while its old connection only seems alive. Other processes see the
// row's epoch grow and stop.

const (
	// resumableFor is how long an unfinished upload is kept after something was last added.
	resumableFor = 7 * 24 * time.Hour
	// finishedFor is how long is remembered what a finished one became, for a client whose last
	// answer was lost.
	finishedFor = 24 * time.Hour
	// maxUnfinished is how many unfinished ones a principal may have: a folder of thousands of
	// files over a bad line, and not a table that grows without end.
	maxUnfinished = 10_000
	// maxListed is how many of them the list shows, the newest first.
	maxListed = 1000
	// resumableExpireEvery is how often expired ones are looked for.
	resumableExpireEvery = time.Hour
	// resumableBatch is how many expired ones are removed at a time.
	resumableBatch = 500
)

// resumable is an upload that comes in pieces.
type resumable struct {
	ID        string
	Principal string // the account that sends it; "" for the household
	Folder    string // where it is to lie; "" for a part
	Name      string
	Metadata  string // as it came
	Concat    string // Upload-Concat as it came
	Size      int64  // noSize until it is known
	Offset    int64  // how many bytes are safe
	Created   time.Time
	Expires   time.Time
	File      string // the file it became, "" while it is unfinished

	owner string // whose tree it goes to
	state []byte // of the hash of what is safe
	epoch int64
	parts []*resumable // what it was put together of
}

// noSize is the size of an upload whose length comes later.
const noSize = -1

// whole reports whether everything has come.
func (u *resumable) whole() bool { return u.Size == u.Offset }

// partial reports whether it is a part, of which no file is made.
func (u *resumable) partial() bool { return u.Concat == "partial" }

// final reports whether it is put together of parts.
func (u *resumable) final() bool { return strings.HasPrefix(u.Concat, "final;") }

var (
	// errTaken says that somebody else goes on with the upload.
	errTaken = errors.New("another connection goes on with this upload")
	// errChecksum says that a piece is not what its sender meant.
	errChecksum = errors.New("the piece does not match its checksum")
	// errStopping says that the server stops.
	errStopping = errors.New("the server stops")
)

func errNoUpload() error {
	return errs.New(errs.NotFound, "There is no such upload. It may have expired; please begin it anew.")
}

// unreadable makes a sentence of an error of package tus.
func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return errs.Newf(errs.Malformed, "%v.", err)
}

// creation is what a client says of an upload it begins.
type creation struct {
	Size     tus.Size
	Metadata string
	Concat   string
}

// begin makes the row of a new upload, if there is room for it and its principal may send it.
func (f *Files) begin(ctx context.Context, c creation) (*resumable, error) {
	if err := f.blobs.Check(ctx); err != nil {
		return nil, err
	}
	who := identity.From(ctx)
	u := &resumable{ID: uuid.NewString(), Principal: who.UserID, Metadata: c.Metadata, Concat: c.Concat, Size: noSize, Created: f.now().UTC().Truncate(time.Microsecond)}
	u.Expires = u.Created.Add(resumableFor)
	if c.Size.Known {
		u.Size = c.Size.Bytes
	}
	w, err := parseWishes(u.Metadata)
	if err != nil {
		return nil, err
	}
	if err := f.admit(ctx, u, w); err != nil {
		return nil, err
	}
	n, err := f.store.countResumable(ctx, u.Principal)
	if err != nil {
		return nil, err
	}
	if n >= maxUnfinished {
		return nil, errs.Newf(errs.RateLimited, "There are %d unfinished uploads of yours. Finish or remove some before you begin another.", n)
	}
	return u, f.store.insertResumable(ctx, u)
}

// received is the SHA-256 of what is safe of an upload, "" where nothing is, where it is a file
// already, and where the row alone does not tell. Whoever goes on with an upload that somebody
// else began compares it with the beginning of their own file: without that, two files of one
// name and size would be mixed.
func (u *resumable) received() string {
	sum := sha256.New()
	if u.Offset == 0 || u.File != "" || u.final() || sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.state) != nil {
		return ""
	}
	return digestOf(sum)
}

// humanBytes writes a size as people say it.
func humanBytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d bytes", n)
	}
	value, prefix := float64(n)/unit, 0
	for value >= unit && prefix < len("KMGTPE")-1 {
		value /= unit
		prefix++
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTPE"[prefix])
}

// look finds an upload of the principal of ctx as it is now: a sitting under way is ended
// first, since whoever asks is about to go on. What is whole and became no file yet becomes one.
// received is the SHA-256 of what is safe of an unfinished one.
func (f *Files) look(ctx context.Context, id string) (u *resumable, received string, err error) {
	if _, err := f.store.findResumable(ctx, id, identity.From(ctx).UserID); err != nil {
		return nil, "", err
	}
	release, err := f.sittings.take(ctx, id, func(error) {})
	if err != nil {
		return nil, "", err
	}
	defer release()
	u, err = f.store.findResumable(ctx, id, identity.From(ctx).UserID)
	if err != nil || u.File != "" {
		return u, "", err
	}
	if !u.partial() && u.whole() {
		return u, "", f.finish(ctx, u)
	}
	if received = u.received(); received != "" || u.Offset == 0 {
		return u, received, nil
	}
	sum, err := f.hashOf(ctx, u) // the state is of another program
	if errors.Is(err, blob.ErrNotExist) {
		return nil, "", f.lost(ctx, u, err)
	}
	if err != nil {
		return nil, "", err
	}
	return u, digestOf(sum), nil
}

// terminate removes an upload for good, or forgets what it became.
func (f *Files) terminate(ctx context.Context, id string) error {
	if _, err := f.store.findResumable(ctx, id, identity.From(ctx).UserID); err != nil {
		return err
	}
	release, err := f.sittings.take(ctx, id, func(error) {})
	if err != nil {
		return err
	}
	defer release()
	removed, err := f.store.removeResumable(ctx, id, identity.From(ctx).UserID)
	if err != nil {
		return err
	}
	if !removed {
		return errNoUpload()
	}
	return f.discardResumable(id)
}

// discardResumable removes the bytes of an upload whose row is gone. If it fails, the sweeper
// comes by.
func (f *Files) discardResumable(id string) error {
	if err := f.blobs.Discard(id); err != nil {
		f.log.Debug("an unfinished upload stays until the collector comes by", "id", id, "error", err)
	}
	return nil
}

// ExpireUploads removes resumable uploads that nobody went on with.
func (f *Files) ExpireUploads(ctx context.Context) error {
	for {
		ids, err := f.store.expiredResumables(ctx, f.now().UnixMicro(), resumableBatch)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			release, err := f.sittings.take(ctx, id, func(error) {})
			if err != nil {
				return err
			}
			removed, err := f.store.removeExpired(ctx, id, f.now().UnixMicro())
			if err == nil && removed {
				err = f.discardResumable(id)
			}
			release()
			if err != nil {
				return err
			}
		}
	}
}

// unfinished reports whether what lies under incoming belongs to an upload that may be gone on
// with. When it cannot be told, it may.
func (f *Files) unfinished(ctx context.Context) func(id string) bool {
	return func(id string) bool {
		known, err := f.store.isResumable(ctx, id)
		return known || err != nil
	}
}
