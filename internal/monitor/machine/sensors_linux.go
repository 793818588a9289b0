package machine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"homeserver/internal/monitor/metric"
)

const (
	// millidegrees is the unit of temperatures in /sys, per degree.
	millidegrees = 1000
	// coldest and hottest bound what is a temperature, in degrees Celsius: chips write nonsense
	// for what is not connected (-128, 255, 65261).
	coldest = -60
	hottest = 200
	// lookAgain is how many reads pass between two looks which sensors there are: a minute.
	lookAgain = 6
	// smallFile holds a file of /sys with one number, in bytes.
	smallFile = 64
)

// sensorFile is the name of a file with a sensor's present value.
var sensorFile = regexp.MustCompile(`^(temp|fan)[0-9]+_input$`)

// notInNames is what node_exporter takes out of the names of chips.
var notInNames = regexp.MustCompile(`[^a-z0-9:_]`)

// Sensors reads /sys/class/hwmon: temperatures and fans. Where there is none it reads the
// thermal zones, as on many small boards.
type Sensors struct {
	root    string
	metrics *metric.Registry
	reads   int
	list    []*sensor
}

// sensor is one temperature or fan.
type sensor struct {
	fan             bool
	input           procFile
	disk            string // counts of the disk whose own thermometer this is; "" for all others
	activity        string // what they were when it was last looked at
	value           float64
	ok              bool
	limit, critical float64 // 0 where there is none
	raw             *RawSeries
	rawMore         []RawValue // limits and names, which do not change
	now, high, worst,
	room *Series
}

// NewSensors makes the reader of the tree under root.
func NewSensors(root string, metrics *metric.Registry) *Sensors {
	return &Sensors{root: root, metrics: metrics}
}

// Close lets go of the files.
func (s *Sensors) Close() {
	for _, one := range s.list {
		one.input.close()
	}
}

// Read reads every sensor. One that does not answer has no value.
func (s *Sensors) Read() error {
	failed := false
	if s.reads%lookAgain == 0 {
		s.look()
	}
	s.reads++
	for _, one := range s.list {
		one.read()
		failed = failed || !one.ok && one.disk == ""
	}
	if failed {
		s.reads = 0 // look next time: something was unplugged
	}
	if len(s.list) == 0 {
		return fmt.Errorf("no sensor in sight: %w", ErrUnsupported)
	}
	return nil
}

func (one *sensor) read() {
	if one.disk != "" && !one.awake() {
		return // what it said last stays
	}
	one.ok = false
	text, err := one.input.head(smallFile)
	if err != nil {
		return
	}
	n, err := strconv.ParseFloat(string(bytes.TrimSpace(text)), 64)
	if err != nil {
		return
	}
	if !one.fan {
		n /= millidegrees
		if n < coldest || n > hottest {
			return
		}
	}
	one.value, one.ok = n, true
}

// awake reports whether a disk did anything since its thermometer was last looked at. A disk at
// rest is not asked: the question alone keeps some from going to sleep.
func (one *sensor) awake() bool {
	before := one.activity
	one.activity = readText(one.disk)
	return before != "" && one.activity != before
}

// look finds out which sensors there are. What is known keeps its files.
func (s *Sensors) look() {
	var list []*sensor
	chips, _ := filepath.Glob(filepath.Join(s.root, "sys/class/hwmon/hwmon*"))
	slices.Sort(chips)
	taken := map[string]bool{}
	for _, chip := range chips {
		list = append(list, s.chip(chip, s.placeOf(chip, taken))...)
	}
	if !slices.ContainsFunc(list, func(one *sensor) bool { return !one.fan }) {
		list = append(list, s.zones()...)
	}
	seen := map[string]bool{}
	kept := list[:0]
	for _, one := range list {
		if key := one.now.Key(); !seen[key] {
			seen[key] = true
			kept = append(kept, one)
		}
	}
	for i, one := range kept {
		old := slices.IndexFunc(s.list, func(o *sensor) bool { return o.input.path == one.input.path && o.now.Instance == one.now.Instance })
		if old >= 0 {
			one.input, s.list[old].input.file = s.list[old].input, nil
			one.activity, one.value, one.ok = s.list[old].activity, s.list[old].value, s.list[old].ok
			kept[i] = one
		}
	}
	s.Close()
	s.list = kept
}

