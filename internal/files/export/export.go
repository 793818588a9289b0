// Package export rebuilds a plain tree of files and folders from a storage directory or a backup:
// from the content and its manifest alone, without the database.
//
// Nothing is ever written outside the target, whatever a manifest says: it is worked in through
// an os.Root, and names are made harmless first. Every content is compared with its digest while
// it is copied; what does not match is put aside in Damaged/ and reported.
//
//	Household/...            what belongs to everybody
//	<name of the owner>/...  what belongs to a person
//	Trash/<owner>/...        what was in the trash
//	Versions/<owner>/...     what files were before they were replaced, if asked for
//	Unnamed/<sha256>         content that no manifest knows
//	Damaged/...              content that does not match its digest
package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"homeserver/internal/files/manifest"
	"homeserver/internal/files/vault"
	"homeserver/internal/platform/errs"
)

// The folders of the target that are no owner's.
const (
	householdDir = "Household"
	trashDir     = "Trash"
	versionsDir  = "Versions"
	unnamedDir   = "Unnamed"
	damagedDir   = "Damaged"
	strayDir     = "Without a folder"
)

const (
	privateDir  = 0o700 // a household's files are nobody else's business
	privateFile = 0o600
)

// Options say what to export, and where.
type Options struct {
	// Storage is a storage directory or a directory of backups.
	Storage string
	// Target is where the tree is made: a directory that does not exist or is empty.
	Target string
	// Owner, if not "", is the name or id of the only owner whose files are wanted; "household"
	// is everybody's.
	Owner string
	// Versions asks for what files were before they were replaced, too.
	Versions bool
	// Progress, if set, is called now and then with what has been written so far.
	Progress func(files, bytes int64)
}

// Problem is content that could not be given back.
type Problem struct {
	Path    string `json:"path"` // in the target, where it should be
	SHA256  string `json:"sha256,omitempty"`
	Size    int64  `json:"size"`
	Reason  string `json:"reason"`
	MovedTo string `json:"moved_to,omitempty"`
}

// Report is what was done.
type Report struct {
	Manifest string    `json:"manifest"` // the one that was read; "" when there is none
	Passed   []string  `json:"damaged_manifests,omitempty"`
	Skipped  int       `json:"damaged_lines,omitempty"` // of journals
	Files    int64     `json:"files"`
	Folders  int64     `json:"folders"`
	Versions int64     `json:"versions"`
	Unnamed  int64     `json:"unnamed"`
	Bytes    int64     `json:"bytes"`
	Renamed  int64     `json:"renamed"` // names that were numbered, or that no file can have
	Problems []Problem `json:"problems"`
}

// OK reports whether everything was given back.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// exporter is one run.
type exporter struct {
	options Options
	library *manifest.Library
	source  *os.Root
	target  *os.Root
	report  Report

	folders map[string][]*manifest.Folder // by parent
	files   map[string][]*manifest.File   // by folder
	seen    map[string]bool               // ids of files and folders that have their place
	known   map[string]bool               // digests that some file or version has
	dirs    map[string]*directory         // of the target, by path
}

// Run exports.
func Run(ctx context.Context, options Options) (Report, error) {
	x := &exporter{options: options, seen: map[string]bool{}, known: map[string]bool{}, dirs: map[string]*directory{}}
	// A person may bear the name of one of our own folders: theirs gets a number.
	x.dirs[""] = &directory{next: map[string]int{trashDir: 1, versionsDir: 1, unnamedDir: 1, damagedDir: 1}}
	x.report.Problems = []Problem{}
	if err := x.open(); err != nil {
		return x.report, err
	}
	defer x.source.Close()
	defer x.target.Close()
	x.index()
	owners, err := x.owners()
	for _, owner := range owners {
		if err == nil {
			err = x.owner(ctx, owner)
		}
	}
	if err == nil && options.Owner == "" {
		err = x.unnamed(ctx)
	}
	if err == nil {
		err = syncAll(x.target)
	}
	return x.report, err
}

// open looks at both places and reads the manifest.
func (x *exporter) open() (err error) {
	o := x.options
	if x.source, err = os.OpenRoot(o.Storage); err != nil {
		return errs.Wrap(errs.Unavailable, fmt.Sprintf("The storage directory %s cannot be opened. Is the drive connected?", o.Storage), err)
	}
	if x.library, err = findManifest(x.source); err == nil {
		x.report.Manifest, x.report.Passed, x.report.Skipped = x.library.From, x.library.Passed, x.library.Damaged
		x.target, err = openTarget(o.Target, o.Storage)
	}
	if err != nil {
		x.source.Close()
	}
	return err
}

// findManifest reads a storage directory's manifests, or a backup's newest.
func findManifest(source *os.Root) (*manifest.Library, error) {
	dir, err := source.OpenRoot("manifests")
	if err == nil {
		defer dir.Close()
		return manifest.Load(dir.FS())
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	found, err := fs.Glob(source.FS(), "snapshots/*/manifest.jsonl.zst")
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Backward(found) {
		if strings.Contains(name, "/.") {
			continue // unfinished, or being removed
		}
		f, err := source.Open(name)
		if err != nil {
			return nil, err
		}
		library, err := manifest.Decode(f)
		f.Close()
		if err == nil {
			library.From = name
			return library, nil
		}
	}
	if _, err := source.Stat("blobs"); err != nil {
		return nil, errs.New(errs.Invalid, "This is neither a storage directory nor a backup: it has neither manifests/ nor blobs/.")
	}
	return manifest.Load(emptyFS{})
}

// emptyFS is a directory without anything in it.
type emptyFS struct{}

// Open implements fs.FS.
func (emptyFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadDir implements fs.ReadDirFS.
func (emptyFS) ReadDir(string) ([]fs.DirEntry, error) { return nil, nil }

// openTarget makes the target, or takes one that is empty.
func openTarget(target, storage string) (*os.Root, error) {
	if vault.Inside(target, storage) {
		return nil, errs.Newf(errs.Invalid, "%s lies inside the storage directory %s. Choose another place.", target, storage)
	}
	if err := os.MkdirAll(target, privateDir); err != nil {
		return nil, errs.Wrap(errs.Invalid, fmt.Sprintf("%s cannot be made; choose a place where you may write.", target), err)
	}
	entries, err := os.ReadDir(target)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, fmt.Sprintf("%s cannot be read; choose a directory.", target), err)
	}
	for _, e := range entries {
		if e.Name() != "lost+found" {
			return nil, errs.Newf(errs.Invalid, "%s is not empty (it has %q). Choose an empty directory, so that nothing of yours is replaced.", target, e.Name())
		}
	}
	return os.OpenRoot(target)
}

// readUntil is a reader that ends with its context.
type readUntil struct {
	ctx context.Context
	io.Reader
}

func (r readUntil) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
