package cli

import (
	"context"
	"errors"
	"sync"

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
	serving, stop := context.WithCancel(r.ctx)
	var rest sync.WaitGroup
	rest.Go(func() { giveBack(serving) })
	err = errors.Join(a.Serve(serving, r.stderr), a.Close())
	stop()
	rest.Wait()
	if err == nil {
		log.Info("stopped")
	}
	return err
}

// withHouse opens the house for a command that only needs its database and files.
func withHouse(r *run, do func(*app.App, config.Config) error) error {
	a, c, _, err := r.open()
	if err != nil {
		return err
	}
	return errors.Join(do(a, c), a.Close())
}
