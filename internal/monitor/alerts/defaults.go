package alerts

import (
	"time"

	"homeserver/internal/monitor/metric"
)

// What the defaults have in common.
const (
	day = 24 * time.Hour
	// defaultAfter is when a figure of every tick counts as missing.
	defaultAfter = 2 * time.Minute
	// slowAfter is the same for what is asked every minute.
	slowAfter = 10 * time.Minute
	// healthAfter is the same for what is asked every hour, and not of a disk that sleeps.
	healthAfter = 48 * time.Hour
)

// Defaults are the rules that come with the program, of the metrics that there are. doc/alerts.md
// says why their thresholds are what they are. An id never changes its meaning.
func Defaults(metrics *metric.Registry) []*Rule {
	var list []*Rule
	for _, part := range [][]Rule{roomDefaults(), diskDefaults(), memoryDefaults(), machineDefaults(), houseDefaults()} {
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

// roomDefaults watch how full the disks are.
func roomDefaults() []Rule {
	const free = "Delete what is not needed, empty the trash, or move files to a larger disk. The page Settings says what takes the room."
	return []Rule{
		{ID: "disk-full-soon", Name: "Disk full within 3 days", Severity: Warning, Metric: metric.FileSystemPercent, Instance: everyInstance, Condition: Trend, Limit: 100, AtLeast: 60,
			Raise: (3 * day).Seconds(), Clear: (5 * day).Seconds(), Window: day, For: 30 * time.Minute, Hold: time.Hour, Advice: free},
		{ID: "disk-filling-fast", Name: "Disk full within hours", Severity: Critical, Metric: metric.FileSystemPercent, Instance: everyInstance, Condition: Trend, Limit: 100, AtLeast: 70,
			Raise: (4 * time.Hour).Seconds(), Clear: (8 * time.Hour).Seconds(), Window: time.Hour, For: 10 * time.Minute, Hold: 20 * time.Minute,
			Advice: "Something writes a lot. Find out which upload or program it is and stop it, then make room."},
		{ID: "disk-nearly-full", Name: "Disk nearly full", Severity: Critical, Metric: metric.FileSystemPercent, Instance: everyInstance, Condition: Above,
			Raise: 95, Clear: 92, For: 5 * time.Minute, Hold: 10 * time.Minute, Advice: free},
		{ID: "inodes-nearly-gone", Name: "Room for files nearly gone", Severity: Warning, Metric: metric.FileSystemInodesPercent, Instance: everyInstance, Condition: Above,
			Raise: 95, Clear: 92, For: 5 * time.Minute, Hold: 10 * time.Minute,
			Advice: "There are so many small files that no more can be made, whatever room is left. Delete what makes them: caches, mails, old logs."},
	}
}

// diskDefaults watch whether the disks are well.
func diskDefaults() []Rule {
	const copies = "Make sure that there is a fresh backup, then plan to replace the disk."
	grows := func(id, name, of string) Rule {
		return Rule{ID: id, Name: name, Severity: Warning, Metric: of, Instance: everyInstance, Condition: Increase, Raise: 1, Clear: 0, Window: 7 * day, After: healthAfter, Advice: copies}
	}
	return []Rule{
		{ID: "filesystem-read-only", Name: "File system went read-only", Severity: Critical, Metric: metric.FileSystemReadOnly, Instance: everyInstance, Condition: Increase,
			Raise: 1, Clear: 0, Window: 7 * day, For: time.Minute, Hold: time.Minute,
			Advice: "The system does that when a disk fails. Look at the kernel's messages (dmesg), make a backup of what can be read, check the disk and then the file system."},
		{ID: "pool-unhealthy", Name: "Pool is not healthy", Severity: Critical, Metric: metric.PoolUnhealthy, Instance: everyInstance, Condition: Above,
			Raise: 1, Clear: 0, Hold: 2 * time.Minute, After: slowAfter, Advice: "zpool status says which disk it is. Replace it before another fails."},
		{ID: "raid-disk-missing", Name: "RAID lacks a disk", Severity: Critical, Metric: metric.RAIDMissingDisks, Instance: everyInstance, Condition: Above,
			Raise: 1, Clear: 0, Hold: 2 * time.Minute, After: slowAfter, Advice: "cat /proc/mdstat says which disk it is. Replace it before another fails."},
		{ID: "smart-failed", Name: "Disk says that it fails", Severity: Critical, Metric: metric.SMARTFailed, Instance: everyInstance, Condition: Above, Raise: 1, Clear: 0, After: healthAfter,
			Advice: "Copy what is on it now: the disk itself expects to fail within a day. Then replace it."},
		{ID: "smart-pending", Name: "Disk has sectors that may be lost", Severity: Warning, Metric: metric.SMARTPendingSectors, Instance: everyInstance, Condition: Above, Raise: 1, Clear: 0, After: healthAfter, Advice: copies},
		grows("smart-reallocated", "Disk had to replace sectors", metric.SMARTReallocatedSectors),
		grows("smart-uncorrectable", "Disk has new errors beyond repair", metric.SMARTUncorrectableErrors),
		{ID: "smart-wear", Name: "Flash nearly worn out", Severity: Warning, Metric: metric.SMARTWearPercent, Instance: everyInstance, Condition: Above, Raise: 90, Clear: 89, After: healthAfter, Advice: copies},
	}
}

// memoryDefaults watch the memory, and what waits for it and for disks.
func memoryDefaults() []Rule {
	const which = "Find out which program takes it and stop or restart it."
	return []Rule{
		{ID: "memory-full", Name: "Memory nearly full", Severity: Warning, Metric: metric.MemoryPercent, Condition: Above,
			Raise: 95, Clear: 90, For: 10 * time.Minute, Hold: 5 * time.Minute, Advice: which + " When nothing is left, the system ends programs by itself."},
		{ID: "memory-limit", Name: "Memory of the container nearly full", Severity: Warning, Metric: metric.CgroupMemoryPercent, Condition: Above,
			Raise: 95, Clear: 90, For: 10 * time.Minute, Hold: 5 * time.Minute, Advice: "Give the container more memory, or find out what needs so much."},
		{ID: "memory-pressure", Name: "Everything waits for memory", Severity: Warning, Metric: metric.PressureFullAvg10Percent, Instance: "memory", Condition: Above,
			Raise: 20, Clear: 10, For: 2 * time.Minute, Hold: 5 * time.Minute, Advice: which},
		{ID: "io-pressure", Name: "Everything waits for disks", Severity: Warning, Metric: metric.PressureFullAvg10Percent, Instance: "io", Condition: Above,
			Raise: 50, Clear: 25, For: 15 * time.Minute, Hold: 5 * time.Minute, Advice: "A disk may be failing, or something reads or writes all the time: a backup, a check of a RAID, a program."},
		{ID: "oom-kill", Name: "Program killed for want of memory", Severity: Critical, Metric: metric.OOMKillsSinceBoot, Condition: Increase,
			Raise: 1, Clear: 0, Window: 30 * time.Minute, Advice: "The kernel's messages (dmesg) name the program. Restart it if nothing else did, and find out what took the memory."},
	}
}

// machineDefaults watch the rest of the machine.
func machineDefaults() []Rule {
	const ntp = "Switch on synchronisation (timedatectl set-ntp true) or repair what does it. With a wrong clock sign-in codes and certificates fail."
	return []Rule{
		{ID: "processor-busy", Name: "Processor busy for an hour", Severity: Info, Metric: metric.CPUPercent, Condition: Above,
			Raise: 95, Clear: 80, For: time.Hour, Hold: 10 * time.Minute, Advice: "Nothing is broken, but something works very hard. Find out which program it is, and whether it should."},
		{ID: "temperature", Name: "Temperature near the sensor's limit", Severity: Warning, Metric: metric.TemperatureRoomCelsius, Instance: everyInstance, Condition: Below,
			Raise: 5, Clear: 10, For: 5 * time.Minute, Hold: 5 * time.Minute, Advice: "See whether the fans turn and the dust is out, and whether the machine stands too warm."},
		{ID: "service-failed", Name: "Service has failed", Severity: Warning, Metric: metric.UnitFailed, Instance: everyInstance, Condition: Above,
			Raise: 1, Clear: 0, For: 2 * time.Minute, Hold: 2 * time.Minute, NoData: Over, After: slowAfter,
			Advice: "systemctl status with its name says why. When it is repaired or of no importance, systemctl reset-failed ends this."},
		{ID: "clock-not-synchronised", Name: "Clock is not synchronised", Severity: Warning, Metric: metric.ClockSynchronised, Condition: Below,
			Raise: 0, Clear: 1, For: time.Hour, Hold: 5 * time.Minute, Advice: ntp},
		{ID: "clock-ahead", Name: "Clock is off", Severity: Warning, Metric: metric.ClockOffsetMilliseconds, Condition: Above,
			Raise: 250, Clear: 100, For: 10 * time.Minute, Hold: 5 * time.Minute, Advice: ntp},
		{ID: "clock-behind", Name: "Clock is off the other way", Severity: Warning, Metric: metric.ClockOffsetMilliseconds, Condition: Below,
			Raise: -250, Clear: -100, For: 10 * time.Minute, Hold: 5 * time.Minute, Advice: ntp},
	}
}

// houseDefaults watch what the house knows of itself.
func houseDefaults() []Rule {
	return []Rule{
		{ID: "files-damaged", Name: "Damaged files found", Severity: Critical, Metric: metric.HouseDamagedFiles, Condition: Above,
			Raise: 1, Clear: 0, Hold: time.Minute, After: slowAfter,
			Advice: "The page Settings names the files. Upload them again or restore them from a backup, and look at the health of the disk."},
		{ID: "backup-overdue", Name: "Backup overdue", Severity: Warning, Metric: metric.HouseBackupOverdueSeconds, Condition: Above,
			Raise: time.Hour.Seconds(), Clear: 0, For: 10 * time.Minute, Hold: time.Minute, NoData: Over, After: slowAfter,
			Advice: "The page Settings says what went wrong. Is the drive for the backups connected, and is there room on it?"},
	}
}
