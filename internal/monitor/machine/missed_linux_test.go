package machine

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"homeserver/internal/monitor/metric"
)

// putFile writes a file of the machine under root.
func putFile(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKillsOfLateReads: kills that a read learnt of whose answer came too late are said with the next.
func TestKillsOfLateReads(t *testing.T) {
	root := t.TempDir()
	putFile(t, root, "proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 500 kB\n")
	m := NewMemory(root, metric.New())
	defer m.Close()
	look := func(kills string, heard bool) float64 {
		t.Helper()
		putFile(t, root, "proc/vmstat", "pswpin 0\noom_kill "+kills+"\n")
		if err := m.Read(); err != nil {
			t.Fatal(err)
		}
		if !heard {
			return 0
		}
		var b Batch
		m.Emit(&b)
		for _, r := range b.Readings {
			if r.Metric.Name == metric.OOMKills {
				return r.Value
			}
		}
		t.Fatal("nothing is said of kills")
		return 0
	}
	if got := look("5", true); !math.IsNaN(got) {
		t.Errorf("at first: got %v kills, want a gap", got)
	}
	look("7", false)
	look("7", false)
	if got := look("8", true); got != 3 {
		t.Errorf("after two late answers: got %v kills, want 3", got)
	}
	if got := look("8", true); got != 0 {
		t.Errorf("said again: got %v kills, want none", got)
	}
	if got := look("1", true); !math.IsNaN(got) {
		t.Errorf("counted anew: got %v kills, want a gap", got)
	}
}

// TestDiskThatFallsSilent: of a disk that no longer answers nothing is said, of one that sleeps what it
// said last.
func TestDiskThatFallsSilent(t *testing.T) {
	root := t.TempDir()
	putFile(t, root, "sys/block/sda/size", "1000\n")
	putFile(t, root, "sys/block/sda/device/model", "disk\n")
	var answer string
	var failure error
	s := NewSMART(root, metric.New(), func(string, ...string) ([]byte, error) { return []byte(answer), failure })
	said := func() int {
		var b Batch
		s.Emit(&b)
		return len(b.Readings)
	}
	const well, asleep = `{"smart_status":{"passed":true}}`, `{"smartctl":{"messages":[{"string":"Device is in STANDBY mode, exit(2)"}]}}`
	const dead = `{"smartctl":{"messages":[{"string":"Smartctl open device: /dev/sda failed: No such device"}]}}`
	for _, c := range []struct {
		answer  string
		failure error
		want    int
	}{{well, nil, 1}, {asleep, errors.New("exit status 2"), 1}, {dead, errors.New("exit status 2"), 0}, {well, nil, 1}, {"", errors.New("killed"), 0}} {
		answer, failure = c.answer, c.failure
		err := s.Read()
		if c.want == 0 && (err == nil || !strings.Contains(err.Error(), "sda")) {
			t.Errorf("%q: got error %v, want one that names the disk", c.answer, err)
		}
		if got := said(); got != c.want {
			t.Errorf("%q: %d figures are said, want %d", c.answer, got, c.want)
		}
	}
}

// TestLimitOfAGroupThatCountsNoTime: where the quota of a group is known and its processor time is not,
// as with controllers that are mounted apart and know different groups, nothing is said of it.
func TestLimitOfAGroupThatCountsNoTime(t *testing.T) {
	root := t.TempDir()
	putFile(t, root, "proc/self/cgroup", "2:cpuacct:/\n1:cpu:/service\n")
	putFile(t, root, "sys/fs/cgroup/cpuacct/cpuacct.usage", "1000000000\n")
	putFile(t, root, "sys/fs/cgroup/cpu/service/cpu.cfs_quota_us", "50000\n")
	putFile(t, root, "sys/fs/cgroup/cpu/service/cpu.cfs_period_us", "100000\n")
	l := NewLimits(root, metric.New())
	look := func() float64 { figures, _ := emitted(t, l); return figures[metric.CgroupCPUPercent] }
	look()
	if got := look(); !math.IsNaN(got) {
		t.Errorf("got %v %%, want a gap", got)
	}
	for _, used := range []string{"1000000000", "2000000000"} {
		putFile(t, root, "sys/fs/cgroup/cpuacct/service/cpuacct.usage", used+"\n")
		if got := look(); used == "2000000000" && !(got > 0) {
			t.Errorf("once it is known: got %v %%", got)
		}
	}
}
