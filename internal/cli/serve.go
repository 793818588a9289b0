package cli

import (
	"errors"

	"homeserver/internal/app"
	"homeserver/internal/config"
)

// serveCommand runs the server until it is told to stop (SIGINT or SIGTERM).
type serveCommand struct{}

// Help is shown by `homeserver serve --help`.
func (serveCommand) Help() string {
	return `Migrates the database, then serves on HOST:PORT until SIGINT or SIGTERM; requests under way may finish.

Without API_KEY it listens on 127.0.0.1 only. Everything it keeps is in DATA_DIR (default ./data), unless STORAGE_PATH and DATABASE_URL say otherwise.`
}

// Run runs the command.
func (serveCommand) Run(r *run) error {
	a, _, log, err := r.open()
	if err != nil {
		return err
	}
	err = errors.Join(a.Serve(r.ctx), a.Close())
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
