//go:build !windows

package diskblob

import (
	"errors"
	"io/fs"
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
