//go:build !windows

package diskblob

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// syncsDirs says whether directories can be synced here.
const syncsDirs = true

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func isTooBig(err error) bool { return errors.Is(err, syscall.EFBIG) }

// isUnreadable recognises what a single file's permissions or bad sectors can bring about.
func isUnreadable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EIO)
}

// isImpossible recognises paths that cannot name anything.
func isImpossible(err error) bool {
	return errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.ENOTDIR) ||
		errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EILSEQ)
}

// space returns what ordinary users may still fill, and the size.
func space(path string) (free, total int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, err
	}
	block := int64(st.Bsize) //nolint:unconvert // its type differs between systems
	return int64(st.Bavail) * block, int64(st.Blocks) * block, nil
}

// openFile is os.OpenFile without what os does to find out whether it can wait for the file in
// its poller: for regular files and directories it never can, and trying costs five system
// calls each time a file is opened.
func openFile(path string, flags int, mode uint32) (*os.File, error) {
	fd := -1
	if err := again(func() (err error) { fd, err = unix.Open(path, flags|unix.O_CLOEXEC, mode); return err }); err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// noFollow opens content for reading: no link is followed, and a pipe is not waited for.
const noFollow = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK

// openNoFollow opens what has this name itself; a link is as if there was nothing.
func openNoFollow(path string) (*os.File, error) {
	f, err := openFile(path, noFollow, 0)
	if isLink(err) {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return f, err
}

// isLink recognises what systems say of a link that is not to be followed.
func isLink(err error) bool {
	return errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK)
}

// readFile reads from the start of a file until buf is full or the file ends. It is os.ReadFile
// without the os.File around it.
func readFile(path string, buf []byte) (n int, err error) {
	fd := -1
	if err := again(func() (err error) { fd, err = unix.Open(path, noFollow|unix.O_CLOEXEC, 0); return err }); err != nil {
		if isLink(err) {
			err = fs.ErrNotExist
		}
		return 0, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	for n < len(buf) {
		m := 0
		if err := again(func() (err error) { m, err = unix.Read(fd, buf[n:]); return err }); err != nil {
			if errors.Is(err, unix.EISDIR) {
				err = fs.ErrNotExist
			}
			return n, &fs.PathError{Op: "read", Path: path, Err: err}
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

// lockFile locks an open file against whoever else locks it, until it is closed; false when
// somebody has. Some network file systems know no locks: there nothing is locked.
func lockFile(f *os.File) (free bool, err error) {
	err = again(func() error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
	switch {
	case err == nil, errors.Is(err, unix.ENOLCK), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
		return true, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		return false, nil
	}
	return false, err
}

// again makes a system call until no signal interrupts it, as may happen on network shares.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
