package monitor

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// sectorSize is the unit of /proc/diskstats in bytes, whatever the disk's own is.
const sectorSize = 512

// refreshEvery is how many readings a device's nature is remembered: a minute. A name may come
// back as another device.
const refreshEvery = 30

// devices remembers what is known of each device name, so that /sys is not asked every tick.
type devices struct {
	seen  map[string]device
	reads int
	list  []counters // reused from reading to reading
}

// device is a name and whether it is of the kind that counts.
type device struct {
	name  string
	solid bool
}

// begin starts a reading.
func (d *devices) begin() []counters {
	if d.seen == nil || d.reads%refreshEvery == 0 {
		d.seen = map[string]device{}
	}
	d.reads++
	return d.list[:0]
}

// get tells about name and asks only when it is new.
func (d *devices) get(name []byte, ask func(string) bool) device {
	if known, ok := d.seen[string(name)]; ok {
		return known
	}
	text := string(name)
	known := device{text, ask(text)}
	d.seen[text] = known
	return known
}

// diskIO reads /proc/diskstats: bytes read and written by each whole disk. Partitions, loop,
// RAM and compressed swap devices are left out, and so is whatever is stacked on other disks
// (LVM, RAID, encryption, ZFS volumes): its traffic is counted once, on the disks below.
func (s *source) diskIO() ([]counters, error) {
	text, err := s.diskstats.all()
	if err != nil {
		return nil, err
	}
	list := s.disks.begin()
	for len(text) > 0 {
		var line []byte
		line, text = nextLine(text)
		_, line = nextField(line) // major
		_, line = nextField(line) // minor
		name, line := nextField(line)
		if len(name) == 0 {
			continue
		}
		disk := s.disks.get(name, s.wholeDisk)
		if !disk.solid {
			continue
		}
		var fields [7]uint64 // reads, merged, sectors read, ms, writes, merged, sectors written
		for i := range fields {
			var field []byte
			field, line = nextField(line)
			if fields[i], err = number(field); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", s.diskstats.path, name, err)
			}
		}
		list = append(list, counters{disk.name, fields[2] * sectorSize, fields[6] * sectorSize})
	}
	s.disks.list = list
	if len(list) == 0 {
		return nil, fmt.Errorf("no disk in sight: %w", errUnsupported)
	}
	return list, nil
}

// wholeDisk asks /sys whether a block device is a disk of its own.
func (s *source) wholeDisk(name string) bool {
	for _, prefix := range []string{"loop", "ram", "zram", "dm-", "md", "zd", "sr", "fd"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	dir := s.path("sys/block/" + strings.ReplaceAll(name, "/", "!")) // cciss/c0d0 is cciss!c0d0
	if _, err := os.Stat(dir); err != nil {
		return false // a partition lies inside its disk's folder
	}
	below, _ := os.ReadDir(dir + "/slaves")
	return len(below) == 0
}

// network reads /proc/net/dev: bytes received and sent by each network card. Where there is
// hardware only hardware counts: what bridges, bonds, VLANs, tunnels and containers (docker0,
// veth...) carry passes a card when it leaves the house, and would be counted twice. In a
// container there is none; then all but loopback and known virtual names count.
func (s *source) network() ([]counters, error) {
	text, err := s.netdev.all()
	if err != nil {
		return nil, err
	}
	_, text = nextLine(text) // two lines of headings
	_, text = nextLine(text)
	list := s.nics.begin()
	hardware := 0 // the first entries of list
	for len(text) > 0 {
		var line []byte
		line, text = nextLine(text)
		name, rest, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		name, _ = nextField(name)
		card := s.nics.get(name, s.networkCard)
		if !card.solid && virtualName(card.name) {
			continue
		}
		var fields [9]uint64 // received: bytes and 7 more; sent: bytes
		for i := range fields {
			var field []byte
			field, rest = nextField(rest)
			if fields[i], err = number(field); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", s.netdev.path, name, err)
			}
		}
		list = append(list, counters{card.name, fields[0], fields[8]})
		if card.solid {
			last := len(list) - 1
			list[hardware], list[last] = list[last], list[hardware]
			hardware++
		}
	}
	s.nics.list = list
	if hardware > 0 {
		list = list[:hardware]
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no network card in sight: %w", errUnsupported)
	}
	return list, nil
}

// networkCard asks /sys whether an interface is hardware (or looks like it, in a virtual machine).
func (s *source) networkCard(name string) bool {
	_, err := os.Stat(s.path("sys/class/net/" + name + "/device"))
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
