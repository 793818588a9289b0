package monitor

import (
	"math"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"homeserver/internal/monitor/machine"
)

// host looks up what hardly changes: names, processors, and whose numbers these are.
func (s *source) host() (Host, error) {
	where := s.setting()
	h := fallbackHost()
	h.Hostname = s.text("proc/sys/kernel/hostname")
	h.Kernel = s.text("proc/sys/kernel/osrelease")
	if name := prettyName(s.text("etc/os-release")); name != "" {
		h.Platform = name
	}
	if n := countList(s.text("sys/devices/system/cpu/online")); n > 0 {
		h.CPUs = n
	}
	h.Architecture = runtime.GOARCH
	h.Container, h.Scope, h.Note = where.container, where.scope(), where.note()
	return h, nil
}

// setting finds out where the server runs.
func (s *source) setting() setting {
	mounts := s.text("proc/self/mountinfo")
	where := setting{container: s.inContainer(), machine: virtualMachine(s.text("proc/sys/kernel/osrelease")), ownNetwork: true}
	where.ownFigures = lxcfs(mounts, "/proc/meminfo") && lxcfs(mounts, "/proc/stat")
	interfaces, _ := os.ReadDir(s.path("sys/class/net"))
	for _, i := range interfaces {
		if s.networkCard(i.Name()) {
			where.ownNetwork = false
		}
	}
	if limit := s.memoryLimit(); limit > 0 {
		if total := s.totalMemory(); total == 0 || limit < total {
			where.limit = limit
		}
	}
	return where
}

// inContainer looks for the marks that container runtimes leave. Images of virtual machines
// made from container images still bear them: a process in all the namespaces that the kernel
// began with is not contained.
func (s *source) inContainer() bool {
	marked := s.env("container") != "" || s.env("KUBERNETES_SERVICE_HOST") != ""
	for _, file := range []string{".dockerenv", "run/.containerenv", "run/systemd/container", "run/host/container-manager"} {
		if _, err := os.Stat(s.path(file)); err == nil {
			marked = true
		}
	}
	groups := s.text("proc/1/cgroup")
	for _, name := range []string{"docker", "kubepods", "libpod", "lxc", "containerd", "crio"} {
		if strings.Contains(groups, "/"+name) {
			marked = true
		}
	}
	return marked && !s.initialNamespaces()
}

// initialNamespaces reports whether this process lives in the kernel's first namespaces of
// process ids, host names and IPC, whose numbers are fixed (linux/include/uapi/linux/nsfs.h).
func (s *source) initialNamespaces() bool {
	for name, number := range map[string]string{"pid": "pid:[4026531836]", "uts": "uts:[4026531838]", "ipc": "ipc:[4026531839]"} {
		if target, err := os.Readlink(s.path("proc/self/ns/" + name)); err != nil || target != number {
			return false
		}
	}
	return true
}

// lxcfs reports whether target is a file that LXCFS puts over the kernel's own, so that it
// shows the container instead of the host.
func lxcfs(mountinfo, target string) bool {
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		if len(fields) > 4 && fields[4] == target && strings.Contains(line, "lxcfs") {
			return true
		}
	}
	return false
}

// virtualMachine recognises the hidden Linux that containers run in on a Mac or on Windows.
func virtualMachine(kernel string) string {
	switch {
	case strings.Contains(kernel, "linuxkit"):
		return "the virtual machine of Docker Desktop, not of the computer around it"
	case strings.Contains(kernel, "orbstack"):
		return "the virtual machine of OrbStack, not of the computer around it"
	case strings.Contains(strings.ToLower(kernel), "microsoft"):
		return "the virtual machine of Windows' Linux subsystem, not of the computer around it"
	}
	return ""
}

// memoryLimit is the smallest memory limit that control groups of either version set on this
// process or on a group around it; 0 for none.
func (s *source) memoryLimit() uint64 {
	smallest := uint64(math.MaxUint64)
	for line := range strings.Lines(s.text("proc/self/cgroup")) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		root, file := "", ""
		switch {
		case parts[0] == "0" && parts[1] == "":
			root, file = "sys/fs/cgroup", "memory.max"
		case hasController(parts[1], "memory"):
			root, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			if n, err := strconv.ParseUint(s.text(root+group+"/"+file), 10, 64); err == nil {
				smallest = min(smallest, n)
			}
			if group == "/" {
				break
			}
		}
	}
	if smallest > math.MaxInt64/2 { // version 1 writes "no limit" as a very large number
		return 0
	}
	return smallest
}

func hasController(list, name string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one == name {
			return true
		}
	}
	return false
}

// totalMemory reads MemTotal by itself: the meminfo descriptor belongs to its collector.
func (s *source) totalMemory() uint64 {
	own := machine.NewMemory(s.root, s.metrics)
	defer own.Close()
	if err := own.Read(); err != nil {
		return 0
	}
	total, _, _, _ := own.Use()
	return total
}

// text reads a small file, "" when it cannot be read.
func (s *source) text(name string) string {
	content, err := os.ReadFile(s.path(name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// prettyName takes PRETTY_NAME out of os-release.
func prettyName(release string) string {
	for line := range strings.Lines(release) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(value, `"'`)
		}
	}
	return ""
}

// countList counts the members of a kernel list such as 0-3,6.
func countList(list string) int {
	count := 0
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		if err != nil {
			return 0
		}
		last := first
		if isRange {
			if last, err = strconv.Atoi(to); err != nil || last < first {
				return 0
			}
		}
		count += last - first + 1
	}
	return count
}
