package machine

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"homeserver/internal/monitor/metric"
)

// reference is the machine as the test itself reads it, by other code than the readers': numbers of
// /proc by file, line and column.
type reference struct {
	began, ended time.Time
	numbers      map[string]float64
}

// look reads the reference.
func look(t *testing.T) reference {
	t.Helper()
	r := reference{began: time.Now(), numbers: map[string]float64{}}
	for file, name := range map[string]int{"spl/kstat/zfs/arcstats": 0, "stat": 0, "loadavg": -1, "uptime": -1, "meminfo": 0, "vmstat": 0, "diskstats": 2, "net/dev": 0, "self/stat": 0,
		"pressure/cpu": 0, "pressure/memory": 0, "pressure/io": 0} {
		text, err := os.ReadFile("/proc/" + file)
		if err != nil {
			continue // no PSI here, or no ZFS
		}
		for line := range strings.Lines(strings.NewReplacer(":", " ", "=", " ").Replace(string(text))) {
			fields := strings.Fields(line)
			key := file
			if name >= 0 && len(fields) > name {
				key += " " + fields[name]
			}
			if file == "self/stat" { // the name of the program may hold anything
				fields, key = strings.Fields(line[strings.LastIndexByte(line, ')')+1:]), file
			}
			for i, f := range fields {
				if n, err := strconv.ParseFloat(f, 64); err == nil {
					r.numbers[fmt.Sprintf("%s %d", key, i)] = n
				}
			}
		}
	}
	var tx unix.Timex
	if _, err := unix.Adjtimex(&tx); err == nil {
		r.numbers["offset"], r.numbers["synchronised"] = float64(tx.Offset)/1000, truth(tx.Status&unix.STA_UNSYNC == 0)
		if tx.Status&unix.STA_NANO != 0 {
			r.numbers["offset"] /= 1000
		}
	}
	for _, link := range globs(t, "/", "sys/class/net/*") {
		name := filepath.Base(link)
		text := func(file string) string { return readText(filepath.Join("/", link, file)) }
		speed, _ := strconv.ParseFloat(text("speed"), 64)
		r.numbers["speed "+name] = speed * 125_000
		r.numbers["up "+name] = truth(text("operstate") == "up" || text("operstate") == "unknown" && text("carrier") == "1")
	}
	r.ended = time.Now()
	return r
}

// formula works a figure out from the growth of numbers since another look, and from numbers of now.
type formula func(grown, now func(key string) float64, seconds float64) float64

// gauge is a number of now.
func gauge(unit float64, keys ...string) formula {
	return func(_, now func(string) float64, _ float64) float64 { return sum(now, keys...) * unit }
}

// rateOf is how fast numbers grew.
func rateOf(unit float64, keys ...string) formula {
	return func(grown, _ func(string) float64, seconds float64) float64 {
		return sum(grown, keys...) / seconds * unit
	}
}

// shareOf is how much the growth of some numbers is of that of others.
func shareOf(unit float64, of, all []string) formula {
	return func(grown, _ func(string) float64, _ float64) float64 {
		return sum(grown, of...) / sum(grown, all...) * unit
	}
}

func sum(of func(key string) float64, keys ...string) (total float64) {
	for _, k := range keys {
		total += of(k)
	}
	return total
}

// columns are those of a line.
func columns(line string, of ...int) (keys []string) {
	for _, c := range of {
		keys = append(keys, fmt.Sprintf("%s %d", line, c))
	}
	return keys
}

