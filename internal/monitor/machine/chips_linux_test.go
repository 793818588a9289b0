package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"homeserver/internal/monitor/metric"
)

// plugged is a disk with a thermometer of its own, as one start of the machine finds it.
type plugged struct {
	serial      string
	temperature int
}

// bootWith makes a machine with a processor's thermometer and disks that are found in this order:
// NVMe of one model, and SATA disks of one model.
func bootWith(t *testing.T, nvme, sata []plugged) string {
	t.Helper()
	root := t.TempDir()
	chip := func(n int, name, device string, temperature int) {
		dir := fmt.Sprintf("sys/class/hwmon/hwmon%d", n)
		putFile(t, root, dir+"/name", name+"\n")
		putFile(t, root, dir+"/temp1_input", fmt.Sprintf("%d000\n", temperature))
		putFile(t, root, filepath.Join("sys/devices", device, "uevent"), "")
		if err := os.Symlink("../../../devices/"+device, filepath.Join(root, dir, "device")); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for i, disk := range nvme {
		device := fmt.Sprintf("pci0000:00/0000:00:1d.%d/nvme/nvme%d", i, i)
		putFile(t, root, "sys/devices/"+device+"/serial", disk.serial+"      \n")
		putFile(t, root, "sys/devices/"+device+"/model", "Samsung SSD 980 1TB\n")
		chip(n, "nvme", device, disk.temperature)
		n++
	}
	for i, disk := range sata {
		device := fmt.Sprintf("pci0000:00/0000:00:17.0/ata%d/host%d/target%d:0:0/%d:0:0:0", i+1, i, i, i)
		name := "sd" + string(rune('a'+i))
		// the thermometer of a disk that sleeps is not asked
		putFile(t, root, "sys/devices/"+device+"/block/"+name+"/stat", "1 0 8\n")
		putFile(t, root, "sys/block/"+name+"/device/vpd_pg80", "\x00\x80\x00\x08"+disk.serial)
		chip(n, "drivetemp", device, disk.temperature)
		n++
	}
	chip(n, "coretemp", "platform/coretemp.0", 50)
	return root
}

// TestSensorsOfDisksKeepTheirID: twins of a model have temperatures of their own, which stay theirs when
// the disks are found in another order at the next start, or are plugged in elsewhere.
func TestSensorsOfDisksKeepTheirID(t *testing.T) {
	a, b := plugged{"S649NF0R", 41}, plugged{"S649NF0T", 42}
	c, d := plugged{"WD-C", 31}, plugged{"WD-D", 32}
	for name, root := range map[string]string{
		"as before":           bootWith(t, []plugged{a, b}, []plugged{c, d}),
		"in another order":    bootWith(t, []plugged{b, a}, []plugged{d, c}),
		"one is gone":         bootWith(t, []plugged{b}, []plugged{d}),
		"two of one number":   bootWith(t, []plugged{a, a}, nil),
		"without any of them": bootWith(t, nil, nil),
	} {
		s := NewSensors(root, metric.New())
		got, _ := emitted(t, s)
		for i := range 2 { // disks do something, and their thermometers are asked
			for _, stat := range globs(t, root, "sys/devices/*/*/*/*/*/*/block/*/stat") {
				putFile(t, root, stat, fmt.Sprintf("%d 0 8\n", i+2))
			}
			got, _ = emitted(t, s)
		}
		s.Close()
		want := map[string]float64{"platform/coretemp.0/temp1": 50}
		switch name {
		case "as before", "in another order":
			want = map[string]float64{"disk/S649NF0R/temp1": 41, "disk/S649NF0T/temp1": 42, "disk/WD-C/temp1": 31, "disk/WD-D/temp1": 32, "platform/coretemp.0/temp1": 50}
		case "one is gone":
			want = map[string]float64{"disk/S649NF0T/temp1": 42, "disk/WD-D/temp1": 32, "platform/coretemp.0/temp1": 50}
		case "two of one number":
			want = map[string]float64{"disk/S649NF0R/temp1": 41, "pci0000:00/0000:00:1d.1/nvme/nvme1/temp1": 41, "platform/coretemp.0/temp1": 50}
		}
		if len(got) != len(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
		for id, v := range want {
			if g := got[metric.Key(metric.TemperatureCelsius, id)]; g != v {
				t.Errorf("%s: %s: got %v, want %v", name, id, g, v)
			}
		}
	}
}

// globs are the files of a machine that match, under its root.
func globs(t *testing.T, root, pattern string) (list []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		below, err := filepath.Rel(root, f)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, below)
	}
	return list
}
