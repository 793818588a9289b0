// Command bench measures the server beside what bounds it, in one run on one machine, and
// prints one table (`make bench`).
//
// How to read the table. Every figure in a line was measured in the same run, on the same
// disk, by the same client; ours and the reference take turns, and each shows the median of
// three rounds. Ratio is ours divided by the reference. For rates and throughputs more is
// better, for times, CPU seconds and bytes less is better; the target says which way
// ("≥" or "≤") and what it applies to. A line without a target is shown for comparison only.
// "ours, peak RSS" is the largest resident set of our server process during that line; the page
// cache does not count. A line below its target says so; it never fails the run, because
// figures depend on the machine. Load is made on the same machine, so it takes its share of the
// cores from ours and from the reference alike.
//
// The references: a "bare loop" writes, fsyncs, renames and fsyncs the directory, and does
// nothing else; nginx serves static files with sendfile, and stores by DAV PUT (without
// fsync); "bare net/http" and "FileServer" are bench/reference, which does the same indexed
// SELECT and encodes the same JSON, or serves a directory. Figures of the Python original are
// constants that were measured on such a machine.
//
// Memory and CPU are read from /proc, so those columns are empty elsewhere than on Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	dir      string
	binary   string
	quick    bool
	markdown bool
	only     string
	keep     bool
}

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures whatever the flags choose and prints the table.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.dir, "dir", ".", "directory on the disk to measure; a temporary one is made in it")
	flags.StringVar(&o.binary, "binary", "", "server to measure; without it, one is built stripped")
	flags.BoolVar(&o.quick, "quick", false, "shorter rounds and smaller data: a look, not a record")
	flags.BoolVar(&o.markdown, "markdown", false, "print the table as Markdown")
	flags.StringVar(&o.only, "only", "", "measure only what matches this regular expression: "+names())
	flags.BoolVar(&o.keep, "keep", false, "keep the temporary directory, with the servers' logs")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	b, err := prepare(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer b.cleanUp()
	var rows []row
	for _, m := range measures() {
		if !only.MatchString(m.name) || ctx.Err() != nil {
			continue
		}
		began := time.Now()
		got, err := m.run(ctx, b)
		if err != nil {
			got = append(got, row{what: m.name, note: "could not be measured: " + err.Error()})
		}
		fmt.Fprintf(stderr, "%s: %s\n", m.name, time.Since(began).Round(time.Second))
		rows = append(rows, got...)
	}
	fmt.Fprintln(stdout, describeMachine(ctx, o))
	return render(stdout, rows, o.markdown)
}

// measure is one group of lines.
type measure struct {
	name string
	run  func(context.Context, *bench) ([]row, error)
}

// measures is the list of everything there is to measure, in the order of the table.
func measures() []measure {
	return []measure{
		{"upload-small", uploadSmall},
		{"upload-batch", uploadBatch},
		{"transfer-large", transferLarge},
		{"download-small", downloadSmall},
		{"metadata", metadata},
		{"list", list},
		{"whole-list", wholeList},
		{"tree", tree},
		{"live", live},
		{"history", remember},
		{"cost", cost},
		{"sign-in", signInStorm},
		{"start", start},
	}
}

func names() string {
	var text string
	for _, m := range measures() {
		text += " " + m.name
	}
	return text[1:]
}
