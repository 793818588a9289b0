package machine

import (
	"fmt"
	"path/filepath"
	"strings"
)

// arrays tells the kernel's software RAID as node_exporter does: what each array is doing, and
// what of its disks works. RAID, beside it, has the figures.
func arrays(t *told) error {
	found := t.glob("sys/block/md*/md")
	if len(found) == 0 {
		return fmt.Errorf("no RAID in sight: %w", ErrUnsupported)
	}
	for _, dir := range found {
		device := filepath.Base(filepath.Dir(dir))
		read := func(file string) string { return readText(t.path(dir + "/" + file)) }
		state := arrayState(read("array_state"), read("sync_action"))
		for _, one := range [...]string{"active", "check", "inactive", "recovering", "resync"} {
			t.add("node_md_state", Gauge, "Indicates the state of md-device.", truth(one == state), "device", device, "state", one)
		}
		disks := map[string]float64{}
		for _, disk := range t.glob(dir + "/dev-*") {
			disks[diskRole(readText(t.path(disk+"/state")), readText(t.path(disk+"/slot")))]++
		}
		for _, one := range [...]string{"active", "failed", "spare"} {
			t.add("node_md_disks", Gauge, "Number of active/failed/spare disks of device.", disks[one], "device", device, "state", one)
		}
		if n, ok := t.number(dir + "/raid_disks"); ok {
			t.add("node_md_disks_required", Gauge, "Total number of disks of device.", n, "device", device)
		}
		const perBlock = 2 // sectors
		size, ok := t.number("sys/block/" + device + "/size")
		if !ok {
			continue
		}
		synced := size
		if done, all := syncedOf(read("sync_completed")); all > 0 {
			synced = done
		}
		t.add("node_md_blocks", Gauge, "Total number of blocks on device.", size/perBlock, "device", device)
		t.add("node_md_blocks_synced", Gauge, "Number of blocks synced on device.", synced/perBlock, "device", device)
	}
	return nil
}

// arrayState is what node_exporter calls what an array is doing (Documentation/admin-guide/md.rst).
func arrayState(state, action string) string {
	switch {
	case state == "clear" || state == "inactive":
		return "inactive"
	case action == "recover" || action == "reshape":
		return "recovering"
	case action == "resync":
		return "resync"
	case action == "check" || action == "repair":
		return "check"
	default:
		return "active"
	}
}

// diskRole is what a disk is in its array, by the flags of its state and its place; "" while it is
// being filled.
func diskRole(flags, slot string) string {
	switch {
	case strings.Contains(flags, "faulty"):
		return "failed"
	case strings.Contains(flags, "in_sync"):
		return "active"
	case slot == "none":
		return "spare"
	}
	return ""
}

// zfsFiles are ZFS' own counts of the whole machine, by what node_exporter calls them.
var zfsFiles = [...]struct{ file, name string }{
	{"abdstats", "abd"}, {"arcstats", "arc"}, {"dbufstats", "dbuf"}, {"dmu_tx", "dmu_tx"}, {"dnodestats", "dnode"}, {"fm", "fm"},
	{"vdev_cache_stats", "vdev_cache"}, {"vdev_mirror_stats", "vdev_mirror"}, {"xuio_stats", "xuio"}, {"zfetchstats", "zfetch"}, {"zil", "zil"},
}

// zfsNumber is the type of a count in ZFS' files: 64 bits, without a sign.
const zfsNumber = "4"

// zfsCounts tells what ZFS counts of its cache and its work.
func zfsCounts(t *told) error {
	for _, of := range zfsFiles {
		lines, err := t.lines("proc/spl/kstat/zfs/" + of.file)
		if err != nil {
			continue // by ZFS' version
		}
		for _, fields := range lines {
			if len(fields) != 3 || fields[1] != zfsNumber {
				continue
			}
			if n, err := number([]byte(fields[2])); err == nil {
				t.add("node_zfs_"+of.name+"_"+fields[0], Untyped, "kstat.zfs.misc."+of.file+"."+fields[0], float64(n))
			}
		}
	}
	if len(t.found) == 0 {
		return fmt.Errorf("ZFS is not loaded: %w", ErrUnsupported)
	}
	return nil
}
