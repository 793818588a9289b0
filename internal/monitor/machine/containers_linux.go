package machine

import (
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"homeserver/internal/monitor/metric"
)

// groupsDeep is how many folders below the root of the control groups containers are looked for:
// those of a pod of a person's own Kubernetes lie deepest.
const groupsDeep = 8

// shortID is how much of a container's id people are shown, as `docker ps` does.
const shortID = 12

// containerGroup recognises the control group of a container by its folder's name: Docker's and
// Podman's are 64 hexadecimal digits, LXC's and systemd's bear a name. What Podman runs for a unit of
// systemd's (Quadlet) is a payload inside the unit's own group.
var containerGroup = regexp.MustCompile(`^(?:(?:docker-|libpod-|libpod-payload-|cri-containerd-|crio-|nerdctl-)?([0-9a-f]{64})(?:\.scope)?|lxc\.payload\.(.+)|systemd-nspawn@(.+)\.service)$`)

// Containers reads what each container uses. Names come from the engine's socket where it may be
// read.
type Containers struct {
	root    string
	metrics *metric.Registry
	names   *engineNames
	clock   interval
	groups  groups
	list    present[container]
}

// container is one of them.
type container struct {
	name              string
	used              usage
	cpu, read, write  meter
	rawCPU, rawMemory *RawSeries
	rawRead, rawWrite *RawSeries
	percent, memory   *Series
	reads, writes     *Series
}

// NewContainers makes the reader of the tree under root.
func NewContainers(root string, metrics *metric.Registry) *Containers {
	return &Containers{root: root, metrics: metrics, names: newEngineNames(root)}
}

// Close lets go of the engine's socket.
func (c *Containers) Close() { c.names.close() }

// Read looks for the containers that run, and at what each used.
func (c *Containers) Read() error {
	c.groups = newGroups(c.root)
	if c.groups.cpu == "" {
		return fmt.Errorf("no control groups in sight: %w", ErrUnsupported)
	}
	found := c.find()
	c.names.learn(found)
	c.list.begin()
	taken := map[string]bool{}
	for _, group := range slices.Sorted(maps.Keys(found)) {
		used := c.groups.read(group)
		if !used.ok {
			continue // it has just ended
		}
		id := found[group]
		name := c.names.of(id)
		if taken[name] { // by another engine's, or another person's
			name += " " + short(id)
		}
		taken[name] = true
		one := c.list.get([]byte(group), func(string) container { return c.newContainer(id, name) })
		if name != one.name {
			*one = c.newContainer(id, name) // it was renamed, or its name is known only now
		}
		one.used = used
		one.cpu.set(used.cpu)
		one.read.set(used.read)
		one.write.set(used.write)
	}
	c.list.end()
	c.clock.step()
	return nil
}

// find walks the control groups: path of each container's, and its id.
func (c *Containers) find() map[string]string {
	found := map[string]string{}
	_ = filepath.WalkDir(c.groups.cpu, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil //nolint:nilerr // groups come and go while they are walked
		}
		group := strings.TrimPrefix(file, c.groups.cpu)
		if strings.Count(group, "/") > groupsDeep {
			return fs.SkipDir
		}
		if m := containerGroup.FindStringSubmatch(entry.Name()); m != nil {
			found[group] = m[1] + m[2] + m[3]
			return fs.SkipDir // what is inside is the container's own
		}
		if filepath.Base(filepath.Dir(file)) == "lxc" && strings.Count(group, "/") == 2 {
			found[group] = entry.Name()
			return fs.SkipDir
		}
		return nil
	})
	return found
}

func (c *Containers) newContainer(id, name string) container {
	labels := []string{"id", id, "name", name}
	one := container{name: name,
		rawCPU:    raw("container_cpu_usage_seconds_total", Counter, "Cumulative cpu time consumed in seconds.", labels...),
		rawMemory: raw("container_memory_working_set_bytes", Gauge, "Current working set in bytes.", labels...),
		rawRead:   raw("container_fs_reads_bytes_total", Counter, "Cumulative count of bytes read", labels...),
		rawWrite:  raw("container_fs_writes_bytes_total", Counter, "Cumulative count of bytes written", labels...),
	}
	one.percent = series(c.metrics, metric.ContainerCPUPercent, name, "", one.rawCPU)
	one.memory = series(c.metrics, metric.ContainerMemoryBytes, name, "", one.rawMemory)
	one.reads = series(c.metrics, metric.ContainerReadBytesPerSecond, name, "", one.rawRead)
	one.writes = series(c.metrics, metric.ContainerWriteBytesPerSecond, name, "", one.rawWrite)
	return one
}

