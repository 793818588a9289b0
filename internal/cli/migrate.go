package cli

import (
	"fmt"
	"text/tabwriter"
	"time"

	"homeserver/internal/app"
	"homeserver/internal/config"
)

// migrateCommand groups up and status.
type migrateCommand struct {
	Up     migrateUpCommand     `cmd:"" help:"Apply what is pending."`
	Status migrateStatusCommand `cmd:"" help:"List migrations and when they were applied."`
}

// migrateUpCommand applies pending migrations.
type migrateUpCommand struct{}

// Help is shown by `homeserver migrate up --help`.
func (migrateUpCommand) Help() string {
	return `serve does this by itself unless AUTO_MIGRATE is false. It is safe to run beside other copies: a lock lets one of them migrate.`
}

// Run runs the command.
func (migrateUpCommand) Run(r *run) error {
	return withHouse(r, func(a *app.App, _ config.Config) error {
		if err := a.Migrate(r.ctx); err != nil {
			return err
		}
		fmt.Fprintln(r.stdout, "The database is up to date.")
		return nil
	})
}

// migrateStatusCommand lists migrations.
type migrateStatusCommand struct{}

// Run runs the command.
func (migrateStatusCommand) Run(r *run) error {
	return withHouse(r, func(a *app.App, _ config.Config) error {
		states, err := a.MigrationStatus(r.ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(r.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ROOM\tVERSION\tNAME\tAPPLIED")
		for _, s := range states {
			applied := "pending"
			if !s.Applied.IsZero() {
				applied = s.Applied.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", s.Room, s.Version, s.Name, applied)
		}
		return table.Flush()
	})
}
