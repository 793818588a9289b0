package files

import (
	"context"
	"fmt"
	"time"
)

const (
	// retainEvery is how often what has been kept long enough is looked for.
	retainEvery = 2 * time.Hour
	// retainLeast is the age below which nothing is ever destroyed without being told to, whatever
	// the settings say and however full the disk is.
	retainLeast = 24 * time.Hour
	// retainEntries and retainVersions are how many things in the trash and how many versions one
	// run destroys at most: a mistake is noticed before all is gone.
	retainEntries  = 5_000
	retainVersions = 20_000
	// retainFiles ends a run that met very large folders, in files.
	retainFiles = 100_000
	// roomAtOnce is how many things are destroyed between two looks at how much has become free:
	// what need not go stays.
	roomAtOnce = 1
	// retainGap is how long may be between two runs for the time between to count in full.
	retainGap = 5 * time.Hour
	// retainJump is how far a clock may have gone without anybody having seen it.
	retainJump = 48 * time.Hour
	// retainBack is how far a clock may go back, or another copy's be behind, without any alarm.
	retainBack = 10 * time.Minute
	// retainSteady is how long the clock must run steadily after a jump to be believed again, at
	// least; longer when things are kept longer, so that by then they are as old as it says.
	retainSteady = 30 * day
)

// seen is what is known of the clock by watching it. All but steady are microseconds.
type seen struct {
	wall   int64 // what it said at the last run
	proven int64 // what it may be believed to say: time that was seen to pass
	steady int64 // how long it has run without a jump, in microseconds
}

// watch judges what a clock says now by what was seen of it. ok is false when nothing may be
// destroyed in this run; jumped says that the clock went far ahead, or the server was off for
// long: nobody can tell which. settle is how long the clock must be steady to be believed.
//
// Ages are reckoned by proven time. Time in which the server ran counts, twice while proven is
// behind, so that it catches up; of a gap only so much counts as a gap may be long. So a clock
// that runs wild for an hour makes nothing older than some hours, and a server that was off for
// a month keeps things a month longer.
func (s seen) watch(now int64, settle time.Duration) (next seen, ok, jumped bool) {
	step, gap := now-s.wall, retainGap.Microseconds()
	behind := min(s.proven, now)
	switch {
	case s.wall == 0:
		return seen{wall: now, proven: now, steady: settle.Microseconds()}, false, false
	case step < -retainBack.Microseconds():
		return seen{wall: now, proven: behind}, false, false
	case step > retainJump.Microseconds():
		return seen{wall: now, proven: min(behind+gap, now)}, false, true
	case step > gap:
		return seen{wall: now, proven: min(behind+gap, now), steady: s.steady + step}, false, false
	}
	step = max(step, 0)
	next = seen{wall: now, proven: min(behind+2*step, now), steady: s.steady + step}
	if next.steady >= settle.Microseconds() {
		next.proven = now
	}
	return next, true, false
}

// settle is how long a clock must be steady to be believed, by how long things are kept.
func (s *Settings) settle() time.Duration {
	return max(retainSteady, time.Duration(s.TrashDays)*day, time.Duration(s.VersionDays)*day)
}

// Retain destroys what the settings say has been kept long enough: in the trash, and of older
// versions; and when the disk gets full, what is oldest in the trash and of the versions. Never
// what is younger than a day, pinned, or a file's present content; never more than some thousand
// things at a time; and nothing while the clock is in doubt.
func (f *Files) Retain(ctx context.Context) error {
	settings, err := f.Settings(ctx)
	if err != nil {
		return err
	}
	proven, ok, err := f.watchClock(ctx, settings.settle())
	if err != nil || !ok {
		return err
	}
	r := &retaining{f: f, settings: settings, now: proven, entries: retainEntries, files: retainFiles, versions: retainVersions}
	for _, step := range []func(context.Context) error{r.oldTrash, r.oldVersions, r.makeRoom} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if r.gone.entries > 0 {
		f.log.Info("what was kept long enough is gone for good", "things", r.gone.entries, "files", r.gone.files, "bytes", r.gone.bytes, "frees_bytes", r.gone.freed)
	}
	return nil
}

