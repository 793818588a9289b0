package files

import (
	"context"
	"sync/atomic"
)

// counts is the size of the library.
type counts struct {
	files, bytes int64
}

// usage holds the counters for everybody who must not wait for a database.
type usage struct{ now atomic.Pointer[counts] }

// Usage is the number of files and their size in bytes. It does no I/O.
func (f *Files) Usage() (files, bytes int64) {
	c := f.usage.now.Load()
	if c == nil {
		return 0, 0
	}
	return c.files, c.bytes
}

func (u *usage) set(c counts) { u.now.Store(&c) }

// refreshUsage reads the counters from the database.
func (f *Files) refreshUsage(ctx context.Context) error {
	c, err := f.store.usage(ctx)
	if err == nil {
		f.usage.set(c)
	}
	return err
}
