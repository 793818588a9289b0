package machine

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// placeOf is a chip's id. One of a disk's own bears the disk's serial number: the path of a disk holds
// numbers that are given out in the order in which disks are found (nvme0, ata1, host0), and twins
// would change places with it. All others bear their place.
func (s *Sensors) placeOf(dir string, taken map[string]bool) string {
	place := s.place(dir)
	if serial := s.serialOf(dir); serial != "" && !taken["disk/"+serial] { // cheap cases all bear the same
		place = "disk/" + serial
	}
	taken[place] = true
	return place
}

// serialOf is the serial number of the disk that a chip is part of, "" where there is none.
func (s *Sensors) serialOf(dir string) string {
	if serial := strings.Join(strings.Fields(readText(filepath.Join(dir, "device/serial"))), " "); serial != "" {
		return serial // NVMe
	}
	blocks, _ := filepath.Glob(filepath.Join(dir, "device/block/*"))
	if len(blocks) == 0 {
		return ""
	}
	name := filepath.Base(blocks[0])
	if id := identify(s.root, name).id; id != name {
		return id
	}
	return ""
}

// place is where a chip sits: its device's path, which does not change when chips are numbered
// in another order at the next start.
func (s *Sensors) place(dir string) string {
	real, err := filepath.EvalSymlinks(filepath.Join(dir, "device"))
	if err != nil {
		return first(readText(filepath.Join(dir, "name")), filepath.Base(dir))
	}
	devices := filepath.Join(s.root, "sys/devices")
	if resolved, err := filepath.EvalSymlinks(devices); err == nil {
		devices = resolved
	}
	if below, err := filepath.Rel(devices, real); err == nil && !strings.HasPrefix(below, "..") {
		return below
	}
	return filepath.Base(real)
}

// chipName is what node_exporter calls a chip: kind and name of its device, or its own name.
func chipName(dir, name string) string {
	if real, err := filepath.EvalSymlinks(filepath.Join(dir, "device")); err == nil {
		if kind, own := cleanName(filepath.Base(filepath.Dir(real))), cleanName(filepath.Base(real)); kind != "" && own != "" {
			return kind + "_" + own
		}
	}
	return first(cleanName(name), filepath.Base(dir))
}

// cleanName is a name as node_exporter writes it.
func cleanName(text string) string {
	return strings.Trim(notInNames.ReplaceAllString(strings.ToLower(text), "_"), "_")
}

// zones finds the thermal zones.
func (s *Sensors) zones() []*sensor {
	dirs, _ := filepath.Glob(filepath.Join(s.root, "sys/class/thermal/thermal_zone*"))
	slices.Sort(dirs)
	var list []*sensor
	for _, dir := range dirs {
		zone, kind := strings.TrimPrefix(filepath.Base(dir), "thermal_zone"), readText(filepath.Join(dir, "type"))
		one := s.newSensor("thermal/"+first(kind, "zone")+"-"+zone, first(kind, "zone "+zone), filepath.Join(dir, "temp"), false)
		one.raw = raw("node_thermal_zone_temp", Gauge, "Zone temperature in Celsius", "type", kind, "zone", zone)
		for trip := range 12 { // the kernel's own bound
			point := filepath.Join(dir, "trip_point_"+strconv.Itoa(trip))
			if kind := readText(point + "_type"); kind == "critical" || kind == "hot" {
				if n, err := strconv.ParseFloat(readText(point+"_temp"), 64); err == nil && n > 0 && n/millidegrees <= hottest {
					one.critical = n / millidegrees
				}
			}
		}
		one.from()
		if one.critical > 0 {
			limit := raw("", Gauge, "Trip point of the zone in Celsius.", "type", kind, "zone", zone)
			one.rawMore = append(one.rawMore, RawValue{limit, one.critical})
			one.high.From, one.worst.From, one.room.From = []*RawSeries{limit}, []*RawSeries{limit}, append(one.room.From, limit)
		}
		list = append(list, one)
	}
	return list
}
