package files

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"homeserver/internal/files/vault"
	"homeserver/internal/platform/errs"
)

// SaveHistory hands the history of the figures, which another room keeps, to put, piece by piece;
// write may be called several times, and writes the same each time. damaged is how much of it
// cannot be read; some is false when there is no history.
type SaveHistory func(ctx context.Context, put func(name string, write func(io.Writer) error) error) (damaged int, some bool, err error)

// history puts the history into the snapshot. It comes after the files, and none of its troubles
// keeps them from being saved: it is left out then, which the report says.
func (b *backup) history(ctx context.Context) error {
	if b.f.lent.History == nil {
		return nil
	}
	var found vault.History
	var pieces []vault.Part
	damaged, some, err := b.f.lent.History(ctx, func(name string, write func(io.Writer) error) error {
		p, fate, err := b.vault.PutPiece(ctx, b.options.VerifyAll, write)
		if err != nil {
			return err
		}
		p.Name = name
		pieces = append(pieces, p)
		found.Pieces++
		found.Bytes += p.Size
		if fate != vault.PieceThere {
			found.NewBytes += p.Size
		}
		if fate == vault.PieceMended {
			b.report.Repaired++
		}
		return nil
	})
	if err == nil && !some {
		return nil
	}
	if err == nil {
		err = b.part(vault.HistoryPart, func(w io.Writer) error { return json.NewEncoder(w).Encode(pieces) })
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		b.f.log.Error("the history of the figures is not in the backup", "error", err)
		found = vault.History{LeftOut: leftOut(err)}
		b.draft.Drop(vault.HistoryPart)
		if err := b.vault.DropPieces(); err != nil {
			b.f.log.Warn("what was copied of the history cannot be removed", "directory", b.options.Dir, "error", err)
		}
	}
	found.Damaged = damaged
	b.report.History = &found
	return nil
}

// leftOut says in a sentence why there is no history in a backup.
func leftOut(err error) string {
	if errs.Is(err, errs.StorageFull) {
		return "There was no room for it."
	}
	return "It cannot be read, the log says why; homeserver history verify tells more."
}

// Pieces lists the pieces of the history, which OpenPiece opens; none if the backup has none.
func (b *StoredBackup) Pieces() ([]vault.Part, error) { return b.v.Pieces(&b.Snapshot) }

// OpenPiece opens a piece. damaged says that it is not in the backup as it should be.
func (b *StoredBackup) OpenPiece(ctx context.Context, p vault.Part) (in io.ReadCloser, damaged bool, err error) {
	f, err := b.v.OpenPiece(ctx, p)
	if err != nil {
		return nil, errors.Is(err, vault.ErrDamaged), err
	}
	return f, false, nil
}
