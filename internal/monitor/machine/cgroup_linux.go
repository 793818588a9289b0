package machine

import (
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// nanosecondsPerMicrosecond turns the times of version 2 into those of version 1.
const nanosecondsPerMicrosecond = 1000

// groups reads control groups of both versions; a machine may have some controllers in each.
type groups struct {
	cpu, memory, io string // folders of the controllers; "" where there is none
	two             bool   // they are of version 2
}

// newGroups finds out where the controllers are.
func newGroups(root string) groups {
	base := filepath.Join(root, "sys/fs/cgroup")
	if exists(filepath.Join(base, "cgroup.controllers")) || exists(filepath.Join(base, "memory.max")) || exists(filepath.Join(base, "cpu.stat")) {
		return groups{base, base, base, true}
	}
	find := func(names ...string) string {
		for _, n := range names {
			if exists(filepath.Join(base, n)) {
				return filepath.Join(base, n)
			}
		}
		return ""
	}
	return groups{cpu: find("cpuacct", "cpu,cpuacct", "cpu"), memory: find("memory"), io: find("blkio")}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// usage is what a group used until now.
type usage struct {
	cpu         uint64 // nanoseconds
	memory      uint64 // bytes, without what can be given back at once
	read, write uint64 // bytes
	ok          bool   // it was there
}

// read tells what the group at a path used. A group that has ended has nothing.
func (g groups) read(group string) usage {
	var u usage
	if g.two {
		cpu, ok := keyed(filepath.Join(g.cpu, group, "cpu.stat"), "usage_usec")
		u.cpu, u.ok = cpu*nanosecondsPerMicrosecond, ok
		u.memory, _ = g.memoryOf(group)
		u.read, u.write = diskBytes(readText(filepath.Join(g.io, group, "io.stat")))
		return u
	}
	u.cpu, u.ok = value(filepath.Join(g.cpu, group, "cpuacct.usage"))
	u.memory, _ = g.memoryOf(group)
	for _, file := range []string{"blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"} {
		if text := readText(filepath.Join(g.io, group, file)); text != "" && g.io != "" {
			u.read, u.write = diskBytes(text)
			break
		}
	}
	return u
}

// memoryOf is the memory of a group, without the files that it read and could give back.
func (g groups) memoryOf(group string) (uint64, bool) {
	if g.memory == "" {
		return 0, false
	}
	dir := filepath.Join(g.memory, group)
	file, key := "memory.usage_in_bytes", "total_inactive_file"
	if g.two {
		file, key = "memory.current", "inactive_file"
	}
	used, ok := value(filepath.Join(dir, file))
	inactive, _ := keyed(filepath.Join(dir, "memory.stat"), key)
	return used - min(inactive, used), ok
}

// diskBytes adds up lines such as "8:0 rbytes=1 wbytes=2" (version 2) or "8:0 Read 1" (1).
func diskBytes(text string) (read, write uint64) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 3 && !strings.Contains(line, "=") {
			n, _ := strconv.ParseUint(fields[2], 10, 64)
			switch fields[1] {
			case "Read":
				read += n
			case "Write":
				write += n
			}
			continue
		}
		for _, f := range fields {
			key, v, _ := strings.Cut(f, "=")
			n, _ := strconv.ParseUint(v, 10, 64)
			switch key {
			case "rbytes":
				read += n
			case "wbytes":
				write += n
			}
		}
	}
	return read, write
}

// value reads a file with one number.
func value(file string) (uint64, bool) {
	n, err := strconv.ParseUint(readText(file), 10, 64)
	return n, err == nil
}

// keyed reads the number after a key at the start of a line.
func keyed(file, key string) (uint64, bool) {
	for line := range strings.Lines(readText(file)) {
		if rest, ok := strings.CutPrefix(line, key+" "); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(rest), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// own is the path of the group that this process lives in, in the tree of a controller.
func (g groups) own(root, controller string) string {
	for line := range strings.Lines(readText(filepath.Join(root, "proc/self/cgroup"))) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		if g.two && parts[0] == "0" || !g.two && contains(parts[1], controller) {
			return path.Clean("/" + parts[2])
		}
	}
	return "/"
}

func contains(list, name string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one == name {
			return true
		}
	}
	return false
}

// smallest climbs from a group to the root and returns the group with the smallest limit.
func smallest(group string, limit func(group string) float64) (where string, least float64) {
	least = math.Inf(1)
	for ; ; group = path.Dir(group) {
		if n := limit(group); n > 0 && n < least {
			where, least = group, n
		}
		if group == "/" {
			return where, least
		}
	}
}

// memoryLimit is the limit of a group in bytes, infinite where it has none.
func (g groups) memoryLimit(group string) float64 {
	file := "memory.limit_in_bytes"
	if g.two {
		file = "memory.max"
	}
	n, ok := value(filepath.Join(g.memory, group, file))
	if !ok || n > math.MaxInt64/2 { // version 1 writes "no limit" as a very large number
		return math.Inf(1)
	}
	return float64(n)
}

// cpuLimit is how many cores a group may use, infinite where it may all.
func (g groups) cpuLimit(root string) func(group string) float64 {
	return func(group string) float64 {
		var quota, period string
		if g.two {
			quota, period, _ = strings.Cut(readText(filepath.Join(g.cpu, group, "cpu.max")), " ")
		} else {
			dir := filepath.Join(root, "sys/fs/cgroup/cpu", group)
			quota, period = readText(filepath.Join(dir, "cpu.cfs_quota_us")), readText(filepath.Join(dir, "cpu.cfs_period_us"))
		}
		q, err1 := strconv.ParseFloat(quota, 64)
		p, err2 := strconv.ParseFloat(period, 64)
		if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
			return math.Inf(1)
		}
		return q / p
	}
}
