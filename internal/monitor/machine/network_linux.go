package machine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"homeserver/internal/monitor/metric"
)

// The columns of /proc/net/dev that figures are made of; there are netColumns.
const (
	netReceivedBytes   = 0
	netReceivedPackets = 1
	netReceiveErrors   = 2
	netReceiveDrops    = 3
	netSentBytes       = 8
	netSentPackets     = 9
	netSendErrors      = 10
	netSendDrops       = 11
	netColumns         = 16
)

// netFewest is how many columns are needed.
const netFewest = 9

// Network reads /proc/net/dev.
type Network struct {
	root    string
	metrics *metric.Registry
	file    procFile
	clock   interval
	devices present[network]
	traffic []Traffic
}

// network is an interface.
type network struct {
	name    string
	solid   bool // hardware
	virtual bool // what it carries passes another one as well
	shown   bool
	meters  [netColumns]meter
	raw     [netColumns]*RawSeries
	series  [8]*Series
}

// NewNetwork makes the reader of the tree under root.
func NewNetwork(root string, metrics *metric.Registry) *Network {
	return &Network{root: root, metrics: metrics, file: procFile{path: filepath.Join(root, "proc/net/dev")}}
}

// Close lets go of the file.
func (n *Network) Close() { n.file.close() }

// Traffic is what each network card received and sent until the last read. Where there is
// hardware only hardware counts: what bridges, bonds, VLANs, tunnels and containers (docker0,
// veth...) carry passes a card when it leaves the house, and would be counted twice. In a
// container there is none; then all but loopback and known virtual names count.
func (n *Network) Traffic() []Traffic {
	n.traffic = n.traffic[:0]
	hardware := false
	n.devices.each(func(one *network) { hardware = hardware || one.solid })
	n.devices.each(func(one *network) {
		if one.solid || !hardware && !one.virtual {
			n.traffic = append(n.traffic, Traffic{one.name, one.meters[netReceivedBytes].now, one.meters[netSentBytes].now})
		}
	})
	return n.traffic
}

// Read reads the file.
func (n *Network) Read() error {
	text, err := n.file.all()
	if err == nil {
		err = n.parse(text)
	}
	if err != nil {
		n.clock.forget()
		n.devices.forget()
		return err
	}
	n.clock.step()
	return nil
}

func (n *Network) parse(text []byte) error {
	_, text = nextLine(text) // two lines of headings
	_, text = nextLine(text)
	n.devices.begin()
	for len(text) > 0 {
		var line []byte
		line, text = nextLine(text)
		name, rest, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		name, _ = nextField(name)
		one := n.devices.get(name, n.newInterface)
		for i := range one.meters {
			var field []byte
			field, rest = nextField(rest)
			if len(field) == 0 && i >= netFewest {
				break
			}
			value, err := number(field)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", n.file.path, name, err)
			}
			one.meters[i].set(value)
		}
		restarted(one.meters[:])
	}
	n.devices.end()
	return nil
}

func (n *Network) newInterface(name string) network {
	one := network{name: name, solid: IsHardware(n.root, name), virtual: virtualName(name)}
	one.shown = one.solid || !perContainer(name)
	for i, what := range [netColumns]string{"receive_bytes", "receive_packets", "receive_errs", "receive_drop", "receive_fifo", "receive_frame", "receive_compressed", "receive_multicast",
		"transmit_bytes", "transmit_packets", "transmit_errs", "transmit_drop", "transmit_fifo", "transmit_colls", "transmit_carrier", "transmit_compressed"} {
		one.raw[i] = raw("node_network_"+what+"_total", Counter, "Network device statistic "+what+".", "device", name)
	}
	if !one.shown {
		return one
	}
	for i, of := range [...]struct {
		name   string
		column int
	}{{metric.NetworkReceivedBytesPerSecond, netReceivedBytes}, {metric.NetworkSentBytesPerSecond, netSentBytes},
		{metric.NetworkReceivedPacketsPerSecond, netReceivedPackets}, {metric.NetworkSentPacketsPerSecond, netSentPackets},
		{metric.NetworkReceiveErrorsPerSecond, netReceiveErrors}, {metric.NetworkSendErrorsPerSecond, netSendErrors},
		{metric.NetworkReceiveDropsPerSecond, netReceiveDrops}, {metric.NetworkSendDropsPerSecond, netSendDrops}} {
		one.series[i] = series(n.metrics, of.name, name, "", one.raw[of.column])
	}
	return one
}

// Emit says what the interfaces carried between the last two reads.
func (n *Network) Emit(to *Batch) {
	if !n.clock.known() {
		return
	}
	seconds := n.clock.seconds()
	n.devices.each(func(one *network) {
		for i := range one.meters {
			if one.meters[i].reads > 0 {
				to.AddRaw(one.raw[i], float64(one.meters[i].now))
			}
		}
		if !one.shown {
			return
		}
		for i, column := range [...]int{netReceivedBytes, netSentBytes, netReceivedPackets, netSentPackets, netReceiveErrors, netSendErrors, netReceiveDrops, netSendDrops} {
			to.Add(one.series[i], one.meters[column].per(seconds))
		}
	})
}

// IsHardware asks /sys whether an interface is hardware (or looks like it, in a virtual machine).
func IsHardware(root, name string) bool {
	_, err := os.Stat(filepath.Join(root, "sys/class/net", name, "device"))
	return err == nil
}

// virtualName recognises interfaces whose traffic passes another one as well, for machines
// where no hardware can be seen.
func virtualName(name string) bool {
	if name == "lo" {
		return true
	}
	for _, prefix := range []string{"veth", "docker", "br-", "virbr", "vnet", "tap", "tun", "wg", "tailscale", "ifb", "dummy", "cni", "flannel", "cali", "lxc", "lxdbr", "podman"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// perContainer recognises interfaces that come and go with a container or a virtual machine, whose
// names mean nothing later, and loopback. Their raw counts are told; they have no figures.
func perContainer(name string) bool {
	if name == "lo" {
		return true
	}
	for _, prefix := range []string{"veth", "vnet", "tap", "ifb", "dummy", "cali", "lxc", "fwbr", "fwln", "fwpr"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
