package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"homeserver/internal/files/manifest"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

const (
	// manifestsDir is where the library is written down, below the storage's place.
	manifestsDir = "manifests"
	// manifestEvery is how old the newest manifest may become while things change.
	manifestEvery = 24 * time.Hour
	// followEvery is how often this copy looks for changes that are not in the journal yet.
	followEvery = 3 * time.Second
	// journalLongest is the length of a journal, in bytes, at which a new manifest is due early.
	journalLongest = 64 << 20
	// manifestsKept is how many of the newest manifests are kept, and for how many days, weeks and
	// months the newest of each.
	manifestsKept = 3
	// journalsKept is for how many manifests their journals are kept, in case the newest is damaged.
	journalsKept = 3
	// manifestPage is how many rows are read at a time.
	manifestPage = 500

	privateDir  = 0o700 // names are nobody else's business
	privateFile = 0o600
)

// follower is what this process knows of the manifests. Only the job "files.manifest", of which
// one runs at a time, uses anything but written.
type follower struct {
	written atomic.Int64 // the change up to which this process has seen the journal
	anew    atomic.Bool  // something changed that no change of the feed tells of
	name    string       // the newest whole manifest; "" when it is not known
	at      time.Time    // when it was begun
	base    int64        // its own seq
	size    int64        // of its journal
}

// watchFeed asks for the journal to be written when there are changes that it lacks.
func (f *Files) watchFeed(ctx context.Context) {
	seq, _, err := f.store.feedSeq(ctx, f.store.db)
	if w := f.workers.Load(); err == nil && w != nil && (seq != f.journal.written.Load() || f.journal.anew.Load()) {
		w.Trigger("files.manifest")
	}
}

// KeepManifest brings the manifest and its journal up to date: what changed is appended, and
// once a day the library is written down anew. With the database lost, these are the files' names.
func (f *Files) KeepManifest(ctx context.Context) error {
	if err := f.blobs.Check(ctx); err != nil {
		return err
	}
	if err := f.findManifest(ctx); err != nil {
		return err
	}
	seq, oldest, err := f.store.feedSeq(ctx, f.store.db)
	if err != nil {
		return err
	}
	last := f.journal.written.Load()
	due := f.journal.name == "" || f.journal.anew.Load() || last < oldest || last > seq || f.journal.size > journalLongest ||
		f.now().Sub(f.journal.at) >= manifestEvery && seq != f.journal.base
	if f.journal.name != "" && last < seq && last >= oldest {
		if err := f.appendJournal(ctx, last); err != nil {
			return err
		}
	}
	if due {
		return f.newManifest(ctx)
	}
	return nil
}

func (f *Files) manifests() string { return filepath.Join(f.blobs.Place(), manifestsDir) }

// findManifest finds out what is written down, unless this process knows.
func (f *Files) findManifest(ctx context.Context) error {
	journal := func() string { return filepath.Join(f.manifests(), manifest.JournalOf(f.journal.name)) }
	if f.journal.name != "" {
		info, err := os.Stat(journal())
		if err == nil && info.Size() == f.journal.size || errors.Is(err, fs.ErrNotExist) && f.journal.size == 0 {
			return nil // nobody else has written to it
		}
	}
	names, err := f.manifestNames()
	if err != nil || len(names) == 0 {
		f.journal.name = ""
		return err
	}
	name := names[len(names)-1]
	if name != f.journal.name {
		header, err := readHeader(ctx, filepath.Join(f.manifests(), name))
		if err != nil {
			f.log.Warn("the newest manifest cannot be read; a new one is written", "name", name, "error", err)
			f.journal.name = ""
			return ctx.Err()
		}
		f.journal.name, f.journal.at, f.journal.base = name, header.Time(), header.Seq
	}
	last, size, err := mendJournal(journal())
	f.journal.size = size
	f.journal.written.Store(max(last, f.journal.base))
	return err
}

