package machine

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// milli is the unit of most of what chips tell: millivolts, -amperes, -degrees, -seconds.
const milli = 1000

// chipFile is the name of a file of a chip: kind, number and property of a sensor.
var chipFile = regexp.MustCompile(`^(vrm|beep_enable|update_interval|in|cpu|fan|pwm|temp|curr|power|energy|humidity|intrusion)([0-9]*)(?:_(.+))?$`)

// chips tells all that the chips of the main board tell of themselves (Documentation/hwmon/sysfs-interface.rst),
// but for temperatures and fans as they are now, which the sensors' question tells. A disk's own thermometer is
// left alone: asking it wakes the disk.
func chips(t *told) error {
	found := t.glob("sys/class/hwmon/hwmon*")
	if len(found) == 0 {
		return fmt.Errorf("no chip in sight: %w", ErrUnsupported)
	}
	for _, dir := range found {
		name := readText(t.path(dir + "/name"))
		if name == "drivetemp" {
			continue
		}
		chip := chipName(t.path(dir), name)
		if name != "" {
			t.add("node_hwmon_chip_names", Gauge, "Annotation metric for human-readable chip names", 1, "chip", chip, "chip_name", cleanName(name))
		}
		for _, folder := range [...]string{dir, dir + "/device"} { // where old drivers have them
			files, _ := os.ReadDir(t.path(folder))
			for _, file := range files {
				if part := chipFile.FindStringSubmatch(file.Name()); part != nil {
					t.property(chip, part[1], part[1]+first(part[2], "0"), part[3], readText(t.path(folder+"/"+file.Name())))
				}
			}
		}
	}
	return nil
}

// property tells one property of a sensor.
func (t *told) property(chip, kind, sensor, property, text string) {
	if property == "label" {
		if text != "" {
			t.add("node_hwmon_sensor_label", Gauge, "Label for given chip and sensor", 1, "chip", chip, "sensor", sensor, "label", text)
		}
		return
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || property == "input" && (kind == "temp" || kind == "fan") {
		return
	}
	name, unit, help := chipUnit(kind, property)
	what := Gauge
	if kind == "energy" {
		what = Counter
	}
	t.add("node_hwmon_"+name, what, "Hardware monitor "+help, value/unit, "chip", chip, "sensor", sensor)
}

// chipUnit is what node_exporter calls a property, and how many of the kernel's units make one of
// Prometheus'.
func chipUnit(kind, property string) (name string, unit float64, help string) {
	name = kind
	if property != "" && property != "input" {
		name += "_" + cleanName(property)
	}
	of := "(" + first(property, "input") + ")"
	switch {
	case kind == "update_interval":
		return "update_interval_seconds", milli, "update interval"
	case kind == "beep_enable":
		return "beep_enabled", 1, "beeps"
	case kind == "vrm":
		return "voltage_regulator_version", 1, "voltage regulator version"
	case property == "fault" || property == "alarm":
		return name, 1, "sensor " + property + " status (" + kind + ")"
	case property == "beep":
		return name + "_enabled", 1, "sensor has beeping enabled"
	case kind == "in" || kind == "cpu":
		return name + "_volts", milli, "for voltage " + of
	case kind == "temp" && property != "type":
		return name + "_celsius", milli, "for temperature " + of
	case kind == "curr":
		return name + "_amps", milli, "for current " + of
	case kind == "energy":
		return name + "_joule_total", micro, "for joules used so far " + of
	case kind == "power" && property == "accuracy":
		return name, micro, "power meter accuracy, as a ratio"
	case kind == "power" && strings.HasPrefix(property, "average_interval"):
		return name + "_seconds", milli, "power usage update interval " + of
	case kind == "power":
		return name + "_watt", micro, "for power usage in watts " + of
	case kind == "humidity":
		return name, micro, "for humidity, as a ratio " + of
	case kind == "fan" && (property == "min" || property == "max" || property == "target"):
		return name + "_rpm", 1, "for fan revolutions per minute " + of
	}
	return name, 1, kind + " element " + property
}
