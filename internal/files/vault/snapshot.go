package vault

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

const (
	infoFile   = "snapshot.json"
	nameForm   = "20060102T150405Z"
	partialEnd = ".partial"
	removedEnd = ".removed"
)

// Snapshot is what snapshot.json says.
type Snapshot struct {
	Format   int              `json:"format"`
	Name     string           `json:"name"`
	Storage  string           `json:"storage"` // the id of the household's storage directory
	Program  string           `json:"program"` // the version that made it
	At       time.Time        `json:"at"`      // the moment that it shows
	Finished time.Time        `json:"finished"`
	Database string           `json:"database"` // the kind: sqlite or postgres
	Schema   map[string]int64 `json:"schema"`   // the version of each room's tables
	Tables   []string         `json:"tables,omitempty"`
	Seq      int64            `json:"seq"`   // of the change feed
	Files    int64            `json:"files"` // contents, each counted once
	Bytes    int64            `json:"bytes"`
	NewFiles int64            `json:"new_files"` // copied for this one
	NewBytes int64            `json:"new_bytes"`
	Parts    []Part           `json:"parts"`
	Lost     []Lost           `json:"lost,omitempty"`
	History  *History         `json:"history,omitempty"` // nil: there was none, or this program did not save it yet
}

// Part is a file of a snapshot.
type Part struct {
	Name   string `json:"name"` // below the snapshot's folder, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Lost is content that the snapshot should have and could not get.
type Lost struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Reason string `json:"reason"`
}

// sealed is the file itself: a snapshot with the digest of its own text.
type sealed struct {
	Snapshot json.RawMessage `json:"snapshot"`
	SHA256   string          `json:"sha256"`
}

// Part finds a part by its name.
func (s *Snapshot) Part(name string) (Part, bool) {
	i := slices.IndexFunc(s.Parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		return Part{}, false
	}
	return s.Parts[i], true
}

// Draft is a snapshot being made.
type Draft struct {
	v     *Vault
	name  string
	dir   string
	parts []Part
}

// Begin begins a snapshot that shows the moment at. It is called under the lock, and removes
// what earlier runs left unfinished.
func (v *Vault) Begin(at time.Time) (*Draft, error) {
	if err := v.tidy(); err != nil {
		return nil, err
	}
	name := at.UTC().Format(nameForm)
	for n := 1; ; n++ {
		if _, err := os.Lstat(filepath.Join(v.dir, snapshotsDir, name)); errors.Is(err, fs.ErrNotExist) {
			break
		}
		name = at.UTC().Add(time.Duration(n) * time.Second).Format(nameForm)
	}
	d := &Draft{v: v, name: name, dir: filepath.Join(v.dir, snapshotsDir, "."+name+partialEnd)}
	return d, v.explain(os.MkdirAll(d.dir, privateDir))
}

// Name is what the snapshot will be called.
func (d *Draft) Name() string { return d.name }

// Path is the place of a file in the unfinished snapshot, for what must be written by name. It
// is no part until Create or Adopt says so, and must not be left there.
func (d *Draft) Path(name string) string { return filepath.Join(d.dir, filepath.FromSlash(name)) }

// PartWriter writes a part. Close makes it durable and lists it.
type PartWriter struct {
	d    *Draft
	f    *os.File
	sum  hash.Hash
	part Part
}

// Create begins a part.
func (d *Draft) Create(name string) (*PartWriter, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, fmt.Errorf("%q is no name of a part", name)
	}
	if err := os.MkdirAll(filepath.Dir(d.Path(name)), privateDir); err != nil {
		return nil, d.v.explain(err)
	}
	f, err := os.OpenFile(d.Path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, privateFile)
	if err != nil {
		return nil, d.v.explain(err)
	}
	return &PartWriter{d: d, f: f, sum: sha256.New(), part: Part{Name: name}}, nil
}

// Write implements io.Writer.
func (w *PartWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.sum.Write(p[:n])
	w.part.Size += int64(n)
	return n, w.d.v.explain(err)
}

// Close ends the part.
func (w *PartWriter) Close() error {
	if err := errors.Join(w.f.Sync(), w.f.Close()); err != nil {
		return w.d.v.explain(err)
	}
	w.part.SHA256 = hex.EncodeToString(w.sum.Sum(nil))
	w.d.parts = append(w.d.parts, w.part)
	return nil
}

