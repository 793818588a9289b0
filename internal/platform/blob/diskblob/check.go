package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"homeserver/internal/platform/errs"
)

// verify reads the marker, uncached: the cheap half of Check, done before anything that must
// not happen on the wrong drive.
func (s *Store) verify(context.Context) error {
	s.mu.Lock()
	want := s.id
	s.mu.Unlock()
	if want == "" {
		return errs.New(errs.Unavailable, "The storage directory has not been prepared yet.")
	}
	got, err := s.readMarker()
	if err != nil {
		return isAway(err)
	}
	if got != want {
		return errs.Wrap(errs.Unavailable, detailWrong, fmt.Errorf("marker in %s bears %q, the database knows %q", s.root, got, want))
	}
	return nil
}

// Check implements blob.Keeper.
func (s *Store) Check(ctx context.Context) error { return errors.Join(s.probed(ctx)) }

// Readable implements blob.Keeper.
func (s *Store) Readable(ctx context.Context) error {
	present, _ := s.probed(ctx)
	return present
}

// probed tells whether the right store is there and whether it can be written to. One probe
// runs at a time, on its own: a network share that hangs holds up the probe, and its callers
// only as long as their contexts allow.
func (s *Store) probed(ctx context.Context) (present, writable error) {
	s.mu.Lock()
	if time.Since(s.checked) < checkFor {
		defer s.mu.Unlock()
		return s.present, s.writable
	}
	if s.probing == nil {
		s.probing = make(chan struct{})
		go s.probe(s.probing)
	}
	probing := s.probing
	s.mu.Unlock()
	select {
	case <-probing:
	case <-ctx.Done():
		return errs.Wrap(errs.Unavailable, detailAway, ctx.Err()), nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.present, s.writable
}

// probe finds out how the store is and tells everyone who waits.
func (s *Store) probe(done chan struct{}) {
	present, writable := s.verify(context.Background()), error(nil)
	if present == nil {
		writable = s.tryWrite()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checked, s.present, s.writable, s.probing = time.Now(), present, writable, nil
	close(done)
}

// tryWrite makes and removes a file under incoming. A full disk is no failure here: reading
// goes on, and CheckSpace tells of it.
func (s *Store) tryWrite() error {
	dir := filepath.Join(s.root, incomingDir)
	f, err := os.CreateTemp(dir, ".probe-")
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.makeDir(context.Background(), dir); err == nil {
			f, err = os.CreateTemp(dir, ".probe-")
		}
	}
	if err != nil {
		if isFull(err) {
			return nil
		}
		return errs.Wrap(errs.Unavailable, "The storage directory cannot be written to. Is the drive connected read-only, or does it belong to another user?", err)
	}
	_ = f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return explain(err)
	}
	return nil
}

// Space implements blob.Keeper.
func (s *Store) Space(context.Context) (free, total int64, err error) {
	free, total, err = space(s.root)
	return free, total, explain(err)
}
