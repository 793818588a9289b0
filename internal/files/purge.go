package files

import (
	"context"
	"errors"
	"strconv"

	"homeserver/internal/platform/blob"
)

// purgeBatch is how many deletions are made final in one transaction.
const purgeBatch = 500

// recordFiles notes in the audit log what was done to files: to one by its id and name, to
// several by their number.
func (f *Files) recordFiles(ctx context.Context, action string, list []File, what string) {
	target, detail := "", strconv.Itoa(len(list))+" files"
	if len(list) == 1 {
		target, detail = list[0].ID, strconv.Quote(list[0].Name)
	}
	if what != "" {
		detail += ": " + what
	}
	f.lent.record(ctx, action, target, detail)
}

// Purge makes deletions final whose undo window has passed: the rows go, and blobs that
// nothing refers to any more are dated for the collector. Files of the original wait until
// they are adopted, so that no content is left behind that nobody knows.
func (f *Files) Purge(ctx context.Context) error {
	now := f.now()
	cutoff := now.Add(-undoWindow).UnixMicro()
	purged := 0
	for after := ""; ; {
		rows, err := f.store.expired(ctx, cutoff, after, purgeBatch)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		after = rows[len(rows)-1].ID
		var ids []string
		for i := range rows {
			ready, err := f.purgeable(ctx, &rows[i])
			if err != nil {
				return err
			}
			if ready {
				ids = append(ids, rows[i].ID)
			}
		}
		n, err := f.store.purge(ctx, ids, cutoff, now.UnixMicro())
		if err != nil {
			return err
		}
		purged += n
	}
	if purged > 0 {
		f.log.Info("deletions are final", "files", purged)
	}
	more, err := f.store.anyHidden(ctx)
	if more {
		f.askForPurge()
	}
	return err
}

// purgeable reports whether a row may go: its content is a blob, or is not there at all.
func (f *Files) purgeable(ctx context.Context, row *File) (bool, error) {
	if row.adopted() {
		return true, nil
	}
	if row.SHA256 != "" {
		return false, nil // half way through adoption
	}
	content, err := f.blobs.OpenLegacy(ctx, row.path)
	if errors.Is(err, blob.ErrNotExist) {
		return true, nil
	}
	if err != nil && ctx.Err() == nil && f.blobs.Readable(ctx) == nil {
		return false, nil // this file alone cannot be read: it waits, the others need not
	}
	if err != nil {
		return false, err
	}
	return false, content.Close()
}