// manifestNames lists the manifests, oldest first.
func (f *Files) manifestNames() ([]string, error) {
	entries, err := os.ReadDir(f.manifests())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errs.Wrap(errs.Unavailable, "The manifests in the storage directory cannot be read.", err)
	}
	var names []string
	for _, e := range entries {
		if manifest.IsManifest(e.Name()) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// readHeader reads a whole manifest, to know that it is, and returns its header.
func readHeader(ctx context.Context, path string) (manifest.Header, error) {
	in, err := os.Open(path)
	if err != nil {
		return manifest.Header{}, err
	}
	defer in.Close()
	return manifest.Check(readUntil{ctx, in})
}

// mendJournal finds the last mark of a journal and cuts off a torn line.
func mendJournal(path string) (seq, size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	if _, err := manifest.ReadJournal(f, func(r manifest.Record) error {
		if r.Mark != nil {
			seq = max(seq, r.Mark.Seq)
		}
		return nil
	}); err != nil {
		return 0, 0, err
	}
	if size, err = f.Seek(0, io.SeekEnd); err != nil {
		return 0, 0, err
	}
	tail := make([]byte, 4096)
	for size > 0 {
		n := min(size, int64(len(tail)))
		if _, err := f.ReadAt(tail[:n], size-n); err != nil {
			return 0, 0, err
		}
		if i := bytes.LastIndexByte(tail[:n], '\n'); i >= 0 {
			size += int64(i) + 1 - n
			break
		}
		size -= n
	}
	return seq, size, f.Truncate(size)
}

// appendJournal writes down what changed after last.
func (f *Files) appendJournal(ctx context.Context, last int64) error {
	out, err := os.OpenFile(filepath.Join(f.manifests(), manifest.JournalOf(f.journal.name)), os.O_WRONLY|os.O_CREATE|os.O_APPEND, privateFile)
	if err != nil {
		return errs.Wrap(errs.Unavailable, "The journal of the manifest cannot be written.", err)
	}
	defer out.Close()
	fresh := f.journal.size == 0
	for {
		changes, err := f.store.changedAfter(ctx, last, manifestPage)
		if err != nil || len(changes) == 0 {
			return err
		}
		last = changes[len(changes)-1].seq
		lines, err := f.journalOf(ctx, changes)
		if err == nil {
			lines, err = manifest.AppendLine(lines, manifest.Record{Mark: &manifest.Mark{Seq: last}})
		}
		if err != nil {
			return err
		}
		failpoint.Hit("journal-append")
		n, err := out.Write(lines)
		f.journal.size += int64(n)
		if err == nil {
			err = out.Sync()
		}
		if err == nil && fresh {
			err = syncFolder(f.manifests())
			fresh = false
		}
		if err != nil {
			f.journal.name = "" // look at it again before anything more is appended
			return errs.Wrap(errs.Unavailable, "The journal of the manifest cannot be written.", err)
		}
		f.journal.written.Store(last)
	}
}

// journalOf makes lines of what some changes were about, as it is now: later lines take the
// place of earlier ones, so what it was in between does not matter.
func (f *Files) journalOf(ctx context.Context, changes []changedThing) ([]byte, error) {
	seen := map[changedThing]bool{}
	var folders, files []string
	for _, c := range changes {
		c.seq = 0
		switch {
		case seen[c]:
		case c.kind == manifest.KindFolder:
			folders = append(folders, c.id)
		case c.kind == manifest.KindFile:
			files = append(files, c.id)
		}
		seen[c] = true
	}
	foundFolders, foundFiles, err := f.store.manifestNamed(ctx, f.store.db, folders, files)
	if err != nil {
		return nil, err
	}
	var lines []byte
	add := func(r manifest.Record) {
		if err == nil {
			lines, err = manifest.AppendLine(lines, r)
		}
	}
	owners := map[string]bool{household: true}
	owner := func(id string) {
		if name := f.lent.displayName(id); !owners[id] && name != "" {
			add(manifest.Record{Owner: &manifest.Owner{ID: id, Name: name}})
		}
		owners[id] = true
	}
	there := map[changedThing]bool{}
	for i := range foundFolders {
		owner(foundFolders[i].Owner)
		add(manifest.Record{Folder: &foundFolders[i]})
		there[changedThing{kind: manifest.KindFolder, id: foundFolders[i].ID}] = true
	}
	for i := range foundFiles {
		owner(foundFiles[i].Owner)
		if err == nil {
			lines, err = manifest.AppendFile(lines, &foundFiles[i])
		}
		there[changedThing{kind: manifest.KindFile, id: foundFiles[i].ID}] = true
	}
	for c := range seen {
		if !there[c] && (c.kind == manifest.KindFile || c.kind == manifest.KindFolder) {
			add(manifest.Record{Gone: &manifest.Gone{Kind: c.kind, ID: c.id}})
		}
	}
	return lines, err
}