// chip finds the sensors of one chip, whose id is place.
func (s *Sensors) chip(dir, place string) []*sensor {
	name := readText(filepath.Join(dir, "name"))
	chip := chipName(dir, name)
	files, _ := os.ReadDir(dir)
	folder := dir
	if len(files) > 0 && !slices.ContainsFunc(files, func(f os.DirEntry) bool { return sensorFile.MatchString(f.Name()) }) {
		folder = filepath.Join(dir, "device") // old drivers
		files, _ = os.ReadDir(folder)
	}
	var list []*sensor
	for _, f := range files {
		if !sensorFile.MatchString(f.Name()) {
			continue
		}
		which := strings.TrimSuffix(f.Name(), "_input")
		label := readText(filepath.Join(folder, which+"_label"))
		// a disk is called by its model: there may be several
		title := strings.TrimSpace(first(readText(filepath.Join(dir, "device/model")), name) + " " + first(label, which))
		one := s.newSensor(place+"/"+which, title, filepath.Join(folder, f.Name()), strings.HasPrefix(which, "fan"))
		if name == "drivetemp" {
			if stat, _ := filepath.Glob(filepath.Join(dir, "device/block/*/stat")); len(stat) > 0 {
				one.disk = stat[0]
			}
		}
		labels := []string{"chip", chip, "sensor", which}
		if one.fan {
			one.raw = raw("node_hwmon_fan_rpm", Gauge, "Hardware monitor for fan revolutions per minute (input)", labels...)
		} else {
			one.raw = raw("node_hwmon_temp_celsius", Gauge, "Hardware monitor for temperature (input)", labels...)
			one.limits(filepath.Join(folder, which), func(what, help string) *RawSeries {
				return raw("node_hwmon_temp_"+what+"_celsius", Gauge, "Hardware monitor for temperature ("+help+")", labels...)
			})
		}
		if label != "" {
			one.rawMore = append(one.rawMore, RawValue{raw("node_hwmon_sensor_label", Gauge, "Label for given chip and sensor", "chip", chip, "sensor", which, "label", label), 1})
		}
		one.from()
		list = append(list, one)
	}
	if len(list) > 0 && name != "" {
		list[0].rawMore = append(list[0].rawMore, RawValue{raw("node_hwmon_chip_names", Gauge, "Annotation metric for human-readable chip names", "chip", chip, "chip_name", cleanName(name)), 1})
	}
	return list
}

func (s *Sensors) newSensor(id, title, file string, fan bool) *sensor {
	one := &sensor{fan: fan, input: procFile{path: file, size: smallFile}}
	if fan {
		one.now = series(s.metrics, metric.FanRPM, id, title)
		return one
	}
	one.now = series(s.metrics, metric.TemperatureCelsius, id, title)
	one.high = series(s.metrics, metric.TemperatureLimitCelsius, id, title)
	one.worst = series(s.metrics, metric.TemperatureCriticalCelsius, id, title)
	one.room = series(s.metrics, metric.TemperatureRoomCelsius, id, title)
	return one
}

// limits reads what a sensor's maker says it may reach.
func (one *sensor) limits(prefix string, rawOf func(what, help string) *RawSeries) {
	for _, l := range []struct {
		what, help string
		to         *float64
	}{{"max", "max", &one.limit}, {"crit", "crit", &one.critical}} {
		n, err := strconv.ParseFloat(readText(prefix+"_"+l.what), 64)
		n /= millidegrees
		if err == nil && n > 0 && n <= hottest {
			*l.to = n
			one.rawMore = append(one.rawMore, RawValue{rawOf(l.what, l.help), n})
		}
	}
}

// from says what raw values the figures are made of.
func (one *sensor) from() {
	one.now.From = []*RawSeries{one.raw}
	if one.fan {
		return
	}
	one.room.From = []*RawSeries{one.raw}
	for _, m := range one.rawMore {
		switch {
		case strings.HasSuffix(m.Name, "_max_celsius"):
			one.high.From, one.room.From = []*RawSeries{m.RawSeries}, append(one.room.From, m.RawSeries)
		case strings.HasSuffix(m.Name, "_crit_celsius"):
			one.worst.From = []*RawSeries{m.RawSeries}
			if one.limit == 0 {
				one.high.From, one.room.From = one.worst.From, append(one.room.From, m.RawSeries)
			}
		}
	}
}

// Emit says what was read. The limits are told beside the temperature.
func (s *Sensors) Emit(to *Batch) {
	for _, one := range s.list {
		if !one.ok {
			continue
		}
		to.AddRaw(one.raw, one.value)
		to.Raw = append(to.Raw, one.rawMore...)
		to.Add(one.now, one.value)
		limit := one.limit
		if limit == 0 {
			limit = one.critical
		}
		if one.fan || limit == 0 {
			continue
		}
		to.Add(one.high, limit)
		to.Add(one.room, limit-one.value)
		if one.critical > 0 {
			to.Add(one.worst, one.critical)
		}
	}
}
