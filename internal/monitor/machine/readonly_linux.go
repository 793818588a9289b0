package machine

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// After an error a file system takes nothing any more. Not every kernel says so in the mount's own
// flags: since Linux 6.12, and in the long-term versions of its time, ext4 no longer becomes "ro".

// takesNothing recognises the options of a file system that nothing can be written to. Since Linux
// 6.15 ext4 calls what an error ended emergency_ro, and what was shut down shutdown.
func takesNothing(option string) bool {
	return option == "ro" || option == "emergency_ro" || option == "shutdown"
}

// errorCount follows how many errors ext4 counts in a file system that the first one makes
// read-only: between those versions it is the only thing that tells. What was counted when the
// file system was seen for the first time may be of years ago, and says nothing.
type errorCount struct {
	file        string // "" where there is none
	first, last uint64
	known       bool
}

// errorsFile is where ext4 counts the errors of a device (major:minor); "" where it does not.
func errorsFile(root, device string) string {
	block, err := filepath.EvalSymlinks(filepath.Join(root, "sys/dev/block", device))
	if err != nil {
		return ""
	}
	if file := filepath.Join(root, "sys/fs/ext4", filepath.Base(block), "errors_count"); exists(file) {
		return file
	}
	return ""
}

func (e *errorCount) read() {
	if e.file == "" {
		return
	}
	n, ok := value(e.file)
	if !ok {
		return
	}
	if !e.known || n < e.first { // e2fsck begins the count anew
		e.first, e.known = n, true
	}
	e.last = n
}

func (e *errorCount) grown() bool { return e.last > e.first }

// statfs asks the system how full a file system is. One whose root cannot be looked at because of
// an error was shut down, as XFS does; statfs still answers then, from memory.
func statfs(path string, to *unix.Statfs_t) error {
	if err := unix.Statfs(path, to); err != nil {
		return err
	}
	var root unix.Stat_t
	if err := unix.Stat(path, &root); errors.Is(err, unix.EIO) {
		to.Flags |= unix.ST_RDONLY
	}
	return nil
}
