package files

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
)

// maxCopied is how many files and folders one request copies, with all that lies in them: what
// one transaction writes in about two seconds, while others wait.
const maxCopied = 10_000

// copying is a request to copy at work: first everything is read and checked, then the blobs
// are held in their order, then the rows are written.
type copying struct {
	to       *Folder
	conflict conflict
	left     int // how many more files and folders may be copied
	jobs     []copyJob
	digests  map[string]int64 // the size of each content that gets another reference
}

// copyJob is one item with all that lies in it.
type copyJob struct {
	moved
	as      string   // the name that the copy shall have
	file    *File    // kindFile
	folders []Folder // kindFolder: parents before children, the first is the item itself
	files   []File   // kindFolder: that lie in them
}

// Copy puts copies of files and folders into a folder, each on its own: one that cannot be
// copied does not stop the others. No content is copied, only rows.
func (f *Files) Copy(ctx context.Context, t transfer) ([]moved, error) {
	return f.carry(ctx, "files.copy", t, func(c *changing, to *Folder) ([]moved, error) { return f.copyAll(ctx, c, t, to) })
}

// copyAll copies one item after the other.
func (f *Files) copyAll(ctx context.Context, c *changing, t transfer, to *Folder) (done []moved, err error) {
	w := &copying{to: to, conflict: t.onConflict, left: maxCopied, digests: map[string]int64{}}
	if err := f.planCopy(ctx, c, w, t); err != nil {
		return nil, err
	}
	if err := f.store.holdBlobs(ctx, c, w.digests); err != nil {
		return nil, err
	}
	for i := range w.jobs {
		job := &w.jobs[i]
		err := job.err
		if err == nil {
			err = f.store.copyItem(ctx, c, w, job)
		}
		if done, err = note(done, job.moved, err); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// planCopy reads what is to be copied.
func (f *Files) planCopy(ctx context.Context, c *changing, w *copying, t transfer) error {
	p := identity.From(ctx)
	for _, it := range unique(t.files) {
		job := copyJob{moved: moved{kind: kindFile, of: it.ID, folder: w.to.ID}}
		row, err := f.store.itemFile(ctx, c, it, p, identity.ReadFile)
		if err == nil {
			job.file, job.from, job.name = row, row.Folder, row.Name
			job.as, err = it.as(row.Name)
		}
		if err == nil {
			err = w.take(1, []File{*row})
		}
		if err := w.plan(job, err); err != nil {
			return err
		}
	}
	for _, it := range unique(t.folders) {
		job := copyJob{moved: moved{kind: kindFolder, of: it.ID, folder: w.to.ID}}
		d, err := f.store.itemFolder(ctx, c, it, p, identity.ReadFile)
		if err == nil {
			job.from, job.name = d.Parent, d.Name
			job.as, err = it.as(d.Name)
		}
		if err == nil {
			err = f.store.readTree(ctx, c, w, d, &job)
		}
		if err := w.plan(job, err); err != nil {
			return err
		}
	}
	return nil
}

// plan adds a job, or what the matter is with it.
func (w *copying) plan(job copyJob, err error) error {
	done, err := note(nil, job.moved, err)
	if err != nil {
		return err
	}
	job.moved = done[0]
	w.jobs = append(w.jobs, job)
	return nil
}

// take counts what is copied against the limit, and notes the contents.
func (w *copying) take(n int, files []File) error {
	for i := range files {
		if !files[i].adopted() {
			return errNotAdopted()
		}
	}
	if n > w.left {
		return errs.Newf(errs.Conflict, "At most %d files and folders can be copied at once. Nothing of this one was copied; copy it in parts.", maxCopied)
	}
	w.left -= n
	for i := range files {
		w.digests[files[i].SHA256] = files[i].Size
	}
	return nil
}

// duplicate is a copy of a file for a folder. It bears the same tags, and is shared only if the
// one it is copied from is and has the same owner.
func (f *File) duplicate(to *Folder, name string, now int64) File {
	twin := *f
	twin.ID, twin.Name, twin.key = uuid.NewString(), name, nameKey(name)
	twin.Folder, twin.Revision, twin.Uploaded = to.ID, 1, microTime(now)
	twin.Tags = slices.Clone(f.Tags)
	twin.Owner = to.Owner
	twin.share(f.Owner == to.Owner && f.shared())
	return twin
}
