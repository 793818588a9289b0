package files

import (
	"context"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"homeserver/internal/files/tus"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/failpoint"
)

const (
	// safeBytes and safeEvery bound what a crash of the server costs: so much is received at
	// most, or for so long, before it is synced and noted. Each time costs an fsync.
	safeBytes = 64 << 20
	safeEvery = 5 * time.Second
)

// intake is a sitting's work on the bytes.
type intake struct {
	f     *Files
	u     *resumable
	w     blob.Appending
	sum   hash.Hash
	check *tus.Checksum
	safe  int64 // the offset that the row says
}

// errBodyCut marks the errors of a body that ended early: what came before is good.
var errBodyCut = errors.New("the body was cut")

// receive reads the body to its end, or to that of the upload, and makes it safe every now and
// then. An error that is errBodyCut says that everything up to the row's offset is there.
func (in *intake) receive(ctx context.Context, body io.Reader) error {
	for {
		part := &stretch{body: body, left: safeBytes, until: time.Now().Add(safeEvery)}
		if in.u.Size != noSize {
			part.left = min(part.left, in.u.Size-in.u.Offset)
		}
		var sums io.Writer = in.sum
		if in.check != nil {
			sums = io.MultiWriter(in.sum, in.check)
		}
		n, err := blob.Copy(in.w, sums, part)
		in.u.Offset += n
		failpoint.Hit("mid-append")
		switch {
		case err != nil:
			return err
		case errors.Is(part.err, io.EOF):
			return nil
		case part.err != nil:
			return fmt.Errorf("%w: %w", errBodyCut, part.err)
		case in.u.whole():
			return in.end(body)
		case in.check != nil:
			continue
		}
		if err := in.save(ctx, false); err != nil {
			return err
		}
		if err := in.f.CheckSpace(ctx); err != nil {
			return fmt.Errorf("%w: %w", errBodyCut, err)
		}
	}
}

// end makes sure that nothing follows the last byte.
func (in *intake) end(body io.Reader) error {
	var more [1]byte
	switch n, err := io.ReadFull(body, more[:]); {
	case n > 0:
		return errTooLong(in.u.Size)
	case errors.Is(err, io.EOF):
		return nil
	default: // all that was promised has come, whatever became of the connection
		return nil
	}
}

// save makes what came safe and says so in the row.
func (in *intake) save(ctx context.Context, dirty bool) error {
	if in.u.Offset == in.safe && !dirty {
		return nil
	}
	if err := in.w.Sync(); err != nil {
		return err
	}
	return in.note(ctx)
}

// finish makes a file of what came. If nothing was acknowledged before, one transaction does; the
// row says that all is there only when a power cut cannot make that wrong any more.
func (in *intake) finish(ctx context.Context, dirty bool) error {
	up, err := in.f.assemble(ctx, in.u, in.sum)
	if err != nil {
		if saved := in.save(ctx, true); saved != nil && !errors.Is(saved, errTaken) { // what is there need not be sent again
			err = errors.Join(err, saved)
		}
		return err
	}
	noted := in.safe > 0 || dirty
	if noted {
		err = in.save(ctx, true)
	}
	if err == nil {
		err = in.w.Commit()
	}
	if err != nil {
		return err
	}
	err = in.f.conclude(ctx, in.u, up)
	if itsOwn(err) && !noted { // the content has its place for good, only its file was refused
		if saved := in.note(ctx); saved != nil && !errors.Is(saved, errTaken) {
			err = errors.Join(err, saved)
		}
	}
	return err
}

// note writes down how far the upload came.
func (in *intake) note(ctx context.Context) (err error) {
	if in.u.state, err = in.sum.(encoding.BinaryMarshaler).MarshalBinary(); err != nil {
		return fmt.Errorf("the state of a hash: %w", err)
	}
	in.u.Expires = in.f.now().UTC().Truncate(time.Microsecond).Add(resumableFor)
	if err := in.f.store.saveResumable(ctx, in.u); err != nil {
		return err
	}
	in.safe = in.u.Offset
	failpoint.Hit("after-offset")
	return nil
}

// stretch is as much of a body as is received before it is made safe. Its end is io.EOF for
// whoever copies it; err tells why it ended, nil when the body goes on.
type stretch struct {
	body  io.Reader
	left  int64
	until time.Time
	err   error
}

// Read implements io.Reader.
func (s *stretch) Read(p []byte) (int, error) {
	if s.left <= 0 || !time.Now().Before(s.until) {
		return 0, io.EOF
	}
	n, err := s.body.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if err != nil {
		s.err, err = err, io.EOF
	}
	return n, err
}

// digestOf is the digest that a hash has come to.
func digestOf(sum hash.Hash) string { return hex.EncodeToString(sum.Sum(nil)) }
