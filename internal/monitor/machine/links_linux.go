package machine

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"homeserver/internal/monitor/metric"
)

// bytesPerMegabit turns Mbit/s into bytes per second.
const bytesPerMegabit = 1e6 / 8

// Links reads /sys/class/net: which interfaces are connected, and how fast.
type Links struct {
	root    string
	folder  string
	metrics *metric.Registry
	clock   interval
	devices present[link]
}

// link is an interface's connection.
type link struct {
	dir       string
	reads     int
	shown     bool
	state     string
	values    [len(linkFiles)]float64
	have      [len(linkFiles)]bool
	raw       [len(linkFiles)]*RawSeries
	rawUp     *RawSeries
	info      *RawSeries
	up, speed *Series
}

// linkFiles are the files of an interface that hold one number, as node_exporter calls them.
var linkFiles = [...]struct{ file, name string }{
	{"carrier", "carrier"}, {"speed", "speed_bytes"}, {"mtu", "mtu_bytes"}, {"tx_queue_len", "transmit_queue_length"}, {"carrier_changes", "carrier_changes_total"},
	{"carrier_up_count", "carrier_up_changes_total"}, {"carrier_down_count", "carrier_down_changes_total"}, {"ifindex", "iface_id"}, {"iflink", "iface_link"},
	{"link_mode", "iface_link_mode"}, {"flags", "flags"}, {"dormant", "dormant"}, {"netdev_group", "net_dev_group"}, {"type", "protocol_type"},
	{"addr_assign_type", "address_assign_type"}, {"dev_id", "device_id"}, {"name_assign_type", "name_assign_type"},
}

// The places of carrier and speed in linkFiles.
const (
	linkCarrier = 0
	linkSpeed   = 1
)

// NewLinks makes the reader of the tree under root.
func NewLinks(root string, metrics *metric.Registry) *Links {
	return &Links{root: root, folder: filepath.Join(root, "sys/class/net"), metrics: metrics}
}

// Read looks at every interface.
func (l *Links) Read() error {
	names, err := os.ReadDir(l.folder)
	if err != nil {
		return err
	}
	l.devices.begin()
	for _, n := range names {
		if info, err := os.Stat(filepath.Join(l.folder, n.Name())); err != nil || !info.IsDir() {
			continue // bonding_masters is a file
		}
		l.devices.get([]byte(n.Name()), l.newLink).read()
	}
	l.devices.end()
	l.clock.step()
	return nil
}

func (l *Links) newLink(name string) link {
	dir := filepath.Join(l.folder, name)
	one := link{dir: dir, shown: IsHardware(l.root, name) || !perContainer(name)}
	for i, f := range linkFiles {
		kind := Gauge
		if strings.HasSuffix(f.name, "_total") {
			kind = Counter
		}
		one.raw[i] = raw("node_network_"+f.name, kind, "Network device property: "+f.name, "device", name)
	}
	one.rawUp = raw("node_network_up", Gauge, "Value is 1 if operstate is 'up', 0 otherwise.", "device", name)
	one.up = series(l.metrics, metric.NetworkUp, name, "", one.rawUp, one.raw[linkCarrier])
	one.speed = series(l.metrics, metric.NetworkLinkBytesPerSecond, name, "", one.raw[linkSpeed])
	return one
}

// read looks at the connection each time and at the rest once a minute: a machine with many
// containers has dozens of interfaces, which hardly change.
func (one *link) read() {
	whole := one.reads%lookAgain == 0
	one.reads++
	if !whole && !one.shown {
		return
	}
	for i, f := range linkFiles {
		if !whole && i > linkSpeed {
			break
		}
		n, err := strconv.ParseInt(readText(filepath.Join(one.dir, f.file)), 0, 64)
		one.values[i], one.have[i] = float64(n), err == nil
	}
	one.values[linkSpeed] *= bytesPerMegabit
	state := readText(filepath.Join(one.dir, "operstate"))
	if one.info != nil && state == one.state {
		return
	}
	one.state = state
	text := func(file string) string { return readText(filepath.Join(one.dir, file)) }
	admin := "down"
	if flags, err := strconv.ParseInt(text("flags"), 0, 64); err == nil && flags&1 != 0 {
		admin = "up"
	}
	one.info = raw("node_network_info", Gauge, "Non-numeric data from /sys/class/net/<iface>, value is always 1.", "device", filepath.Base(one.dir), "address", text("address"),
		"broadcast", text("broadcast"), "duplex", text("duplex"), "operstate", state, "adminstate", admin, "ifalias", text("ifalias"))
}

// Emit says what was seen.
func (l *Links) Emit(to *Batch) {
	if !l.clock.known() {
		return
	}
	l.devices.each(func(one *link) {
		to.AddRaw(one.info, 1)
		to.AddRaw(one.rawUp, truth(one.state == "up"))
		for i, v := range one.values {
			if one.have[i] {
				to.AddRaw(one.raw[i], v)
			}
		}
		if !one.shown {
			return
		}
		to.Add(one.up, truth(one.state == "up" || one.state == "unknown" && one.values[linkCarrier] == 1))
		if one.have[linkSpeed] && one.values[linkSpeed] > 0 { // -1 Mbit/s: there is no link
			to.Add(one.speed, one.values[linkSpeed])
		}
	})
}
