//go:build !linux

package machine

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"
	psnet "github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/sensors"

	"homeserver/internal/monitor/metric"
)

// Others are the readers of a machine beside those of the promised figures: what gopsutil offers.
type Others struct {
	metrics *metric.Registry
	fixed   []Question
	volumes *volumes
	stop    func()
}

// NewOthers makes the readers.
func NewOthers(metrics *metric.Registry) *Others {
	o := &Others{metrics: metrics, volumes: &volumes{metrics: metrics, known: map[string]Question{}}}
	o.fixed = []Question{
		{"cores", EveryTick, &gathered{ask: o.cores()}},
		{"memory in detail", EveryTick, &gathered{ask: o.memory}},
		{"network interfaces", EveryTick, &gathered{ask: o.network()}},
		{"disks in detail", EveryTick, &gathered{ask: o.disks()}},
		{"uptime", EveryTick, &gathered{ask: o.uptime}},
		{"temperatures", EveryTen, &gathered{ask: o.temperatures}},
		{"volumes", EveryTen, o.volumes},
	}
	ctx, stop := context.WithCancel(context.Background())
	o.stop = stop
	if runtime.GOOS == "darwin" {
		o.fixed = append(o.fixed, Question{"services", EveryMinute, &gathered{ask: o.services(runTools(ctx))}})
	}
	return o
}

// Close ends the tools that are running.
func (o *Others) Close() { o.stop() }

// Questions are those of now.
func (o *Others) Questions() []Question {
	return append(o.fixed[:len(o.fixed):len(o.fixed)], o.volumes.list...)
}

// gathered is a reader that keeps what it learnt as it is to be said.
type gathered struct {
	ask func(to *Batch) error
	got Batch
}

// Read asks.
func (g *gathered) Read() error {
	g.got = Batch{}
	return g.ask(&g.got)
}

// Emit says what was learnt.
func (g *gathered) Emit(to *Batch) {
	for i, r := range g.got.Readings {
		to.Add(g.got.Origins[i], r.Value)
	}
}

// add adds a figure without raw values.
func (o *Others) add(to *Batch, name, instance, title string, value float64) {
	to.Add(series(o.metrics, name, instance, title), value)
}

// cores is how busy each processor is.
func (o *Others) cores() func(to *Batch) error {
	type core struct{ busy, all meter }
	var cores []core
	return func(to *Batch) error {
		all, err := cpu.Times(true)
		if err != nil {
			return fmt.Errorf("processor times: %w", err)
		}
		if len(cores) != len(all) {
			cores = make([]core, len(all))
		}
		for i, t := range all {
			busy := t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal
			cores[i].busy.set(uint64(busy * milliseconds))
			cores[i].all.set(uint64((busy + t.Idle + t.Iowait) * milliseconds))
			id := strconv.Itoa(i)
			o.add(to, metric.CPUPercent, id, "Core "+id, cores[i].busy.per(cores[i].all.grown())*100)
		}
		return nil
	}
}

func (o *Others) memory(to *Batch) error {
	m, err := mem.VirtualMemory()
	if err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	o.add(to, metric.MemoryTotalBytes, "", "", float64(m.Total))
	o.add(to, metric.MemoryAvailableBytes, "", "", float64(m.Available))
	if swap, err := mem.SwapMemory(); err == nil {
		o.add(to, metric.SwapTotalBytes, "", "", float64(swap.Total))
	}
	return nil
}

// network is what each interface carries.
func (o *Others) network() func(to *Batch) error {
	var clock interval
	var devices present[[8]meter]
	return func(to *Batch) error {
		all, err := psnet.IOCounters(true)
		if err != nil {
			clock.forget()
			devices.forget()
			return fmt.Errorf("network: %w", err)
		}
		clock.step()
		devices.begin()
		for _, n := range all {
			if n.BytesRecv == 0 && n.BytesSent == 0 {
				continue // dozens that were never used
			}
			meters := devices.get([]byte(n.Name), func(string) [8]meter { return [8]meter{} })
			names := [...]string{metric.NetworkReceivedBytesPerSecond, metric.NetworkSentBytesPerSecond, metric.NetworkReceivedPacketsPerSecond, metric.NetworkSentPacketsPerSecond,
				metric.NetworkReceiveErrorsPerSecond, metric.NetworkSendErrorsPerSecond, metric.NetworkReceiveDropsPerSecond, metric.NetworkSendDropsPerSecond}
			for i, v := range [...]uint64{n.BytesRecv, n.BytesSent, n.PacketsRecv, n.PacketsSent, n.Errin, n.Errout, n.Dropin, n.Dropout} {
				meters[i].set(v)
				o.add(to, names[i], n.Name, "", meters[i].per(clock.seconds()))
			}
		}
		devices.end()
		return nil
	}
}

