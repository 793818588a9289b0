package sqldbtest

import "golang.org/x/sys/unix"

// memoryFree is how many bytes are free in memory; 0 when there is no such place.
func memoryFree() uint64 {
	var fs unix.Statfs_t
	if err := unix.Statfs(memoryPlace, &fs); err != nil || fs.Type != unix.TMPFS_MAGIC {
		return 0
	}
	return fs.Bavail * uint64(fs.Bsize)
}
