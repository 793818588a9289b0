package files

import (
	"context"
	"strconv"
	"sync"
	"time"

	"homeserver/internal/platform/errs"
)

const (
	// feedPoll is how often the feed's counter is looked at for what other copies of the server
	// have changed, while somebody listens.
	feedPoll = 500 * time.Millisecond
	// feedPage is how many changes are read at a time.
	feedPage = 500
	// feedWindow is how many rows one query passes by at most: others' changes are not to be seen.
	feedWindow = 10_000
	// feedWindows is how many windows one request looks through before it answers that there is more.
	feedWindows = 10
	// feedRest is the time between two looks for one listener: what a busy hour changes comes in
	// bundles.
	feedRest = 100 * time.Millisecond
	// feedAge is how long changes are kept: a device that was away for a summer resumes.
	feedAge = 90 * 24 * time.Hour
	// feedRows is how many changes are kept at most; they take some 200 MB.
	feedRows = 1_000_000
	// feedEvery is how often old changes are forgotten.
	feedEvery = 24 * time.Hour
)

// typeGone is the type of the problem that a cursor is too old.
const typeGone = "gone"

// errFeedGone says that the feed does not go back that far, or is another than the cursor's.
func errFeedGone() error {
	return errs.Typed(errs.Gone, typeGone, "What has changed since then is no longer known. Read the files anew, and go on from the present cursor.")
}

// feed wakes those who follow the changes. Each has one slot, so whoever is slow costs nobody
// anything: a listener that wakes reads everything since its own cursor.
type feed struct {
	mu        sync.Mutex
	listeners map[chan struct{}]bool
	seen      int64 // the newest change that listeners were woken for
	stop      context.CancelFunc
}

// wake tells every listener that there are changes up to seq.
func (f *feed) wake(seq int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if seq <= f.seen {
		return
	}
	f.seen = seq
	for slot := range f.listeners {
		select {
		case slot <- struct{}{}:
		default: // it knows
		}
	}
}

// listen returns a slot that is filled when something has changed. While anybody listens,
// newest is asked now and then what other copies did.
func (f *feed) listen(newest func(context.Context) (int64, error)) (slot <-chan struct{}, leave func()) {
	own := make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listeners == nil {
		f.listeners = map[chan struct{}]bool{}
	}
	f.listeners[own] = true
	if f.stop == nil {
		var ctx context.Context
		ctx, f.stop = context.WithCancel(context.Background())
		go f.poll(ctx, newest)
	}
	return own, sync.OnceFunc(func() { f.leave(own) })
}

// leave ends polling when the last listener goes.
func (f *feed) leave(own chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.listeners, own)
	if len(f.listeners) == 0 {
		f.stop()
		f.stop = nil
	}
}

func (f *feed) poll(ctx context.Context, newest func(context.Context) (int64, error)) {
	tick := time.NewTicker(feedPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if seq, err := newest(ctx); err == nil { // else the database is away: the next look will tell
				f.wake(seq)
			}
		}
	}
}

// parseCursor reads a place in the feed as the feed gave it.
func parseCursor(text string) (int64, error) {
	seq, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seq < 0 {
		return 0, errs.New(errs.Invalid, "This is no cursor of the feed of changes.")
	}
	return seq, nil
}

// feedEntry is a change as one reader sees it.
type feedEntry struct {
	change
	seq int64
	at  int64 // microseconds
}

// seenBy makes of a change what a view may know of it: of what it no longer shows only that it
// is gone.
func (e *feedEntry) seenBy(v view) {
	if v.shows(e.Audience) {
		return
	}
	e.Type, e.Name, e.Folder, e.Revision = changeRemoved, "", "", 0
}

// shows reports whether a view shows things of an audience.
func (v view) shows(audience string) bool {
	return v.all || audience == household || audience == v.own
}

// feedPart is changes with the place to go on from.
type feedPart struct {
	list   []feedEntry
	cursor int64
	more   bool
}

// changesSince reads up to limit changes that the view may know of.
func (f *Files) changesSince(ctx context.Context, v view, since int64, limit int) (feedPart, error) {
	all := feedPart{cursor: since, more: true}
	for range feedWindows {
		page, err := f.store.changesAfter(ctx, v, all.cursor, limit-len(all.list))
		if err != nil {
			return feedPart{}, err
		}
		all.list, all.cursor, all.more = append(all.list, page.list...), page.cursor, page.more
		if !all.more || len(all.list) >= limit {
			break
		}
	}
	for i := range all.list {
		all.list[i].seenBy(v)
	}
	return all, nil
}

// TrimFeed forgets changes that are too old or too many.
func (f *Files) TrimFeed(ctx context.Context) error {
	n, err := f.store.trimFeed(ctx, f.now().Add(-feedAge).UnixMicro(), feedRows)
	if n > 0 {
		f.log.Info("forgot old changes", "changes", n)
	}
	return err
}
