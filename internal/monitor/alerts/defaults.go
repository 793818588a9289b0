package alerts

import (
	"time"

	"homeserver/internal/monitor/metric"
)

// What the defaults have in common.
const (
	defaultAfter = 2 * time.Minute
	day          = 24 * time.Hour
)

// Defaults are the rules that come with the program, of the metrics that there are. doc/alerts.md
// says why their thresholds are what they are. An id never changes its meaning.
func Defaults(metrics *metric.Registry) []*Rule {
	var list []*Rule
	for _, part := range [][]Rule{diskDefaults(), machineDefaults(), houseDefaults()} {
		for _, r := range part {
			if metrics.Find(r.Metric) == nil || r.Against != "" && metrics.Find(r.Against) == nil {
				continue
			}
			r.Default, r.Enabled = true, true
			if r.NoData == "" {
				r.NoData = Keep
			}
			if r.After == 0 {
				r.After = defaultAfter
			}
			list = append(list, &r)
		}
	}
	return list
}

// diskDefaults watch how full the disks are.
func diskDefaults() []Rule {
	const free = "Delete what is not needed, empty the trash, or move files to a larger disk. Settings > Space shows what takes the room."
	return []Rule{
		{ID: "disk-full-soon", Name: "Disk full within 3 days", Severity: Warning, Metric: metric.DiskPercent, Condition: Trend, Limit: 100, AtLeast: 60,
			Raise: (3 * day).Seconds(), Clear: (5 * day).Seconds(), Window: day, For: 30 * time.Minute, Hold: time.Hour, Advice: free},
		{ID: "disk-filling-fast", Name: "Disk full within hours", Severity: Critical, Metric: metric.DiskPercent, Condition: Trend, Limit: 100, AtLeast: 70,
			Raise: (4 * time.Hour).Seconds(), Clear: (8 * time.Hour).Seconds(), Window: time.Hour, For: 10 * time.Minute, Hold: 20 * time.Minute,
			Advice: "Something writes a lot. See which upload or program it is and stop it, then make room."},
		{ID: "disk-nearly-full", Name: "Disk nearly full", Severity: Critical, Metric: metric.DiskPercent, Condition: Above,
			Raise: 95, Clear: 92, For: 5 * time.Minute, Hold: 10 * time.Minute, Advice: free},
	}
}

// machineDefaults watch the processor and the memory.
func machineDefaults() []Rule {
	return []Rule{
		{ID: "memory-full", Name: "Memory nearly full", Severity: Warning, Metric: metric.MemoryPercent, Condition: Above,
			Raise: 95, Clear: 90, For: 10 * time.Minute, Hold: 5 * time.Minute,
			Advice: "See which program takes the memory and stop or restart it. When nothing is left, the system ends programs by itself."},
		{ID: "processor-busy", Name: "Processor busy for an hour", Severity: Info, Metric: metric.CPUPercent, Condition: Above,
			Raise: 95, Clear: 80, For: time.Hour, Hold: 10 * time.Minute,
			Advice: "Nothing is broken, but something works very hard. See which program it is, and whether it should."},
	}
}

// houseDefaults watch what the house knows of itself.
func houseDefaults() []Rule {
	return []Rule{
		{ID: "files-damaged", Name: "Damaged files found", Severity: Critical, Metric: metric.HouseDamagedFiles, Condition: Above,
			Raise: 1, Clear: 0, Hold: time.Minute, After: 30 * time.Minute,
			Advice: "Settings > Integrity names the files. Upload them again or restore them from a backup, and look at the health of the disk."},
		{ID: "backup-overdue", Name: "Backup overdue", Severity: Warning, Metric: metric.HouseBackupOverdueSeconds, Condition: Above,
			Raise: time.Hour.Seconds(), Clear: 0, For: 10 * time.Minute, Hold: time.Minute, After: 30 * time.Minute,
			Advice: "Settings > Backups says what went wrong. Is the drive for the backups connected, and is there room on it?"},
	}
}
