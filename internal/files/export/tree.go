package export

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"homeserver/internal/files/manifest"
	"homeserver/internal/platform/errs"
)

const (
	// maxDepth is how deep folders may lie; the house makes none below 100. What lies deeper is
	// damage, and is put where stray files go.
	maxDepth  = 200
	household = manifest.Household
)

// index makes the manifest fit for being walked.
func (x *exporter) index() {
	x.folders, x.files = map[string][]*manifest.Folder{}, map[string][]*manifest.File{}
	for _, f := range x.library.Folders {
		if f.Parent != "" {
			x.folders[f.Parent] = append(x.folders[f.Parent], f)
		}
	}
	for _, f := range x.library.Files {
		x.files[f.Folder] = append(x.files[f.Folder], f)
		x.known[f.SHA256] = true
		for _, v := range f.Versions {
			x.known[v.SHA256] = true
		}
	}
	// In the order in which things came to be, so that numbers are the same each time.
	for _, list := range x.folders {
		slices.SortFunc(list, func(a, b *manifest.Folder) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
		})
	}
	for _, list := range x.files {
		slices.SortFunc(list, inOrder)
	}
}

func byName(a, b *manifest.Folder) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
}

func inOrder(a, b *manifest.File) int {
	return cmp.Or(cmp.Compare(a.Uploaded, b.Uploaded), strings.Compare(a.ID, b.ID))
}

// owners lists whose trees there are and are wanted, the household first.
func (x *exporter) owners() ([]string, error) {
	found := map[string]bool{}
	for _, f := range x.library.Folders {
		found[f.Owner] = true
	}
	for _, f := range x.library.Files {
		found[f.Owner] = true
	}
	for id := range x.library.Owners {
		found[id] = true
	}
	list := make([]string, 0, len(found))
	for id := range found {
		if x.wanted(id) {
			list = append(list, id)
		}
	}
	if len(list) == 0 && x.options.Owner != "" {
		return nil, errs.Newf(errs.NotFound, "The manifest knows no owner called %q.", x.options.Owner)
	}
	slices.Sort(list)
	return list, nil
}

func (x *exporter) wanted(id string) bool {
	want := x.options.Owner
	return want == "" || want == id || id == "" && strings.EqualFold(want, household) || id != "" && strings.EqualFold(want, x.library.Owners[id])
}

// owner gives one owner's tree back, then what is in the trash, then what has no folder.
func (x *exporter) owner(ctx context.Context, id string) error {
	root, label := household, householdDir
	if id != "" {
		root, label = id, cmp.Or(x.library.Owners[id], id)
	}
	x.seen[root] = true
	w := walk{x: x, owner: id}
	top, err := x.makeDir("", label)
	if err != nil {
		return err
	}
	if err := w.folder(ctx, root, top, 0); err != nil {
		return err
	}
	if err := w.trash(ctx, path.Base(top)); err != nil {
		return err
	}
	return w.strays(ctx, top)
}

// walk is the way through one owner's tree.
type walk struct {
	x     *exporter
	owner string
}

// folder gives back what a folder holds.
func (w *walk) folder(ctx context.Context, id, dir string, depth int) error {
	for _, f := range w.x.files[id] {
		if f.Trashed {
			continue
		}
		if err := w.file(ctx, f, dir); err != nil {
			return err
		}
	}
	for _, f := range w.x.folders[id] {
		if w.x.seen[f.ID] || f.Trashed || depth >= maxDepth {
			continue // a circle or damage, if it is not in the trash
		}
		w.x.seen[f.ID] = true
		below, err := w.x.makeDir(dir, f.Name)
		if err != nil {
			return err
		}
		if err := w.folder(ctx, f.ID, below, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) file(ctx context.Context, f *manifest.File, dir string) error {
	w.x.seen[f.ID] = true
	c := content{digest: f.SHA256, path: f.Path, size: f.Size, modified: time.UnixMicro(cmp.Or(f.Modified, f.Uploaded))}
	stored, err := w.x.store(ctx, dir, f.Name, c, true)
	if err != nil {
		return err
	}
	if stored {
		w.x.report.Files++
	}
	if !w.x.options.Versions {
		return nil
	}
	for _, v := range f.Versions {
		below, err := w.x.makeAll(versionsDir, dir)
		if err != nil {
			return err
		}
		replaced := time.UnixMicro(v.Replaced)
		stored, err := w.x.store(ctx, below, replaced.UTC().Format("2006-01-02 15.04.05 ")+f.Name, content{digest: v.SHA256, size: v.Size, modified: replaced}, false)
		if err != nil {
			return err
		}
		if stored {
			w.x.report.Versions++
		}
	}
	return nil
}

// trash gives back what the owner put into the trash, beside each other. What folders there hold
// goes with them, but for what was in the trash before.
func (w *walk) trash(ctx context.Context, label string) error {
	var files []*manifest.File
	for _, f := range w.x.library.Files {
		if f.Trashed && f.Owner == w.owner {
			files = append(files, f)
		}
	}
	var folders []*manifest.Folder
	for _, f := range w.x.library.Folders {
		if f.Trashed && f.Owner == w.owner {
			folders = append(folders, f)
		}
	}
	if len(files)+len(folders) == 0 {
		return nil
	}
	dir, err := w.x.makeAll(trashDir, label)
	if err != nil {
		return err
	}
	slices.SortFunc(files, inOrder)
	slices.SortFunc(folders, byName)
	for _, f := range files {
		if err := w.file(ctx, f, dir); err != nil {
			return err
		}
	}
	for _, f := range folders {
		w.x.seen[f.ID] = true
		below, err := w.x.makeDir(dir, f.Name)
		if err != nil {
			return err
		}
		if err := w.folder(ctx, f.ID, below, 1); err != nil {
			return err
		}
	}
	return nil
}

// strays gives back the owner's files that no way leads to: their folder is unknown.
func (w *walk) strays(ctx context.Context, top string) error {
	var stray []*manifest.File
	for _, f := range w.x.library.Files {
		if f.Owner == w.owner && !w.x.seen[f.ID] {
			stray = append(stray, f)
		}
	}
	if len(stray) == 0 {
		return nil
	}
	slices.SortFunc(stray, inOrder)
	dir, err := w.x.makeDir(top, strayDir)
	if err != nil {
		return err
	}
	for _, f := range stray {
		if err := w.file(ctx, f, dir); err != nil {
			return err
		}
	}
	return nil
}
