package files

import (
	"context"
	"time"
)

// Health is how well the library is, in figures for whoever watches the house.
type Health struct {
	Damaged int64 // contents that were found damaged and are not healed
	// BackupAge is how long ago the last whole backup began; negative when there is none.
	BackupAge time.Duration
	// BackupOverdue is for how long a backup has been due by the schedule; 0 while none is due or
	// one is being made, negative without a schedule.
	BackupOverdue time.Duration
}

// Health looks how well the library is.
func (f *Files) Health(ctx context.Context) (Health, error) {
	h := Health{BackupAge: -1, BackupOverdue: -1}
	var err error
	if h.Damaged, err = f.store.damagedCount(ctx); err != nil {
		return h, err
	}
	now := f.now()
	s, err := f.backupState(ctx)
	if err != nil {
		return h, err
	}
	if s.last != nil {
		h.BackupAge = max(0, now.Sub(time.UnixMicro(s.last.started)))
	}
	if s.schedule.EveryHours == 0 {
		return h, nil
	}
	h.BackupOverdue = 0
	if s.running != nil {
		return h, nil
	}
	h.BackupOverdue, err = f.overdue(ctx, &s, now)
	return h, err
}

// overdue is for how long the schedule has wanted a backup that nobody made.
func (f *Files) overdue(ctx context.Context, s *backupState, now time.Time) (time.Duration, error) {
	last, err := f.store.lastBackup(ctx, now.UnixMicro(), s.schedule.Directory)
	if err != nil {
		return 0, err
	}
	if last != nil {
		due := time.UnixMicro(last.started).Add(time.Duration(s.schedule.EveryHours) * time.Hour)
		return max(0, now.Sub(due)), nil
	}
	first := now // none was ever made there: it has been due since the first try
	for i := range s.runs {
		if r := &s.runs[i]; r.place == s.schedule.Directory {
			first = time.UnixMicro(r.started)
		}
	}
	return max(0, now.Sub(first)), nil
}
