package files

import (
	"context"
	"errors"
	"slices"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/failpoint"
)

const (
	// destroyEntries is how many things in the trash are destroyed together.
	destroyEntries = 200
	// destroyFiles is how many files one transaction destroys.
	destroyFiles = 500
)

// destroyed is what is gone for good.
type destroyed struct {
	entries int   // things in the trash that are gone altogether
	files   int   // rows, whatever folder they were in
	bytes   int64 // of the files and their versions
	freed   int64 // of content that nothing refers to any more; the collector removes it later
}

func (d *destroyed) add(by destroyed) {
	d.entries, d.files, d.bytes, d.freed = d.entries+by.entries, d.files+by.files, d.bytes+by.bytes, d.freed+by.freed
}

// destroy drops things in the trash for good, by their ids in the trash: the files in them, the
// files' versions, the folders. Whoever calls it has asked the gate. What was restored meanwhile
// is passed by, and files of the original wait until they are adopted. Content that nothing
// refers to any more is dated for the collector. Broken off anywhere, what is left is still in
// the trash, whole or with fewer files in it.
func (f *Files) destroy(ctx context.Context, ids []string) (all destroyed, err error) {
	for entries := range slices.Chunk(ids, destroyEntries) {
		if err := f.sink(ctx, entries); err != nil {
			return all, err
		}
		portions, err := f.store.portions(ctx, entries)
		if err != nil {
			return all, err
		}
		for _, portion := range portions {
			d, err := f.destroyPortion(ctx, portion)
			if all.add(d); err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

// destroyPortion destroys things in the trash, so many files at once.
func (f *Files) destroyPortion(ctx context.Context, entries []string) (all destroyed, err error) {
	for after := ""; ; {
		rows, err := f.store.filesInTrash(ctx, entries, after, destroyFiles)
		if err != nil {
			return all, err
		}
		var ready []string
		for i := range rows {
			after = rows[i].ID
			ok, err := f.purgeable(ctx, &rows[i])
			if err != nil {
				return all, err
			}
			if ok {
				ready = append(ready, rows[i].ID)
			}
		}
		last := len(rows) < destroyFiles
		d, a, err := f.store.destroy(ctx, entries, ready, last, f.now().UnixMicro())
		if err != nil {
			return all, err
		}
		failpoint.Hit("destroyed")
		f.done(a)
		if all.add(d); last {
			return all, nil
		}
	}
}

// destroyVersions drops older versions for good, by their ids; pinned ones stay.
func (f *Files) destroyVersions(ctx context.Context, ids []string) (all destroyed, err error) {
	for chunk := range slices.Chunk(ids, destroyFiles) {
		d, a, err := f.store.destroyVersions(ctx, chunk, f.now().UnixMicro())
		if err != nil {
			return all, err
		}
		f.done(a)
		all.add(d)
	}
	return all, nil
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
