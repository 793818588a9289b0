package machine

import (
	"fmt"
	"path/filepath"
	"strings"

	"homeserver/internal/monitor/metric"
)

// sectorSize is the unit of /proc/diskstats in bytes, whatever the disk's own is.
const sectorSize = 512

// The columns of /proc/diskstats after the name (Documentation/admin-guide/iostats.rst).
const (
	diskReads = iota
	diskReadsMerged
	diskSectorsRead
	diskReadTime
	diskWrites
	diskWritesMerged
	diskSectorsWritten
	diskWriteTime
	diskInFlight
	diskBusyTime
	diskWaitTime
	diskDiscards
	diskDiscardsMerged
	diskSectorsDiscarded
	diskDiscardTime
	diskFlushes
	diskFlushTime
	diskColumns
)

// diskFewest is how many columns every kernel of this century has.
const diskFewest = 11

// Disks reads /proc/diskstats.
type Disks struct {
	root    string
	metrics *metric.Registry
	file    procFile
	clock   interval
	devices present[disk]
	traffic []Traffic // reused from reading to reading
}

// Traffic is what a device carried in all, in bytes.
type Traffic struct {
	Name    string
	In, Out uint64
}

// disk is a block device.
type disk struct {
	solid    bool // a disk of its own, that counts for the machine
	exported bool // in Prometheus, as node_exporter has it
	columns  int
	meters   [diskColumns]meter
	name, id string
	raw      [diskColumns]*RawSeries
	info     *RawSeries
	series   [8]*Series
}

// NewDisks makes the reader of the tree under root.
func NewDisks(root string, metrics *metric.Registry) *Disks {
	return &Disks{root: root, metrics: metrics, file: procFile{path: filepath.Join(root, "proc/diskstats")}}
}

// Close lets go of the file.
func (d *Disks) Close() { d.file.close() }

// Traffic is what each whole disk read and wrote until the last read. Partitions, loop, RAM and
// compressed swap devices are left out, and so is whatever is stacked on other disks (LVM, RAID,
// encryption, ZFS volumes): its traffic is counted once, on the disks below.
func (d *Disks) Traffic() []Traffic {
	d.traffic = d.traffic[:0]
	d.devices.each(func(one *disk) {
		if one.solid {
			d.traffic = append(d.traffic, Traffic{one.name, one.meters[diskSectorsRead].now * sectorSize, one.meters[diskSectorsWritten].now * sectorSize})
		}
	})
	return d.traffic
}

// Read reads the file.
func (d *Disks) Read() error {
	text, err := d.file.all()
	if err == nil {
		err = d.parse(text)
	}
	if err != nil {
		d.clock.forget()
		d.devices.forget()
		return err
	}
	d.clock.step()
	return nil
}

func (d *Disks) parse(text []byte) error {
	d.devices.begin()
	for len(text) > 0 {
		var line []byte
		line, text = nextLine(text)
		_, line = nextField(line) // major
		_, line = nextField(line) // minor
		name, line := nextField(line)
		if len(name) == 0 {
			continue
		}
		one := d.devices.get(name, d.newDisk)
		if !one.solid && !one.exported {
			continue
		}
		one.columns = 0
		for i := range one.meters {
			var field []byte
			field, line = nextField(line)
			if len(field) == 0 && i >= diskFewest {
				break
			}
			n, err := number(field)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", d.file.path, name, err)
			}
			one.meters[i].set(n)
			one.columns++
		}
		inFlight := one.meters[diskInFlight] // the one column that is no count
		one.meters[diskInFlight] = meter{}
		restarted(one.meters[:])
		one.meters[diskInFlight] = inFlight
	}
	d.devices.end()
	return nil
}

