package files

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"homeserver/internal/files/tus"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

const (
	// epochEvery is how often a sitting looks whether another process has taken over.
	epochEvery = 2 * time.Second
	// busyWithin is how long the other process may take to notice, looked for every busyEvery.
	busyWithin = 15 * time.Second
	busyEvery  = 100 * time.Millisecond
	// saveWithin bounds what is done for a client that may be gone: sync, and note how far it came.
	saveWithin = 30 * time.Second
)

// portion is what one request adds to an upload.
type portion struct {
	Offset   int64         // where the client believes it is
	Length   int64         // of the body, -1 when it is not announced
	Size     int64         // of the whole, when it is told now; else noSize
	Metadata string        // what is to be changed of it, in the form of Upload-Metadata
	Checksum *tus.Checksum // nil for none
	Body     io.Reader
	End      func(error) // makes Body fail, with this error
}

// proceed adds a piece to the upload id of the principal of ctx.
func (f *Files) proceed(ctx context.Context, id string, p portion) (*resumable, error) {
	if _, err := f.store.findResumable(ctx, id, identity.From(ctx).UserID); err != nil {
		return nil, err
	}
	release, err := f.sittings.take(ctx, id, p.End)
	if err != nil {
		return nil, err
	}
	defer release()
	u, err := f.store.sit(ctx, id, identity.From(ctx).UserID)
	if err != nil {
		return nil, err
	}
	if err := f.admitPiece(ctx, u, p); err != nil || u.File != "" {
		return u, err
	}
	return u, f.receivePiece(ctx, u, p)
}

// first adds the piece that came with the creation. Nobody else knows of the upload yet.
func (f *Files) first(ctx context.Context, u *resumable, p portion) error {
	release, err := f.sittings.take(ctx, u.ID, p.End)
	if err != nil {
		return err
	}
	defer release()
	if err := f.admitPiece(ctx, u, p); err != nil {
		return err
	}
	return f.receivePiece(ctx, u, p)
}

// admitPiece says before the body is touched why a piece cannot be taken.
func (f *Files) admitPiece(ctx context.Context, u *resumable, p portion) error {
	if u.File == "" && !f.now().Before(u.Expires) {
		return errNoUpload()
	}
	if u.final() {
		return errs.New(errs.Forbidden, "This upload was put together of others; nothing can be added to it.")
	}
	if p.Offset != u.Offset {
		return errs.Newf(errs.Conflict, "Upload-Offset is %d, and the upload is at %d. Ask for its offset and go on from there.", p.Offset, u.Offset)
	}
	if p.Size != noSize && u.Size != noSize && p.Size != u.Size {
		return errs.Newf(errs.Conflict, "Upload-Length is %d, and it was %d before.", p.Size, u.Size)
	}
	if p.Size != noSize && p.Size < u.Offset {
		return errs.Newf(errs.Invalid, "Upload-Length is %d, and %d bytes have come already.", p.Size, u.Offset)
	}
	size := max(u.Size, p.Size)
	if size != noSize && p.Length > size-u.Offset {
		return errTooLong(size)
	}
	if u.File != "" {
		return nil
	}
	room := max(p.Length, 0)
	if p.Size != noSize {
		room = max(room, p.Size-u.Offset)
	}
	if err := f.blobs.Check(ctx); err != nil {
		return err
	}
	return f.roomFor(ctx, u.owner, room)
}

func errTooLong(size int64) error {
	return errs.Newf(errs.TooLarge, "The upload was said to have %d bytes, and more are being sent.", size)
}