// disks is what each disk carries.
func (o *Others) disks() func(to *Batch) error {
	var clock interval
	var devices present[[6]meter]
	return func(to *Batch) error {
		all, err := disk.IOCounters()
		if err != nil {
			clock.forget()
			devices.forget()
			return fmt.Errorf("disks: %w: %w", ErrUnsupported, err)
		}
		clock.step()
		devices.begin()
		for name, d := range all {
			m := devices.get([]byte(name), func(string) [6]meter { return [6]meter{} })
			for i, v := range [...]uint64{d.ReadBytes, d.WriteBytes, d.ReadCount, d.WriteCount, d.ReadTime, d.WriteTime} {
				m[i].set(v)
			}
			id := name
			if d.SerialNumber != "" {
				id = d.SerialNumber
			}
			seconds := clock.seconds()
			o.add(to, metric.DiskReadBytesPerSecond, id, name, m[0].per(seconds))
			o.add(to, metric.DiskWriteBytesPerSecond, id, name, m[1].per(seconds))
			o.add(to, metric.DiskReadsPerSecond, id, name, m[2].per(seconds))
			o.add(to, metric.DiskWritesPerSecond, id, name, m[3].per(seconds))
			o.add(to, metric.DiskReadMilliseconds, id, name, m[4].per(m[2].grown()))
			o.add(to, metric.DiskWriteMilliseconds, id, name, m[5].per(m[3].grown()))
		}
		devices.end()
		return nil
	}
}

func (o *Others) uptime(to *Batch) error {
	up, err := host.Uptime()
	if err != nil {
		return fmt.Errorf("uptime: %w", err)
	}
	o.add(to, metric.UptimeSeconds, "", "", float64(up))
	return nil
}

func (o *Others) temperatures(to *Batch) error {
	all, err := sensors.SensorsTemperatures()
	if len(all) == 0 {
		return fmt.Errorf("temperatures on %s: %w: %w", runtime.GOOS, ErrUnsupported, err)
	}
	seen := map[string]bool{}
	for _, t := range all {
		if seen[t.SensorKey] || t.Temperature <= 0 {
			continue
		}
		seen[t.SensorKey] = true
		o.add(to, metric.TemperatureCelsius, t.SensorKey, "", t.Temperature)
		if t.High > 0 {
			o.add(to, metric.TemperatureLimitCelsius, t.SensorKey, "", t.High)
			o.add(to, metric.TemperatureRoomCelsius, t.SensorKey, "", t.High-t.Temperature)
		}
		if t.Critical > 0 {
			o.add(to, metric.TemperatureCriticalCelsius, t.SensorKey, "", t.Critical)
		}
	}
	return nil
}

// services asks launchd which services ended with an error and do not run. What a signal ended
// (a negative status) was told to go.
func (o *Others) services(tool Tool) func(to *Batch) error {
	failedOnce := map[string]bool{}
	return func(to *Batch) error {
		out, err := tool("launchctl", "list")
		if err != nil {
			return err
		}
		failed := launchdFailed(string(out))
		o.add(to, metric.UnitsFailed, "", "", float64(len(failed)))
		for _, name := range failed {
			failedOnce[name] = true
		}
		for name := range failedOnce {
			o.add(to, metric.UnitFailed, name, "", truth(slices.Contains(failed, name)))
		}
		return nil
	}
}

// volumes finds the file systems; each is a question of its own.
type volumes struct {
	metrics *metric.Registry
	found   []string
	known   map[string]Question
	list    []Question
}

// Read looks which there are.
func (v *volumes) Read() error {
	parts, err := disk.Partitions(false)
	if err != nil {
		return fmt.Errorf("volumes: %w", err)
	}
	v.found = nil
	for _, p := range parts {
		v.found = append(v.found, p.Mountpoint)
	}
	return nil
}

// Emit makes the file systems that were found questions.
func (v *volumes) Emit(*Batch) {
	known, list := map[string]Question{}, []Question(nil)
	for _, mount := range v.found {
		q, ok := v.known[mount]
		if !ok {
			q = Question{"file system " + mount, EveryTen, &gathered{ask: v.volume(mount)}}
		}
		if _, twice := known[mount]; !twice {
			known[mount] = q
			list = append(list, q)
		}
	}
	v.known, v.list = known, list
}

func (v *volumes) volume(mount string) func(to *Batch) error {
	return func(to *Batch) error {
		u, err := disk.Usage(mount)
		if err != nil {
			return fmt.Errorf("file system %s: %w", mount, err)
		}
		for name, value := range map[string]float64{metric.FileSystemSizeBytes: float64(u.Total), metric.FileSystemUsedBytes: float64(u.Used),
			metric.FileSystemAvailableBytes: float64(u.Free), metric.FileSystemPercent: u.UsedPercent} {
			to.Add(series(v.metrics, name, mount, ""), value)
		}
		if u.InodesTotal > 0 {
			to.Add(series(v.metrics, metric.FileSystemInodesUsed, mount, ""), float64(u.InodesUsed))
			to.Add(series(v.metrics, metric.FileSystemInodesPercent, mount, ""), u.InodesUsedPercent)
		}
		return nil
	}
}
