package machine

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"homeserver/internal/monitor/metric"
)

// Mounts reads which file systems there are. Each is a question of its own, so that one that
// hangs (a network mount whose server is gone) keeps only its own figures from everybody.
type Mounts struct {
	root    string
	metrics *metric.Registry
	file    procFile
	last    string
	statfs  func(path string, to *unix.Statfs_t) error
	found   []*FileSystem // by the last read
	list    []*FileSystem // since the last Emit
}

// FileSystem is one mounted file system.
type FileSystem struct {
	Mount    string // where it is mounted
	Type     string // ext4, nfs4, zfs ...
	Device   string
	path     string // Mount under the root of the tree
	readOnly bool   // as mounted
	errors   errorCount
	clock    interval
	statfs   func(path string, to *unix.Statfs_t) error
	stat     unix.Statfs_t
	raw      [7]*RawSeries
	series   [7]*Series
}

// NewMounts makes the reader of the tree under root.
func NewMounts(root string, metrics *metric.Registry) *Mounts {
	return &Mounts{root: root, metrics: metrics, statfs: statfs, file: procFile{path: filepath.Join(root, "proc/self/mountinfo")}}
}

// Close lets go of the file.
func (m *Mounts) Close() { m.file.close() }

// FileSystems are those that the last Emit told about. The list must not be changed.
func (m *Mounts) FileSystems() []*FileSystem { return m.list }

// Read reads the file.
func (m *Mounts) Read() error {
	text, err := m.file.all()
	if err != nil {
		return err
	}
	if string(text) == m.last {
		return nil
	}
	m.last = string(text)
	var list []*FileSystem
	for _, found := range fileSystems(m.last) {
		same := slices.IndexFunc(m.found, func(f *FileSystem) bool {
			return f.Mount == found.Mount && f.Type == found.Type && f.Device == found.Device && f.readOnly == found.readOnly
		})
		if same >= 0 {
			list = append(list, m.found[same])
			continue
		}
		list = append(list, m.newFileSystem(found))
	}
	m.found = list
	return nil
}

// Emit has no figures: the file systems do, from now on.
func (m *Mounts) Emit(*Batch) { m.list = m.found }

// mountPoint is a line of mountinfo.
type mountPoint struct {
	Mount, Type, Device string
	device, root        string // major:minor, and what of the file system is mounted
	readOnly            bool
	endsByError         bool // an error makes it read-only
}

// fileSystems picks from mountinfo what a household calls a disk: one line for each file system,
// however often it is mounted. Of bind mounts the one that shows most of it stays.
func fileSystems(mountinfo string) []mountPoint {
	var list []mountPoint
	for line := range strings.Lines(mountinfo) {
		m, ok := parseMount(line)
		if !ok || !realFileSystem(m.Type, m.Mount) {
			continue
		}
		// what is mounted over the same place hides what was there
		list = slices.DeleteFunc(list, func(o mountPoint) bool { return o.Mount == m.Mount })
		twin := slices.IndexFunc(list, func(o mountPoint) bool { return o.device == m.device && o.Type == m.Type && o.Device == m.Device })
		switch {
		case twin < 0:
			list = append(list, m)
		case len(m.root) < len(list[twin].root) || len(m.root) == len(list[twin].root) && len(m.Mount) < len(list[twin].Mount):
			list[twin] = m
		}
	}
	return list
}

// parseMount takes a line of /proc/self/mountinfo apart (proc_pid_mountinfo(5)).
func parseMount(line string) (mountPoint, bool) {
	before, after, ok := strings.Cut(line, " - ")
	fields, rest := strings.Fields(before), strings.Fields(after)
	if !ok || len(fields) < 6 || len(rest) < 3 {
		return mountPoint{}, false
	}
	of := strings.Split(rest[2], ",") // of the file system, wherever it is mounted
	return mountPoint{
		Mount: unescapeOctal(fields[4]), Type: rest[0], Device: unescapeOctal(rest[1]), device: fields[2], root: unescapeOctal(fields[3]),
		readOnly: slices.Contains(strings.Split(fields[5], ","), "ro") || slices.ContainsFunc(of, takesNothing), endsByError: slices.Contains(of, "errors=remount-ro"),
	}, true
}

