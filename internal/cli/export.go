package cli

import (
	"fmt"
	"io"

	"homeserver/internal/app"
)

// exportCommand rebuilds a plain tree of files.
type exportCommand struct {
	Dir      string `arg:"" type:"path" help:"Where the tree is made: a directory that does not exist or is empty."`
	Storage  string `type:"path" placeholder:"PATH" help:"A storage directory or a directory of backups; the configured STORAGE_PATH if left out."`
	User     string `placeholder:"NAME" help:"Only the files of this person (name or id), or of the household."`
	Versions bool   `help:"Also what files were before they were replaced, in Versions/."`
	JSON     bool   `name:"json" help:"Print the report as JSON."`
}

// Help is shown by `homeserver export --help`.
func (exportCommand) Help() string {
	return `Works without the database: names, folders and times come from the manifest in the storage directory, and every file is compared with its digest while it is copied. What cannot be a name on the disk is changed, and equal names are numbered.

Household/ and a folder for each person hold the files, Trash/ what was in the trash, Unnamed/ content that no manifest knows, Damaged/ content that does not match its digest.

Exit code 0 when all is well, 3 when content is missing or damaged.`
}

// Run runs the command.
func (c exportCommand) Run(r *run) error {
	settings, err := r.config()
	if err != nil {
		return err
	}
	report, err := app.Export(r.ctx, settings, app.ExportOptions{Storage: c.Storage, Target: c.Dir, Owner: c.User, Versions: c.Versions, Progress: r.progress()})
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(r.stdout, report)
	} else {
		c.print(r.stdout, report)
	}
	if err == nil && !report.OK() {
		err = errProblems
	}
	return err
}

func (c exportCommand) print(w io.Writer, report app.ExportReport) {
	if report.Manifest == "" {
		fmt.Fprintln(w, "There is no manifest that can be read: files are named as far as journals name them.")
	}
	for _, name := range report.Passed {
		fmt.Fprintf(w, "passed by: the manifest %s is damaged\n", name)
	}
	fmt.Fprintf(w, "%d files in %d folders, %s.\n", report.Files, report.Folders, amount(report.Bytes))
	if report.Versions > 0 {
		fmt.Fprintf(w, "%d earlier versions.\n", report.Versions)
	}
	if report.Unnamed > 0 {
		fmt.Fprintf(w, "%d contents that no manifest knows, in Unnamed/.\n", report.Unnamed)
	}
	if report.Renamed > 0 {
		fmt.Fprintf(w, "%d names were numbered or changed.\n", report.Renamed)
	}
	for _, p := range report.Problems {
		line := fmt.Sprintf("%q: %s", p.Path, p.Reason)
		if p.MovedTo != "" {
			line += fmt.Sprintf("; it is in %q", p.MovedTo)
		}
		fmt.Fprintln(w, line)
	}
}
