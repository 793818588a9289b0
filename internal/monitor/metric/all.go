package metric

import "slices"

// All is the definition of every metric, in the order for people.
func All() []Metric {
	return slices.Concat(processor(), memory(), disks(), fileSystems(), network(), sensors(), system(), containers(), house())
}

func processor() []Metric {
	const stat = "/proc/stat"
	share := func(name, title, of string) Metric {
		return Metric{name, title, Percent, Rate, groupProcessor, "core", tenths, of + " / all time, since the read before; of the machine: all cores together", stat}
	}
	pressure := func(name, title string, kind Kind, formula string) Metric {
		return Metric{name, title, Percent, kind, groupPressure, "resource", hundredths, formula, "/proc/pressure"}
	}
	return []Metric{
		share(CPUPercent, "Processor", "time not idle or waiting for disks"),
		share(CPUUserPercent, "Processor: programs", "user + nice time"),
		share(CPUSystemPercent, "Processor: system", "system + irq + softirq time"),
		share(CPUIOWaitPercent, "Processor: waiting for disks", "iowait time, in which the processor was idle"),
		share(CPUStealPercent, "Processor: taken by the host", "steal time, in which the host ran other machines"),
		{Load1, "Load of 1 minute", Count, Gauge, groupProcessor, "", hundredths, "mean number of threads that run, or wait to or for disks", "/proc/loadavg"},
		{Load5, "Load of 5 minutes", Count, Gauge, groupProcessor, "", hundredths, "as of 1 minute, over 5", "/proc/loadavg"},
		{Load15, "Load of 15 minutes", Count, Gauge, groupProcessor, "", hundredths, "as of 1 minute, over 15", "/proc/loadavg"},
		{ContextSwitchesPerSecond, "Context switches", PerSecond, Rate, groupProcessor, "", whole, "context switches / seconds", stat},
		{ForksPerSecond, "Processes started", PerSecond, Rate, groupProcessor, "", tenths, "processes and threads begun / seconds", stat},
		{ProcessesRunning, "Processes running", Count, Gauge, groupProcessor, "", whole, "threads that run or could", stat},
		{ProcessesBlocked, "Processes waiting for disks", Count, Gauge, groupProcessor, "", whole, "threads that wait for input or output to end", stat},
		pressure(PressureSomePercent, "Pressure: something waits", Rate, "time in which at least one task waited for it / seconds"),
		pressure(PressureFullPercent, "Pressure: everything waits", Rate, "time in which all tasks with work waited for it / seconds"),
		pressure(PressureSomeAvg10Percent, "Pressure of 10 s: something waits", Gauge, "the kernel's own mean of 10 s (avg10)"),
		pressure(PressureFullAvg10Percent, "Pressure of 10 s: everything waits", Gauge, "the kernel's own mean of 10 s (avg10)"),
	}
}

func memory() []Metric {
	const meminfo = "/proc/meminfo"
	size := func(name, title, formula string) Metric {
		return Metric{name, title, Bytes, Gauge, groupMemory, "", pages, formula, meminfo}
	}
	const available = "; available = MemAvailable + ZFS' cache above its minimum"
	return []Metric{
		{MemoryPercent, "Memory", Percent, Gauge, groupMemory, "", tenths, "(total - available) / total" + available, meminfo},
		size(MemoryTotalBytes, "Memory there is", "MemTotal"),
		size(MemoryUsedBytes, "Memory in use", "total - available"+available),
		size(MemoryAvailableBytes, "Memory available", "MemAvailable + ZFS' cache above its minimum (size - c_min of arcstats)"),
		size(MemoryCachedBytes, "Memory that caches files", "Cached + SReclaimable"),
		size(MemoryBuffersBytes, "Memory that buffers disks", "Buffers"),
		{MemoryARCBytes, "Memory that caches ZFS", Bytes, Gauge, groupMemory, "", pages, "size of arcstats", "/proc/spl/kstat/zfs/arcstats"},
		size(SwapTotalBytes, "Swap there is", "SwapTotal"),
		size(SwapUsedBytes, "Swap in use", "SwapTotal - SwapFree"),
		{SwapInBytesPerSecond, "Read from swap", BytesPerSecond, Rate, groupMemory, "", whole, "pages swapped in x size of a page / seconds", "/proc/vmstat"},
		{SwapOutBytesPerSecond, "Written to swap", BytesPerSecond, Rate, groupMemory, "", whole, "pages swapped out x size of a page / seconds", "/proc/vmstat"},
		{OOMKills, "Processes killed for want of memory", Count, Gauge, groupMemory, "", whole, "oom_kill since the read before", "/proc/vmstat"},
		{OOMKillsSinceBoot, "Processes killed for want of memory since the machine started", Count, Gauge, groupMemory, "", whole, "oom_kill", "/proc/vmstat"},
	}
}

