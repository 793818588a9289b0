package metric

// The names of the metrics. They never change their meaning.
const (
	CPUPercent                    = "cpu_percent"
	Load1                         = "load_1"
	MemoryPercent                 = "memory_percent"
	MemoryUsedBytes               = "memory_used_bytes"
	SwapUsedBytes                 = "swap_used_bytes"
	DiskPercent                   = "disk_percent"
	DiskUsedBytes                 = "disk_used_bytes"
	DiskReadBytesPerSecond        = "disk_read_bytes_per_second"
	DiskWriteBytesPerSecond       = "disk_write_bytes_per_second"
	NetworkReceivedBytesPerSecond = "network_received_bytes_per_second"
	NetworkSentBytesPerSecond     = "network_sent_bytes_per_second"
)

// The groups that metrics are listed in.
const (
	groupProcessor = "processor"
	groupMemory    = "memory"
	groupDisks     = "disks"
	groupNetwork   = "network"
)

const (
	tenths     = 10
	hundredths = 100
	// pages keeps bytes of memory and disks in units of 4 KiB, which is how systems give them out.
	pages = 1.0 / 4096
)

// All is the definition of every metric, in the order for people.
func All() []Metric {
	return append([]Metric{
		{CPUPercent, "Processor", Percent, Rate, groupProcessor, "", tenths, "time not idle or waiting for disks / all time, since the tick before", "/proc/stat"},
		{Load1, "Load of 1 minute", Count, Gauge, groupProcessor, "", hundredths, "mean number of threads that run or wait to", "/proc/loadavg"},
		{MemoryPercent, "Memory", Percent, Gauge, groupMemory, "", tenths, "(total - available) / total", "/proc/meminfo"},
		{MemoryUsedBytes, "Memory in use", Bytes, Gauge, groupMemory, "", pages, "total - available", "/proc/meminfo"},
		{SwapUsedBytes, "Swap in use", Bytes, Gauge, groupMemory, "", pages, "total - free", "/proc/meminfo"},
		{DiskPercent, "Disk", Percent, Gauge, groupDisks, "", tenths, "used / (used + available to users), of the file system that holds the files", "statfs(2)"},
		{DiskUsedBytes, "Disk in use", Bytes, Gauge, groupDisks, "", pages, "blocks - free blocks, of the file system that holds the files", "statfs(2)"},
		{DiskReadBytesPerSecond, "Read from disks", BytesPerSecond, Rate, groupDisks, "disk", 1, "sectors read x 512 / seconds; of all disks: their sum", "/proc/diskstats"},
		{DiskWriteBytesPerSecond, "Written to disks", BytesPerSecond, Rate, groupDisks, "disk", 1, "sectors written x 512 / seconds; of all disks: their sum", "/proc/diskstats"},
		{NetworkReceivedBytesPerSecond, "Received", BytesPerSecond, Rate, groupNetwork, "interface", 1, "bytes received / seconds; of the machine: the sum of its network cards", "/proc/net/dev"},
		{NetworkSentBytesPerSecond, "Sent", BytesPerSecond, Rate, groupNetwork, "interface", 1, "bytes sent / seconds; of the machine: the sum of its network cards", "/proc/net/dev"},
	}, house()...)
}
