package machine

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"homeserver/internal/monitor/metric"
)

// TestReadOnlyAfterAnError: a file system that an error ended is read-only, whichever way the kernel
// says so, and what was counted before it was looked at is no error of now.
func TestReadOnlyAfterAnError(t *testing.T) {
	type look struct {
		options, errors string // of the file system; how many errors ext4 counts
		want            float64
	}
	for name, looks := range map[string][]look{
		"as it should be":                 {{"rw,errors=remount-ro", "0", 0}, {"rw,errors=remount-ro", "0", 0}},
		"read-only":                       {{"rw", "0", 0}, {"ro", "0", 1}, {"rw", "0", 0}},
		"in an emergency":                 {{"rw,errors=remount-ro", "0", 0}, {"rw,errors=remount-ro,emergency_ro", "0", 1}},
		"shut down":                       {{"rw", "0", 0}, {"rw,shutdown", "0", 1}},
		"only counted":                    {{"rw,errors=remount-ro", "3", 0}, {"rw,errors=remount-ro", "4", 1}, {"rw,errors=remount-ro", "4", 1}},
		"counted, and repaired":           {{"rw,errors=remount-ro", "3", 0}, {"rw,errors=remount-ro", "4", 1}, {"rw,errors=remount-ro", "0", 0}, {"rw,errors=remount-ro", "0", 0}},
		"counted where it goes on anyhow": {{"rw", "3", 0}, {"rw", "4", 0}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.MkdirAll(filepath.Join(root, "sys/dev/block"), 0o700); err != nil {
				t.Fatal(err)
			}
			putFile(t, root, "sys/devices/virtual/block/dm-0/dev", "253:0\n")
			if err := os.Symlink("../../devices/virtual/block/dm-0", filepath.Join(root, "sys/dev/block/253:0")); err != nil {
				t.Fatal(err)
			}
			m := NewMounts(root, metric.New())
			defer m.Close()
			m.statfs = func(_ string, to *unix.Statfs_t) error {
				*to = unix.Statfs_t{Frsize: 4096, Blocks: 100, Bfree: 50, Bavail: 50}
				return nil
			}
			for i, l := range looks {
				putFile(t, root, "sys/fs/ext4/dm-0/errors_count", l.errors+"\n")
				putFile(t, root, "proc/self/mountinfo", "27 1 253:0 / / rw,relatime - ext4 /dev/mapper/vg-root "+l.options+"\n")
				if err := m.Read(); err != nil {
					t.Fatal(err)
				}
				m.Emit(nil)
				got, _ := emitted(t, m.FileSystems()[0])
				if v := got[metric.Key(metric.FileSystemReadOnly, "/")]; v != l.want {
					t.Errorf("look %d, %s with %s errors: got %v, want %v", i, l.options, l.errors, v, l.want)
				}
			}
		})
	}
}
