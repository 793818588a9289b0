package machine

import (
	"bufio"
	"encoding/json"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"homeserver/internal/monitor/metric"
)

// output runs a tool of reference.
func output(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command(name, arguments...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C", "S_TIME_FORMAT=ISO")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v (scripts/install-test-tools installs what the tests need)", name, err)
	}
	return string(out)
}

// emitted reads and returns the figures by key and the raw values by name and labels.
func emitted(t *testing.T, r Reader) (figures, raws map[string]float64) {
	t.Helper()
	if err := r.Read(); err != nil {
		t.Fatal(err)
	}
	var b Batch
	r.Emit(&b)
	figures, raws = map[string]float64{}, map[string]float64{}
	for _, one := range b.Readings {
		figures[one.Key()] = one.Value
	}
	for _, one := range b.Raw {
		raws[one.Name+"{"+one.Labels+"}"] = one.Value
	}
	return figures, raws
}

func within(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > tolerance {
		t.Errorf("%s: got %v, the tool says %v", what, got, want)
	}
}

// others is what other tests may use or give back between two looks, in bytes.
const others = 512 << 20

// TestMatchesFree: memory as free(1) shows it. Its "used" is total - available as well (procps 4),
// or total - free - cached (procps 3), and is left out.
func TestMatchesFree(t *testing.T) {
	m := NewMemory("/", metric.New())
	defer m.Close()
	got, _ := emitted(t, m)
	lines := strings.Split(output(t, "free", "-b", "-w"), "\n")
	number := func(line, column int) float64 {
		n, err := strconv.ParseFloat(strings.Fields(lines[line])[column], 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	within(t, "total", got[metric.MemoryTotalBytes], number(1, 1), 0)
	within(t, "buffers", got[metric.MemoryBuffersBytes], number(1, 5), others)
	within(t, "cached", got[metric.MemoryCachedBytes], number(1, 6), others)
	within(t, "available", got[metric.MemoryAvailableBytes], number(1, 7), others)
	within(t, "used", got[metric.MemoryUsedBytes], number(1, 1)-number(1, 7), others)
	within(t, "swap", got[metric.SwapTotalBytes], number(2, 1), 0)
	within(t, "swap in use", got[metric.SwapUsedBytes], number(2, 2), others)
}

// TestMatchesDF: every file system as df(1) shows it, and inodes.
func TestMatchesDF(t *testing.T) {
	m := NewMounts("/", metric.New())
	defer m.Close()
	if err := m.Read(); err != nil {
		t.Fatal(err)
	}
	m.Emit(nil)
	if len(m.FileSystems()) == 0 {
		t.Fatal("no file system is seen")
	}
	for _, f := range m.FileSystems() {
		got, _ := emitted(t, f)
		fields := strings.Fields(strings.Split(output(t, "df", "-B1", "--output=size,used,avail,pcent,itotal,iused", f.Mount), "\n")[1])
		number := func(i int) float64 { n, _ := strconv.ParseFloat(strings.TrimSuffix(fields[i], "%"), 64); return n }
		key := func(name string) string { return metric.Key(name, f.Mount) }
		within(t, f.Mount+" size", got[key(metric.FileSystemSizeBytes)], number(0), 0)
		within(t, f.Mount+" used", got[key(metric.FileSystemUsedBytes)], number(1), others)
		within(t, f.Mount+" available", got[key(metric.FileSystemAvailableBytes)], number(2), others)
		within(t, f.Mount+" percent", got[key(metric.FileSystemPercent)], number(3), 1.5) // df rounds up to whole percents
		if number(4) > 0 {
			within(t, f.Mount+" inodes", got[key(metric.FileSystemInodesUsed)], number(5), 20000)
		}
	}
}

// TestMatchesIostat: what disks carry as iostat(1) measures it in the very same second, and where
// processor time goes.
func TestMatchesIostat(t *testing.T) {
	metrics := metric.New()
	d, c := NewDisks("/", metrics), NewCPU("/", metrics)
	defer d.Close()
	defer c.Close()
	cmd := exec.Command("iostat", "-o", "JSON", "-d", "-c", "-x", "-k", "-y", "2", "1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	emitted(t, d)
	emitted(t, c)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatalf("iostat: %v (scripts/install-test-tools installs what the tests need)", err)
	}
	var report struct {
		Sysstat struct {
			Hosts []struct {
				Statistics []struct {
					CPU  map[string]float64 `json:"avg-cpu"`
					Disk []map[string]any   `json:"disk"`
				} `json:"statistics"`
			} `json:"hosts"`
		} `json:"sysstat"`
	}
	decodeErr := json.NewDecoder(bufio.NewReader(out)).Decode(&report)
	if err := cmd.Wait(); err != nil || decodeErr != nil {
		t.Fatal(err, decodeErr)
	}
	took := time.Since(began)
	disks, _ := emitted(t, d)
	cpu, _ := emitted(t, c)
	theirs := report.Sysstat.Hosts[0].Statistics[0]
	if took < 3*time.Second { // else one of the two was held up, and they looked at different times
		within(t, "user", cpu[metric.CPUUserPercent], theirs.CPU["user"]+theirs.CPU["nice"], 15)
		within(t, "system", cpu[metric.CPUSystemPercent], theirs.CPU["system"], 15)
		within(t, "busy", cpu[metric.CPUPercent], 100-theirs.CPU["idle"]-theirs.CPU["iowait"], 15)
		within(t, "waiting for disks", cpu[metric.CPUIOWaitPercent], theirs.CPU["iowait"], 15)
		within(t, "stolen", cpu[metric.CPUStealPercent], theirs.CPU["steal"], 15)
	}
	compared := 0
	for _, disk := range theirs.Disk {
		name, _ := disk["disk_device"].(string)
		if !wholeDisk("/", name) {
			continue
		}
		key := func(metricName string) string { return metric.Key(metricName, identify("/", name).id) }
		value := func(field string) float64 { v, _ := disk[field].(float64); return v }
		compared++
		seconds := took.Seconds()
		// both saw the same two seconds but for a tenth at each end, in which a busy disk may do
		// another fifth
		within(t, name+" read", disks[key(metric.DiskReadBytesPerSecond)]/1024*seconds/2, value("rkB/s"), 0.3*value("rkB/s")+16384)
		within(t, name+" written", disks[key(metric.DiskWriteBytesPerSecond)]/1024*seconds/2, value("wkB/s"), 0.3*value("wkB/s")+16384)
		within(t, name+" reads", disks[key(metric.DiskReadsPerSecond)]*seconds/2, value("r/s"), 0.3*value("r/s")+200)
		within(t, name+" writes", disks[key(metric.DiskWritesPerSecond)]*seconds/2, value("w/s"), 0.3*value("w/s")+200)
		for name, field := range map[string]string{metric.DiskReadMilliseconds: "r_await", metric.DiskWriteMilliseconds: "w_await"} {
			if took := disks[key(name)]; !math.IsNaN(took) && value(field) > 0 { // a gap where there were none
				within(t, name, took, value(field), 0.5*value(field)+20)
			}
		}
		within(t, name+" busy", disks[key(metric.DiskBusyPercent)], value("util"), 20)
	}
	t.Logf("%d disks compared", compared)
}
