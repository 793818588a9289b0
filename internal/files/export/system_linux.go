package export

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// clone lets to share the bytes of from, where the file system can: btrfs, XFS, ZFS.
func clone(to, from *os.File) bool {
	return unix.IoctlFileClone(int(to.Fd()), int(from.Fd())) == nil
}

// syncAll makes everything written durable, so that a stick can be pulled.
func syncAll(target *os.Root) error {
	dir, err := target.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return unix.Syncfs(int(dir.Fd()))
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// refused recognises a file system that does not take a name.
func refused(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EILSEQ) || errors.Is(err, syscall.EPROTO) || errors.Is(err, syscall.ENOENT)
}
