package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"homeserver/internal/app"
	"homeserver/internal/config"
)

// progressEvery is how often a long check says how far it is.
const progressEvery = time.Second

// checkCommand compares database and storage.
type checkCommand struct {
	JSON   bool `name:"json" help:"Print the report as JSON."`
	Repair bool `help:"Put content that does not match its digest into quarantine, and hand content that nothing refers to to the collector. Nothing is ever deleted."`
}

// Help is shown by `homeserver check --help`.
func (checkCommand) Help() string {
	return `Re-reads every file's content and compares it with its digest, and the database with the storage directory. It may run beside a serving process.

missing: a file of the database without content. orphaned: content that no file refers to and the server does not know. wrong content: bytes that changed on the disk. damaged: a file whose content is known to be bad, by this or an earlier reading; uploading the same content again heals it.

Exit code 0 when all is well, 3 when problems were found.`
}

// Run runs the command.
func (c checkCommand) Run(r *run) error {
	return withHouse(r, func(a *app.App, _ config.Config) error {
		report, err := a.Check(r.ctx, app.CheckOptions{Repair: c.Repair, Progress: r.progress()})
		if err != nil {
			return err
		}
		if err := c.print(r.stdout, report); err != nil {
			return err
		}
		if !report.OK() {
			return errProblems
		}
		return nil
	})
}

// progress reports on stderr when a person is watching it.
func (r *run) progress() func(blobs, bytes int64) {
	if !r.watched() {
		return nil
	}
	last := time.Now()
	return func(blobs, bytes int64) {
		if time.Since(last) >= progressEvery {
			last = time.Now()
			fmt.Fprintf(r.stderr, "\r%d contents read, %.1f GB ", blobs, float64(bytes)/(1<<30))
		}
	}
}

func (c checkCommand) print(w io.Writer, report app.CheckReport) error {
	if c.JSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	fmt.Fprintf(w, "%d files, %d contents, %.2f GB read.\n", report.Files, report.Blobs, float64(report.Bytes)/(1<<30))
	if report.NotAdopted > 0 {
		fmt.Fprintf(w, "%d files of the original are still at their old place.\n", report.NotAdopted)
	}
	if report.Waiting > 0 {
		fmt.Fprintf(w, "%d contents wait for the collector: nothing refers to them any more.\n", report.Waiting)
	}
	for _, group := range []struct {
		name     string
		problems []app.CheckProblem
	}{{"missing", report.Missing}, {"wrong size", report.WrongSize}, {"wrong content", report.WrongContent}, {"orphaned", report.Orphaned}, {"damaged", report.Damaged}} {
		for _, p := range group.problems {
			fmt.Fprintln(w, describe(group.name, p))
		}
	}
	if report.OK() {
		fmt.Fprintln(w, "No problems.")
	}
	return nil
}

// describe is one problem on one line; names are quoted, for they may hold anything.
func describe(kind string, p app.CheckProblem) string {
	line := fmt.Sprintf("%s: %s", kind, p.Path)
	if p.Filename != "" {
		line += fmt.Sprintf(" of %q (%s)", p.Filename, p.ID)
	}
	if kind == "wrong size" {
		line += fmt.Sprintf(": %d bytes expected, %d found", p.Size, p.Found)
	}
	if p.MovedTo != "" {
		line += ": moved to " + p.MovedTo
	}
	return line
}
