//go:build linux || darwin

package main

import "golang.org/x/sys/unix"

// freeSpace is what an ordinary user may still write on dir's disk, or -1.
func freeSpace(dir string) int64 {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return -1
	}
	return int64(s.Bavail) * int64(s.Bsize) //nolint:unconvert // the types differ between systems
}

// settleDisk writes out whatever waits to be written.
func settleDisk() { unix.Sync() }