func disks() []Metric {
	of := func(name, title string, unit Unit, kind Kind, scale float64, formula string) Metric {
		return Metric{name, title, unit, kind, groupDisks, "disk", scale, formula, "/proc/diskstats"}
	}
	smart := func(name, title string, unit Unit, formula string) Metric {
		return Metric{name, title, unit, Gauge, groupHealth, "disk", whole, formula, "smartctl"}
	}
	return []Metric{
		{DiskPercent, "Disk", Percent, Gauge, groupDisks, "", tenths, "used / (used + available to users), of the file system that holds the files", "statfs(2)"},
		{DiskUsedBytes, "Disk in use", Bytes, Gauge, groupDisks, "", pages, "blocks - free blocks, of the file system that holds the files", "statfs(2)"},
		of(DiskReadBytesPerSecond, "Read from disks", BytesPerSecond, Rate, whole, "sectors read x 512 / seconds; of all disks: their sum"),
		of(DiskWriteBytesPerSecond, "Written to disks", BytesPerSecond, Rate, whole, "sectors written x 512 / seconds; of all disks: their sum"),
		of(DiskReadsPerSecond, "Reads of disks", PerSecond, Rate, tenths, "reads completed / seconds"),
		of(DiskWritesPerSecond, "Writes to disks", PerSecond, Rate, tenths, "writes completed / seconds"),
		of(DiskReadMilliseconds, "Time a read takes", Milliseconds, Rate, hundredths, "time of all reads / reads completed; a gap when there were none"),
		of(DiskWriteMilliseconds, "Time a write takes", Milliseconds, Rate, hundredths, "time of all writes / writes completed; a gap when there were none"),
		of(DiskBusyPercent, "Disk busy", Percent, Rate, tenths, "time with anything in flight / seconds; an SSD at 100 % may still take more"),
		of(DiskInFlight, "Reads and writes under way", Count, Gauge, whole, "begun and not completed"),
		smart(SMARTFailed, "Disk says that it fails", State, "smart_status is not passed"),
		smart(SMARTReallocatedSectors, "Sectors replaced", Count, "raw value of attribute 5"),
		smart(SMARTPendingSectors, "Sectors that may be lost", Count, "raw value of attribute 197"),
		smart(SMARTUncorrectableErrors, "Errors beyond repair", Count, "raw value of attribute 198; of NVMe media_errors"),
		smart(SMARTWearPercent, "Life of flash used up", Percent, "percentage_used of NVMe; of SATA 100 - the value of attribute 177, 231 or 233"),
		smart(SMARTPowerOnHours, "Hours in use", Count, "power_on_time"),
		smart(SMARTCelsius, "Temperature of the disk", Celsius, "temperature.current"),
	}
}

