package monitor

import (
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// labelPair is a label whose value is not empty: Prometheus takes an empty one for none.
var labelPair = regexp.MustCompile(`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])+"`)

// side is one of the two that are compared.
type side struct {
	samples map[string]float64
	types   map[string]string
}

// read parses an exposition.
func read(t *testing.T, text string) side {
	t.Helper()
	samples, types, err := parseExposition(text)
	if err != nil {
		t.Fatal(err)
	}
	plain := map[string]float64{}
	for key, value := range samples {
		name, labels, _ := strings.Cut(key, "{")
		plain[name+"{"+strings.Join(labelPair.FindAllString(labels, -1), ",")+"}"] = value
	}
	return side{plain, types}
}

// compareFamilies fails for every family of node_exporter's that is not told, or in another type,
// and for what is said to be left out and is not.
func compareFamilies(t *testing.T, ours, theirs side) {
	t.Helper()
	for _, family := range slices.Sorted(maps.Keys(theirs.types)) {
		switch why := whyLeftOut(family); {
		case ours.types[family] == "" && why == "":
			t.Errorf("%s is missing, and in no list of what is left out", family)
		case ours.types[family] != "" && ours.types[family] != theirs.types[family]:
			t.Errorf("%s: got a %s, want a %s", family, ours.types[family], theirs.types[family])
		}
	}
}

// TestAgainstNodeExporter: side by side with Prometheus' own node_exporter on the same machine, all
// families of its default collectors are told, but for those that are left out with a reason, with
// the same labels and values. What counts lies between what it said just before and just after.
func TestAgainstNodeExporter(t *testing.T) {
	m := measuredMonitor(t, "")
	ask := nodeExporter(t)
	m.publish(m.sampler.tick(t.Context()))
	before := read(t, ask())
	ours := read(t, string(m.exposition(t.Context(), m.current.Load())))
	after := read(t, ask())
	compareFamilies(t, ours, after)
	for _, family := range dashboards {
		if ours.types[family] == "" && (after.types[family] != "" || !slices.Contains(perKernel, family)) {
			t.Errorf("%s is missing, which dashboards ask for", family)
		}
	}
	compared := 0
	for key, low := range before.samples {
		name, _, _ := strings.Cut(key, "{")
		high, stays := after.samples[key]
		if whyLeftOut(name) != "" || others.MatchString(name) || !stays {
			continue
		}
		value, ok := ours.samples[key]
		if !ok {
			t.Errorf("%s is missing", key)
			continue
		}
		compared++
		if d := distance(name, ours.types[name], low, value, high); d != "" {
			t.Errorf("%s: got %v, %s: node_exporter says %v before and %v after", key, value, d, low, high)
		}
	}
	for key := range ours.samples {
		name, _, _ := strings.Cut(key, "{")
		_, ok := after.samples[key]
		// Debian's leaves loopback out
		if !ok && after.types[name] != "" && !others.MatchString(name) && !strings.Contains(key, `device="lo"`) {
			t.Errorf("%s is not among node_exporter's", key)
		}
	}
	if compared < 300 {
		t.Errorf("only %d series were compared", compared)
	}
	t.Logf("%d series compared", compared)
}

// distance is what is wrong with a value, given one of node_exporter's from before and one from
// after; "" is nothing.
func distance(name, kind string, low, value, high float64) string {
	counts := kind == "counter" || strings.HasPrefix(name, "node_vmstat_") || strings.HasPrefix(name, "node_netstat_") && name != "node_netstat_Tcp_CurrEstab"
	switch {
	case still.MatchString(name):
		if value != low || low != high {
			return "want it to stay"
		}
	case counts:
		// the kernel's idle time may go backwards by a little, which node_exporter hides
		slip := 1e-9 * math.Abs(low)
		if name == "node_cpu_seconds_total" {
			slip = 3
		}
		if value < low-slip || value > high+slip {
			return "not in between"
		}
	default:
		// a gauge of memory moves by some percent, or a little of what is small; other tests keep
		// the machine busy
		slack := 1000.0
		if strings.Contains(name, "_bytes") {
			slack = 512 << 20
		}
		if d := math.Abs(value - high); d > 0.1*math.Max(math.Abs(value), math.Abs(high)) && d > slack {
			return "far away"
		}
	}
	return ""
}

// TestHardwareAgainstNodeExporter: of a machine in files with all that the machine of a test has
// not (sensors, fans, frequencies, ECC memory, RAID, ZFS, batteries, a bond), the same labels and
// the very same values are told as by node_exporter.
func TestHardwareAgainstNodeExporter(t *testing.T) {
	root := unpackTree(t, "hardware")
	m := measuredMonitor(t, root)
	flags := []string{"--path.procfs=" + root + "/proc", "--path.sysfs=" + root + "/sys", "--path.udev.data=" + root + "/udev", "--no-collector.netdev.netlink"}
	for _, asksTheKernel := range []string{"filesystem", "uname", "timex", "time", "os", "textfile", "selinux"} {
		flags = append(flags, "--no-collector."+asksTheKernel)
	}
	theirs := read(t, strings.ReplaceAll(nodeExporter(t, flags...)(), root, ""))
	ours := read(t, string(m.exposition(t.Context(), m.current.Load())))
	compareFamilies(t, ours, theirs)
	compared := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(theirs.samples)) {
		name, _, _ := strings.Cut(key, "{")
		if whyLeftOut(name) != "" && ours.types[name] == "" || others.MatchString(name) {
			continue
		}
		value, ok := ours.samples[key]
		compared[name] = true
		if want := theirs.samples[key]; !ok || math.Abs(value-want) > 1e-9*math.Abs(want) {
			t.Errorf("%s: got %v (told: %v), node_exporter says %v", key, value, ok, want)
		}
	}
	for _, family := range strings.Fields(`node_hwmon_temp_celsius node_hwmon_temp_crit_alarm_celsius node_hwmon_temp_crit_hyst_celsius node_hwmon_fan_rpm node_hwmon_fan_min_rpm node_hwmon_in_volts
		node_hwmon_power_average_watt node_hwmon_chip_names node_hwmon_sensor_label node_cpu_scaling_frequency_hertz node_cpu_package_throttles_total node_cooling_device_cur_state
		node_thermal_zone_temp node_schedstat_running_seconds_total node_md_disks node_md_disks_required node_md_state node_edac_correctable_errors_total node_rapl_package_joules_total
		node_zfs_arc_size node_bonding_active node_nf_conntrack_entries node_nf_conntrack_stat_drop node_arp_entries node_udp_queues node_power_supply_online node_network_speed_bytes`) {
		if !compared[family] {
			t.Errorf("%s was not compared", family)
		}
	}
}

// unpackTree unpacks a machine of testdata. Its file links lists symbolic links ("name -> target").
func unpackTree(t *testing.T, name string) string {
	t.Helper()
	root := unpackFiles(t, name)
	links, err := os.ReadFile(filepath.Join(root, "links"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(links)) {
		from, to, _ := strings.Cut(strings.TrimSpace(line), " -> ")
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, from)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, filepath.Join(root, from)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// nodeExporter starts node_exporter and returns what asks it.
func nodeExporter(t *testing.T, flags ...string) (ask func() string) {
	t.Helper()
	path, err := exec.LookPath("prometheus-node-exporter")
	if err != nil {
		t.Fatal("prometheus-node-exporter is not installed: run scripts/install-test-tools")
	}
	free := httptest.NewServer(nil)
	address := strings.TrimPrefix(free.URL, "http://")
	free.Close()
	cmd := exec.Command(path, append(flags, "--web.listen-address="+address)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	get := func() (string, error) {
		response, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return string(body), err
	}
	pace := time.NewTicker(firstInterval)
	defer pace.Stop()
	for range 100 { // it needs a moment to listen
		if _, err := get(); err == nil {
			break
		}
		<-pace.C
	}
	return func() string {
		text, err := get()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}
