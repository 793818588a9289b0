package monitor

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"homeserver/internal/monitor/machine"
	"homeserver/internal/monitor/metric"
)

var compareCounters = cmp.AllowUnexported(counters{})

// unpackFiles unpacks the files of a machine of testdata.
func unpackFiles(t testing.TB, name string) (root string) {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	root = t.TempDir()
	if err := txtar.Write(archive, root); err != nil {
		t.Fatal(err)
	}
	return root
}

// fakeMachine unpacks a tree of testdata and returns a source that reads it.
func fakeMachine(t testing.TB, name string) *source {
	t.Helper()
	s := newSource(unpackFiles(t, name))
	s.env = func(string) string { return "" }
	t.Cleanup(s.close)
	return s
}

// put writes a file of a fake machine, in place as the kernel does.
func put(t testing.TB, s *source, name, content string) {
	t.Helper()
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSourceReadsMachine(t *testing.T) {
	s := fakeMachine(t, "machine")
	for range 2 { // the second time from descriptors kept open
		cpu, err := s.cpu()
		if want := (cpuTimes{Busy: 1600, Idle: 8400}); err != nil || cpu != want {
			t.Errorf("cpu: got %v, %v, want %v", cpu, err, want)
		}
		memory, err := s.memory()
		if want := (memoryUse{16000000 << 10, 12000000 << 10, 2000000 << 10, 1500000 << 10}); err != nil || memory != want {
			t.Errorf("memory: got %v, %v, want %v", memory, err, want)
		}
		if memory.percent() != 25 {
			t.Errorf("memory in use: got %v %%, want 25", memory.percent())
		}
		load, err := s.load()
		if want := (loadAverages{0.52, 0.48, 0.40}); err != nil || load != want {
			t.Errorf("load: got %v, %v, want %v", load, err, want)
		}
		disks, err := s.diskIO()
		want := []counters{{"sda", 2000 * 512, 4000 * 512}, {"nvme0n1", 100 * 512, 300 * 512}}
		if diff := cmp.Diff(want, disks, compareCounters); err != nil || diff != "" {
			t.Errorf("disks: %v, want -, got +:\n%s", err, diff)
		}
		cards, err := s.network()
		want = []counters{{"eth0", 123456789, 987654}, {"wlan0", 1000, 2000}}
		if diff := cmp.Diff(want, cards, compareCounters); err != nil || diff != "" {
			t.Errorf("network: %v, want -, got +:\n%s", err, diff)
		}
	}
}

func TestHostSaysWhoseNumbers(t *testing.T) {
	for _, test := range []struct {
		tree string
		want Host
	}{
		{"machine", Host{Hostname: "attic", Platform: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-28-amd64", CPUs: 5, Scope: "host",
			Note: "These are the figures of the machine that HomeServer runs on."}},
		{"container", Host{Hostname: "0d43daa01a0f", Platform: "linux", Kernel: "6.1.0-28-amd64", Container: true, Scope: "host",
			Note: "HomeServer runs in a container: processor, memory and disk figures are those of the whole machine around it, network figures those of the container's own network; HomeServer itself may use at most 2.00 GB of memory."}},
		{"cgroup1", Host{Platform: "linux", Kernel: "6.10.14-linuxkit", Container: true, Scope: "host",
			Note: "HomeServer runs in a container: processor, memory and disk figures are those of the virtual machine of Docker Desktop, not of the computer around it, network figures those of the container's own network; HomeServer itself may use at most 1.00 GB of memory."}},
		{"lxc", Host{Platform: "linux", Container: true, Scope: "container",
			Note: "HomeServer runs in a container: processor and memory figures are the container's own, disk figures those of the whole machine around it."}},
	} {
		t.Run(test.tree, func(t *testing.T) {
			got, err := fakeMachine(t, test.tree).host()
			if err != nil {
				t.Fatal(err)
			}
			ignore := cmpopts.IgnoreFields(Host{}, "OS", "Architecture")
			if test.want.CPUs == 0 {
				test.want.CPUs = got.CPUs
			}
			if diff := cmp.Diff(test.want, got, ignore); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestMarksOfAContainerInTheFirstNamespaces(t *testing.T) {
	s := fakeMachine(t, "container")
	if !s.inContainer() {
		t.Error("got no container for .dockerenv, want one")
	}
	if err := os.MkdirAll(s.path("proc/self/ns"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"pid": "pid:[4026531836]", "uts": "uts:[4026531838]", "ipc": "ipc:[4026531839]"} {
		if err := os.Symlink(target, s.path("proc/self/ns/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	if s.inContainer() {
		t.Error("got a container, want none: the process lives in the kernel's first namespaces")
	}
}

func TestContainerNetworkWithoutHardware(t *testing.T) {
	s := fakeMachine(t, "container")
	got, err := s.network()
	if diff := cmp.Diff([]counters{{"eth0", 111, 222}}, got, compareCounters); err != nil || diff != "" {
		t.Errorf("%v, want -, got +:\n%s", err, diff)
	}
	if _, err := s.diskIO(); !errors.Is(err, errUnsupported) {
		t.Errorf("no disks: got %v, want %v", err, errUnsupported)
	}
}

func TestMemoryOfOldKernels(t *testing.T) {
	got, err := fakeMachine(t, "lxc").memory()
	if want := uint64(300000+100000+500000+50000-20000) << 10; err != nil || got.Available != want {
		t.Errorf("available: got %d, %v, want %d", got.Available, err, want)
	}
}

// TestOriginalsFiguresStay: what the original's addresses promise is what the kernel says, also
// where ZFS' cache makes more memory available; the figures of history know of the cache.
func TestOriginalsFiguresStay(t *testing.T) {
	s := fakeMachine(t, "machine")
	put(t, s, "proc/spl/kstat/zfs/arcstats", "13 1\nname type data\nc_min 4 1024000000\nsize 4 2048000000\n")
	m := newMonitor(Config{StoragePath: t.TempDir()}, fixedUsage, quiet(), s)
	m.sampler.details.questions = func() []machine.Question { return nil }
	snap := m.sampler.tick(t.Context())
	m.publish(snap)
	if got := system(snap); got.MemoryPercent != 25 || got.MemoryTotalGB != 15.26 || got.MemoryUsedGB != 3.81 {
		t.Errorf("got %+v, want the kernel's 25 %% of 15.26 GB", got)
	}
	for _, r := range snap.Readings {
		if r.Key() == metric.MemoryUsedBytes && r.Value != 4000000<<10-1024000000 {
			t.Errorf("got %v bytes in use, want 1,024,000,000 less than the kernel says", r.Value)
		}
	}
}

func TestMalformedFilesAreErrors(t *testing.T) {
	s := fakeMachine(t, "machine")
	put(t, s, "proc/stat", "cpu  1 2 x 4\n")
	put(t, s, "proc/meminfo", "MemFree: 1 kB\n")
	put(t, s, "proc/loadavg", "high\n")
	put(t, s, "proc/diskstats", "8 0 sda 1 2\n")
	put(t, s, "proc/net/dev", "a\nb\n eth0: 1 2 3\n")
	for name, read := range map[string]func() error{
		"cpu":     func() error { _, err := s.cpu(); return err },
		"memory":  func() error { _, err := s.memory(); return err },
		"load":    func() error { _, err := s.load(); return err },
		"disks":   func() error { _, err := s.diskIO(); return err },
		"network": func() error { _, err := s.network(); return err },
		"space":   func() error { _, err := s.fileSystem(s.path("gone")); return err },
	} {
		if err := read(); err == nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
}

func TestLongFilesAreReadWhole(t *testing.T) {
	s := fakeMachine(t, "machine")
	var text strings.Builder
	for i := range 500 {
		fmt.Fprintf(&text, "8 %d sda%d 1 1 1 1 1 1 1 1 1 1 1\n", i+1, i+1)
	}
	text.WriteString("8 0 sda 1 1 7 1 1 1 9 1 1 1 1\n")
	put(t, s, "proc/diskstats", text.String())
	got, err := s.diskIO()
	if diff := cmp.Diff([]counters{{"sda", 7 * 512, 9 * 512}}, got, compareCounters); err != nil || diff != "" {
		t.Errorf("%v, want -, got +:\n%s", err, diff)
	}
}

func TestNumbersMatchDF(t *testing.T) {
	dir := t.TempDir()
	got, err := newSource("/").fileSystem(dir)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("df", "-B1", "--output=size,used,avail,pcent", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(strings.SplitN(string(out), "\n", 2)[1])
	const tolerance = 256 << 20 // other tests write meanwhile
	near(t, "size", got.Total, fields[0], 0)
	near(t, "used", got.Used, fields[1], tolerance)
	near(t, "available", got.Free, fields[2], tolerance)
	want, _ := strconv.ParseFloat(strings.TrimSuffix(fields[3], "%"), 64)
	if math.Abs(got.percent()-want) > 1.5 { // df rounds up to whole percents
		t.Errorf("in use: got %.1f %%, df says %.0f %%", got.percent(), want)
	}
}

func TestNumbersMatchFree(t *testing.T) {
	s := newSource("/")
	defer s.close()
	got, err := s.memory()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("free", "-b").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	memory, swap := strings.Fields(lines[1]), strings.Fields(lines[2])
	const tolerance = 512 << 20 // other tests come and go meanwhile
	near(t, "total", got.Total, memory[1], 0)
	near(t, "available", got.Available, memory[6], tolerance)
	near(t, "swap", got.SwapTotal, swap[1], 0)
}

func near(t *testing.T, what string, got uint64, text string, tolerance float64) {
	t.Helper()
	want, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(float64(got)-float64(want)) > tolerance {
		t.Errorf("%s: got %d, the tool says %d", what, got, want)
	}
}

func TestRealMachineAnswersEverything(t *testing.T) {
	s := newSource("/")
	defer s.close()
	if _, err := s.cpu(); err != nil {
		t.Error(err)
	}
	if _, err := s.load(); err != nil {
		t.Error(err)
	}
	if _, err := s.diskIO(); err != nil && !errors.Is(err, errUnsupported) {
		t.Error(err)
	}
	if _, err := s.network(); err != nil && !errors.Is(err, errUnsupported) {
		t.Error(err)
	}
	if h, err := s.host(); err != nil || h.Hostname == "" || h.Note == "" {
		t.Errorf("host: got %+v, %v", h, err)
	}
}

func TestSteadyReadsDoNotAllocate(t *testing.T) {
	s := newSource("/")
	defer s.close()
	for name, read := range map[string]func() error{
		"cpu":    func() error { _, err := s.cpu(); return err },
		"memory": func() error { _, err := s.memory(); return err },
	} {
		if err := read(); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(20, func() { _ = read() }); n > 0 {
			t.Errorf("%s: got %v allocations a read, want none", name, n)
		}
	}
}