func fileSystems() []Metric {
	of := func(name, title string, unit Unit, scale float64, formula string) Metric {
		return Metric{name, title, unit, Gauge, groupFileSystems, "mount point", scale, formula, "statfs(2)"}
	}
	const pool = "pool"
	return []Metric{
		of(FileSystemSizeBytes, "File system", Bytes, pages, "blocks x size of a block"),
		of(FileSystemUsedBytes, "File system in use", Bytes, pages, "(blocks - free blocks) x size of a block"),
		of(FileSystemAvailableBytes, "File system's free room", Bytes, pages, "blocks available to users x size of a block"),
		of(FileSystemPercent, "File system in use", Percent, tenths, "used / (used + available to users), as df"),
		of(FileSystemInodesUsed, "Inodes in use", Count, whole, "files - free files"),
		of(FileSystemInodesPercent, "Inodes in use", Percent, tenths, "(files - free files) / files"),
		of(FileSystemReadOnly, "File system is read-only", State, whole, "mounted read-only, or made so, or shut down, by the kernel after an error"),
		{PoolUnhealthy, "Pool is not healthy", State, Gauge, groupFileSystems, pool, whole, "state is not ONLINE", "/proc/spl/kstat/zfs/*/state"},
		{PoolSizeBytes, "Pool", Bytes, Gauge, groupFileSystems, pool, pages, "size of zpool list", "zpool list"},
		{PoolUsedBytes, "Pool in use", Bytes, Gauge, groupFileSystems, pool, pages, "allocated of zpool list", "zpool list"},
		{PoolPercent, "Pool in use", Percent, Gauge, groupFileSystems, pool, tenths, "allocated / size", "zpool list"},
		{RAIDMissingDisks, "RAID lacks disks", Count, Gauge, groupFileSystems, "array", whole, "degraded of the array", "/sys/block/md*/md"},
		{RAIDSyncPercent, "RAID is rebuilt or checked", Percent, Gauge, groupFileSystems, "array", tenths, "sectors done / sectors, while it lasts", "/sys/block/md*/md/sync_completed"},
	}
}

func network() []Metric {
	of := func(name, title string, unit Unit, scale float64, formula string) Metric {
		return Metric{name, title, unit, Rate, groupNetwork, "interface", scale, formula, "/proc/net/dev"}
	}
	const sum = "; of the machine: the sum of its network cards"
	return []Metric{
		of(NetworkReceivedBytesPerSecond, "Received", BytesPerSecond, whole, "bytes received / seconds"+sum),
		of(NetworkSentBytesPerSecond, "Sent", BytesPerSecond, whole, "bytes sent / seconds"+sum),
		of(NetworkReceivedPacketsPerSecond, "Packets received", PerSecond, tenths, "packets received / seconds"),
		of(NetworkSentPacketsPerSecond, "Packets sent", PerSecond, tenths, "packets sent / seconds"),
		of(NetworkReceiveErrorsPerSecond, "Errors in receiving", PerSecond, hundredths, "errors in receiving / seconds"),
		of(NetworkSendErrorsPerSecond, "Errors in sending", PerSecond, hundredths, "errors in sending / seconds"),
		of(NetworkReceiveDropsPerSecond, "Received and dropped", PerSecond, hundredths, "packets received and dropped / seconds"),
		of(NetworkSendDropsPerSecond, "Dropped in sending", PerSecond, hundredths, "packets dropped in sending / seconds"),
		{NetworkUp, "Link is up", State, Gauge, groupNetwork, "interface", whole, "operstate is up, or unknown with a carrier", "/sys/class/net"},
		{NetworkLinkBytesPerSecond, "Speed of the link", BytesPerSecond, Gauge, groupNetwork, "interface", whole, "speed in Mbit/s x 125,000", "/sys/class/net"},
	}
}

