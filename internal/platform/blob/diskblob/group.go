package diskblob

import (
	"context"
	"os"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/failpoint"
)

// group receives many small files, of which hundreds at a time become durable by one sync of
// the file system, or by syncs side by side where there is no such thing.
type group struct {
	s     *Store
	whole func() error
	end   func()
}

// Group implements blob.Grouper.
func (s *Store) Group(ctx context.Context) (blob.Group, error) {
	if err := s.Check(ctx); err != nil {
		return nil, err
	}
	whole, end := s.wholeFor(wholeFrom)
	return &group{s: s, whole: whole, end: end}, nil
}

// Create implements blob.Group.
func (g *group) Create(ctx context.Context, id string) (blob.Writer, error) {
	w, err := g.s.create(ctx, id)
	if err != nil {
		return nil, err
	}
	w.later = true
	return w, nil
}

// Sync implements blob.Group.
func (g *group) Sync(_ context.Context, items []blob.Staged) error {
	failpoint.Hit("before-group-sync")
	var err error
	if g.whole != nil && len(items) >= wholeFrom {
		err = g.whole()
	} else {
		paths := make([]string, len(items))
		for i, item := range items {
			paths[i] = g.s.incoming(item.ID)
		}
		err = sideBySide(paths, g.s.syncFile)
	}
	if err != nil {
		return explain(err)
	}
	failpoint.Hit("after-group-sync")
	return nil
}

// Close implements blob.Group.
func (g *group) Close() { g.end() }

// syncFile makes the content of a file durable that was closed meanwhile.
func (s *Store) syncFile(path string) error {
	f, err := openFile(path, os.O_RDWR, 0) // fsync wants a writable handle on Windows
	if err != nil {
		return err
	}
	defer f.Close()
	return s.syncer.File(f)
}

// wholeFor gets ready to sync the whole file system if that is worth it for so many syncs, and
// possible; otherwise the first function is nil.
func (s *Store) wholeFor(syncs int) (whole func() error, end func()) {
	if syncs >= wholeFrom {
		if whole, end = s.syncer.Whole(s.root); whole != nil {
			return whole, end
		}
	}
	return nil, func() {}
}

// touchedBy is the directories that publishing items changes.
func (s *Store) touchedBy(items []blob.Staged) (map[string]struct{}, error) {
	touched := make(map[string]struct{}, len(items))
	for _, item := range items {
		if !blob.ValidDigest(item.SHA256) {
			return nil, errs.Newf(errs.Internal, "diskblob: %q is not a digest", item.SHA256)
		}
		touched[s.folderOf(item.SHA256)] = struct{}{}
	}
	return touched, nil
}
