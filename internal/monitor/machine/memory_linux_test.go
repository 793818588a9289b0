package machine

import (
	"os"
	"path/filepath"
	"testing"

	"homeserver/internal/monitor/metric"
)

// TestMemoryIsToldWithZFSCache: what is available can be worked out again from the raw values it is
// told with, before the module of ZFS is loaded and after.
func TestMemoryIsToldWithZFSCache(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 400 kB\n")
	m := NewMemory(root, metric.New())
	defer m.Close()
	look := func() (available float64, told map[string]float64) {
		t.Helper()
		if err := m.Read(); err != nil {
			t.Fatal(err)
		}
		var b Batch
		m.Emit(&b)
		told = map[string]float64{}
		origin := b.Origin(metric.MemoryAvailableBytes, "")
		for _, from := range origin.From {
			told[from.Name], _ = b.RawOf(from)
		}
		for _, r := range b.Readings {
			if r.Metric.Name == metric.MemoryAvailableBytes {
				available = r.Value
			}
		}
		return available, told
	}
	if available, told := look(); len(told) != 1 || told["node_memory_MemAvailable_bytes"] != available {
		t.Errorf("without ZFS: got %v of %v", available, told)
	}
	m.noARC = false // a minute passed
	write("proc/spl/kstat/zfs/arcstats", "name type data\nc_min 4 51200\nsize 4 204800\n")
	for range 2 {
		available, told := look()
		if again := told["node_memory_MemAvailable_bytes"] + told["node_zfs_arc_size"] - told["node_zfs_arc_c_min"]; len(told) != 3 || again != available || available != 400*1024+204800-51200 {
			t.Errorf("with ZFS: got %v of %v", available, told)
		}
	}
}
