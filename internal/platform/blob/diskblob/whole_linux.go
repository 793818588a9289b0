package diskblob

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// tellsErrors is the first kernel, major and minor, whose syncfs(2) tells of everything that
// could not be written: data since 5.8, the journal since 5.17.
var tellsErrors = [...]int{5, 17}

// zfsMagic is what statfs says of OpenZFS; its header is not the kernel's.
const zfsMagic = 0x2fc12fc1

// wholes are the file systems whose syncfs makes content and names durable: local ones. Network
// shares, and what is made of other file systems (overlay, FUSE), are synced file by file.
var wholes = [...]int64{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC, zfsMagic}

// whole implements Syncer.Whole by syncfs. The directory is opened before anything is written:
// the kernel tells of errors since then, whoever's data it was.
func whole(dir string) (sync func() error, end func()) {
	var st unix.Statfs_t
	if !kernelTells() || unix.Statfs(dir, &st) != nil || !slices.Contains(wholes[:], int64(st.Type)) { //nolint:unconvert // its type differs between architectures
		return nil, nil
	}
	d, err := openFile(dir, os.O_RDONLY, 0)
	if err != nil {
		return nil, nil
	}
	return func() error { return again(func() error { return unix.Syncfs(int(d.Fd())) }) }, func() { _ = d.Close() }
}

// kernelTells reports whether this kernel's syncfs tells of errors.
func kernelTells() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	version := make([]int, len(tellsErrors))
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &version[0], &version[1]); err != nil {
		return false
	}
	return slices.Compare(version, tellsErrors[:]) >= 0
}
