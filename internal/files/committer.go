package files

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
)

const (
	// maxBatch is how many uploads are committed together at most: beyond it the transaction
	// takes longer than the fsyncs it shares.
	maxBatch = 64
	// commitTimeout bounds one commit. It does not end with any client: others are in the batch.
	commitTimeout = 30 * time.Second
)

// upload is a file that waits to be committed.
type upload struct {
	File
	aimed
	staged    blob.Staged
	actor     string       // the account that sent it; "" for the household
	wake      chan outcome // buffered; at most two messages
	leader    bool         // guarded by committer.mu: was told to lead the next batch
	warnings  []string     // sentences for whoever sent it
	resumable *resumable   // the resumable upload that ends with it; nil for none
}

// outcome wakes a waiting upload: it is committed, it failed, or it leads the next batch.
type outcome struct {
	lead bool
	err  error
}

// errCollected says that another process's collector removed content between its publication
// and the lock on its row.
func errCollected() error {
	return errs.Typed(errs.Conflict, typeCollected, "The content was collected meanwhile.")
}

const typeCollected = "collected"

// inPlace makes sure, while the blob rows are locked, that the content is where the rows will
// say it is.
func (f *Files) inPlace(ctx context.Context, batch []*upload) error {
	for _, u := range batch {
		_, err := f.blobs.Stat(ctx, u.SHA256)
		if errors.Is(err, blob.ErrNotExist) {
			return errCollected()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// committer shares transactions between uploads that finish about the same time. There is no
// goroutine of its own: the first to come commits for all who are waiting and hands over to
// the first of those who came meanwhile.
type committer struct {
	store func(ctx context.Context, batch []*upload) []error

	mu      sync.Mutex
	busy    bool
	waiting []*upload
}

// do returns when u is durable, or failed. A client that goes away while u still waits takes
// it back; once it is in a batch it is committed.
func (c *committer) do(ctx context.Context, u *upload) error {
	u.wake = make(chan outcome, 2)
	c.mu.Lock()
	c.waiting = append(c.waiting, u)
	lead := !c.busy
	c.busy = true
	c.mu.Unlock()
	if lead {
		return c.lead(ctx, u)
	}
	select {
	case o := <-u.wake:
		if !o.lead {
			return o.err
		}
	case <-ctx.Done():
		if c.withdraw(u) {
			return ctx.Err()
		}
		if o := <-u.wake; !o.lead {
			return o.err
		}
	}
	return c.lead(ctx, u)
}

// withdraw takes u out of the queue; false when it is too late.
func (c *committer) withdraw(u *upload) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.waiting, u)
	if i < 0 {
		return false
	}
	c.waiting = slices.Delete(c.waiting, i, i+1)
	if u.leader {
		c.handOver()
	}
	return true
}

// lead commits everything that waits, own included, wakes the others and hands over.
func (c *committer) lead(ctx context.Context, own *upload) (err error) {
	c.mu.Lock()
	n := min(len(c.waiting), maxBatch)
	batch := slices.Clone(c.waiting[:n])
	c.waiting = slices.Delete(c.waiting, 0, n)
	c.mu.Unlock()

	results := make([]error, len(batch))
	done := false
	defer func() {
		for i, u := range batch {
			if !done { // a panic under way must not leave the others waiting for ever
				results[i] = errs.New(errs.Internal, "The upload failed; please try again.")
			}
			if u != own {
				u.wake <- outcome{err: results[i]}
			}
		}
		c.mu.Lock()
		c.handOver()
		c.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	copy(results, c.store(ctx, batch))
	done = true
	return results[slices.Index(batch, own)]
}

// handOver makes the first who waits the leader. The caller holds mu.
func (c *committer) handOver() {
	if len(c.waiting) == 0 {
		c.busy = false
		return
	}
	next := c.waiting[0]
	next.leader = true
	next.wake <- outcome{lead: true}
}

// commitBatch commits uploads in one transaction. If that fails for a reason that may lie in
// one of them, each is tried alone, so that one bad row fails alone.
func (f *Files) commitBatch(ctx context.Context, batch []*upload) []error {
	results, err := f.commitTogether(ctx, batch)
	if err == nil {
		return results
	}
	results = make([]error, len(batch))
	if len(batch) == 1 || errs.Is(err, errs.Unavailable) || errs.Is(err, errs.StorageFull) || ctx.Err() != nil {
		for i := range results {
			results[i] = err
		}
		return results
	}
	f.log.Warn("a batch of uploads failed; each is committed alone", "uploads", len(batch), "error", err)
	for i, u := range batch {
		alone, err := f.commitTogether(ctx, []*upload{u})
		if results[i] = err; err == nil {
			results[i] = alone[0]
		}
	}
	return results
}

// commitTogether commits uploads in one transaction, and says of each why it alone was not stored.
func (f *Files) commitTogether(ctx context.Context, batch []*upload) ([]error, error) {
	list, a, err := f.store.insert(ctx, batch, f.now().UnixMicro(), func() error { return f.inPlace(ctx, batch) })
	if err != nil {
		return nil, err
	}
	f.done(a)
	results := make([]error, len(batch))
	for i, u := range batch {
		if results[i] = list[i].err; results[i] == nil {
			u.File, u.warnings = list[i].file, list[i].warnings
		}
	}
	return results, nil
}