func sensors() []Metric {
	of := func(name, title string, unit Unit, scale float64, formula string) Metric {
		return Metric{name, title, unit, Gauge, groupSensors, "sensor", scale, formula, "/sys/class/hwmon, or /sys/class/thermal where there is none"}
	}
	power := func(name, title string, unit Unit, formula string) Metric {
		return Metric{name, title, unit, Gauge, groupSensors, "supply", tenths, formula, "/sys/class/power_supply"}
	}
	return []Metric{
		of(TemperatureCelsius, "Temperature", Celsius, tenths, "temp*_input / 1000"),
		of(TemperatureLimitCelsius, "Temperature it should stay below", Celsius, tenths, "temp*_max / 1000, or temp*_crit / 1000 where that is all there is"),
		of(TemperatureCriticalCelsius, "Temperature that is dangerous", Celsius, tenths, "temp*_crit / 1000"),
		of(TemperatureRoomCelsius, "Degrees left below the sensor's own limit", Celsius, tenths, "limit - temperature"),
		of(FanRPM, "Fan", RPM, whole, "fan*_input"),
		power(PowerOnline, "Mains power is there", State, "online"),
		power(BatteryPercent, "Charge of the battery", Percent, "capacity"),
		power(BatteryDischarging, "Runs from the battery", State, "status is Discharging"),
		power(BatteryWatts, "Power into or out of the battery", Watts, "power_now, or current_now x voltage_now"),
	}
}

func system() []Metric {
	return []Metric{
		{UptimeSeconds, "Time since the machine started", Seconds, Gauge, groupSystem, "", whole, "first number of the file", "/proc/uptime"},
		{ClockOffsetMilliseconds, "Clock is off by", Milliseconds, Gauge, groupSystem, "", thousandths, "offset of the kernel's clock discipline", "adjtimex(2)"},
		{ClockSynchronised, "Clock is synchronised", State, Gauge, groupSystem, "", whole, "the kernel's clock is not marked as unsynchronised", "adjtimex(2)"},
		{ServerCPUPercent, "Processor used by HomeServer", Percent, Rate, groupSystem, "", tenths, "processor time of the server / seconds; 100 % is one core", "/proc/self/stat"},
		{ServerMemoryBytes, "Memory used by HomeServer", Bytes, Gauge, groupSystem, "", pages, "resident pages x size of a page", "/proc/self/stat"},
		{UnitsFailed, "Failed services", Count, Gauge, groupSystem, "", whole, "units in the state failed", "systemctl"},
		{UnitFailed, "Service has failed", State, Gauge, groupSystem, "unit", whole, "the unit is in the state failed", "systemctl"},
	}
}

func containers() []Metric {
	of := func(name, title string, unit Unit, kind Kind, scale float64, formula string) Metric {
		return Metric{name, title, unit, kind, groupContainers, "container", scale, formula, "/sys/fs/cgroup"}
	}
	own := func(name, title string, unit Unit, kind Kind, scale float64, formula string) Metric {
		return Metric{name, title, unit, kind, groupContainers, "", scale, formula + ", of the smallest limit around the server's own control group", "/sys/fs/cgroup"}
	}
	return []Metric{
		of(ContainerCPUPercent, "Processor", Percent, Rate, tenths, "processor time / seconds; 100 % is one core"),
		of(ContainerMemoryBytes, "Memory", Bytes, Gauge, pages, "memory in use - inactive files, which can be given back"),
		of(ContainerReadBytesPerSecond, "Read from disks", BytesPerSecond, Rate, whole, "bytes read / seconds"),
		of(ContainerWriteBytesPerSecond, "Written to disks", BytesPerSecond, Rate, whole, "bytes written / seconds"),
		own(CgroupCPUPercent, "Processor of what the server may take", Percent, Rate, tenths, "processor time / (seconds x quota / period)"),
		own(CgroupMemoryUsedBytes, "Memory of what the server may take", Bytes, Gauge, pages, "memory in use - inactive files"),
		own(CgroupMemoryLimitBytes, "Memory the server may take", Bytes, Gauge, pages, "limit"),
		own(CgroupMemoryPercent, "Memory of what the server may take", Percent, Gauge, tenths, "(memory in use - inactive files) / limit"),
	}
}
