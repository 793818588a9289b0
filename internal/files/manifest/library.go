package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	manifestEnd = ".jsonl.zst"
	journalEnd  = ".journal.jsonl"
	nameForm    = "20060102T150405Z"
)

// Name is the file name of the manifest that is begun at t. Names sort by time.
func Name(t time.Time) string { return t.UTC().Format(nameForm) + manifestEnd }

// JournalOf is the file name of the journal that follows the manifest called name.
func JournalOf(name string) string { return strings.TrimSuffix(name, manifestEnd) + journalEnd }

// TimeOf is when the manifest or journal called name was begun; false for other names.
func TimeOf(name string) (time.Time, bool) {
	base, ok := strings.CutSuffix(name, manifestEnd)
	if !ok {
		base, ok = strings.CutSuffix(name, journalEnd)
	}
	t, err := time.Parse(nameForm, base)
	return t, ok && err == nil
}

// IsManifest reports whether name is that of a manifest, and not of a journal or another file.
func IsManifest(name string) bool {
	_, ours := TimeOf(name)
	return ours && strings.HasSuffix(name, manifestEnd)
}

// Library is what a manifest and the journals after it say.
type Library struct {
	Header  Header
	Owners  map[string]string // names by id
	Folders map[string]*Folder
	Files   map[string]*File

	From    string   // the manifest's name, "" when only journals could be read
	Passed  []string // newer manifests that are cut or damaged
	Damaged int      // lines of journals that could not be read

	gone map[string]bool // folders that a journal says are no more
}

func newLibrary() *Library {
	return &Library{Owners: map[string]string{}, Folders: map[string]*Folder{}, Files: map[string]*File{}, gone: map[string]bool{}}
}

// apply takes one record over.
func (l *Library) apply(r Record) error {
	switch {
	case r.Owner != nil:
		l.Owners[r.Owner.ID] = r.Owner.Name
	case r.Folder != nil:
		l.Folders[r.Folder.ID] = r.Folder
		delete(l.gone, r.Folder.ID)
	case r.File != nil:
		l.Files[r.File.ID] = r.File
	case r.Version != nil:
		if f := l.Files[r.Version.File]; f != nil {
			f.Versions = append(f.Versions, *r.Version)
		}
	case r.Gone != nil && r.Gone.Kind == KindFile:
		delete(l.Files, r.Gone.ID)
	case r.Gone != nil && r.Gone.Kind == KindFolder:
		delete(l.Folders, r.Gone.ID)
		l.gone[r.Gone.ID] = true
	case r.Mark != nil:
		l.Header.Seq = max(l.Header.Seq, r.Mark.Seq)
	}
	return nil
}

// Decode reads one whole manifest.
func Decode(r io.Reader) (*Library, error) {
	l := newLibrary()
	var err error
	l.Header, err = Read(r, l.apply)
	return l, err
}

// Load reads what a directory of manifests says: the newest whole one, and every journal from
// its own on. With none that is whole, journals alone still name what they name.
func Load(dir fs.FS) (*Library, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, err
	}
	var manifests, journals []string
	for _, e := range entries {
		switch _, ours := TimeOf(e.Name()); {
		case !ours || !e.Type().IsRegular():
		case strings.HasSuffix(e.Name(), manifestEnd):
			manifests = append(manifests, e.Name())
		default:
			journals = append(journals, e.Name())
		}
	}
	slices.Sort(manifests)
	slices.Sort(journals)
	l, err := newest(dir, manifests)
	if err != nil {
		return nil, err
	}
	for _, name := range journals {
		if l.From != "" && name < JournalOf(l.From) {
			continue
		}
		if err := l.follow(dir, name); err != nil {
			return nil, err
		}
	}
	l.prune()
	l.settle()
	return l, nil
}

// Household is the id of the root of the tree that is everybody's; others bear their owner's.
const Household = "household"

// maxDepth is how far a folder may lie below its root; what lies deeper is damage.
const maxDepth = 200

// settle gives what lies in a tree to the tree's owner: when a folder is given away a journal
// names the folder alone. What is in the trash stays whose it was, whatever became of the folder
// that it came from.
func (l *Library) settle() {
	for _, f := range l.Folders {
		if f.Parent != "" && !f.Trashed {
			f.Owner = l.owner(f.Parent, f.Owner)
		}
	}
	for _, f := range l.Files {
		if !f.Trashed {
			f.Owner = l.owner(f.Folder, f.Owner)
		}
	}
}

// owner is whose tree a folder lies in; otherwise if no way leads to a root.
func (l *Library) owner(folder, otherwise string) string {
	for range maxDepth {
		f := l.Folders[folder]
		switch {
		case f != nil && f.Trashed:
			return f.Owner
		case f != nil && f.Parent != "":
			folder = f.Parent
		case f == nil && folder != Household && l.Owners[folder] == "":
			return otherwise // the folder is not known, nor is it the root of anybody known
		case folder == Household:
			return ""
		default:
			return folder
		}
	}
	return otherwise
}

// prune removes what went with a folder that is no more: of a whole subtree a journal names the
// top alone. What went to the trash by itself before stays there, and is named when it goes.
func (l *Library) prune() {
	for again := len(l.gone) > 0; again; {
		again = false
		for id, f := range l.Folders {
			if l.gone[f.Parent] && !f.Trashed {
				delete(l.Folders, id)
				l.gone[id], again = true, true
			}
		}
	}
	for id, f := range l.Files {
		if l.gone[f.Folder] && !f.Trashed {
			delete(l.Files, id)
		}
	}
}

// newest reads the newest manifest that is whole.
func newest(dir fs.FS, names []string) (*Library, error) {
	var passed []string
	for _, name := range slices.Backward(names) {
		f, err := dir.Open(name)
		if err != nil {
			return nil, err
		}
		l, err := Decode(f)
		f.Close()
		switch {
		case err == nil:
			l.From, l.Passed = name, passed
			return l, nil
		case errors.Is(err, ErrFormat) && l.Header.Format > Format:
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		passed = append(passed, name)
	}
	l := newLibrary()
	l.Passed = passed
	return l, nil
}

// follow takes over what a journal says.
func (l *Library) follow(dir fs.FS, name string) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	damaged, err := ReadJournal(f, l.apply)
	l.Damaged += damaged
	return err
}
