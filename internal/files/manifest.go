package files

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"homeserver/internal/files/manifest"
	"homeserver/internal/files/vault"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
	"homeserver/internal/platform/sqldb"
)

// newManifest writes the library down and begins a new journal. Rows are read page by page while
// others change them; the journal, which begins with the change that was the newest before, sets right
// whatever was read too early.
func (f *Files) newManifest(ctx context.Context) error {
	f.journal.anew.Store(false)
	seq, _, err := f.store.feedSeq(ctx, f.store.db)
	if err != nil {
		return err
	}
	id, err := f.store.storageID(ctx)
	if err != nil {
		return err
	}
	if err := f.identify(ctx, id); err != nil { // what is missing because a drive is gone must not appear anew
		return err
	}
	if err := os.Mkdir(f.manifests(), privateDir); err != nil && !errors.Is(err, fs.ErrExist) {
		return errs.Wrap(errs.Unavailable, "The folder of the manifests cannot be made in the storage directory.", err)
	}
	at := f.now()
	name := manifest.Name(at)
	if name <= f.journal.name { // two within a second
		at = f.journal.at.Add(time.Second)
		name = manifest.Name(at)
	}
	temp := filepath.Join(f.manifests(), "."+name+".new")
	defer os.Remove(temp)
	err = f.writeManifestFile(ctx, temp, manifest.Header{Storage: id, At: at.UnixMicro(), Seq: seq})
	failpoint.Hit("manifest-written")
	if err == nil {
		err = os.Rename(temp, filepath.Join(f.manifests(), name))
	}
	if err == nil {
		err = syncFolder(f.manifests())
	}
	failpoint.Hit("manifest-named")
	if err != nil {
		f.journal.anew.Store(true)
		return err
	}
	f.journal.name, f.journal.at, f.journal.base, f.journal.size = name, at, seq, 0
	f.journal.written.Store(seq)
	return f.thinManifests()
}

func (f *Files) writeManifestFile(ctx context.Context, path string, h manifest.Header) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, privateFile)
	if err != nil {
		return errs.Wrap(errs.Unavailable, "A manifest cannot be written into the storage directory.", err)
	}
	err = f.writeManifest(ctx, f.store.db, out, h)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// writeManifest writes down the library as q shows it.
func (f *Files) writeManifest(ctx context.Context, q sqldb.Querier, out io.Writer, h manifest.Header) error {
	w, err := manifest.NewWriter(out, h)
	if err != nil {
		return err
	}
	owners, err := f.store.manifestOwners(ctx, q)
	if err != nil {
		return err
	}
	for _, id := range owners {
		if err := w.Write(manifest.Record{Owner: &manifest.Owner{ID: id, Name: cmp.Or(f.lent.displayName(id), id)}}); err != nil {
			return err
		}
	}
	for after := ""; ; {
		page, err := f.store.manifestFolders(ctx, q, after, manifestPage)
		if err != nil {
			return err
		}
		for i := range page {
			if err := w.Write(manifest.Record{Folder: &page[i]}); err != nil {
				return err
			}
		}
		if len(page) < manifestPage {
			break
		}
		after = page[len(page)-1].ID
	}
	for after := ""; ; {
		page, err := f.store.manifestFiles(ctx, q, after, manifestPage)
		if err != nil {
			return err
		}
		for i := range page {
			if err := w.File(&page[i]); err != nil {
				return err
			}
		}
		if len(page) < manifestPage {
			return w.Close()
		}
		after = page[len(page)-1].ID
	}
}

// thinManifests removes old manifests and the journals that none needs any more.
func (f *Files) thinManifests() error {
	names, err := f.manifestNames()
	if err != nil {
		return err
	}
	moments := make([]time.Time, len(names))
	for i, name := range names {
		moments[i], _ = manifest.TimeOf(name)
	}
	keep := map[string]bool{}
	for i, kept := range vault.Keep(manifestsKept, moments) {
		keep[names[i]] = kept || i >= len(names)-journalsKept
		keep[manifest.JournalOf(names[i])] = i >= len(names)-journalsKept
	}
	entries, err := os.ReadDir(f.manifests())
	if err != nil {
		return err
	}
	for _, e := range entries {
		_, ours := manifest.TimeOf(e.Name())
		if left := strings.HasPrefix(e.Name(), ".") && strings.HasSuffix(e.Name(), ".new"); ours && !keep[e.Name()] || left {
			if err := os.Remove(filepath.Join(f.manifests(), e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
