package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"homeserver/internal/monitor/metric"
)

// poolStates are the states that ZFS knows (spa_state_to_name), as node_exporter lists them.
var poolStates = [...]string{"online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"}

// Pools reads how ZFS' pools are: their state from the kernel, their size from zpool.
type Pools struct {
	root    string
	metrics *metric.Registry
	tool    Tool
	pools   present[pool]
}

// pool is one of them.
type pool struct {
	state                          string
	size, used                     float64
	sized                          bool
	raw                            [len(poolStates)]*RawSeries
	rawSize, rawUsed               *RawSeries
	unhealthy, whole, taken, share *Series
}

// NewPools makes the reader.
func NewPools(root string, metrics *metric.Registry, tool Tool) *Pools {
	return &Pools{root: root, metrics: metrics, tool: tool}
}

// Read looks at every pool.
func (p *Pools) Read() error {
	states, _ := filepath.Glob(filepath.Join(p.root, "proc/spl/kstat/zfs/*/state"))
	if len(states) == 0 {
		p.pools.forget()
		return fmt.Errorf("no ZFS pool in sight: %w", ErrUnsupported)
	}
	p.pools.begin()
	for _, file := range states {
		one := p.pools.get([]byte(filepath.Base(filepath.Dir(file))), p.newPool)
		one.state, one.sized = strings.ToLower(readText(file)), false
	}
	p.pools.end()
	// without the tool (in a container, say) the states are known none the less
	out, err := p.tool("zpool", "list", "-Hp", "-o", "name,size,allocated")
	if err != nil && !errors.Is(err, ErrUnsupported) {
		return err
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || p.pools.known[fields[0]] == nil {
			continue
		}
		one := &p.pools.known[fields[0]].value
		size, err1 := strconv.ParseFloat(fields[1], 64)
		used, err2 := strconv.ParseFloat(fields[2], 64)
		one.size, one.used, one.sized = size, used, err1 == nil && err2 == nil && size > 0
	}
	return nil
}

func (p *Pools) newPool(name string) pool {
	var one pool
	for i, state := range poolStates {
		one.raw[i] = raw("node_zfs_zpool_state", Gauge, "kstat.zfs.misc.state", "state", state, "zpool", name)
	}
	one.rawSize = raw("homeserver_zpool_size_bytes", Gauge, "Size of the pool.", "zpool", name)
	one.rawUsed = raw("homeserver_zpool_allocated_bytes", Gauge, "What is taken of the pool.", "zpool", name)
	one.unhealthy = series(p.metrics, metric.PoolUnhealthy, name, "", one.raw[:]...)
	one.whole = series(p.metrics, metric.PoolSizeBytes, name, "", one.rawSize)
	one.taken = series(p.metrics, metric.PoolUsedBytes, name, "", one.rawUsed)
	one.share = series(p.metrics, metric.PoolPercent, name, "", one.rawUsed, one.rawSize)
	return one
}

// Emit says how they are.
func (p *Pools) Emit(to *Batch) {
	p.pools.each(func(one *pool) {
		for i, state := range poolStates {
			to.AddRaw(one.raw[i], truth(state == one.state))
		}
		to.Add(one.unhealthy, truth(one.state != "online"))
		if one.sized {
			to.AddRaw(one.rawSize, one.size)
			to.AddRaw(one.rawUsed, one.used)
			to.Add(one.whole, one.size)
			to.Add(one.taken, one.used)
			to.Add(one.share, one.used/one.size*100)
		}
	})
}

// RAID reads how the kernel's software RAID is.
type RAID struct {
	root    string
	metrics *metric.Registry
	arrays  present[array]
}

// array is one of them.
type array struct {
	dir         string
	missing     float64
	synced, all float64 // sectors; all is 0 while nothing is done
	raw         *RawSeries
	rawSynced   *RawSeries
	rawAll      *RawSeries
	lacks, done *Series
}

// NewRAID makes the reader of the tree under root.
func NewRAID(root string, metrics *metric.Registry) *RAID {
	return &RAID{root: root, metrics: metrics}
}

// Read looks at every array that has spare parts to lose; a linear one or RAID 0 has none.
func (r *RAID) Read() error {
	files, _ := filepath.Glob(filepath.Join(r.root, "sys/block/md*/md/degraded"))
	if len(files) == 0 {
		r.arrays.forget()
		return fmt.Errorf("no RAID in sight: %w", ErrUnsupported)
	}
	r.arrays.begin()
	for _, file := range files {
		dir := filepath.Dir(file)
		one := r.arrays.get([]byte(filepath.Base(filepath.Dir(dir))), func(name string) array {
			a := array{dir: dir, raw: raw("node_md_degraded", Gauge, "Number of disks that the md-device lacks.", "device", name)}
			a.lacks = series(r.metrics, metric.RAIDMissingDisks, name, "", a.raw)
			a.rawSynced = raw("", Gauge, "Sectors done, of sync_completed.", "device", name, "sectors", "done")
			a.rawAll = raw("", Gauge, "Sectors in all, of sync_completed.", "device", name, "sectors", "all")
			a.done = series(r.metrics, metric.RAIDSyncPercent, name, "", a.rawSynced, a.rawAll)
			return a
		})
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if one.missing, err = strconv.ParseFloat(strings.TrimSpace(string(content)), 64); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		one.synced, one.all = syncedOf(readText(filepath.Join(dir, "sync_completed")))
	}
	r.arrays.end()
	return nil
}

// syncedOf reads "done / all" in sectors, or "none": then all is 0.
func syncedOf(text string) (done, all float64) {
	before, after, _ := strings.Cut(text, " / ")
	done, err1 := strconv.ParseFloat(before, 64)
	all, err2 := strconv.ParseFloat(after, 64)
	if err1 != nil || err2 != nil || all <= 0 {
		return 0, 0
	}
	return done, all
}

// Emit says how they are.
func (r *RAID) Emit(to *Batch) {
	r.arrays.each(func(a *array) {
		to.AddRaw(a.raw, a.missing)
		to.Add(a.lacks, a.missing)
		if a.all > 0 {
			to.AddRaw(a.rawSynced, a.synced)
			to.AddRaw(a.rawAll, a.all)
			to.Add(a.done, a.synced/a.all*100)
		}
	})
}
