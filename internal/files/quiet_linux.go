package files

import (
	"os"

	"golang.org/x/sys/unix"

	"homeserver/internal/platform/blob"
)

const (
	// The numbers of ioprio_set(2): the class "idle", for the calling thread.
	ioprioWhoProcess = 1
	ioprioIdle       = 3 << 13
	// lowest is the least of a thread's claims to a core.
	lowest = 19
)

// stepBack lets everybody else's reads and work go before those of the calling thread, for as
// long as it lives. Where the kernel refuses, the pauses still keep the work small.
func stepBack() {
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, 0, ioprioIdle)
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), lowest)
}

// forget takes a range of a file, to its end when length is 0, out of the page cache: what is
// read after that comes from the disk, and what was read does not push out what people use.
func forget(content blob.File, offset, length int64) {
	if f, ok := content.(*os.File); ok {
		_ = unix.Fadvise(int(f.Fd()), offset, length, unix.FADV_DONTNEED)
	}
}
