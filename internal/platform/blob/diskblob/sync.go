package diskblob

import (
	"errors"
	"os"
	"sync"
)

// Syncer makes things durable. There is one in production, the system; tests put another in its
// place that remembers what was synced and forgets the rest, as a power cut does.
type Syncer interface {
	// File makes the content of an open file durable.
	File(f *os.File) error
	// Dir makes the names in a directory durable.
	Dir(path string) error
	// Whole gets ready to make everything durable that is written, from now on, to the file
	// system that dir lies on. sync may be called often, end once. Both are nil where the system
	// cannot do that, or does not tell of errors.
	Whole(dir string) (sync func() error, end func())
}

// system is the Syncer of the operating system.
type system struct{}

// File implements Syncer.
func (system) File(f *os.File) error { return f.Sync() }

// Dir implements Syncer.
func (system) Dir(path string) error {
	if !syncsDirs {
		return nil
	}
	d, err := openFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// Whole implements Syncer.
func (system) Whole(dir string) (sync func() error, end func()) { return whole(dir) }

const (
	// wholeFrom is how many directories or files are worth syncing the whole file system for:
	// it waits for what others are writing as well, which a few single syncs do not.
	wholeFrom = 16
	// syncsAtOnce is how many files are synced side by side where they must be synced one by
	// one: file systems make what is synced at the same time durable together.
	syncsAtOnce = 32
)

// syncDirs syncs directories side by side; a whole file system at once if that is ready.
func (s *Store) syncDirs(dirs map[string]struct{}, whole func() error) error {
	if whole != nil {
		return whole()
	}
	paths := make([]string, 0, len(dirs))
	for dir := range dirs {
		paths = append(paths, dir)
	}
	return sideBySide(paths, s.syncer.Dir)
}

// sideBySide calls sync with every path, some at a time.
func sideBySide(paths []string, sync1 func(string) error) error {
	if len(paths) == 1 {
		return sync1(paths[0])
	}
	results := make([]error, len(paths))
	var wg sync.WaitGroup
	turns := make(chan struct{}, syncsAtOnce)
	for i, path := range paths {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			results[i] = sync1(path)
		})
	}
	wg.Wait()
	return errors.Join(results...)
}