// newDisk looks a device up when it is seen for the first time.
func (d *Disks) newDisk(name string) disk {
	one := disk{name: name, solid: wholeDisk(d.root, name), exported: !strings.HasPrefix(name, "ram") && !strings.HasPrefix(name, "loop") && !strings.HasPrefix(name, "fd")}
	if one.exported {
		one.exported = !partition(d.root, name)
	}
	for i, what := range [diskColumns]struct{ name, help string }{
		{"reads_completed_total", "The total number of reads completed successfully."},
		{"reads_merged_total", "The total number of reads merged."},
		{"read_bytes_total", "The total number of bytes read successfully."},
		{"read_time_seconds_total", "The total number of seconds spent by all reads."},
		{"writes_completed_total", "The total number of writes completed successfully."},
		{"writes_merged_total", "The number of writes merged."},
		{"written_bytes_total", "The total number of bytes written successfully."},
		{"write_time_seconds_total", "This is the total number of seconds spent by all writes."},
		{"io_now", "The number of I/Os currently in progress."},
		{"io_time_seconds_total", "Total seconds spent doing I/Os."},
		{"io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os."},
		{"discards_completed_total", "The total number of discards completed successfully."},
		{"discards_merged_total", "The total number of discards merged."},
		{"discarded_sectors_total", "The total number of sectors discarded successfully."},
		{"discard_time_seconds_total", "This is the total number of seconds spent by all discards."},
		{"flush_requests_total", "The total number of flush requests completed successfully"},
		{"flush_requests_time_seconds_total", "This is the total number of seconds spent by all flush requests."},
	} {
		kind := Counter
		if i == diskInFlight {
			kind = Gauge
		}
		one.raw[i] = raw("node_disk_"+what.name, kind, what.help, "device", name)
	}
	identity := identify(d.root, name)
	major, minor, _ := strings.Cut(readText(filepath.Join(blockFolder(d.root, name), "dev")), ":")
	one.id = d.unique(identity, name)
	one.info = raw("node_disk_info", Gauge, "Info of /sys/block/<block_device>.", "device", name, "major", major, "minor", minor, "path", "", "wwn", identity.wwid,
		"model", identity.model, "serial", identity.serial, "revision", identity.revision)
	if one.solid {
		of := func(name string, from ...int) *Series {
			s := series(d.metrics, name, one.id, identity.title)
			for _, i := range from {
				s.From = append(s.From, one.raw[i])
			}
			return s
		}
		one.series = [...]*Series{
			of(metric.DiskReadBytesPerSecond, diskSectorsRead), of(metric.DiskWriteBytesPerSecond, diskSectorsWritten),
			of(metric.DiskReadsPerSecond, diskReads), of(metric.DiskWritesPerSecond, diskWrites),
			of(metric.DiskReadMilliseconds, diskReadTime, diskReads), of(metric.DiskWriteMilliseconds, diskWriteTime, diskWrites),
			of(metric.DiskBusyPercent, diskBusyTime), of(metric.DiskInFlight, diskInFlight),
		}
	}
	return one
}

// unique is the id of a disk that no other one has: cheap cases all bear the same number.
func (d *Disks) unique(identity diskIdentity, name string) string {
	taken := func(id string) bool {
		for _, other := range d.devices.known {
			if other.value.id == id {
				return true
			}
		}
		return false
	}
	for _, id := range []string{identity.id, first(identity.wwid, identity.id)} {
		if !taken(id) {
			return id
		}
	}
	return identity.id + "/" + name
}

// Emit says what the disks carried between the last two reads.
func (d *Disks) Emit(to *Batch) {
	if !d.clock.known() {
		return
	}
	seconds := d.clock.seconds()
	d.devices.each(func(one *disk) {
		if one.exported {
			one.emitRaw(to)
		}
		if !one.solid {
			return
		}
		m := &one.meters
		values := [...]float64{
			m[diskSectorsRead].per(seconds) * sectorSize, m[diskSectorsWritten].per(seconds) * sectorSize,
			m[diskReads].per(seconds), m[diskWrites].per(seconds),
			m[diskReadTime].per(m[diskReads].grown()), m[diskWriteTime].per(m[diskWrites].grown()),
			min(m[diskBusyTime].per(seconds)/milliseconds*100, 100), float64(m[diskInFlight].now),
		}
		for i, v := range values {
			to.Add(one.series[i], v)
		}
	})
}

func (d *disk) emitRaw(to *Batch) {
	to.AddRaw(d.info, 1)
	for i := range d.columns {
		value := float64(d.meters[i].now)
		switch i {
		case diskSectorsRead, diskSectorsWritten:
			value *= sectorSize
		case diskReadTime, diskWriteTime, diskBusyTime, diskWaitTime, diskDiscardTime, diskFlushTime:
			value /= milliseconds
		}
		to.AddRaw(d.raw[i], value)
	}
}
