package files

import "time"

const (
	// thinBatch is how many files' versions are looked at together.
	thinBatch = 200
	// thinDaily is how long one version of each day is kept; older ones are kept one a week.
	thinDaily = 30 * 24 * time.Hour
	day       = 24 * time.Hour
	week      = 7 * day
)

// keptVersion is what of a version decides whether it is kept.
type keptVersion struct {
	id       string
	replaced int64 // microseconds
	pinned   bool
}

// thin returns the ids of the versions of one file, the newest first, that are not kept: those
// older than the settings say, and of the others all but one a day for a month and one a week
// after it. Kept whatever their age: the newest so many, pinned ones, and the last day's.
func thin(versions []keptVersion, s Settings, now int64) (gone []string) {
	taken := map[[2]int64]bool{} // the spans that have their version
	for i, v := range versions {
		age := now - v.replaced
		if v.pinned || age < retainLeast.Microseconds() || s.VersionDays <= 0 {
			continue
		}
		// Spans are those of the calendar, not of the age: which version is kept does not depend
		// on the moment of looking.
		span := day.Microseconds()
		if now/span-v.replaced/span >= int64(thinDaily/day) {
			span = week.Microseconds()
		}
		place := [2]int64{span, v.replaced / span}
		first := !taken[place]
		taken[place] = true
		old := age >= int64(s.VersionDays)*day.Microseconds()
		if i >= s.VersionKeep && (old || !first) {
			gone = append(gone, v.id)
		}
	}
	return gone
}
