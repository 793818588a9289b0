package machine

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"homeserver/internal/monitor/metric"
)

const (
	// nanoseconds is the unit of the offset when the kernel says so, per second; else it is
	// microseconds.
	nanoseconds = 1e9
	// clockError is what adjtimex returns when the clock is not synchronised (TIME_ERROR).
	clockError = 5
	// clockRatio is the unit of the frequency: 2^-16 parts in a million.
	clockRatio = 65536 * 1e6
)

// Clock asks the kernel how well its clock is kept.
type Clock struct {
	ask                        func(*unix.Timex) (int, error)
	clock                      interval
	state                      int
	got                        unix.Timex
	offset, synchronised       *Series
	rawOffset, rawSync         *RawSeries
	rawMax, rawEstimate        *RawSeries
	rawStatus, rawFrequency    *RawSeries
	rawTick, rawLoop, rawShift *RawSeries
	rawPulse                   [len(pulseValues)]*RawSeries
}

// pulseValues are what the kernel knows of a pulse each second, of a receiver of satellites' time.
var pulseValues = [...]struct {
	name, help string
	kind       RawType
	value      func(*unix.Timex) float64
}{
	{"frequency_hertz", "Pulse per second frequency.", Gauge, func(t *unix.Timex) float64 { return float64(t.Ppsfreq) / clockRatio }},
	{"jitter_seconds", "Pulse per second jitter.", Gauge, func(t *unix.Timex) float64 { return float64(t.Jitter) / clockUnit(t) }},
	{"shift_seconds", "Pulse per second interval duration.", Gauge, func(t *unix.Timex) float64 { return float64(t.Shift) }},
	{"stability_hertz", "Pulse per second stability, average of recent frequency changes.", Gauge, func(t *unix.Timex) float64 { return float64(t.Stabil) / clockRatio }},
	{"jitter_total", "Pulse per second count of jitter limit exceeded events.", Counter, func(t *unix.Timex) float64 { return float64(t.Jitcnt) }},
	{"calibration_total", "Pulse per second count of calibration intervals.", Counter, func(t *unix.Timex) float64 { return float64(t.Calcnt) }},
	{"error_total", "Pulse per second count of calibration errors.", Counter, func(t *unix.Timex) float64 { return float64(t.Errcnt) }},
	{"stability_exceeded_total", "Pulse per second count of stability limit exceeded events.", Counter, func(t *unix.Timex) float64 { return float64(t.Stbcnt) }},
}

// clockUnit is the unit of times in t, per second.
func clockUnit(t *unix.Timex) float64 {
	if t.Status&unix.STA_NANO != 0 {
		return nanoseconds
	}
	return microseconds
}

// NewClock makes the reader.
func NewClock(metrics *metric.Registry) *Clock { return newClock(metrics, unix.Adjtimex) }

func newClock(metrics *metric.Registry, ask func(*unix.Timex) (int, error)) *Clock {
	c := &Clock{
		ask:          ask,
		rawOffset:    raw("node_timex_offset_seconds", Gauge, "Time offset in between local system and reference clock."),
		rawSync:      raw("node_timex_sync_status", Gauge, "Is clock synchronized to a reliable server (1 = yes, 0 = no)."),
		rawMax:       raw("node_timex_maxerror_seconds", Gauge, "Maximum error in seconds."),
		rawEstimate:  raw("node_timex_estimated_error_seconds", Gauge, "Estimated error in seconds."),
		rawStatus:    raw("node_timex_status", Gauge, "Value of the status array bits."),
		rawFrequency: raw("node_timex_frequency_adjustment_ratio", Gauge, "Local clock frequency adjustment."),
		rawTick:      raw("node_timex_tick_seconds", Gauge, "Seconds between clock ticks."),
		rawLoop:      raw("node_timex_loop_time_constant", Gauge, "Phase-locked loop time constant."),
		rawShift:     raw("node_timex_tai_offset_seconds", Gauge, "International Atomic Time (TAI) offset."),
	}
	for i, of := range pulseValues {
		c.rawPulse[i] = raw("node_timex_pps_"+of.name, of.kind, of.help)
	}
	c.offset = series(metrics, metric.ClockOffsetMilliseconds, "", "", c.rawOffset)
	c.synchronised = series(metrics, metric.ClockSynchronised, "", "", c.rawSync)
	return c
}

