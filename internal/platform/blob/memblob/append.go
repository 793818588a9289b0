package memblob

import (
	"context"
	"errors"
	"slices"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
)

// appending is content that grows over several sittings.
type appending struct {
	s    *Store
	id   string
	open bool
}

var errClosed = errors.New("memblob: the content is closed")

// Append implements blob.Appender.
func (s *Store) Append(_ context.Context, id string, offset int64) (blob.Appending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, there := s.incoming[id]
	switch {
	case !plainName(id):
		return nil, errs.Newf(errs.Internal, "memblob: %q cannot be used", id)
	case s.busy[id]:
		return nil, blob.ErrBusy
	case !there && offset > 0, int64(len(o.data)) < offset:
		return nil, blob.ErrNotExist
	}
	s.incoming[id] = object{slices.Clone(o.data[:offset]), time.Now()}
	s.busy[id] = true
	return &appending{s, id, true}, nil
}

// Write implements io.Writer.
func (a *appending) Write(p []byte) (int, error) {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	if !a.open {
		return 0, errClosed
	}
	a.s.incoming[a.id] = object{append(a.s.incoming[a.id].data, p...), time.Now()}
	return len(p), nil
}

// Sync implements blob.Appending.
func (a *appending) Sync() error { return nil }

// Commit implements blob.Appending.
func (a *appending) Commit() error { return a.Close() }

// Close implements blob.Appending.
func (a *appending) Close() error {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	if a.open {
		a.open = false
		delete(a.s.busy, a.id)
	}
	return nil
}

// Join implements blob.Appender.
func (s *Store) Join(_ context.Context, id string, parts []blob.Staged) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !plainName(id) {
		return errs.Newf(errs.Internal, "memblob: %q cannot be used", id)
	}
	if s.busy[id] {
		return blob.ErrBusy
	}
	var data []byte
	for _, part := range parts {
		o, there := s.incoming[part.ID]
		if !there {
			return blob.ErrNotExist
		}
		if int64(len(o.data)) < part.Size {
			return errs.Newf(errs.Internal, "memblob: %s is shorter than its %d bytes", part.ID, part.Size)
		}
		data = append(data, o.data[:part.Size]...)
	}
	s.incoming[id] = object{data, time.Now()}
	return nil
}

// OpenStaged implements blob.Appender.
func (s *Store) OpenStaged(_ context.Context, id string) (blob.File, error) {
	return s.open(s.incoming, id)
}
