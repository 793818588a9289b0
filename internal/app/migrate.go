package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"homeserver/internal/platform/jobs"
	"homeserver/internal/platform/sqldb"
)

// migrations lists the migrations of platform and rooms in the order they are applied.
func (a *App) migrations() []roomMigrations {
	list := []roomMigrations{{"jobs", jobs.Migrations()}}
	for _, room := range a.rooms {
		if room.Migrations != nil {
			list = append(list, roomMigrations{room.Name, room.Migrations})
		}
	}
	return list
}

type roomMigrations struct {
	room string
	fs   fs.FS
}

// Migrate applies what is pending, under a lock that copies starting together share.
func (a *App) Migrate(ctx context.Context) error {
	for _, m := range a.migrations() {
		if err := a.db.Migrate(ctx, m.room, m.fs); err != nil {
			return err
		}
	}
	return nil
}

// MigrationStatus is the state of one migration.
type MigrationStatus struct {
	Room string `json:"room"`
	sqldb.Migration
}

// MigrationStatus lists every migration and when it was applied.
func (a *App) MigrationStatus(ctx context.Context) ([]MigrationStatus, error) {
	var all []MigrationStatus
	for _, m := range a.migrations() {
		states, err := a.db.MigrationStatus(ctx, m.room, m.fs)
		if err != nil {
			return nil, fmt.Errorf("migrations of %s: %w", m.room, err)
		}
		for _, state := range states {
			all = append(all, MigrationStatus{m.room, state})
		}
	}
	return all, nil
}

// Migrated returns an error that says what to do when the database lacks migrations.
func (a *App) Migrated(ctx context.Context) error {
	states, err := a.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	for _, s := range states {
		if s.Name == "" {
			return fmt.Errorf("the database was made by a newer version of this program (room %s, migration %d); use that or a newer one", s.Room, s.Version)
		}
		if s.Applied.IsZero() {
			return errors.New("the database lacks migrations; apply them with: homeserver migrate up")
		}
	}
	return nil
}

func (a *App) migrateAtStart(ctx context.Context) error {
	if a.config.House.AutoMigrate {
		return a.Migrate(ctx)
	}
	return a.Migrated(ctx)
}
