package machine

import (
	"fmt"
	"strconv"
	"strings"
)

// cooling tells the thermal zones, and how hard what cools them works.
func cooling(t *told) error {
	zones, devices := t.glob("sys/class/thermal/thermal_zone*"), t.glob("sys/class/thermal/cooling_device*")
	if len(zones)+len(devices) == 0 {
		return fmt.Errorf("no thermal zone in sight: %w", ErrUnsupported)
	}
	for _, dir := range zones {
		if n, ok := t.number(dir + "/temp"); ok { // one that is switched off does not answer
			t.add("node_thermal_zone_temp", Gauge, "Zone temperature in Celsius", n/millidegrees, "type", readText(t.path(dir+"/type")), "zone", after(dir, "thermal_zone"))
		}
	}
	for _, dir := range devices {
		now, ok := t.number(dir + "/cur_state")
		most, known := t.number(dir + "/max_state")
		if !ok || !known {
			continue
		}
		labels := []string{"name", after(dir, "cooling_device"), "type", readText(t.path(dir + "/type"))}
		t.add("node_cooling_device_cur_state", Gauge, "Current throttle state of the cooling device", now, labels...)
		t.add("node_cooling_device_max_state", Gauge, "Maximum throttle state of the cooling device", most, labels...)
	}
	return nil
}

// energy counts what processors took (Intel's running average power limit). The files are root's
// alone, because power tells too much about what is computed.
func energy(t *told) error {
	seen := map[string]int{}
	for _, file := range t.glob("sys/class/powercap/*/energy_uj") {
		dir := strings.TrimSuffix(file, "/energy_uj")
		n, ok := t.number(file)
		if !ok {
			continue
		}
		// a name ends in the number of its package, or a part bears the same in each of them
		whole := readText(t.path(dir + "/name"))
		name, index, numbered := strings.Cut(whole, "-")
		if !numbered || !isNumber(index) {
			name, index = whole, strconv.Itoa(seen[whole])
			seen[whole]++
		}
		t.add("node_rapl_"+cleanName(name)+"_joules_total", Counter, "Current RAPL "+name+" value in joules", n/micro, "index", index, "path", "/"+dir)
	}
	if len(t.found) == 0 {
		return fmt.Errorf("no processor tells what it takes: %w", ErrUnsupported)
	}
	return nil
}

// isNumber reports whether a text is digits only.
func isNumber(text string) bool {
	_, err := number([]byte(text))
	return err == nil
}

// memoryErrors counts what ECC memory corrected and could not correct.
func memoryErrors(t *told) error {
	controllers := t.glob("sys/devices/system/edac/mc/mc[0-9]*")
	if len(controllers) == 0 {
		return fmt.Errorf("no memory tells its errors: %w", ErrUnsupported)
	}
	for _, dir := range controllers {
		controller := after(dir, "mc")
		rows := []struct{ dir, row, prefix string }{{dir, "", ""}, {dir, "unknown", "noinfo_"}}
		for _, row := range t.glob(dir + "/csrow[0-9]*") {
			rows = append(rows, struct{ dir, row, prefix string }{row, after(row, "csrow"), ""})
		}
		for _, of := range rows {
			labels, middle := []string{"controller", controller}, ""
			where := "memory controller."
			if of.row != "" {
				labels, middle, where = append(labels, "csrow", of.row), "csrow_", "csrow on a memory controller."
			}
			if n, ok := t.number(of.dir + "/ce_" + of.prefix + "count"); ok {
				t.add("node_edac_"+middle+"correctable_errors_total", Counter, "Total correctable memory errors for this "+where, n, labels...)
			}
			if n, ok := t.number(of.dir + "/ue_" + of.prefix + "count"); ok {
				t.add("node_edac_"+middle+"uncorrectable_errors_total", Counter, "Total uncorrectable memory errors for this "+where, n, labels...)
			}
		}
	}
	return nil
}
