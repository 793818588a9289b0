package files

import (
	"context"
	"errors"
	"io"
	"os"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
)

// checkBatch is how many rows are compared at a time.
const checkBatch = 500

// CheckOptions say what Check does beside looking.
type CheckOptions struct {
	// Repair puts content that does not match its digest into quarantine/ and queues content
	// that nothing refers to for the collector. It never deletes anything.
	Repair bool
	// Progress, if set, is called now and then with what has been read so far.
	Progress func(files, bytes int64)
}

// Problem is one thing that is not as it should be.
type Problem struct {
	ID       string `json:"id,omitempty"`
	Filename string `json:"filename,omitempty"`
	SHA256   string `json:"sha256,omitempty"`
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	Found    int64  `json:"found_size,omitempty"`
	MovedTo  string `json:"moved_to,omitempty"`
}

// Report is what Check found.
type Report struct {
	Files        int64     `json:"files"`                  // rows compared
	Blobs        int64     `json:"blobs"`                  // contents read
	Bytes        int64     `json:"bytes"`                  // of content read
	NotAdopted   int64     `json:"not_adopted"`            // files of the original that are still at their old place
	Waiting      int64     `json:"waiting_for_collection"` // blobs without a reference; no problem
	Missing      []Problem `json:"missing"`                // rows without content
	WrongSize    []Problem `json:"wrong_size"`             // rows that say another size than the content has
	WrongContent []Problem `json:"wrong_content"`          // blobs that do not match their digest
	Orphaned     []Problem `json:"orphaned"`               // content that no row knows
	Damaged      []Problem `json:"damaged"`                // files whose content is known to be damaged, by this or an earlier reading
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool {
	return len(r.Missing)+len(r.WrongSize)+len(r.WrongContent)+len(r.Orphaned)+len(r.Damaged) == 0
}

// checker is one run of Check.
type checker struct {
	f       *Files
	options CheckOptions
	report  Report
}

// Check compares database and storage: every row with its content, every content with its
// digest, every file on disk with the rows. What it finds damaged, or well again, it notes where
// scrub does, so that a serving process knows. It may run beside one.
func (f *Files) Check(ctx context.Context, options CheckOptions) (Report, error) {
	c := &checker{f: f, options: options, report: Report{Missing: []Problem{}, WrongSize: []Problem{}, WrongContent: []Problem{}, Orphaned: []Problem{}, Damaged: []Problem{}}}
	id, err := f.store.storageID(ctx)
	if err == nil && id == "" {
		err = errs.New(errs.Unavailable, "This database has no storage directory yet; start the server once.")
	}
	if err == nil {
		err = f.identify(ctx, id)
	}
	if err == nil {
		err = f.refreshDamage(ctx)
	}
	for _, step := range []func(context.Context) error{c.blobs, c.rows, c.versions, c.legacy, c.damaged} {
		if err == nil {
			err = step(ctx)
		}
	}
	return c.report, err
}

// rows looks for the content of every row.
func (c *checker) rows(ctx context.Context) error {
	for after := ""; ; {
		rows, err := c.f.store.allFiles(ctx, after, checkBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].ID
		for i := range rows {
			if err := c.row(ctx, &rows[i]); err != nil {
				return err
			}
		}
	}
}

func (c *checker) row(ctx context.Context, row *File) error {
	size, err := c.f.sizeOf(ctx, row)
	if errors.Is(err, blob.ErrNotExist) {
		// Deleted, adopted or collected since the row was read?
		fresh, freshErr := c.f.store.any(ctx, row.ID)
		if freshErr != nil || fresh == nil {
			return freshErr
		}
		*row = *fresh
		size, err = c.f.sizeOf(ctx, row)
	}
	c.report.Files++
	if !row.adopted() {
		c.report.NotAdopted++
	}
	problem := Problem{ID: row.ID, Filename: row.Name, SHA256: row.SHA256, Path: row.path, Size: row.Size, Found: size}
	switch {
	case errors.Is(err, blob.ErrNotExist):
		c.report.Missing = append(c.report.Missing, problem)
		if row.adopted() {
			return c.f.noteDamage(ctx, row.SHA256, contentLost, "", c.f.stillDamaged(row.SHA256, contentLost))
		}
	case err != nil:
		return err
	case size != row.Size:
		c.report.WrongSize = append(c.report.WrongSize, problem)
	}
	return nil
}

// sizeOf is the length of a row's content.
func (f *Files) sizeOf(ctx context.Context, row *File) (int64, error) {
	if row.adopted() {
		info, err := f.blobs.Stat(ctx, row.SHA256)
		return info.Size, err
	}
	content, err := f.openAt(ctx, row)
	if err != nil {
		return 0, err
	}
	defer content.Close()
	info, err := content.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// blobs reads every blob and looks for those that the database does not know.
func (c *checker) blobs(ctx context.Context) error {
	folder, known, unknown := "", map[string]bool{}, []blob.Info{}
	err := c.f.blobs.Walk(ctx, func(b blob.Info) (err error) {
		if next := b.SHA256[:2]; next != folder {
			folder = next
			if known, err = c.f.store.knownBlobs(ctx, folder); err != nil {
				return err
			}
		}
		waiting, ok := known[b.SHA256]
		switch {
		case !ok:
			unknown = append(unknown, b)
		case waiting:
			c.report.Waiting++
		}
		return c.blob(ctx, b)
	})
	if err != nil {
		return err
	}
	return c.orphans(ctx, unknown)
}

// blob compares one content with its digest.
func (c *checker) blob(ctx context.Context, b blob.Info) error {
	content, err := c.f.blobs.Open(ctx, b.SHA256)
	if errors.Is(err, blob.ErrNotExist) {
		return nil // collected meanwhile
	}
	if err != nil {
		return err
	}
	defer content.Close()
	digest, size, err := blob.Receive(io.Discard, readUntil{ctx, content})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.report.Blobs++
	c.report.Bytes += size
	if c.options.Progress != nil {
		c.options.Progress(c.report.Blobs, c.report.Bytes)
	}
	if err == nil && digest == b.SHA256 {
		return c.f.foundGood(ctx, b.SHA256, healedByItself)
	}
	problem := Problem{SHA256: b.SHA256, Path: blob.Path(b.SHA256), Size: b.Size, Found: size}
	v, place := contentWrong, ""
	if err != nil { // a bad sector, or the drive is gone altogether
		if _, err := c.f.blobs.Stat(ctx, b.SHA256); err != nil {
			return err
		}
		v = contentUnreadable
	} else if c.options.Repair {
		place, err = c.f.putAside(ctx, b.SHA256, content)
		if errors.Is(err, blob.ErrNotExist) {
			return nil // an upload of the same content has healed it
		}
		if err != nil {
			return err
		}
		problem.MovedTo = place
	}
	c.report.WrongContent = append(c.report.WrongContent, problem)
	return c.f.noteDamage(ctx, b.SHA256, v, place, c.f.stillThis(b.SHA256, place, content))
}

// stillThis looks, while the blob's row is held against uploads, whether content that was found
// wrong is still the one in its place.
func (f *Files) stillThis(digest, place string, content blob.File) func(context.Context) (bool, error) {
	if place != "" {
		return f.stillDamaged(digest, contentWrong)
	}
	return func(ctx context.Context) (bool, error) {
		now, err := f.blobs.Open(ctx, digest)
		if errors.Is(err, blob.ErrNotExist) || errors.Is(err, blob.ErrUnreadable) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		defer now.Close()
		was, err := content.Stat()
		is, isErr := now.Stat()
		return err == nil && isErr == nil && os.SameFile(was, is), errors.Join(err, isErr)
	}
}

// putAside puts wrong content into quarantine unless an upload has replaced it or is about to.
func (f *Files) putAside(ctx context.Context, digest string, content blob.File) (string, error) {
	release, free := f.claims.remove(digest)
	if !free {
		return "", blob.ErrNotExist
	}
	defer release()
	return f.blobs.QuarantineOpened(ctx, digest, content)
}

// orphans looks again at what was unknown a moment ago: an upload may have been committed.
func (c *checker) orphans(ctx context.Context, unknown []blob.Info) error {
	for _, b := range unknown {
		known, err := c.f.store.knowsBlob(ctx, b.SHA256)
		if err != nil {
			return err
		}
		if _, err := c.f.blobs.Stat(ctx, b.SHA256); known || errors.Is(err, blob.ErrNotExist) {
			continue
		}
		c.report.Orphaned = append(c.report.Orphaned, Problem{SHA256: b.SHA256, Path: blob.Path(b.SHA256), Size: b.Size})
		if c.options.Repair {
			if err := c.f.store.adoptOrphans(ctx, []blob.Info{b}, c.f.now().UnixMicro()); err != nil {
				return err
			}
		}
	}
	return nil
}

// legacy looks for files in the original's layout that no row knows. The original left them
// behind on failed inserts; they are only reported, also with Repair.
func (c *checker) legacy(ctx context.Context) error {
	known, err := c.f.store.legacyPaths(ctx)
	if err != nil {
		return err
	}
	return c.f.blobs.WalkLegacy(ctx, func(path string, size int64) error {
		if !known[path] {
			c.report.Orphaned = append(c.report.Orphaned, Problem{Path: path, Size: size})
		}
		return nil
	})
}
