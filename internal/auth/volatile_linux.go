package auth

import "golang.org/x/sys/unix"

// volatile reports whether what is kept in dir is gone after a restart: a tmpfs, as in a
// container whose lasting data is elsewhere.
func volatile(dir string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(dir, &fs) == nil && fs.Type == unix.TMPFS_MAGIC
}