// receivePiece takes the body in and notes how far it came, also when it is cut. If that makes
// the upload whole it becomes a file.
func (f *Files) receivePiece(ctx context.Context, u *resumable, p portion) error {
	dirty := p.Size != noSize && u.Size == noSize
	if dirty {
		u.Size = p.Size
	}
	if p.Metadata != "" {
		if err := f.changeWishes(ctx, u, p.Metadata); err != nil {
			return err
		}
		dirty = true
	}
	if u.whole() && u.Offset > 0 { // it is all there, and became no file yet
		return f.finishAnew(ctx, u, dirty)
	}
	body, err := f.bounded(ctx, u, p.Body)
	if err != nil {
		return err
	}
	in, err := f.openIntake(ctx, u, p.Checksum)
	if err != nil {
		return err
	}
	defer in.w.Close()
	unwatch := f.watchEpoch(ctx, u, p.End)
	cut := in.receive(ctx, body)
	unwatch()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveWithin)
	defer cancel()
	if cut == nil && p.Checksum != nil && !p.Checksum.Matches() {
		cut = errChecksum
	}
	if cut != nil && (p.Checksum != nil || !errors.Is(cut, errBodyCut)) {
		u.Offset = in.safe // what is not known to be right does not count
		return cut
	}
	if !u.whole() || u.partial() {
		if err := in.save(ctx, dirty); err != nil {
			return err
		}
		return cut
	}
	return in.finish(ctx, dirty)
}

// bounded is the body of an upload; one of a length that is not known yet ends where its owner has
// no more room.
func (f *Files) bounded(ctx context.Context, u *resumable, body io.Reader) (io.Reader, error) {
	if u.Size != noSize {
		return body, nil
	}
	left, err := f.allowance(ctx, u.owner)
	return &roomReader{Reader: body, ctx: ctx, f: f, owner: u.owner, left: left - u.Offset}, err
}

// finishAnew makes a file of an upload that is whole already.
func (f *Files) finishAnew(ctx context.Context, u *resumable, dirty bool) error {
	if dirty {
		if err := f.store.saveResumable(ctx, u); err != nil {
			return err
		}
	}
	if u.partial() {
		return nil
	}
	return f.finish(ctx, u)
}

// openIntake opens the content behind what is safe, with its hash.
func (f *Files) openIntake(ctx context.Context, u *resumable, check *tus.Checksum) (*intake, error) {
	w, err := f.openAppending(ctx, u)
	if errors.Is(err, blob.ErrNotExist) {
		return nil, f.lost(ctx, u, err)
	}
	if err != nil {
		return nil, err
	}
	sum, err := f.hashOf(ctx, u)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return &intake{f: f, u: u, w: w, sum: sum, check: check, safe: u.Offset}, nil
}

// openAppending waits until another process that had the content has noticed that it is to stop.
func (f *Files) openAppending(ctx context.Context, u *resumable) (blob.Appending, error) {
	again, late := time.NewTicker(busyEvery), time.NewTimer(busyWithin)
	defer again.Stop()
	defer late.Stop()
	for {
		w, err := f.blobs.Append(ctx, u.ID, u.Offset)
		if !errors.Is(err, blob.ErrBusy) {
			return w, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-late.C:
			return nil, errs.Wrap(errs.Unavailable, "Another copy of the server is still at this upload. Please try again.", err)
		}
	}
}

// lost forgets an upload whose bytes are gone from the storage, so that its client begins anew.
func (f *Files) lost(ctx context.Context, u *resumable, cause error) error {
	f.log.Error("the bytes of an unfinished upload are gone from the storage; it begins anew", "id", u.ID, "offset", u.Offset, "error", cause)
	if _, err := f.store.removeResumable(ctx, u.ID, u.Principal); err != nil {
		return err
	}
	return errNoUpload()
}

// hashOf is the hash of what is safe. Its state lies in the row; if this program does not
// understand it, as may be after a change of Go's, the bytes are read once more.
func (f *Files) hashOf(ctx context.Context, u *resumable) (hash.Hash, error) {
	sum := sha256.New()
	if u.Offset == 0 {
		return sum, nil
	}
	if sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.state) == nil {
		return sum, nil
	}
	content, err := f.blobs.OpenStaged(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	sum = sha256.New()
	n, err := blob.Copy(io.Discard, sum, readUntil{ctx, io.LimitReader(content, u.Offset)})
	if err == nil && n != u.Offset {
		err = fmt.Errorf("%s has %d bytes under incoming, not %d", u.ID, n, u.Offset)
	}
	return sum, err
}

// watchEpoch ends the sitting when another process has begun one.
func (f *Files) watchEpoch(ctx context.Context, u *resumable, end func(error)) (unwatch func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(epochEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if epoch, err := f.store.epochOf(ctx, u.ID); err == nil && epoch != u.epoch {
				end(errTaken)
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