// Read asks; it changes nothing.
func (c *Clock) Read() error {
	c.got = unix.Timex{}
	state, err := c.ask(&c.got)
	if err != nil {
		return fmt.Errorf("adjtimex: %w: %w", ErrUnsupported, err) // sandboxes refuse it
	}
	c.state = state
	c.clock.step()
	return nil
}

// Emit says what was answered.
func (c *Clock) Emit(to *Batch) {
	if !c.clock.known() {
		return
	}
	offset, synchronised := float64(c.got.Offset)/clockUnit(&c.got), truth(c.state != clockError)
	to.AddRaw(c.rawOffset, offset)
	to.AddRaw(c.rawSync, synchronised)
	to.AddRaw(c.rawMax, float64(c.got.Maxerror)/microseconds)
	to.AddRaw(c.rawEstimate, float64(c.got.Esterror)/microseconds)
	to.AddRaw(c.rawStatus, float64(c.got.Status))
	to.AddRaw(c.rawFrequency, 1+float64(c.got.Freq)/clockRatio)
	to.AddRaw(c.rawTick, float64(c.got.Tick)/microseconds)
	to.AddRaw(c.rawLoop, float64(c.got.Constant))
	to.AddRaw(c.rawShift, float64(c.got.Tai))
	for i, of := range pulseValues {
		to.AddRaw(c.rawPulse[i], of.value(&c.got))
	}
	to.Add(c.offset, offset*milliseconds)
	to.Add(c.synchronised, synchronised)
}

// Uptime reads /proc/uptime, and beside it what else of the machine is a number of its own.
type Uptime struct {
	file, files        procFile
	clock              interval
	seconds            float64
	opened, most       float64
	now                *Series
	rawUptime          *RawSeries
	rawOpened, rawMost *RawSeries
	rawTime            *RawSeries
}

// NewUptime makes the reader of the tree under root.
func NewUptime(root string, metrics *metric.Registry) *Uptime {
	u := &Uptime{file: procFile{path: filepath.Join(root, "proc/uptime"), size: smallFile}, files: procFile{path: filepath.Join(root, "proc/sys/fs/file-nr"), size: smallFile}}
	u.rawUptime = raw("", Gauge, "First number of /proc/uptime.")
	u.rawOpened = raw("node_filefd_allocated", Gauge, "File descriptor statistics: allocated.")
	u.rawMost = raw("node_filefd_maximum", Gauge, "File descriptor statistics: maximum.")
	u.rawTime = raw("node_time_seconds", Gauge, "System time in seconds since epoch (1970).")
	u.now = series(metrics, metric.UptimeSeconds, "", "", u.rawUptime)
	return u
}

// Close lets go of the files.
func (u *Uptime) Close() { u.file.close(); u.files.close() }

// Read reads the files.
func (u *Uptime) Read() error {
	text, err := u.file.head(smallFile)
	if err != nil {
		return err
	}
	field, _ := nextField(text)
	if u.seconds, err = decimal(field); err != nil {
		return fmt.Errorf("%s: %w", u.file.path, err)
	}
	u.opened, u.most = 0, 0
	if text, err := u.files.head(smallFile); err == nil {
		line, _ := nextLine(text)
		field, line = nextField(line)
		u.opened, _ = decimal(field)
		_, line = nextField(line) // always 0
		field, _ = nextField(line)
		u.most, _ = decimal(field)
	}
	u.clock.step()
	return nil
}

// Emit says what was read.
func (u *Uptime) Emit(to *Batch) {
	if !u.clock.known() {
		return
	}
	to.AddRaw(u.rawUptime, u.seconds)
	to.AddRaw(u.rawTime, float64(u.clock.now.UnixMilli())/milliseconds)
	if u.most > 0 {
		to.AddRaw(u.rawOpened, u.opened)
		to.AddRaw(u.rawMost, u.most)
	}
	to.Add(u.now, u.seconds)
}
