// Package memblob keeps blobs in memory, for tests that want no disk.
package memblob

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
)

// size is the space a store pretends to have, in bytes.
const size = 1 << 40

// Store is a blob store in memory. Its zero value is not usable; call New.
type Store struct {
	mu          sync.Mutex
	id          string
	bound       string
	incoming    map[string]object
	blobs       map[string]object
	legacy      map[string]object
	quarantined map[string]object
	busy        map[string]bool // incoming that is being appended to
}

type object struct {
	data    []byte
	changed time.Time
}

var _ blob.Store = (*Store)(nil)

// New makes an empty store.
func New() *Store {
	return &Store{incoming: map[string]object{}, blobs: map[string]object{}, legacy: map[string]object{}, quarantined: map[string]object{}, busy: map[string]bool{}}
}

// PutLegacy places a file of the original's.
func (s *Store) PutLegacy(path string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.legacy[path] = object{slices.Clone(data), time.Now()}
}

type writer struct {
	s   *Store
	id  string
	buf []byte
}

func (w *writer) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	return len(p), nil
}

func (w *writer) Commit() error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.s.incoming[w.id] = object{w.buf, time.Now()}
	return nil
}

func (w *writer) Abort() {}

// Create implements blob.Creator.
func (s *Store) Create(_ context.Context, id string) (blob.Writer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.incoming[id]; taken || !plainName(id) {
		return nil, errs.Newf(errs.Internal, "memblob: %q cannot be used", id)
	}
	return &writer{s: s, id: id}, nil
}

// group is the store itself: in memory everything is as durable as it will be.
type group struct{ *Store }

// Group implements blob.Grouper.
func (s *Store) Group(context.Context) (blob.Group, error) { return group{s}, nil }

// Sync implements blob.Group.
func (g group) Sync(_ context.Context, items []blob.Staged) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, item := range items {
		if _, ok := g.incoming[item.ID]; !ok {
			return errs.Newf(errs.Unavailable, "memblob: %s was never received", item.ID)
		}
	}
	return nil
}

// Close implements blob.Group.
func (g group) Close() {}

func plainName(id string) bool { return id != "" && !strings.ContainsAny(id, "/\\") && id != ".." }

// Discard implements blob.Creator.
func (s *Store) Discard(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.incoming, id)
	return nil
}

// Publish implements blob.Publisher.
func (s *Store) Publish(_ context.Context, items []blob.Staged) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, item := range items {
		o, ok := s.incoming[item.ID]
		if !ok {
			if have, ok := s.blobs[item.SHA256]; ok && int64(len(have.data)) == item.Size {
				continue
			}
			return errs.Newf(errs.Unavailable, "memblob: %s is neither incoming nor published", item.ID)
		}
		delete(s.incoming, item.ID)
		s.blobs[item.SHA256] = o
	}
	return nil
}

type file struct {
	*bytes.Reader
	o object
}

func (f *file) Close() error               { return nil }
func (f *file) Stat() (fs.FileInfo, error) { return info{f.o}, nil }

type info struct{ o object }

func (i info) Name() string       { return "blob" }
func (i info) Size() int64        { return int64(len(i.o.data)) }
func (i info) Mode() fs.FileMode  { return 0o600 }
func (i info) ModTime() time.Time { return i.o.changed }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }

func (s *Store) open(from map[string]object, name string) (blob.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := from[name]
	if !ok {
		return nil, blob.ErrNotExist
	}
	return &file{bytes.NewReader(o.data), o}, nil
}

// Open implements blob.Reader.
func (s *Store) Open(_ context.Context, sha256 string) (blob.File, error) {
	return s.open(s.blobs, sha256)
}

// Load implements blob.Loader.
func (s *Store) Load(_ context.Context, sha256 string, buf []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.blobs[sha256]
	if !ok {
		return 0, blob.ErrNotExist
	}
	return copy(buf, o.data), nil
}

