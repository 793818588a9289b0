//go:build unix

package blobtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// ErrPowerCut is what syncing says after a power cut.
var ErrPowerCut = errors.New("the power is off")

// Forgetful is a disk that keeps, when its power is cut, what was synced and forgets the rest:
// content is what it was when its file was last synced, a directory has the names that it had when
// it was last synced. It stands where a store has its way to make things durable (see
// diskblob.Syncer) and watches a real directory. After [Forgetful.Restore] that directory
// is what somebody finds who switches the power on again.
//
// What was not synced may have reached the disk by luck. So a cut forgets everything, some of it, or only
// content that was never synced: a name without its content is what disks do like to leave.
type Forgetful struct {
	t       testing.TB
	root    string
	links   string // a directory of second names, so that no inode's number is given out again
	NoWhole bool   // the file system cannot be synced as a whole

	mu     sync.Mutex
	left   int // syncs until the power is cut
	off    chan struct{}
	synced picture // what is durable
	found  picture // what was there at the moment of the cut
}

// picture is a state of the directory: names by directory, content by inode. Paths are relative.
type picture struct {
	exists  bool
	names   map[string]map[string]named
	content map[uint64]content
}

type named struct {
	inode uint64
	dir   bool
}

type content struct {
	data    []byte
	changed int64 // nanoseconds
}

// NewForgetful begins with everything that is below root now being durable. The power is cut at
// the sync number cutAt.
func NewForgetful(t testing.TB, root string, cutAt int) *Forgetful {
	t.Helper()
	links, err := os.MkdirTemp(filepath.Dir(root), "inodes-")
	if err != nil {
		t.Fatal(err)
	}
	f := &Forgetful{t: t, root: root, links: links, left: cutAt, off: make(chan struct{})}
	f.synced = f.look(picture{})
	return f
}

// Off is closed when the power has been cut.
func (f *Forgetful) Off() <-chan struct{} { return f.off }

// step counts a sync and reports whether it still happens. The caller holds mu. Half of the cuts
// come before a sync, half right after it, when whoever asked is not told.
func (f *Forgetful) step(do func()) error {
	select {
	case <-f.off:
		return ErrPowerCut
	default:
	}
	if f.left--; f.left > 0 {
		do()
		return nil
	}
	if rand.IntN(2) == 0 {
		do()
	}
	f.found = f.look(f.synced)
	close(f.off)
	return ErrPowerCut
}

// File implements diskblob.Syncer.
func (f *Forgetful) File(file *os.File) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.step(func() {
		if inode, c, err := f.read(file.Name()); err == nil {
			f.synced.content[inode] = c
		}
	})
}

// Dir implements diskblob.Syncer.
func (f *Forgetful) Dir(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.step(func() {
		if path == filepath.Dir(f.root) {
			_, err := os.Lstat(f.root)
			f.synced.exists = err == nil
			return
		}
		if names, err := f.list(path); err == nil {
			f.synced.names[f.relative(path)] = names
		}
	})
}

// Whole implements diskblob.Syncer.
func (f *Forgetful) Whole(string) (sync func() error, end func()) {
	if f.NoWhole {
		return nil, nil
	}
	return func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.step(func() { f.synced = f.look(f.synced) })
	}, func() {}
}

func (f *Forgetful) relative(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, f.root), "/")
}

// look takes a picture; known spares reading what has not changed.
func (f *Forgetful) look(known picture) picture {
	p := picture{names: map[string]map[string]named{}, content: map[uint64]content{}}
	maps.Copy(p.content, known.content)
	p.exists = filepath.WalkDir(f.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if path == f.root {
				return err
			}
			return nil //nolint:nilerr // renamed or removed meanwhile
		}
		if entry.IsDir() {
			if names, err := f.list(path); err == nil {
				p.names[f.relative(path)] = names
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // renamed or removed meanwhile
		}
		if c, ok := p.content[inodeOf(info)]; ok && c.changed == info.ModTime().UnixNano() && int64(len(c.data)) == info.Size() {
			return nil
		}
		if inode, c, err := f.read(path); err == nil {
			p.content[inode] = c
		}
		return nil
	}) == nil
	return p
}

