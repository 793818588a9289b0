package cli

import (
	"fmt"

	"homeserver/internal/app"
)

// restoreCommand gives a house back from a backup.
type restoreCommand struct {
	Dir      string `arg:"" type:"existingdir" help:"Directory of backups."`
	Snapshot string `placeholder:"NAME" help:"The backup to restore; the newest if left out. homeserver backup --list DIR names them."`
	JSON     bool   `name:"json" help:"Print the report as JSON."`
}

// Help is shown by `homeserver restore --help`.
func (restoreCommand) Help() string {
	return `Gives database, files and keys back, into the places that DATA_DIR, STORAGE_PATH and DATABASE_URL name. The database must be empty; the storage directory must be empty too, or be this household's own: then only what it lacks is copied. Nothing that is there is replaced, and one that was broken off can be run again.

Exit code 0 when all is well, 3 when the backup lacks content: the rest is restored.`
}

// Run runs the command.
func (c restoreCommand) Run(r *run) error {
	settings, err := r.config()
	if err != nil {
		return err
	}
	report, err := app.Restore(r.ctx, settings, r.version, logger(settings, r.stderr), app.RestoreOptions{Dir: c.Dir, Snapshot: c.Snapshot, Progress: r.steps()})
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(r.stdout, report)
	} else {
		fmt.Fprintf(r.stdout, "Restored the backup %s: %d contents, %s; %d of them were there already.\n", report.Snapshot, report.Files, amount(report.Bytes), report.Kept)
		for _, l := range report.Lost {
			fmt.Fprintf(r.stdout, "missing: %s (%d bytes): %s\n", l.SHA256, l.Size, l.Reason)
		}
		for _, table := range report.Strange {
			fmt.Fprintf(r.stdout, "passed by: the table %q is not this program's\n", table)
		}
		fmt.Fprintln(r.stdout, "Start the server now: homeserver serve")
	}
	if err == nil && !report.OK() {
		err = errProblems
	}
	return err
}
