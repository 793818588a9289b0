package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

// HistoryPart lists the pieces of a snapshot's history.
const HistoryPart = "history.json"

// History is what snapshot.json says of the history of the figures.
type History struct {
	Pieces   int    `json:"pieces"`
	Bytes    int64  `json:"bytes"`
	NewBytes int64  `json:"new_bytes"`          // copied for this one
	Damaged  int    `json:"damaged,omitempty"`  // pages that could not be read, and are not in it
	LeftOut  string `json:"left_out,omitempty"` // why none is in the snapshot, in a sentence
}

// hasHistory reports whether a snapshot has one.
func (s *Snapshot) hasHistory() bool { return s.History != nil && s.History.LeftOut == "" }

// Fate is what became of a piece.
type Fate int

// The fates.
const (
	PieceThere  Fate = iota // it was in the directory already
	PieceCopied             // it is new
	PieceMended             // it was there and damaged, and is copied anew
)

func (v *Vault) piecePath(digest string) string { return filepath.Join(v.dir, historyDir, digest) }

// PutPiece puts a piece of the history into the directory unless it is there. write is called
// once to find out which it is, and again to copy it. With reread, one that is there is read and
// compared, too. It is durable when PutPiece returns.
func (v *Vault) PutPiece(ctx context.Context, reread bool, write func(io.Writer) error) (p Part, fate Fate, err error) {
	sum, size := sha256.New(), counter(0)
	if err := write(io.MultiWriter(sum, &size)); err != nil {
		return p, fate, err
	}
	p.SHA256, p.Size = hex.EncodeToString(sum.Sum(nil)), int64(size)
	info, err := os.Lstat(v.piecePath(p.SHA256))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		fate = PieceCopied
	case err != nil:
		return p, fate, v.explain(err)
	case info.Size() != p.Size:
		fate = PieceMended
	case reread:
		if err := v.check(ctx, v.piecePath(p.SHA256), p.SHA256); errors.Is(err, ErrDamaged) {
			fate = PieceMended
		} else if err != nil {
			return p, fate, err
		}
	}
	if fate != PieceThere {
		err = v.copyPiece(ctx, p, write)
	}
	return p, fate, err
}

// copyPiece writes a piece, gives it its name, and reads it again from the drive.
func (v *Vault) copyPiece(ctx context.Context, p Part, write func(io.Writer) error) error {
	for _, dir := range []string{incomingDir, historyDir} {
		if err := os.MkdirAll(filepath.Join(v.dir, dir), privateDir); err != nil {
			return v.explain(err)
		}
	}
	temp := filepath.Join(v.dir, incomingDir, uuid.NewString())
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, privateFile)
	if err != nil {
		return v.explain(err)
	}
	sum, out := sha256.New(), &target{w: f}
	err = write(io.MultiWriter(sum, out))
	if err == nil {
		out.err = f.Sync()
	}
	if closed := f.Close(); out.err == nil {
		out.err = closed
	}
	failpoint.Hit("history-copied")
	if err = errors.Join(out.err, err); err == nil && hex.EncodeToString(sum.Sum(nil)) != p.SHA256 {
		err = fmt.Errorf("the history was not the same when it was read again: %w", ErrDamaged)
	}
	if err == nil {
		out.err = os.Rename(temp, v.piecePath(p.SHA256))
		err = out.err
	}
	if err != nil {
		_ = os.Remove(temp)
		if out.err != nil {
			return v.explain(out.err)
		}
		return err
	}
	failpoint.Hit("history-named")
	if err := syncDir(filepath.Join(v.dir, historyDir)); err != nil {
		return v.explain(err)
	}
	if err := v.check(ctx, v.piecePath(p.SHA256), p.SHA256); errors.Is(err, ErrDamaged) {
		return v.untrue(err)
	} else if err != nil {
		return err
	}
	return nil
}

// DropPieces removes pieces that no snapshot has: those of one that does without its history.
func (v *Vault) DropPieces() error {
	list, broken, err := v.Snapshots()
	if err != nil || len(broken) > 0 { // what one that cannot be read refers to is not known
		return err
	}
	return v.sweepHistory(list)
}

// counter counts the bytes written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// target tells errors of the drive from those of what is written to it.
type target struct {
	w   io.Writer
	err error
}

func (t *target) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	if err != nil {
		t.err = err
	}
	return n, err
}

// Pieces lists the pieces of a snapshot's history; none if it has none.
func (v *Vault) Pieces(s *Snapshot) (list []Part, err error) {
	if _, ok := s.Part(HistoryPart); !ok {
		return nil, nil
	}
	f, err := v.OpenPart(s, HistoryPart)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(&list); err != nil {
		return nil, errs.Wrap(errs.Unavailable, fmt.Sprintf("The list of the history in the backup %s cannot be read.", s.Name), err)
	}
	for _, p := range list {
		if !blob.ValidDigest(p.SHA256) {
			return nil, errs.Newf(errs.Unavailable, "The list of the history in the backup %s is not as it should be.", s.Name)
		}
	}
	return list, nil
}

// OpenPiece opens a piece that was compared with its digest. One that is not there, or is
// damaged, is ErrDamaged.
func (v *Vault) OpenPiece(ctx context.Context, p Part) (*os.File, error) {
	f, err := os.Open(v.piecePath(p.SHA256))
	if err != nil {
		return nil, errors.Join(ErrDamaged, err)
	}
	found, _, err := blob.Receive(io.Discard, sourceReader{ctx, f})
	if err == nil && found != p.SHA256 {
		err = ErrDamaged
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	} else if err != nil {
		err = errors.Join(ErrDamaged, err)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// verifyHistory is the part of Verify that looks at the history.
func (v *Vault) verifyHistory(ctx context.Context, s *Snapshot, all bool, report *Verified) error {
	list, err := v.Pieces(s)
	if err != nil {
		return err
	}
	for _, p := range list {
		c := Content{SHA256: p.SHA256, Size: p.Size}
		if info, err := os.Lstat(v.piecePath(p.SHA256)); err != nil || info.Size() != p.Size {
			report.Missing = append(report.Missing, c)
			continue
		}
		if !all {
			continue
		}
		if err := v.check(ctx, v.piecePath(p.SHA256), p.SHA256); errors.Is(err, ErrDamaged) {
			report.Damaged = append(report.Damaged, c)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// sweepHistory removes the pieces that none of the snapshots, which are all there are, has.
func (v *Vault) sweepHistory(snapshots []Snapshot) error {
	needed := map[string]bool{}
	for i := range snapshots {
		list, err := v.Pieces(&snapshots[i]) // compared with its digest: it is trusted with what is removed
		if err != nil {
			return err
		}
		for _, p := range list {
			needed[p.SHA256] = true
		}
	}
	entries, err := os.ReadDir(filepath.Join(v.dir, historyDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return v.explain(err)
	}
	for _, e := range entries {
		if needed[e.Name()] || !blob.ValidDigest(e.Name()) {
			continue
		}
		if err := os.Remove(v.piecePath(e.Name())); err != nil {
			return v.explain(err)
		}
		failpoint.Hit("history-sweeping")
	}
	return nil
}