// Stat implements blob.Reader.
func (s *Store) Stat(_ context.Context, sha256 string) (blob.Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.blobs[sha256]
	if !ok {
		return blob.Info{}, blob.ErrNotExist
	}
	return blob.Info{SHA256: sha256, Size: int64(len(o.data))}, nil
}

// Walk implements blob.Remover.
func (s *Store) Walk(_ context.Context, fn func(blob.Info) error) error {
	s.mu.Lock()
	names, snapshot := slices.Sorted(maps.Keys(s.blobs)), maps.Clone(s.blobs)
	s.mu.Unlock()
	for _, name := range names {
		if err := fn(blob.Info{SHA256: name, Size: int64(len(snapshot[name].data))}); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements blob.Remover.
func (s *Store) Remove(_ context.Context, sha256 string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.blobs, sha256)
	return nil
}

// Quarantine implements blob.Remover.
func (s *Store) Quarantine(_ context.Context, sha256 string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.blobs[sha256]
	if !ok {
		return "", blob.ErrNotExist
	}
	delete(s.blobs, sha256)
	s.quarantined[sha256] = o
	return "quarantine/" + sha256, nil
}

// QuarantineOpened implements blob.Remover.
func (s *Store) QuarantineOpened(ctx context.Context, sha256 string, opened blob.File) (string, error) {
	s.mu.Lock()
	f, ok := opened.(*file)
	meant := ok && bytes.Equal(f.o.data, s.blobs[sha256].data)
	s.mu.Unlock()
	if !meant {
		return "", blob.ErrNotExist
	}
	return s.Quarantine(ctx, sha256)
}

// Check implements blob.Keeper.
func (s *Store) Check(context.Context) error { return nil }

// Readable implements blob.Keeper.
func (s *Store) Readable(context.Context) error { return nil }

// Space implements blob.Keeper.
func (s *Store) Space(context.Context) (free, total int64, err error) { return size, size, nil }

// Sweep implements blob.Keeper.
func (s *Store) Sweep(_ context.Context, before time.Time, keep func(id string) bool) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.incoming)
	maps.DeleteFunc(s.incoming, func(id string, o object) bool { return o.changed.Before(before) && !keep(id) })
	return n - len(s.incoming), nil
}

// Identify implements blob.Marker.
func (s *Store) Identify(context.Context) (blob.Identity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return blob.Identity{Exists: true, Empty: len(s.blobs)+len(s.legacy) == 0, Content: len(s.blobs) > 0, ID: s.id}, nil
}

// Initialize implements blob.Marker.
func (s *Store) Initialize(_ context.Context, id string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id == "" {
		s.id = id
	}
	return s.id, nil
}

// Bind implements blob.Marker.
func (s *Store) Bind(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound = id
	if s.bound != s.id {
		return errs.New(errs.Unavailable, "This is another store.")
	}
	return nil
}

// Place implements blob.Marker.
func (s *Store) Place() string { return "memory" }

// OpenLegacy implements blob.Legacy.
func (s *Store) OpenLegacy(_ context.Context, p string) (blob.File, error) {
	return s.open(s.legacy, path.Clean(p))
}

// Adopt implements blob.Legacy.
func (s *Store) Adopt(_ context.Context, p, sha256 string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p = path.Clean(p)
	if o, ok := s.legacy[p]; ok {
		delete(s.legacy, p)
		s.blobs[sha256] = o
		return nil
	}
	if _, ok := s.blobs[sha256]; ok {
		return nil
	}
	return blob.ErrNotExist
}

// WalkLegacy implements blob.Legacy.
func (s *Store) WalkLegacy(_ context.Context, fn func(path string, size int64) error) error {
	s.mu.Lock()
	names, snapshot := slices.Sorted(maps.Keys(s.legacy)), maps.Clone(s.legacy)
	s.mu.Unlock()
	for _, name := range names {
		if err := fn(name, int64(len(snapshot[name].data))); err != nil {
			return err
		}
	}
	return nil
}
