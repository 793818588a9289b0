package files

import (
	"context"
	"net/http"
	"time"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// ScheduleBody says when backups are made by themselves, and where.
type ScheduleBody struct {
	Directory  string `json:"directory" maxLength:"4096" example:"/mnt/backup/homeserver" doc:"Where the backups lie, on the server; best on another drive. It is made if its parent is there, and must be empty or hold this household's backups. Empty: nowhere"`
	EveryHours int    `json:"every_hours" minimum:"0" maximum:"8784" example:"24" doc:"How often a backup is made by itself; 0: not at all"`
	Keep       int    `json:"keep" minimum:"0" maximum:"1000" example:"7" doc:"How many of the newest backups are kept, and for how many days, weeks and months the newest of each; 0 keeps all"`
}

// BackupBody is one run.
type BackupBody struct {
	ID        string     `json:"id"`
	Directory string     `json:"directory" example:"/mnt/backup/homeserver"`
	State     string     `json:"state" enum:"running,done,incomplete,failed,interrupted" doc:"incomplete: files of the storage are missing or damaged, or the history of the figures could not be read, and all else is saved"`
	Started   time.Time  `json:"started"`
	Finished  *time.Time `json:"finished"`
	Files     int64      `json:"files" doc:"Contents in the backup; equal files are one"`
	Bytes     int64      `json:"bytes"`
	NewFiles  int64      `json:"new_files" doc:"Contents that were copied for it"`
	NewBytes  int64      `json:"new_bytes"`
	Error     string     `json:"error" doc:"What is wrong, in a sentence; empty when nothing is"`
}

// RunningBody is the run under way.
type RunningBody struct {
	Started   time.Time       `json:"started"`
	Directory string          `json:"directory"`
	Progress  *BackupProgress `json:"progress" doc:"null when another process makes it"`
}

// backupsBody is all that there is to know of backups.
type backupsBody struct {
	Schedule ScheduleBody `json:"schedule"`
	Next     *time.Time   `json:"next" doc:"When the next one is due; null: not by itself"`
	Last     *BackupBody  `json:"last" doc:"The newest that counts, wherever it lies; null: none"`
	Running  *RunningBody `json:"running"`
	Runs     []BackupBody `json:"runs" nullable:"false" doc:"The newest runs, the newest first"`
	Warning  string       `json:"warning" doc:"What is not well, in a sentence; empty when all is"`
}

// backupRoutes mounts what administrators see and change of backups.
func (f *Files) backupRoutes(r *httpd.Router) {
	httpd.Register(r, op(identity.ManageFiles, http.MethodGet, "/backups", "get-backups", "Backups", "The schedule, the newest backup, and how the last runs went."), f.getBackups)
	set := op(identity.ManageFiles, http.MethodPut, "/backups/schedule", "set-backup-schedule", "Schedule backups", "The directory is looked at, and made one of backups, before the answer.")
	set.Errors = []int{http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	httpd.Register(r, set, f.putSchedule)
	run := op(identity.ManageFiles, http.MethodPost, "/backups/run", "run-backup", "Make a backup now", "It is made in the background; GET tells how far it is.")
	run.Errors, run.DefaultStatus = []int{http.StatusConflict}, http.StatusAccepted
	httpd.Register(r, run, f.postBackup)
}

func (f *Files) getBackups(ctx context.Context, _ *struct{}) (*out[backupsBody], error) {
	s, err := f.backupState(ctx)
	if err != nil {
		return nil, err
	}
	b := backupsBody{Schedule: s.schedule.body(), Runs: []BackupBody{}, Warning: s.warning}
	if !s.next.IsZero() {
		b.Next = &s.next
	}
	if s.last != nil {
		last := s.last.body()
		b.Last = &last
	}
	if s.running != nil {
		b.Running = &RunningBody{Started: time.UnixMicro(s.running.started).UTC(), Directory: s.running.place, Progress: s.progress}
	}
	for i := range s.runs {
		b.Runs = append(b.Runs, s.runs[i].body())
	}
	return &out[backupsBody]{b}, nil
}

func (s backupSchedule) body() ScheduleBody {
	return ScheduleBody{Directory: s.Directory, EveryHours: s.EveryHours, Keep: s.Keep}
}

func (r *backupRow) body() BackupBody {
	b := BackupBody{ID: r.id, Directory: r.place, Started: time.UnixMicro(r.started).UTC(), Files: r.files, Bytes: r.bytes, NewFiles: r.newFiles, NewBytes: r.newBytes, Error: r.err}
	if r.finished != nil {
		at := time.UnixMicro(*r.finished).UTC()
		b.Finished = &at
	}
	switch {
	case r.finished == nil && r.held:
		b.State = "running"
	case r.finished == nil:
		b.State = "interrupted"
	case r.verified == nil:
		b.State = "failed"
	case r.err != "":
		b.State = "incomplete"
	default:
		b.State = "done"
	}
	return b
}

func (f *Files) putSchedule(ctx context.Context, in *struct{ Body ScheduleBody }) (*out[ScheduleBody], error) {
	s, err := f.setSchedule(ctx, backupSchedule{Directory: in.Body.Directory, EveryHours: in.Body.EveryHours, Keep: in.Body.Keep})
	if err != nil {
		return nil, err
	}
	return &out[ScheduleBody]{s.body()}, nil
}

func (f *Files) postBackup(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return nil, f.askForBackup(ctx)
}
