package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"homeserver/internal/app"
	"homeserver/internal/config"
)

// backupCommand makes a backup.
type backupCommand struct {
	Dir       string `arg:"" type:"path" help:"Directory of backups, on another drive. It is made if its parent is there."`
	Keep      int    `default:"7" placeholder:"N" help:"How many of the newest backups are kept, and for how many days, weeks and months the newest of each; 0 keeps all (default ${default})."`
	VerifyAll bool   `help:"Read everything in DIR again, and copy anew what is damaged."`
	New       bool   `help:"Begin anew in a directory from which earlier backups have vanished."`
	List      bool   `help:"List the backups in DIR and make none."`
	JSON      bool   `name:"json" help:"Print the report as JSON."`
}

// Help is shown by `homeserver backup --help`.
func (backupCommand) Help() string {
	return `Saves database, files, keys and the history of the figures as they are at one moment. It may run beside a serving process. Only what is new is copied; every copy is compared with its digest and read again, and a backup counts only when all of it is there.

Exit code 0 when all is well, 3 when files of the storage are missing or damaged, or the history cannot be read: the rest is saved. doc/backup.md says more.`
}

// Run runs the command.
func (c backupCommand) Run(r *run) error {
	if c.List {
		return c.list(r.stdout)
	}
	return withHouse(r, func(a *app.App, _ config.Config) error {
		report, err := a.Backup(r.ctx, app.BackupOptions{Dir: c.Dir, Keep: c.Keep, VerifyAll: c.VerifyAll, New: c.New, Progress: r.steps()})
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

func (c backupCommand) print(w io.Writer, report app.BackupReport) error {
	if c.JSON {
		return printJSON(w, report)
	}
	fmt.Fprintf(w, "Backup %s: %d contents, %s; %d of them new, %s.\n", report.Name, report.Files, amount(report.Bytes), report.NewFiles, amount(report.NewBytes))
	if report.Repaired > 0 {
		fmt.Fprintf(w, "%d contents in %s were damaged and are copied anew. Watch that drive.\n", report.Repaired, c.Dir)
	}
	for _, l := range report.Lost {
		fmt.Fprintf(w, "not saved: %s (%d bytes): %s\n", l.SHA256, l.Size, l.Reason)
	}
	if h := report.History; h != nil {
		switch {
		case h.LeftOut != "":
			fmt.Fprintf(w, "not saved: the history of the figures. %s\n", h.LeftOut)
		default:
			fmt.Fprintf(w, "History of the figures: %s; %s of them new.\n", amount(h.Bytes), amount(h.NewBytes))
		}
		if h.Damaged > 0 {
			fmt.Fprintf(w, "%d pages of the history cannot be read and are not in the backup: gaps in charts. homeserver history verify names them.\n", h.Damaged)
		}
	}
	for _, name := range report.Broken {
		fmt.Fprintf(w, "damaged: the earlier backup %s cannot be read\n", name)
	}
	for _, name := range report.Removed {
		fmt.Fprintf(w, "removed: the old backup %s\n", name)
	}
	return nil
}

func (c backupCommand) list(w io.Writer) error {
	list, broken, err := app.BackupSnapshots(c.Dir)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(w, append([]app.BackupSnapshot{}, list...))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tTAKEN\tCONTENTS\tSIZE\tMISSING")
	for i := range list {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%d\n", list[i].Name, list[i].At.Local().Format(time.DateTime), list[i].Files, amount(list[i].Bytes), len(list[i].Lost))
	}
	for _, name := range broken {
		fmt.Fprintf(table, "%s\tdamaged\n", name)
	}
	return table.Flush()
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// amount is a number of bytes as people read it.
func amount(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d bytes", n)
	}
	value, unit := float64(n)/1024, "KB"
	for _, next := range []string{"MB", "GB", "TB"} {
		if value < 1024 {
			break
		}
		value, unit = value/1024, next
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

// steps reports on stderr how far a backup is when a person is watching it.
func (r *run) steps() func(app.BackupProgress) {
	if !r.watched() {
		return nil
	}
	words := map[string]string{"database": "reading the database", "verify": "reading the backup again", "copy": "copying", "finish": "making sure"}
	last, step := time.Time{}, ""
	return func(p app.BackupProgress) {
		if p.Step == step && time.Since(last) < progressEvery {
			return
		}
		last, step = time.Now(), p.Step
		line := words[p.Step]
		if p.OfFiles > 0 {
			line += fmt.Sprintf(": %d of %d contents, %s of %s", p.Files, p.OfFiles, amount(p.Bytes), amount(p.OfBytes))
		} else if p.Files > 0 {
			line += fmt.Sprintf(": %d contents, %s", p.Files, amount(p.Bytes))
		}
		fmt.Fprintf(r.stderr, "\r%-78s", line)
	}
}

// watched reports whether a person watches stderr.
func (r *run) watched() bool {
	terminal, ok := r.stderr.(*os.File)
	if !ok {
		return false
	}
	info, err := terminal.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
