package files

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// counts is the size of a library.
type counts struct {
	files, bytes int64
}

func (c *counts) add(by counts) { c.files, c.bytes = c.files+by.files, c.bytes+by.bytes }

// countsBy are counts of each audience: what is there, or what a transaction changes.
type countsBy map[string]counts

// count adds a file to its audience, or with sign -1 takes it away.
func (by countsBy) count(f *File, sign int64) {
	c := by[f.audience]
	c.add(counts{sign, sign * f.Size})
	by[f.audience] = c
}

// usage holds the counters for everybody who must not wait for a database.
type usage struct {
	mu    sync.Mutex
	by    countsBy
	at    map[string]int64 // the change in the feed that each is as new as
	total counts
}

// Usage is the number of all files and their size in bytes. It does no I/O.
func (f *Files) Usage() (files, bytes int64) {
	f.usage.mu.Lock()
	defer f.usage.mu.Unlock()
	return f.usage.total.files, f.usage.total.bytes
}

// set notes what some audiences' counters are after the change seq in the feed. Those who have
// committed tell of it in any order: what is older than what is known says nothing new.
func (u *usage) set(now countsBy, seq int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.by == nil {
		u.by, u.at = countsBy{}, map[string]int64{}
	}
	for audience, c := range now {
		if seq >= u.at[audience] {
			u.by[audience], u.at[audience] = c, seq
		}
	}
	u.total = counts{}
	for c := range maps.Values(u.by) {
		u.total.add(c)
	}
}

// refreshUsage reads the counters from the database.
func (f *Files) refreshUsage(ctx context.Context) error {
	seq, err := f.store.feedNewest(ctx) // first: what is read after it is as new at least
	if err != nil {
		return err
	}
	by, err := f.store.usageBy(ctx)
	if err == nil {
		f.usage.set(by, seq)
	}
	return err
}

// inOrder are the audiences in the order in which their counters are locked.
func (by countsBy) inOrder() []string { return slices.Sorted(maps.Keys(by)) }
