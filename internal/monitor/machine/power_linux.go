package machine

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"homeserver/internal/monitor/metric"
)

// micro is the unit of what /sys/class/power_supply measures: microwatts, -amperes, -volts.
const micro = 1e6

// Power reads /sys/class/power_supply: mains, batteries and uninterruptible power supplies that
// the kernel knows.
type Power struct {
	folder  string
	metrics *metric.Registry
	devices present[supply]
}

// supply is one of them.
type supply struct {
	dir                                string
	rawOnline, rawCapacity, rawPower   *RawSeries
	info, rawStatus                    *RawSeries
	online, charge, discharging, watts *Series
	status                             string
	onlineNow, chargeNow, wattsNow     float64 // NaN where there is none
}

// NewPower makes the reader of the tree under root.
func NewPower(root string, metrics *metric.Registry) *Power {
	return &Power{folder: filepath.Join(root, "sys/class/power_supply"), metrics: metrics}
}

// Read looks at every supply.
func (p *Power) Read() error {
	names, err := os.ReadDir(p.folder)
	if err != nil || len(names) == 0 {
		return fmt.Errorf("no power supply in sight: %w", ErrUnsupported)
	}
	p.devices.begin()
	for _, n := range names {
		p.devices.get([]byte(n.Name()), p.newSupply).read()
	}
	p.devices.end()
	return nil
}

func (p *Power) newSupply(name string) supply {
	dir := filepath.Join(p.folder, name)
	title := strings.TrimSpace(readText(filepath.Join(dir, "manufacturer")) + " " + readText(filepath.Join(dir, "model_name")))
	labels := []string{"power_supply", name}
	s := supply{dir: dir,
		rawOnline:   raw("node_power_supply_online", Gauge, "online value of /sys/class/power_supply/<power_supply>.", labels...),
		rawCapacity: raw("node_power_supply_capacity", Gauge, "capacity value of /sys/class/power_supply/<power_supply>.", labels...),
		rawPower:    raw("node_power_supply_power_watt", Gauge, "power_watt value of /sys/class/power_supply/<power_supply>.", labels...),
	}
	s.online = series(p.metrics, metric.PowerOnline, name, title, s.rawOnline)
	s.charge = series(p.metrics, metric.BatteryPercent, name, title, s.rawCapacity)
	s.rawStatus = raw("", Gauge, "1 while status of /sys/class/power_supply is Discharging.", labels...)
	s.discharging = series(p.metrics, metric.BatteryDischarging, name, title, s.rawStatus)
	s.watts = series(p.metrics, metric.BatteryWatts, name, title, s.rawPower)
	return s
}

func (s *supply) read() {
	value := func(file string) float64 {
		n, err := strconv.ParseFloat(readText(filepath.Join(s.dir, file)), 64)
		if err != nil {
			return math.NaN()
		}
		return n
	}
	status := readText(filepath.Join(s.dir, "status"))
	s.onlineNow, s.chargeNow = value("online"), value("capacity")
	s.wattsNow = value("power_now") / micro
	if math.IsNaN(s.wattsNow) {
		s.wattsNow = math.Abs(value("current_now")) / micro * value("voltage_now") / micro
	}
	if s.info == nil || status != s.status {
		text := func(file string) string { return readText(filepath.Join(s.dir, file)) }
		s.info = raw("node_power_supply_info", Gauge, "info of /sys/class/power_supply/<power_supply>.", "power_supply", filepath.Base(s.dir), "type", text("type"), "status", status,
			"manufacturer", text("manufacturer"), "model_name", text("model_name"), "technology", text("technology"))
	}
	s.status = status
}

// Emit says what was seen.
func (p *Power) Emit(to *Batch) {
	p.devices.each(func(s *supply) {
		to.AddRaw(s.info, 1)
		for _, one := range []struct {
			raw    *RawSeries
			series *Series
			value  float64
		}{{s.rawOnline, s.online, s.onlineNow}, {s.rawCapacity, s.charge, s.chargeNow}, {s.rawPower, s.watts, s.wattsNow}} {
			if !math.IsNaN(one.value) {
				to.AddRaw(one.raw, one.value)
				to.Add(one.series, one.value)
			}
		}
		if s.status != "" {
			to.AddRaw(s.rawStatus, truth(s.status == "Discharging"))
			to.Add(s.discharging, truth(s.status == "Discharging"))
		}
	})
}
