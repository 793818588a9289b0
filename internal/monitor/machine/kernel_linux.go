package machine

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// randomness tells how much of it the kernel has gathered.
func randomness(t *told) error {
	bits, ok := t.number("proc/sys/kernel/random/entropy_avail")
	pool, known := t.number("proc/sys/kernel/random/poolsize")
	if !ok || !known {
		return fmt.Errorf("the pool of randomness is hidden: %w", ErrUnsupported)
	}
	t.add("node_entropy_available_bits", Gauge, "Bits of available entropy.", bits)
	t.add("node_entropy_pool_size_bits", Gauge, "Bits of entropy pool.", pool)
	return nil
}

// clockSources tells what the kernel takes the time from, and how far the time here is from UTC.
func clockSources(t *told) error {
	zone, offset := time.Now().Zone()
	t.add("node_time_zone_offset_seconds", Gauge, "System time zone offset in seconds.", float64(offset), "time_zone", zone)
	for _, dir := range t.glob("sys/devices/system/clocksource/clocksource*") {
		device := after(dir, "clocksource")
		for _, name := range strings.Fields(readText(t.path(dir + "/available_clocksource"))) {
			t.add("node_time_clocksource_available_info", Gauge, "Available clocksources read from '/sys/devices/system/clocksource'.", 1, "clocksource", name, "device", device)
		}
		if now := readText(t.path(dir + "/current_clocksource")); now != "" {
			t.add("node_time_clocksource_current_info", Gauge, "Current clocksource read from '/sys/devices/system/clocksource'.", 1, "clocksource", now, "device", device)
		}
	}
	return nil
}

// ownLimits tells how far this program may go.
func ownLimits(t *told) error {
	for _, of := range [...]struct {
		resource   int
		name, help string
	}{{unix.RLIMIT_NOFILE, "process_max_fds", "Maximum number of open file descriptors."}, {unix.RLIMIT_AS, "process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes."}} {
		var limit unix.Rlimit
		if err := unix.Getrlimit(of.resource, &limit); err != nil {
			return fmt.Errorf("getrlimit: %w", err)
		}
		t.add(of.name, Gauge, of.help, float64(limit.Cur))
	}
	return nil
}

// scheduler tells how long processes ran on each processor and waited for it.
func scheduler(t *told) error {
	lines, err := t.lines("proc/schedstat")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err) // an option of the kernel's
	}
	const running, waiting, slices = 7, 8, 9 // the last three of a processor's line
	for _, fields := range lines {
		if len(fields) <= slices || !strings.HasPrefix(fields[0], "cpu") {
			continue
		}
		cpu := strings.TrimPrefix(fields[0], "cpu")
		for _, of := range [...]struct {
			column     int
			unit       float64
			name, help string
		}{
			{running, nanoseconds, "node_schedstat_running_seconds_total", "Number of seconds CPU spent running a process."},
			{waiting, nanoseconds, "node_schedstat_waiting_seconds_total", "Number of seconds spent by processing waiting for this CPU."},
			{slices, 1, "node_schedstat_timeslices_total", "Number of timeslices executed by CPU."},
		} {
			n, err := strconv.ParseUint(fields[of.column], 10, 64)
			if err != nil {
				return fmt.Errorf("schedstat: %w", err)
			}
			t.add(of.name, Counter, of.help, float64(n)/of.unit, "cpu", cpu)
		}
	}
	return nil
}

// frequencies tells how fast each processor runs, may run, and is allowed to run.
func frequencies(t *told) error {
	found := t.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq")
	if len(found) == 0 {
		return fmt.Errorf("no processor tells its frequency: %w", ErrUnsupported)
	}
	const kilohertz = 1000
	for _, dir := range found {
		cpu := strings.TrimPrefix(strings.Split(dir, "/")[4], "cpu")
		for _, of := range [...]struct{ file, name, help string }{
			{"scaling_cur_freq", "node_cpu_scaling_frequency_hertz", "Current scaled CPU thread frequency in hertz."},
			{"scaling_min_freq", "node_cpu_scaling_frequency_min_hertz", "Minimum scaled CPU thread frequency in hertz."},
			{"scaling_max_freq", "node_cpu_scaling_frequency_max_hertz", "Maximum scaled CPU thread frequency in hertz."},
			{"cpuinfo_cur_freq", "node_cpu_frequency_hertz", "Current CPU thread frequency in hertz."},
			{"cpuinfo_min_freq", "node_cpu_frequency_min_hertz", "Minimum CPU thread frequency in hertz."},
			{"cpuinfo_max_freq", "node_cpu_frequency_max_hertz", "Maximum CPU thread frequency in hertz."},
		} {
			if n, ok := t.number(dir + "/" + of.file); ok {
				t.add(of.name, Gauge, of.help, n*kilohertz, "cpu", cpu)
			}
		}
	}
	return nil
}

// throttles counts how often processors were slowed down because they were too hot.
func throttles(t *told) error {
	seen := map[string]bool{}
	for _, dir := range t.glob("sys/devices/system/cpu/cpu[0-9]*/thermal_throttle") {
		topology := strings.TrimSuffix(dir, "thermal_throttle") + "topology/"
		core, whole := readText(t.path(topology+"core_id")), readText(t.path(topology+"physical_package_id"))
		thread := core + "/" + whole // those of one core tell the same
		if n, ok := t.number(dir + "/core_throttle_count"); ok && !seen[thread] {
			seen[thread] = true
			t.add("node_cpu_core_throttles_total", Counter, "Number of times this CPU core has been throttled.", n, "core", core, "package", whole)
		}
		if n, ok := t.number(dir + "/package_throttle_count"); ok && !seen[whole] {
			seen[whole] = true
			t.add("node_cpu_package_throttles_total", Counter, "Number of times this CPU package has been throttled.", n, "package", whole)
		}
	}
	if len(t.found) == 0 {
		return fmt.Errorf("no processor tells that it was slowed down: %w", ErrUnsupported)
	}
	return nil
}
