package cli

import (
	"errors"
	"runtime/debug"
	"strings"

	"homeserver/internal/app"
	"homeserver/internal/config"
)

// serveCommand runs the server until it is told to stop (SIGINT or SIGTERM).
type serveCommand struct{}

// Help is shown by `homeserver serve --help`.
func (serveCommand) Help() string {
	return `Migrates the database, then serves on HOST:PORT until SIGINT or SIGTERM; requests under way may finish.

On its first start it prints a setup code, with which the first administrator is made in the browser. Everything it keeps is in DATA_DIR (default ./data), unless STORAGE_PATH and DATABASE_URL say otherwise.`
}

// Run runs the command.
func (serveCommand) Run(r *run) error {
	tuneCollector(r.environ)
	a, _, log, err := r.open()
	if err != nil {
		return err
	}
	err = errors.Join(a.Serve(r.ctx, r.stderr), a.Close())
	if err == nil {
		log.Info("stopped")
	}
	return err
}

// collectorPercent is how much garbage may pile up before it is collected, in percent of what
// is in use. That is about 8 MiB, so Go's own 100 would collect after every 4 MiB of answers;
// this takes a quarter of the CPU off a request and stays within 60 MiB.
const collectorPercent = 400

// tuneCollector sets the garbage collector, unless the household did.
func tuneCollector(environ []string) {
	for _, entry := range environ {
		if strings.HasPrefix(entry, "GOGC=") {
			return
		}
	}
	debug.SetGCPercent(collectorPercent)
}

// withHouse opens the house for a command that only needs its database and files.
func withHouse(r *run, do func(*app.App, config.Config) error) error {
	a, c, _, err := r.open()
	if err != nil {
		return err
	}
	return errors.Join(do(a, c), a.Close())
}