// formulaOf says how a figure is to be worked out; nil of what this test knows no reference for.
func formulaOf(name, instance string) formula {
	kernel := kernelName(instance)
	if strings.HasPrefix(name, "disk_") && instance != "" && kernel == "" {
		return nil
	}
	mem := func(line string) string { return "meminfo " + line + " 1" }
	cpu := func(of ...int) formula {
		return shareOf(100, columns("stat cpu"+instance, of...), columns("stat cpu"+instance, 1, 2, 3, 4, 5, 6, 7, 8))
	}
	disk := "diskstats " + kernel
	net := func(column int) formula { return rateOf(1, columns("net/dev "+instance, column)...) }
	available := func(now func(string) float64) float64 { // in kB, with what ZFS would give back
		const arc = "spl/kstat/zfs/arcstats "
		return min(now(mem("MemAvailable"))+max(now(arc+"size 2")-now(arc+"c_min 2"), 0)/1024, now(mem("MemTotal")))
	}
	used := func(now func(string) float64) float64 { return now(mem("MemTotal")) - available(now) }
	return map[string]formula{
		metric.CPUPercent: cpu(1, 2, 3, 6, 7, 8), metric.CPUUserPercent: cpu(1, 2), metric.CPUSystemPercent: cpu(3, 6, 7), metric.CPUIOWaitPercent: cpu(5), metric.CPUStealPercent: cpu(8),
		metric.Load1: gauge(1, "loadavg 0"), metric.Load5: gauge(1, "loadavg 1"), metric.Load15: gauge(1, "loadavg 2"),
		metric.ContextSwitchesPerSecond: rateOf(1, "stat ctxt 1"), metric.ForksPerSecond: rateOf(1, "stat processes 1"),
		metric.ProcessesRunning: gauge(1, "stat procs_running 1"), metric.ProcessesBlocked: gauge(1, "stat procs_blocked 1"),
		metric.PressureSomePercent: rateOf(1e-4, "pressure/"+instance+" some 8"), metric.PressureFullPercent: rateOf(1e-4, "pressure/"+instance+" full 8"),
		metric.PressureSomeAvg10Percent: gauge(1, "pressure/"+instance+" some 2"), metric.PressureFullAvg10Percent: gauge(1, "pressure/"+instance+" full 2"),
		metric.MemoryTotalBytes: gauge(1024, mem("MemTotal")), metric.MemoryAvailableBytes: func(_, now func(string) float64, _ float64) float64 { return available(now) * 1024 },
		metric.MemoryCachedBytes: gauge(1024, mem("Cached"), mem("SReclaimable")), metric.MemoryBuffersBytes: gauge(1024, mem("Buffers")),
		metric.MemoryUsedBytes: func(_, now func(string) float64, _ float64) float64 { return used(now) * 1024 },
		metric.MemoryPercent:   func(_, now func(string) float64, _ float64) float64 { return used(now) / now(mem("MemTotal")) * 100 },
		metric.SwapTotalBytes:  gauge(1024, mem("SwapTotal")),
		metric.SwapUsedBytes: func(_, now func(string) float64, _ float64) float64 {
			return (now(mem("SwapTotal")) - now(mem("SwapFree"))) * 1024
		},
		metric.SwapInBytesPerSecond: rateOf(pageSize, "vmstat pswpin 1"), metric.SwapOutBytesPerSecond: rateOf(pageSize, "vmstat pswpout 1"),
		metric.OOMKills:               func(grown, _ func(string) float64, _ float64) float64 { return grown("vmstat oom_kill 1") },
		metric.OOMKillsSinceBoot:      gauge(1, "vmstat oom_kill 1"),
		metric.DiskReadBytesPerSecond: rateOf(512, disk+" 5"), metric.DiskWriteBytesPerSecond: rateOf(512, disk+" 9"),
		metric.DiskReadsPerSecond: rateOf(1, disk+" 3"), metric.DiskWritesPerSecond: rateOf(1, disk+" 7"),
		metric.DiskReadMilliseconds: shareOf(1, columns(disk, 6), columns(disk, 3)), metric.DiskWriteMilliseconds: shareOf(1, columns(disk, 10), columns(disk, 7)),
		metric.DiskBusyPercent: rateOf(0.1, disk+" 12"), metric.DiskInFlight: gauge(1, disk+" 11"),
		metric.NetworkReceivedBytesPerSecond: net(1), metric.NetworkReceivedPacketsPerSecond: net(2), metric.NetworkReceiveErrorsPerSecond: net(3), metric.NetworkReceiveDropsPerSecond: net(4),
		metric.NetworkSentBytesPerSecond: net(9), metric.NetworkSentPacketsPerSecond: net(10), metric.NetworkSendErrorsPerSecond: net(11), metric.NetworkSendDropsPerSecond: net(12),
		metric.NetworkUp: gauge(1, "up "+instance), metric.NetworkLinkBytesPerSecond: gauge(1, "speed "+instance),
		metric.UptimeSeconds: gauge(1, "uptime 0"), metric.ClockOffsetMilliseconds: gauge(1, "offset"), metric.ClockSynchronised: gauge(1, "synchronised"),
		metric.ServerCPUPercent: rateOf(1, columns("self/stat", 11, 12)...), metric.ServerMemoryBytes: gauge(pageSize, "self/stat 21"),
	}[name]
}

// kernelName is what the kernel calls the disk of an id; "" where there is none, or more than one.
func kernelName(id string) (name string) {
	disks, _ := os.ReadDir("/sys/block")
	for _, d := range disks {
		if identify("/", d.Name()).id != id {
			continue
		}
		if name != "" {
			return ""
		}
		name = d.Name()
	}
	return name
}

