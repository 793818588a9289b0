package metric

// The names of what the house knows of itself. They never change their meaning.
const (
	HouseDamagedFiles         = "house_damaged_files"
	HouseBackupAgeSeconds     = "house_backup_age_seconds"
	HouseBackupOverdueSeconds = "house_backup_overdue_seconds"
)

// GroupHouse is what the house knows of itself, rather than of the machine.
const GroupHouse = "house"

// house is the definition of what the house knows of itself.
func house() []Metric {
	return []Metric{
		{HouseDamagedFiles, "Damaged contents", Count, Gauge, GroupHouse, "", 1, "contents of files that were found missing, wrong or unreadable and are not healed", "the library's integrity check"},
		{HouseBackupAgeSeconds, "Age of the last backup", Seconds, Gauge, GroupHouse, "", 1, "now - start of the last whole backup; a gap while there is none", "the library's list of backups"},
		{HouseBackupOverdueSeconds, "Backup overdue by", Seconds, Gauge, GroupHouse, "", 1, "time since a backup was due by the schedule and not made, 0 when none is; a gap without a schedule", "the library's schedule of backups"},
	}
}
