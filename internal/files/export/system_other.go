//go:build !linux

package export

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// clone does not know how to share bytes here.
func clone(_, _ *os.File) bool { return false }

// syncAll leaves it to the system to write things down in its time.
func syncAll(*os.Root) error { return nil }

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) }

// refused recognises a file system that does not take a name: whatever is not a name in use.
func refused(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && !errors.Is(err, fs.ErrPermission)
}
