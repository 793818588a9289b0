package diskblob

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// syncsDirs says whether directories can be synced here: NTFS journals names by itself.
const syncsDirs = false

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, windows.ERROR_DISK_QUOTA_EXCEEDED)
}

func isTooBig(err error) bool { return errors.Is(err, windows.ERROR_FILE_TOO_LARGE) }

// isUnreadable recognises what a single file's permissions or bad sectors can bring about.
func isUnreadable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, windows.ERROR_CRC) || errors.Is(err, windows.ERROR_IO_DEVICE)
}

// isImpossible recognises paths that cannot name anything.
func isImpossible(err error) bool {
	return errors.Is(err, windows.ERROR_INVALID_NAME) || errors.Is(err, windows.ERROR_DIRECTORY) || errors.Is(err, windows.ERROR_FILENAME_EXCED_RANGE)
}

// space returns what this user may still fill, and the size.
func space(path string) (free, total int64, err error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, 0, err
	}
	var available, size, unused uint64
	if err := windows.GetDiskFreeSpaceEx(name, &available, &size, &unused); err != nil {
		return 0, 0, err
	}
	return int64(available), int64(size), nil
}

func openFile(path string, flags int, mode uint32) (*os.File, error) {
	return os.OpenFile(path, flags, fs.FileMode(mode))
}

// openNoFollow opens what has this name itself; a link is as if there was nothing.
func openNoFollow(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// readFile reads from the start of a file until buf is full or the file ends.
func readFile(path string, buf []byte) (n int, err error) {
	f, err := openNoFollow(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err = io.ReadFull(f, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// lockFile locks an open file against whoever else locks it, until it is closed; false when
// somebody has. The one byte that is locked lies where no content ever is, since Windows keeps
// everybody from reading what is locked.
func lockFile(f *os.File) (free bool, err error) {
	at := windows.Overlapped{Offset: 1<<32 - 1, OffsetHigh: 1<<31 - 1}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}
