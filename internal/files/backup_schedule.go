package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"homeserver/internal/files/vault"
	"homeserver/internal/platform/errs"
)

const (
	// Keys of files_settings: the schedule as JSON, and when somebody last asked for a backup.
	keyBackupSchedule = "backup_schedule"
	keyBackupAsked    = "backup_asked"

	// defaultKeep is how many backups, and for how many days, weeks and months the newest of each,
	// are kept when nothing is said.
	defaultKeep = 7
	// mostKeep and mostHours bound the schedule: a thousand of each is for ever, and a backup a
	// year is the least that is one.
	mostKeep  = 1000
	mostHours = 24 * 366
	// backupRetry is how soon a backup that failed is tried again: a drive may be plugged in.
	backupRetry = time.Hour
	// backupEvery is how often the job comes by itself; the schedule asks for it when it is due.
	backupEvery = 24 * time.Hour
	// scheduleLook is how often the schedule is read, in case another copy changed it.
	scheduleLook = time.Hour
	// scheduleAgain is how soon it is read again after the job was asked for.
	scheduleAgain = time.Minute
)

// backupSchedule says when backups are made by themselves, and where.
type backupSchedule struct {
	Directory  string `json:"directory"`
	EveryHours int    `json:"every_hours"` // 0: not by themselves
	Keep       int    `json:"keep"`
	Vault      string `json:"vault,omitempty"` // the id of the directory's marker: an empty mount point is not it
}

