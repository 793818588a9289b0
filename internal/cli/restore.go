package cli

import (
	"fmt"
	"io"

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
	return `Gives database, files, keys and the history of the figures back, into the places that DATA_DIR, STORAGE_PATH and DATABASE_URL name. The database must be empty; the storage directory must be empty too, or be this household's own: then only what it lacks is copied. Nothing that is there is replaced (keys and a history that are there are kept under another name), and one that was broken off can be run again.

Exit code 0 when all is well, 3 when the backup lacks content, or its history is damaged: the rest is restored.`
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
		printHistory(r.stdout, report.History)
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

// printHistory says what became of the history of the figures.
func printHistory(w io.Writer, h *app.RestoredHistory) {
	switch {
	case h == nil:
		fmt.Fprintln(w, "The backup has no history of the figures.")
	case h.None:
		fmt.Fprintln(w, "missing: the history of the figures is damaged in the backup. Another may have it: homeserver backup --list DIR")
	case h.Kept:
		fmt.Fprintln(w, "The history of the figures was there already.")
	case h.Lost > 0:
		fmt.Fprintf(w, "missing: %d of %d pieces of the history of the figures are damaged in the backup. They are gaps in charts.\n", h.Lost, h.Pieces)
	default:
		fmt.Fprintln(w, "The history of the figures is back.")
	}
	if h != nil && h.Aside != "" {
		fmt.Fprintf(w, "The history that was there is kept as %s.\n", h.Aside)
	}
}
