package files

import (
	"context"
	"sync"
	"time"

	"homeserver/internal/platform/errs"
)

const (
	// endEvery is how often a sitting that is to end is told so again.
	endEvery = 50 * time.Millisecond
	// endWithin is how long it may take: it syncs what it has received.
	endWithin = 30 * time.Second
)

// sittings are the uploads that somebody is at right now, in this process.
type sittings struct {
	mu sync.Mutex
	at map[string]*sitting
}

// sitting is one request's turn at an upload.
type sitting struct {
	end  func(error) // asks it to end; may be called often
	done chan struct{}
}

// take ends the sitting that has the upload, waits for it and begins another, which end ends.
// The caller releases it.
func (s *sittings) take(ctx context.Context, id string, end func(error)) (release func(), err error) {
	own := &sitting{end: end, done: make(chan struct{})}
	for {
		s.mu.Lock()
		other, busy := s.at[id]
		if !busy {
			if s.at == nil {
				s.at = map[string]*sitting{}
			}
			s.at[id] = own
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				delete(s.at, id)
				s.mu.Unlock()
				close(own.done)
			}, nil
		}
		s.mu.Unlock()
		if err := other.finish(ctx); err != nil {
			return nil, err
		}
	}
}

// finish asks a sitting to end until it has.
func (s *sitting) finish(ctx context.Context) error {
	again, late := time.NewTicker(endEvery), time.NewTimer(endWithin)
	defer again.Stop()
	defer late.Stop()
	for {
		s.end(errTaken)
		select {
		case <-s.done:
			return nil
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return errs.New(errs.Unavailable, "An earlier request for this upload is still being worked on. Please try again.")
		}
	}
}
