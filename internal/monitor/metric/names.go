package metric

// The names of the metrics. They never change their meaning.
const (
	CPUPercent               = "cpu_percent"
	CPUUserPercent           = "cpu_user_percent"
	CPUSystemPercent         = "cpu_system_percent"
	CPUIOWaitPercent         = "cpu_iowait_percent"
	CPUStealPercent          = "cpu_steal_percent"
	Load1                    = "load_1"
	Load5                    = "load_5"
	Load15                   = "load_15"
	ContextSwitchesPerSecond = "context_switches_per_second"
	ForksPerSecond           = "forks_per_second"
	ProcessesRunning         = "processes_running"
	ProcessesBlocked         = "processes_blocked"

	PressureSomePercent      = "pressure_some_percent"
	PressureFullPercent      = "pressure_full_percent"
	PressureSomeAvg10Percent = "pressure_some_avg10_percent"
	PressureFullAvg10Percent = "pressure_full_avg10_percent"

	MemoryPercent         = "memory_percent"
	MemoryTotalBytes      = "memory_total_bytes"
	MemoryUsedBytes       = "memory_used_bytes"
	MemoryAvailableBytes  = "memory_available_bytes"
	MemoryCachedBytes     = "memory_cached_bytes"
	MemoryBuffersBytes    = "memory_buffers_bytes"
	MemoryARCBytes        = "memory_arc_bytes"
	SwapTotalBytes        = "swap_total_bytes"
	SwapUsedBytes         = "swap_used_bytes"
	SwapInBytesPerSecond  = "swap_in_bytes_per_second"
	SwapOutBytesPerSecond = "swap_out_bytes_per_second"
	OOMKills              = "oom_kills"
	OOMKillsSinceBoot     = "oom_kills_since_boot"

	DiskPercent              = "disk_percent"
	DiskUsedBytes            = "disk_used_bytes"
	DiskReadBytesPerSecond   = "disk_read_bytes_per_second"
	DiskWriteBytesPerSecond  = "disk_write_bytes_per_second"
	DiskReadsPerSecond       = "disk_reads_per_second"
	DiskWritesPerSecond      = "disk_writes_per_second"
	DiskReadMilliseconds     = "disk_read_milliseconds"
	DiskWriteMilliseconds    = "disk_write_milliseconds"
	DiskBusyPercent          = "disk_busy_percent"
	DiskInFlight             = "disk_in_flight"
	FileSystemSizeBytes      = "filesystem_size_bytes"
	FileSystemUsedBytes      = "filesystem_used_bytes"
	FileSystemAvailableBytes = "filesystem_available_bytes"
	FileSystemPercent        = "filesystem_percent"
	FileSystemInodesUsed     = "filesystem_inodes_used"
	FileSystemInodesPercent  = "filesystem_inodes_percent"
	FileSystemReadOnly       = "filesystem_read_only"
	PoolUnhealthy            = "pool_unhealthy"
	PoolSizeBytes            = "pool_size_bytes"
	PoolUsedBytes            = "pool_used_bytes"
	PoolPercent              = "pool_percent"
	RAIDMissingDisks         = "raid_missing_disks"
	RAIDSyncPercent          = "raid_sync_percent"

	SMARTFailed              = "smart_failed"
	SMARTReallocatedSectors  = "smart_reallocated_sectors"
	SMARTPendingSectors      = "smart_pending_sectors"
	SMARTUncorrectableErrors = "smart_uncorrectable_errors"
	SMARTWearPercent         = "smart_wear_percent"
	SMARTPowerOnHours        = "smart_power_on_hours"
	SMARTCelsius             = "smart_celsius"

	NetworkReceivedBytesPerSecond   = "network_received_bytes_per_second"
	NetworkSentBytesPerSecond       = "network_sent_bytes_per_second"
	NetworkReceivedPacketsPerSecond = "network_received_packets_per_second"
	NetworkSentPacketsPerSecond     = "network_sent_packets_per_second"
	NetworkReceiveErrorsPerSecond   = "network_receive_errors_per_second"
	NetworkSendErrorsPerSecond      = "network_send_errors_per_second"
	NetworkReceiveDropsPerSecond    = "network_receive_drops_per_second"
	NetworkSendDropsPerSecond       = "network_send_drops_per_second"
	NetworkUp                       = "network_up"
	NetworkLinkBytesPerSecond       = "network_link_bytes_per_second"

	TemperatureCelsius         = "temperature_celsius"
	TemperatureLimitCelsius    = "temperature_limit_celsius"
	TemperatureCriticalCelsius = "temperature_critical_celsius"
	TemperatureRoomCelsius     = "temperature_room_celsius"
	FanRPM                     = "fan_rpm"
	PowerOnline                = "power_online"
	BatteryPercent             = "battery_percent"
	BatteryDischarging         = "battery_discharging"
	BatteryWatts               = "battery_watts"

	UptimeSeconds           = "uptime_seconds"
	ClockOffsetMilliseconds = "clock_offset_milliseconds"
	ClockSynchronised       = "clock_synchronised"
	ServerCPUPercent        = "server_cpu_percent"
	ServerMemoryBytes       = "server_memory_bytes"
	UnitsFailed             = "units_failed"
	UnitFailed              = "unit_failed"

	ContainerCPUPercent          = "container_cpu_percent"
	ContainerMemoryBytes         = "container_memory_bytes"
	ContainerReadBytesPerSecond  = "container_read_bytes_per_second"
	ContainerWriteBytesPerSecond = "container_write_bytes_per_second"
	CgroupCPUPercent             = "cgroup_cpu_percent"
	CgroupMemoryUsedBytes        = "cgroup_memory_used_bytes"
	CgroupMemoryLimitBytes       = "cgroup_memory_limit_bytes"
	CgroupMemoryPercent          = "cgroup_memory_percent"
)

// The groups that metrics are listed in.
const (
	groupProcessor   = "processor"
	groupPressure    = "pressure"
	groupMemory      = "memory"
	groupDisks       = "disks"
	groupFileSystems = "filesystems"
	groupHealth      = "health"
	groupNetwork     = "network"
	groupSensors     = "sensors"
	groupSystem      = "system"
	groupContainers  = "containers"
)

const (
	whole      = 1
	tenths     = 10
	hundredths = 100
	// thousandths are for the clock: microseconds in milliseconds.
	thousandths = 1000
	// pages keeps bytes of memory and disks in units of 4 KiB, which is how systems give them out.
	pages = 1.0 / 4096
)