// Drop takes a part out again, whole or not.
func (d *Draft) Drop(name string) {
	d.parts = slices.DeleteFunc(d.parts, func(p Part) bool { return p.Name == name })
	_ = os.Remove(d.Path(name)) // Finish does not list it
}

// Finish makes the snapshot count. What it refers to must have been put and flushed.
func (d *Draft) Finish(s Snapshot) (Snapshot, error) {
	s.Format, s.Name, s.Parts = Format, d.name, d.parts
	for _, p := range s.Parts {
		if err := d.v.checkPart(d.dir, p); err != nil {
			return s, err
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	sum := sha256.Sum256(text)
	if text, err = json.Marshal(sealed{text, hex.EncodeToString(sum[:])}); err != nil {
		return s, err
	}
	failpoint.Hit("backup-before-finish")
	var paths []string
	err = filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err == nil {
		err = syncFiles(d.v.dir, paths)
	}
	if err == nil {
		err = writeDurably(d.dir, infoFile, append(text, '\n'))
	}
	failpoint.Hit("backup-listed")
	if err == nil {
		err = os.Rename(d.dir, filepath.Join(d.v.dir, snapshotsDir, d.name))
	}
	if err == nil {
		err = errors.Join(syncDir(filepath.Join(d.v.dir, snapshotsDir)), syncDir(d.v.dir))
	}
	failpoint.Hit("backup-finished")
	return s, d.v.explain(err)
}

// Abort removes an unfinished snapshot. After Finish it does nothing.
func (d *Draft) Abort() { _ = os.RemoveAll(d.dir) }

// Snapshots lists the snapshots that count, oldest first, and the names of those that should
// and cannot be read.
func (v *Vault) Snapshots() (list []Snapshot, broken []string, err error) {
	entries, err := os.ReadDir(filepath.Join(v.dir, snapshotsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, v.explain(err)
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		s, err := v.Snapshot(e.Name())
		if err != nil {
			broken = append(broken, e.Name())
			continue
		}
		list = append(list, s)
	}
	// Names come close to the moments; of several within a second they are later.
	slices.SortFunc(list, func(a, b Snapshot) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Name, b.Name)) })
	return list, broken, nil
}

// Snapshot reads one snapshot.
func (v *Vault) Snapshot(name string) (s Snapshot, err error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return s, errs.Newf(errs.NotFound, "%s has no snapshot called %q.", v.dir, name)
	}
	text, err := readSmall(filepath.Join(v.dir, snapshotsDir, name, infoFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, errs.Newf(errs.NotFound, "%s has no snapshot called %q.", v.dir, name)
	}
	var seal sealed
	if err == nil {
		err = json.Unmarshal(text, &seal)
	}
	if sum := sha256.Sum256(seal.Snapshot); err == nil && hex.EncodeToString(sum[:]) != seal.SHA256 {
		err = ErrDamaged
	}
	if err == nil {
		err = json.Unmarshal(seal.Snapshot, &s)
	}
	switch {
	case err != nil:
		return s, errs.Wrap(errs.Unavailable, fmt.Sprintf("The snapshot %s cannot be read: its %s is damaged.", name, infoFile), err)
	case s.Format > Format:
		return s, errs.Newf(errs.Conflict, "The snapshot %s was made by a later version of this program. Use that one.", name)
	}
	return s, nil
}

// checkPart compares a part with its digest, reading from the drive.
func (v *Vault) checkPart(dir string, p Part) error {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(p.Name)))
	if err != nil {
		return v.explain(err)
	}
	defer f.Close()
	forget(f)
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err == nil && (n != p.Size || hex.EncodeToString(sum.Sum(nil)) != p.SHA256) {
		err = fmt.Errorf("%s: %w", p.Name, ErrDamaged)
	}
	if errors.Is(err, ErrDamaged) {
		return errs.Wrap(errs.Unavailable, fmt.Sprintf("The part %s of a backup in %s is damaged.", p.Name, v.dir), err)
	}
	return v.explain(err)
}

// OpenPart opens a part, compared with its digest first: nothing of a damaged one is ever used.
func (v *Vault) OpenPart(s *Snapshot, name string) (*os.File, error) {
	p, ok := s.Part(name)
	if !ok || !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, errs.Newf(errs.NotFound, "The snapshot %s has no part %q.", s.Name, name)
	}
	dir := filepath.Join(v.dir, snapshotsDir, s.Name)
	if err := v.checkPart(dir, p); err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	return f, v.explain(err)
}
