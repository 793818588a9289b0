package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"homeserver/internal/app"
	"homeserver/internal/config"
)

// historyCommand is about what the dashboard remembers.
type historyCommand struct {
	Verify verifyHistoryCommand `cmd:"" help:"Read the history of the figures whole, and say what is wrong with it."`
}

// verifyHistoryCommand reads the history of the figures.
type verifyHistoryCommand struct {
	JSON bool `name:"json" help:"Print the report as JSON."`
}

// Help is shown by `homeserver history verify --help`.
func (verifyHistoryCommand) Help() string {
	return `Reads monitoring.db in DATA_DIR: whether the file is sound and every page can be read, and whether the figures of each minute and hour say what the finer ones say that they were made of. It changes nothing, and may run beside a serving process. A page that cannot be read shows as a gap in charts; the rest is not touched by it.

Exit code 0 when all is well, 3 when problems were found.`
}

// Run runs the command.
func (c verifyHistoryCommand) Run(r *run) error {
	return withHouse(r, func(a *app.App, _ config.Config) error {
		report, err := a.VerifyHistory(r.ctx, r.pages())
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

// pages reports on stderr when a person is watching it.
func (r *run) pages() func(done, all int) {
	if !r.watched() {
		return nil
	}
	last := time.Now()
	return func(done, all int) {
		if time.Since(last) >= progressEvery {
			last = time.Now()
			fmt.Fprintf(r.stderr, "\r%d of %d pages ", done, all)
		}
	}
}

func (c verifyHistoryCommand) print(w io.Writer, report *app.HistoryReport) error {
	if c.JSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	fmt.Fprintf(w, "%d series, %d pages, %d samples, %.1f MB.\n", report.Series, report.Pages, report.Samples, float64(report.Bytes)/(1<<20))
	for _, p := range report.Problems {
		if p.Tier == "" {
			fmt.Fprintln(w, p.What)
			continue
		}
		fmt.Fprintf(w, "%q, every %s from %s on: %s\n", p.Series, p.Tier, p.From.Format(time.RFC3339), p.What)
	}
	if report.OK() {
		fmt.Fprintln(w, "No problems.")
	}
	return nil
}