func inodeOf(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}

// read reads a file and gives it a second name.
func (f *Forgetful) read(path string) (uint64, content, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, content{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, content{}, err
	}
	var data bytes.Buffer
	_, err = data.ReadFrom(file)
	f.hold(path, inodeOf(info))
	return inodeOf(info), content{data.Bytes(), info.ModTime().UnixNano()}, err
}

// hold keeps an inode's number from being given to another file.
func (f *Forgetful) hold(path string, inode uint64) {
	_ = os.Link(path, filepath.Join(f.links, fmt.Sprint(inode))) // it may be held already, or gone
}

// list reads a directory.
func (f *Forgetful) list(path string) (map[string]named, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	names := make(map[string]named, len(entries))
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue // renamed or removed meanwhile
		}
		if !entry.IsDir() {
			f.hold(filepath.Join(path, entry.Name()), inodeOf(info))
		}
		names[entry.Name()] = named{inodeOf(info), entry.IsDir()}
	}
	return names, nil
}

// luck is what a cut does to things that were not synced.
type luck int

const (
	none  luck = iota // all of it is forgotten
	some              // each may be there
	names             // names are there, content is not
	lucks
)

// Restore puts into the directory what the disk remembers. Nobody may be using it any more.
func (f *Forgetful) Restore() {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	l := luck(rand.IntN(int(lucks)))
	away := f.root + ".before"
	for _, err := range []error{os.RemoveAll(away), os.Rename(f.root, away)} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.t.Fatal(err)
		}
	}
	if f.synced.exists {
		f.rebuild("", f.remembered(l), l)
	}
	for _, path := range []string{away, f.links} {
		if err := os.RemoveAll(path); err != nil {
			f.t.Fatal(err)
		}
	}
}

// remembered is the names that the disk comes up with. What was only renamed keeps one of its names.
func (f *Forgetful) remembered(l luck) map[string]map[string]named {
	result := map[string]map[string]named{}
	there, added := map[uint64]bool{}, map[uint64]bool{}
	for dir, synced := range f.synced.names {
		result[dir] = maps.Clone(synced)
	}
	if l == none {
		return result
	}
	chance := func() bool { return l == names || rand.IntN(2) == 0 }
	for dir, found := range f.found.names {
		if result[dir] == nil {
			result[dir] = map[string]named{}
		}
		for name, n := range found {
			there[n.inode] = true
			if result[dir][name] != n && chance() {
				result[dir][name] = n
				added[n.inode] = true
			}
		}
	}
	for dir, synced := range f.synced.names {
		for name, n := range synced {
			if _, kept := f.found.names[dir][name]; !kept && !n.dir && (!there[n.inode] || added[n.inode]) && chance() {
				delete(result[dir], name)
			}
		}
	}
	return result
}

// rebuild makes a directory and everything in it.
func (f *Forgetful) rebuild(dir string, all map[string]map[string]named, l luck) {
	f.t.Helper()
	path := filepath.Join(f.root, dir)
	if err := os.Mkdir(path, 0o700); err != nil {
		f.t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(all[dir])) {
		n := all[dir][name]
		if n.dir {
			f.rebuild(filepath.Join(dir, name), all, l)
		} else if err := os.WriteFile(filepath.Join(path, name), f.recalled(n.inode, l), 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
}

// recalled is the content of a file: what was synced, and by luck some of what came after, of
// which disks like to remember the length more than the bytes.
func (f *Forgetful) recalled(inode uint64, l luck) []byte {
	synced, found := f.synced.content[inode].data, f.found.content[inode].data
	if l == none || !bytes.HasPrefix(found, synced) || len(found) == len(synced) {
		return synced
	}
	rest := slices.Clone(found[len(synced):])
	switch rand.IntN(3) {
	case 0:
		rest = rest[:rand.IntN(len(rest))]
	case 1:
		clear(rest[rand.IntN(len(rest)):])
	default:
		if l == names {
			clear(rest)
		}
	}
	return slices.Concat(synced, rest)
}