// unescapeOctal undoes the kernel's \040 for a space.
func unescapeOctal(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

// realFileSystem tells what holds somebody's files from what the kernel and containers make up.
func realFileSystem(kind, mount string) bool {
	switch kind {
	case "proc", "sysfs", "cgroup", "cgroup2", "devpts", "devtmpfs", "securityfs", "debugfs", "tracefs", "pstore", "bpf", "mqueue", "hugetlbfs", "configfs", "fusectl",
		"autofs", "binfmt_misc", "rpc_pipefs", "nsfs", "selinuxfs", "efivarfs", "ramfs", "tmpfs", "squashfs", "fuse.squashfuse", "fuse.squashfuse_ll", "iso9660", "udf", "erofs", "fuse.lxcfs", "fuse.portal",
		"fuse.gvfsd-fuse", "fuse.snapfuse", "nfsd", "sunrpc", "overlay", "aufs", "rootfs", "nullfs":
		// a container's overlay is the disk of its engine once more, unless it is all there is
		return kind == "overlay" && mount == "/"
	}
	for _, prefix := range []string{"/proc/", "/sys/", "/dev/", "/run/credentials/", "/var/lib/docker/", "/var/lib/containers/storage/", "/var/lib/kubelet/", "/run/docker/", "/snap/", "/tmp/.mount_", // an AppImage
		"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"} {
		if strings.HasPrefix(mount, prefix) {
			return false
		}
	}
	return true
}

func (m *Mounts) newFileSystem(point mountPoint) *FileSystem {
	f := &FileSystem{Mount: point.Mount, Type: point.Type, Device: point.Device, readOnly: point.readOnly, path: filepath.Join(m.root, point.Mount), statfs: m.statfs}
	if point.endsByError {
		f.errors.file = errorsFile(m.root, point.device)
	}
	for i, what := range [...]struct{ name, help string }{
		{"size_bytes", "Filesystem size in bytes."}, {"free_bytes", "Filesystem free space in bytes."},
		{"avail_bytes", "Filesystem space available to non-root users in bytes."}, {"files", "Filesystem total file nodes."},
		{"files_free", "Filesystem total free file nodes."}, {"readonly", "Filesystem read-only status."},
		{"device_error", "Whether an error occurred while getting statistics for the given device."},
	} {
		f.raw[i] = raw("node_filesystem_"+what.name, Gauge, what.help, "device", point.Device, "fstype", point.Type, "mountpoint", point.Mount)
	}
	for i, of := range [...]struct {
		name string
		from []*RawSeries
	}{
		{metric.FileSystemSizeBytes, f.raw[0:1]}, {metric.FileSystemUsedBytes, f.raw[0:2]}, {metric.FileSystemAvailableBytes, f.raw[2:3]}, {metric.FileSystemPercent, f.raw[0:3]},
		{metric.FileSystemInodesUsed, f.raw[3:5]}, {metric.FileSystemInodesPercent, f.raw[3:5]}, {metric.FileSystemReadOnly, f.raw[5:6]},
	} {
		f.series[i] = series(m.metrics, of.name, point.Mount, "", of.from...)
	}
	return f
}

// Read asks the file system. It hangs for as long as the file system does.
func (f *FileSystem) Read() error {
	for {
		err := f.statfs(f.path, &f.stat)
		if err == nil {
			f.errors.read()
			f.clock.step()
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("statfs %s: %w", f.path, err)
		}
	}
}

// Failed says that it does not answer.
func (f *FileSystem) Failed() []RawValue { return []RawValue{{f.raw[len(f.raw)-1], 1}} }

// Emit says how full it is, as df counts.
func (f *FileSystem) Emit(to *Batch) {
	if !f.clock.known() {
		return
	}
	st := &f.stat
	unit := uint64(st.Frsize)
	if unit == 0 {
		unit = uint64(st.Bsize)
	}
	size, free, available := float64(st.Blocks*unit), float64(st.Bfree*unit), float64(st.Bavail*unit)
	used := max(size-free, 0)
	readOnly := 0.0
	if f.readOnly || f.errors.grown() || st.Flags&unix.ST_RDONLY != 0 {
		readOnly = 1
	}
	for i, v := range [...]float64{size, free, available, float64(st.Files), float64(st.Ffree), readOnly, 0} {
		to.AddRaw(f.raw[i], v)
	}
	to.Add(f.series[0], size)
	to.Add(f.series[1], used)
	to.Add(f.series[2], available)
	if used+available > 0 {
		to.Add(f.series[3], used/(used+available)*100)
	}
	if st.Files > 0 { // btrfs, ZFS' networks and FAT do not count nodes
		inodes := float64(st.Files - min(st.Ffree, st.Files))
		to.Add(f.series[4], inodes)
		to.Add(f.series[5], inodes/float64(st.Files)*100)
	}
	to.Add(f.series[6], readOnly)
}