// watchClock notes what the clock says, and returns by which time ages are reckoned.
func (f *Files) watchClock(ctx context.Context, settle time.Duration) (proven time.Time, ok bool, err error) {
	now := f.now().UnixMicro()
	was, err := f.store.seenClock(ctx)
	if err != nil {
		return time.Time{}, false, err
	}
	next, ok, jumped := was.watch(now, settle)
	if !ok && was.wall != 0 {
		f.log.Warn("nothing is removed from the trash in this run: the clock has jumped, or the server was off", "said", time.UnixMicro(was.wall).UTC(), "says", time.UnixMicro(now).UTC())
	}
	if jumped {
		// What was deleted after the last run bears the time of the clock as it was: it must not
		// be old all at once.
		err = f.store.renewDates(ctx, was.wall, was.wall+retainJump.Microseconds()/2, now)
	}
	if err == nil {
		err = f.store.noteClock(ctx, next)
	}
	return time.UnixMicro(next.proven), ok && err == nil, err
}

// retaining is one run of Retain.
type retaining struct {
	f        *Files
	settings Settings
	now      time.Time
	gone     destroyed

	entries, files, versions int // what may still be destroyed in this run
}

// before is the time before which something must lie to be destroyed after days.
func (r *retaining) before(days int) int64 {
	kept := max(time.Duration(days)*day, retainLeast)
	return r.now.Add(-kept).UnixMicro()
}

func (r *retaining) took(d destroyed) {
	r.gone.add(d)
	r.entries -= d.entries
	r.files -= d.files
}

// oldTrash destroys what has been in the trash long enough.
func (r *retaining) oldTrash(ctx context.Context) error {
	if r.settings.TrashDays <= 0 {
		return nil
	}
	return r.trash(ctx, r.before(r.settings.TrashDays), destroyEntries, func() bool { return true })
}

// trash destroys what went to the trash before cutoff, the oldest first, so many at once, while
// more says so.
func (r *retaining) trash(ctx context.Context, cutoff int64, atOnce int, more func() bool) error {
	for after := (trashEntry{}); r.entries > 0 && r.files > 0 && more(); {
		list, err := r.f.store.oldestTrash(ctx, cutoff, after, min(atOnce, r.entries))
		if err != nil || len(list) == 0 {
			return err
		}
		after = list[len(list)-1]
		d, err := r.f.destroy(ctx, agedIDs(list))
		if r.took(d); err != nil {
			return err
		}
	}
	return nil
}

// oldVersions thins the versions of every file that has some older than a day.
func (r *retaining) oldVersions(ctx context.Context) error {
	if r.settings.VersionDays <= 0 {
		return nil
	}
	for after := ""; r.versions > 0; {
		list, err := r.f.store.versionsByFile(ctx, after, r.before(0), thinBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		var ids []string
		for _, of := range list {
			after = of.file
			ids = append(ids, thin(of.versions, r.settings, r.now.UnixMicro())...)
		}
		if err := r.dropVersions(ctx, ids); err != nil {
			return err
		}
	}
	return nil
}

func (r *retaining) dropVersions(ctx context.Context, ids []string) error {
	ids = ids[:min(len(ids), r.versions)]
	d, err := r.f.destroyVersions(ctx, ids)
	r.versions -= d.entries
	r.gone.add(d)
	return err
}

// makeRoom destroys the oldest things in the trash, then the oldest versions, when the disk is
// nearly full. What others have freed already and the collector has not removed yet counts as
// free, so that waiting for it never empties the trash.
func (r *retaining) makeRoom(ctx context.Context) error {
	need, err := r.f.lacking(ctx, r.settings.TrashKeepFreePercent)
	if err != nil || need <= 0 {
		return err
	}
	begun := r.gone.freed
	more := func() bool { return r.gone.freed-begun < need }
	if err := r.trash(ctx, r.before(0), roomAtOnce, more); err != nil {
		return err
	}
	for after := (trashEntry{}); r.versions > 0 && more(); {
		list, err := r.f.store.oldestVersions(ctx, r.before(0), after, min(roomAtOnce, r.versions))
		if err != nil || len(list) == 0 {
			return err
		}
		after = list[len(list)-1]
		if err := r.dropVersions(ctx, agedIDs(list)); err != nil {
			return err
		}
	}
	return nil
}

// lacking is how many bytes must become free for percent hundredths of the storage to be free,
// with all that waits for the collector gone. A measurement that cannot be true lacks nothing.
func (f *Files) lacking(ctx context.Context, percent int) (int64, error) {
	if percent <= 0 {
		return 0, nil
	}
	free, total, err := f.blobs.Space(ctx)
	if err != nil {
		return 0, err
	}
	if free < 0 || total <= 0 || free > total {
		return 0, fmt.Errorf("the storage says that %d of %d bytes are free, which cannot be", free, total)
	}
	waiting, err := f.store.waiting(ctx)
	if err != nil {
		return 0, err
	}
	return total/100*int64(percent) - free - waiting, nil
}