// schedule reads the schedule.
func (f *Files) schedule(ctx context.Context) (s backupSchedule, err error) {
	text, err := f.store.setting(ctx, keyBackupSchedule)
	if err != nil || text == "" {
		return backupSchedule{Keep: defaultKeep}, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// setSchedule checks and writes the schedule. The directory is made one of backups now, while
// whoever set it sees what is wrong with it.
func (f *Files) setSchedule(ctx context.Context, s backupSchedule) (backupSchedule, error) {
	switch {
	case s.EveryHours < 0 || s.EveryHours > mostHours:
		return s, errs.Newf(errs.Invalid, "every_hours must be from 0 to %d; 0 makes no backups by themselves.", mostHours)
	case s.Keep < 0 || s.Keep > mostKeep:
		return s, errs.Newf(errs.Invalid, "keep must be from 0 to %d; 0 keeps all backups.", mostKeep)
	case s.Directory == "" && s.EveryHours > 0:
		return s, errs.New(errs.Invalid, "Name the directory for the backups, best on another drive.")
	case s.Directory != "" && !filepath.IsAbs(s.Directory):
		return s, errs.New(errs.Invalid, "The directory for the backups must be named in full, for example /mnt/backup/homeserver.")
	}
	s.Vault = ""
	if s.Directory != "" {
		s.Directory = filepath.Clean(s.Directory)
		v, err := f.backupDirectory(ctx, s.Directory)
		if err != nil {
			return s, err
		}
		s.Vault = v.ID
	}
	text, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	if err := f.store.set(ctx, keyBackupSchedule, string(text)); err != nil {
		return s, err
	}
	f.lent.record(ctx, "files.backup_schedule", "", fmt.Sprintf("%q every %d hours", s.Directory, s.EveryHours))
	f.backups.wake()
	return s, nil
}

// backupDirectory opens a directory of this household's backups, or makes it one.
func (f *Files) backupDirectory(ctx context.Context, dir string) (*vault.Vault, error) {
	b := &backup{f: f, options: BackupOptions{Dir: dir}}
	release, err := b.prepare(ctx)
	if errs.Is(err, errs.Conflict) && b.vault != nil {
		return b.vault, nil // a backup is under way in it
	}
	if err != nil {
		return nil, err
	}
	release()
	return b.vault, nil
}

// askForBackup asks for a backup now.
func (f *Files) askForBackup(ctx context.Context) error {
	s, err := f.schedule(ctx)
	if err != nil {
		return err
	}
	if s.Directory == "" {
		return errs.New(errs.Conflict, "No directory for backups is set yet.")
	}
	if err := f.store.set(ctx, keyBackupAsked, strconv.FormatInt(f.now().UnixMicro(), 10)); err != nil {
		return err
	}
	f.lent.record(ctx, "files.backup", "", strconv.Quote(s.Directory))
	if w := f.workers.Load(); w != nil {
		w.Trigger("files.backup")
	}
	return nil
}

// nextBackup says when the schedule wants a backup: zero when it wants none by itself.
func (f *Files) nextBackup(ctx context.Context, s backupSchedule) (time.Time, error) {
	if s.Directory == "" {
		return time.Time{}, nil
	}
	tried, err := f.store.lastTry(ctx, s.Directory)
	if err != nil {
		return time.Time{}, err
	}
	text, err := f.store.setting(ctx, keyBackupAsked)
	if err != nil {
		return time.Time{}, err
	}
	if asked, _ := strconv.ParseInt(text, 10, 64); asked > tried { // what is no number was not asked
		return time.UnixMicro(asked).UTC(), nil
	}
	if s.EveryHours == 0 {
		return time.Time{}, nil
	}
	every := time.Duration(s.EveryHours) * time.Hour
	last, err := f.store.lastBackup(ctx, f.now().UnixMicro(), s.Directory)
	if err != nil {
		return time.Time{}, err
	}
	next := time.UnixMicro(tried).Add(min(every, backupRetry))
	if last != nil && last.started == tried {
		next = time.UnixMicro(tried).Add(every)
	}
	return next.UTC(), nil
}

// runBackup is the job: it makes the backup that is due, if one is.
func (f *Files) runBackup(ctx context.Context) error {
	s, err := f.schedule(ctx)
	if err != nil {
		return err
	}
	next, err := f.nextBackup(ctx, s)
	if err != nil || next.IsZero() || next.After(f.now()) {
		return err
	}
	report, err := f.Backup(ctx, BackupOptions{Dir: s.Directory, Keep: s.Keep, vault: s.Vault})
	f.backups.wake()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		// Noted where people look, and tried again when the schedule says so.
		f.log.Error("the backup failed", "directory", s.Directory, "error", err)
	default:
		f.log.Info("backup made", "directory", s.Directory, "name", report.Name, "contents", report.Files, "new", report.NewFiles, "lost", len(report.Lost))
	}
	return nil
}

// watchBackups asks for the job when a backup is due, and says when to look again.
func (f *Files) watchBackups(ctx context.Context) time.Duration {
	s, err := f.schedule(ctx)
	if err != nil {
		return scheduleAgain
	}
	next, err := f.nextBackup(ctx, s)
	switch now := f.now(); {
	case err != nil:
		return scheduleAgain
	case next.IsZero():
		return scheduleLook
	case next.After(now):
		return min(next.Sub(now), scheduleLook)
	}
	if w := f.workers.Load(); w != nil {
		w.Trigger("files.backup")
	}
	return scheduleAgain
}

// wake has the schedule looked at soon.
func (b *backups) wake() {
	select {
	case b.soon <- struct{}{}:
	default: // it will be
	}
}

// backupState is all that people see of backups.
type backupState struct {
	schedule backupSchedule
	next     time.Time
	last     *backupRow
	running  *backupRow
	progress *BackupProgress // when this process makes it
	runs     []backupRow
	warning  string
}

// runsShown is how many runs people see.
const runsShown = 20

// backupState reads it.
func (f *Files) backupState(ctx context.Context) (s backupState, err error) {
	now := f.now()
	if s.schedule, err = f.schedule(ctx); err != nil {
		return s, err
	}
	if s.next, err = f.nextBackup(ctx, s.schedule); err != nil {
		return s, err
	}
	if s.last, err = f.store.lastBackup(ctx, now.UnixMicro(), ""); err != nil {
		return s, err
	}
	if s.runs, err = f.store.backups(ctx, now.UnixMicro(), runsShown); err != nil {
		return s, err
	}
	for i := range s.runs {
		if s.runs[i].finished == nil && s.runs[i].held {
			s.running = &s.runs[i]
		}
	}
	if p := f.backups.get(); s.running != nil && p != nil {
		s.progress = p
	}
	s.warning = s.warn(now)
	return s, nil
}

// warn says in a sentence what is not well with the backups, "" when all is.
func (s *backupState) warn(now time.Time) string {
	for i := range s.runs {
		if r := &s.runs[i]; r.finished != nil {
			if r.err != "" {
				return r.err
			}
			break
		}
	}
	every := time.Duration(s.schedule.EveryHours) * time.Hour
	switch {
	case s.schedule.Directory == "" && s.last == nil:
		return "There are no backups. Name a directory on another drive, and they are made by themselves."
	case every == 0 || s.running != nil:
		return ""
	case s.last == nil:
		return "There is no backup yet."
	}
	if age := now.Sub(time.UnixMicro(s.last.started)); age > 2*every+backupRetry {
		return fmt.Sprintf("The last backup is %s old.", inWords(age))
	}
	return ""
}

// inWords is a duration as people say it.
func inWords(d time.Duration) string {
	if hours := int(d.Hours()); hours < 48 {
		return fmt.Sprintf("%d hours", hours)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// errNotThatDrive says that a scheduled directory is there and is not the one that was set up.
func errNotThatDrive(dir string, cause error) error {
	return errs.Wrap(errs.Unavailable, fmt.Sprintf("%s is not the directory of backups that was set up: its drive is not connected, or another one is. Connect it; the backup is then made within the hour.", dir), errors.Join(cause, vault.ErrNone))
}