// Emit says what they use.
func (c *Containers) Emit(to *Batch) {
	if !c.clock.known() {
		return
	}
	seconds := c.clock.seconds()
	c.list.each(func(one *container) {
		to.AddRaw(one.rawCPU, float64(one.used.cpu)/nanoseconds)
		to.AddRaw(one.rawMemory, float64(one.used.memory))
		to.AddRaw(one.rawRead, float64(one.used.read))
		to.AddRaw(one.rawWrite, float64(one.used.write))
		to.Add(one.percent, one.cpu.per(seconds)/nanoseconds*100)
		to.Add(one.memory, float64(one.used.memory))
		to.Add(one.reads, one.read.per(seconds))
		to.Add(one.writes, one.write.per(seconds))
	})
}

// Limits reads how much the server uses of what its own control group lets it have.
type Limits struct {
	root                             string
	clock                            interval
	memoryUsed, memoryLimit, cores   float64
	cpu                              meter
	rawUsed, rawLimit, rawCPU        *RawSeries
	rawCores                         *RawSeries
	percent, used, limit, memoryPart *Series
	where                            string
}

// NewLimits makes the reader of the tree under root.
func NewLimits(root string, metrics *metric.Registry) *Limits {
	l := &Limits{root: root,
		rawUsed:  raw("homeserver_cgroup_memory_used_bytes", Gauge, "Memory of the control group with the smallest limit around the server."),
		rawLimit: raw("homeserver_cgroup_memory_limit_bytes", Gauge, "Memory it may have."),
		rawCPU:   raw("homeserver_cgroup_cpu_seconds_total", Counter, "Processor time of the control group with the smallest quota around the server."),
		rawCores: raw("homeserver_cgroup_cpu_cores", Gauge, "Cores it may use: quota / period."),
	}
	l.percent = series(metrics, metric.CgroupCPUPercent, "", "", l.rawCPU, l.rawCores)
	l.used = series(metrics, metric.CgroupMemoryUsedBytes, "", "", l.rawUsed)
	l.limit = series(metrics, metric.CgroupMemoryLimitBytes, "", "", l.rawLimit)
	l.memoryPart = series(metrics, metric.CgroupMemoryPercent, "", "", l.rawUsed, l.rawLimit)
	return l
}

// Read looks at the groups from the server's own up to the root.
func (l *Limits) Read() error {
	g := newGroups(l.root)
	l.memoryLimit, l.cores = math.Inf(1), math.Inf(1)
	if g.memory != "" {
		var where string
		if where, l.memoryLimit = smallest(g.own(l.root, "memory"), g.memoryLimit); where != "" {
			used, _ := g.memoryOf(where)
			l.memoryUsed = float64(used)
		}
	}
	where, cores := "", math.Inf(1)
	if g.cpu != "" {
		where, cores = smallest(g.own(l.root, "cpu"), g.cpuLimit(l.root))
	}
	if where != l.where {
		l.where, l.cpu = where, meter{}
	}
	l.cores = cores
	if used := g.read(where); where != "" && used.ok {
		l.cpu.set(used.cpu)
	} else {
		l.cpu = meter{} // the processor time of that group is counted elsewhere, or nowhere
	}
	if math.IsInf(l.memoryLimit, 1) && where == "" {
		l.clock.forget()
		return fmt.Errorf("the server may have all there is: %w", ErrUnsupported)
	}
	l.clock.step()
	return nil
}

// Emit says what is used of it.
func (l *Limits) Emit(to *Batch) {
	if !l.clock.known() {
		return
	}
	if !math.IsInf(l.memoryLimit, 1) {
		to.AddRaw(l.rawUsed, l.memoryUsed)
		to.AddRaw(l.rawLimit, l.memoryLimit)
		to.Add(l.used, l.memoryUsed)
		to.Add(l.limit, l.memoryLimit)
		to.Add(l.memoryPart, l.memoryUsed/l.memoryLimit*100)
	}
	if !math.IsInf(l.cores, 1) {
		to.AddRaw(l.rawCPU, float64(l.cpu.now)/nanoseconds)
		to.AddRaw(l.rawCores, l.cores)
		to.Add(l.percent, l.cpu.per(l.clock.seconds())/nanoseconds/l.cores*100)
	}
}
