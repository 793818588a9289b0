package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// smallFile is the size of a small file, in bytes.
const smallFile = 4 << 10

// bareLoop stores small files as durably as we do and nothing else: each of the workers
// writes, fsyncs, renames and fsyncs the directory. It returns the files stored per second.
//
// The files stay until the run ends: ext4 passes over inodes that were deleted within the last
// seconds one by one, so removing thousands would slow down whoever creates files next.
func bareLoop(ctx context.Context, parent string, workers int, length time.Duration) (float64, error) {
	dir, err := os.MkdirTemp(parent, "loop-")
	if err != nil {
		return 0, fmt.Errorf("bare loop: %w", err)
	}
	var (
		group  sync.WaitGroup
		stored atomic.Int64
		failed atomic.Pointer[error]
	)
	begin := time.Now().Add(warmUp)
	end := begin.Add(length)
	for n := range workers {
		group.Go(func() {
			content := unique(uint64(n))
			for i := 0; ctx.Err() == nil; i++ {
				content.next()
				if err := storeDurably(dir, strconv.Itoa(n)+"-"+strconv.Itoa(i), content.bytes); err != nil {
					failed.Store(&err)
					return
				}
				now := time.Now()
				if now.After(end) {
					return
				}
				if now.After(begin) {
					stored.Add(1)
				}
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(stored.Load()) / length.Seconds(), ctx.Err()
}

// storeDurably writes one file so that it survives a power cut.
func storeDurably(dir, name string, content []byte) error {
	temporary := filepath.Join(dir, name+".tmp")
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := os.Rename(temporary, filepath.Join(dir, name)); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

// copyDurably is `cp` followed by fsync; it returns the bytes per second.
func copyDurably(from, to string) (float64, error) {
	began := time.Now()
	in, err := os.Open(from)
	if err != nil {
		return 0, fmt.Errorf("copy: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("copy: %w", err)
	}
	defer os.Remove(to)
	defer out.Close()
	n, err := io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	if err == nil {
		err = syncDir(filepath.Dir(to))
	}
	if err != nil {
		return 0, fmt.Errorf("copy: %w", err)
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
