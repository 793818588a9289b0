package files

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"homeserver/internal/platform/errs"
)

// readTree reads a folder and all that lies in it, unless it is too much.
func (s store) readTree(ctx context.Context, c *changing, w *copying, d *Folder, job *copyJob) error {
	if d.root() {
		return errs.New(errs.Invalid, "This is the top of a tree; copy what lies in it.")
	}
	path, err := s.pathOf(ctx, c.tx, w.to.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(path, func(at step) bool { return at.ID == d.ID }) {
		return errs.New(errs.Conflict, "A folder cannot be copied into itself. Nothing was copied.")
	}
	if err := s.fits(ctx, c.tx, path, d.ID, "", d.height); err != nil {
		return err
	}
	if n := d.files + d.Folders + 1; n > int64(w.left) { // without reading it
		return w.take(int(min(n, maxCopied+1)), nil)
	}
	job.folders, err = s.folders(ctx, c.tx, `WITH RECURSIVE below (id, n) AS (
			SELECT id, 0 FROM folders WHERE id = $1
			UNION ALL SELECT d.id, below.n + 1 FROM folders d JOIN below ON d.parent_id = below.id WHERE d.deleted_at IS NULL AND below.n < 1000
		) SELECT `+folderColumns+` FROM below JOIN folders d ON d.id = below.id ORDER BY below.n, d.id`, d.ID)
	if err != nil {
		return err
	}
	job.files, err = s.files(ctx, c.tx, belowTree+`SELECT `+fileColumns+` FROM file_metadata f JOIN below ON f.folder_id = below.id WHERE f.deleted_at IS NULL ORDER BY f.upload_date, f.id`, d.ID)
	if err != nil {
		return err
	}
	return w.take(len(job.folders)+len(job.files), job.files)
}

// holdBlobs makes sure that contents stay while rows that refer to them are written, and holds
// their rows until COMMIT, in the order of digests.
func (s store) holdBlobs(ctx context.Context, c *changing, digests map[string]int64) error {
	var batch []*upload
	for _, digest := range slices.Sorted(maps.Keys(digests)) {
		batch = append(batch, &upload{File: File{SHA256: digest, Size: digests[digest]}})
	}
	return insertBlobs(ctx, c.tx, batch, c.now)
}

// copyItem writes the rows of a copy.
func (s store) copyItem(ctx context.Context, c *changing, w *copying, job *copyJob) error {
	var size int64
	for i := range job.files {
		size += job.files[i].Size
	}
	if job.kind == kindFile {
		size = job.file.Size
	}
	if err := c.reserve(w.to.Owner, size); err != nil {
		return err
	}
	if job.kind == kindFile {
		return s.copyFile(ctx, c, w, job)
	}
	return s.copyFolder(ctx, c, w, job)
}

func (s store) copyFile(ctx context.Context, c *changing, w *copying, job *copyJob) error {
	name, v, there, err := s.settle(ctx, c.tx, newcomer{kind: kindFile}, w.to.ID, job.as, "", w.conflict)
	if err != nil {
		return err
	}
	twin := job.file.duplicate(w.to, name, c.now)
	if v == replaceFile {
		if there.file.ID == job.file.ID {
			return errs.Newf(errs.Conflict, "%q cannot replace itself. Nothing was copied.", name)
		}
		content := upload{File: twin}
		content.Modified = microTime(c.now) // the version it makes dates from this moment, whatever the age of what is copied
		now, err := s.replaceContent(ctx, c.tx, c.set, there.file, &content)
		if err != nil {
			return err
		}
		job.id, job.name, job.replaced = now.ID, now.Name, now.ID
		return nil
	}
	job.id, job.name, job.alike = twin.ID, twin.Name, there.alike
	return s.insertTwins(ctx, c, []File{twin})
}

// copyFolder copies a folder with all that lies in it.
func (s store) copyFolder(ctx context.Context, c *changing, w *copying, job *copyJob) error {
	top := &job.folders[0]
	if err := c.set.settleFolders(ctx, c.tx); err != nil { // the totals of what is replaced are taken along
		return err
	}
	name, v, there, err := s.settle(ctx, c.tx, newcomer{kind: kindFolder}, w.to.ID, job.as, "", w.conflict)
	if err != nil {
		return err
	}
	if v == trashFolder {
		if there.folder.ID == top.ID {
			return errs.Newf(errs.Conflict, "%q cannot replace itself. Nothing was copied.", name)
		}
		if err := s.apart(ctx, c, top, there.folder); err != nil {
			return err
		}
		if err := s.replaceFolder(ctx, c, there.folder); err != nil {
			return err
		}
		job.replaced = there.folder.ID
	}
	twins := s.duplicateFolders(job.folders, w.to, name, c.now)
	job.id, job.name, job.alike = twins[top.ID].ID, name, there.alike
	list := make([]Folder, len(job.folders))
	for i := range job.folders {
		list[i] = *twins[job.folders[i].ID]
		c.set.inFolder(list[i].Parent, folderCounts{folders: 1})
		c.set.noteFolder(&list[i], changeCreated, nil)
	}
	if err := s.insertFolders(ctx, c.tx, list); err != nil {
		return err
	}
	if err := raiseHeights(ctx, c.tx, w.to.ID, top.height+1); err != nil {
		return err
	}
	files := make([]File, len(job.files))
	for i := range job.files {
		f := &job.files[i]
		files[i] = f.duplicate(twins[f.Folder], f.Name, c.now+int64(i)) // lists keep their order
	}
	return s.insertTwins(ctx, c, files)
}

// duplicateFolders are copies of folders, by the ids of those they are copied from.
func (s store) duplicateFolders(folders []Folder, to *Folder, name string, now int64) map[string]*Folder {
	twins := map[string]*Folder{}
	for i := range folders {
		twin := folders[i]
		twin.ID, twin.Owner, twin.Revision = uuid.NewString(), to.Owner, 1
		twin.Created, twin.Modified = microTime(now), microTime(now)
		if i == 0 {
			twin.Parent, twin.Name, twin.key = to.ID, name, nameKey(name)
		} else {
			twin.Parent = twins[twin.Parent].ID
		}
		twins[folders[i].ID] = &twin
	}
	return twins
}

// insertTwins writes the rows of copies.
func (s store) insertTwins(ctx context.Context, c *changing, twins []File) error {
	batch := make([]*upload, len(twins))
	for i := range twins {
		batch[i] = &upload{File: twins[i]}
		c.set.added(&batch[i].File, changeCreated)
	}
	return s.insertFiles(ctx, c.tx, batch)
}