// TestEveryFigureOnThisMachine holds every figure that this machine has against /proc and /sys: what
// they said just before and just after the readers looked are the bounds within which it must lie. What
// goes up and down may leave them in between, so a figure has several tries; one that is wrong has none
// that is right. What no machine of tests has is in the trees, and the others' tests compare with tools.
func TestEveryFigureOnThisMachine(t *testing.T) {
	metrics := metric.New()
	questions := []Question{{"cpu", EveryTick, NewCPU("/", metrics)}, {"memory", EveryTick, NewMemory("/", metrics)}, {"load", EveryTick, NewLoad("/", metrics)},
		{"disks", EveryTick, NewDisks("/", metrics)}, {"network", EveryTick, NewNetwork("/", metrics)}}
	others := NewOthers("/", metrics)
	defer others.Close()
	questions = append(questions, others.Questions()...)
	defer func() {
		for _, q := range questions {
			if c, ok := q.Reader.(Closer); ok {
				c.Close()
			}
		}
	}()
	wrong := map[string]string{"everything": "was never looked at"}
	matched := map[string]bool{}
	var before [2]map[string]reference // of each question, around its read
	for tries := 0; len(wrong) > 0 && tries < 20; tries++ {
		clear(wrong)
		now := [2]map[string]reference{{}, {}}
		for _, q := range questions {
			now[0][q.Name] = look(t)
			err := q.Read()
			now[1][q.Name] = look(t)
			if err != nil {
				continue
			}
			var b Batch
			q.Emit(&b)
			if before[0] == nil {
				continue
			}
			for _, r := range b.Readings {
				f := formulaOf(r.Metric.Name, r.Instance)
				if f == nil || matched[r.Key()] {
					continue
				}
				low, high := bounds(f, [4]reference{before[0][q.Name], before[1][q.Name], now[0][q.Name], now[1][q.Name]})
				if inside(r.Value, low, high) {
					matched[r.Key()] = true
					continue
				}
				wrong[r.Key()] = fmt.Sprintf("got %v, want %v to %v", r.Value, low, high)
			}
		}
		before = now
		if tries == 0 {
			wrong["everything"] = "was looked at once"
		}
		busy(t, 300*time.Millisecond)
	}
	for _, key := range slices.Sorted(maps.Keys(wrong)) {
		t.Errorf("%s: %s", key, wrong[key])
	}
	t.Logf("%d figures compared", len(matched))
	if len(matched) < 40 {
		t.Errorf("only %d figures were compared", len(matched))
	}
}

// busy gives disks and processor something to do for a while, so that there is something to compare.
func busy(t *testing.T, most time.Duration) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "busy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	for began := time.Now(); time.Since(began) < most; {
		if _, err := f.WriteAt(block, 0); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
}

// bounds are the least and the most that a figure may be, by the looks just before and just after the
// read before, and before and after this one.
func bounds(f formula, looks [4]reference) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	shortest, longest := looks[2].ended.Sub(looks[1].began).Seconds(), looks[3].began.Sub(looks[0].ended).Seconds()
	for _, from := range looks[:2] {
		for _, to := range looks[2:] {
			grown := func(key string) float64 { return to.numbers[key] - from.numbers[key] }
			now := func(key string) float64 { return to.numbers[key] }
			for _, seconds := range []float64{shortest, longest} {
				v := f(grown, now, seconds)
				low, high = math.Min(low, v), math.Max(high, v)
			}
		}
	}
	return low, high
}

// inside allows for rounding, and for a gap where nothing grew.
func inside(v, low, high float64) bool {
	if math.IsNaN(v) || math.IsNaN(low) {
		return math.IsNaN(v) && math.IsNaN(low)
	}
	const slack = 1e-9
	return v >= low-slack*math.Abs(low)-slack && v <= high+slack*math.Abs(high)+slack
}

// TestEveryMetricIsChecked: there is no metric whose figures are neither held against this machine's nor
// worked out in one of the trees.
func TestEveryMetricIsChecked(t *testing.T) {
	golden := ""
	for _, file := range globs(t, ".", "testdata/*.txtar") {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		golden += string(archive.Files[len(archive.Files)-1].Data)
	}
	inTrees := map[string]bool{}
	for line := range strings.Lines(golden) {
		key, value, ok := strings.Cut(line, " = ")
		name, _, err := metric.ParseKey(key)
		if ok && err == nil && !strings.HasPrefix(value, "gap") {
			inTrees[name] = true
		}
	}
	elsewhere := map[string]bool{metric.DiskPercent: true, metric.DiskUsedBytes: true} // of the file system of the files: the room's tests
	for _, m := range metric.All() {
		if !inTrees[m.Name] && formulaOf(m.Name, "") == nil && m.Group != metric.GroupHouse && !elsewhere[m.Name] {
			t.Errorf("nothing is held against %s", m.Name)
		}
	}
}
