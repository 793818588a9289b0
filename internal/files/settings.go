package files

import (
	"context"
	"strconv"
	"time"

	"homeserver/internal/platform/errs"
)

const (
	// maxKept is the longest time anything is kept by age, in days: ten years. 0 is for ever.
	maxKept = 3650
	// maxVersionKeep is how many versions of a file can be kept whatever their age.
	maxVersionKeep = 1000
	// maxKeepFree is the largest part of the storage, in hundredths, that the trash makes room
	// for: more, and one setting would empty it for good.
	maxKeepFree = 50
)

// Settings say how long what is deleted and what was replaced is kept. They are the household's
// and live in the database.
type Settings struct {
	// TrashDays is how long something stays in the trash; 0 is until somebody empties it.
	TrashDays int `json:"trash_days" minimum:"0" maximum:"3650" doc:"How long what is deleted stays in the trash, in days; 0: until somebody empties it" example:"30"`
	// TrashKeepFreePercent is the free space below which the trash makes room early.
	TrashKeepFreePercent int `json:"trash_keep_free_percent" minimum:"0" maximum:"50" doc:"While less than this part of the storage is free, the oldest in the trash goes early, then the oldest versions that are not pinned; never what is younger than a day. 0: never" example:"5"`
	// VersionDays is how long older versions are kept, fewer of them the older they are.
	VersionDays int `json:"version_days" minimum:"0" maximum:"3650" doc:"How long older versions of a file are kept, in days: all of the last day, then one a day for a month, then one a week; 0: all of them for ever" example:"90"`
	// VersionKeep is how many versions of each file stay whatever their age.
	VersionKeep int `json:"version_keep" minimum:"0" maximum:"1000" doc:"So many of a file's newest versions are kept whatever their age" example:"5"`
}

// defaultSettings are those of a household that has set nothing.
func defaultSettings() Settings {
	return Settings{TrashDays: 30, TrashKeepFreePercent: 5, VersionDays: 90, VersionKeep: 5}
}

// setting is one of the settings in the database.
type setting struct {
	key   string
	value *int
	most  int
}

func (s *Settings) list() []setting {
	return []setting{{"trash_days", &s.TrashDays, maxKept}, {"trash_keep_free_percent", &s.TrashKeepFreePercent, maxKeepFree},
		{"version_days", &s.VersionDays, maxKept}, {"version_keep", &s.VersionKeep, maxVersionKeep}}
}

// validate refuses values that would destroy what nobody meant to, or that mean nothing.
func (s *Settings) validate() error {
	for _, one := range s.list() {
		if *one.value < 0 || *one.value > one.most {
			return errs.Newf(errs.Invalid, "%s is %d, but must be from 0 to %d. Nothing was changed.", one.key, *one.value, one.most)
		}
	}
	return nil
}

// settingsFrom reads what the database holds. A value that nobody can have set on purpose is an
// error, not a default: what depends on it then destroys nothing.
func settingsFrom(values map[string]string) (Settings, error) {
	s := defaultSettings()
	for _, one := range s.list() {
		text, set := values[one.key]
		if !set {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > one.most {
			return s, errs.Newf(errs.Internal, "the setting %s is %q in the database, which is not a number from 0 to %d", one.key, text, one.most)
		}
		*one.value = n
	}
	return s, nil
}

// keptUntil is when what went to the trash at a time goes from there; false: when somebody
// empties it.
func (s *Settings) keptUntil(at time.Time) (time.Time, bool) {
	if s.TrashDays <= 0 {
		return time.Time{}, false
	}
	return at.Add(max(time.Duration(s.TrashDays)*day, retainLeast)), true
}

// Settings reads how long things are kept.
func (f *Files) Settings(ctx context.Context) (Settings, error) {
	values, err := f.store.settings(ctx)
	if err != nil {
		return Settings{}, err
	}
	return settingsFrom(values)
}

// ChangeSettings sets how long things are kept.
func (f *Files) ChangeSettings(ctx context.Context, s Settings) error {
	if err := s.validate(); err != nil {
		return err
	}
	values := map[string]string{}
	for _, one := range s.list() {
		values[one.key] = strconv.Itoa(*one.value)
	}
	return f.store.saveSettings(ctx, values)
}

// String is the settings on one line, for the audit log.
func (s Settings) String() string {
	text := ""
	for i, one := range s.list() {
		if i > 0 {
			text += ", "
		}
		text += one.key + " " + strconv.Itoa(*one.value)
	}
	return text
}
