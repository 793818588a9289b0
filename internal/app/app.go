// Package app opens the plumbing, runs the rooms and shuts everything down in order. The
// rooms themselves are listed in services.go.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"homeserver/internal/auth"
	"homeserver/internal/config"
	"homeserver/internal/files"
	"homeserver/internal/notify"
	"homeserver/internal/platform/blob/diskblob"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/jobs"
	"homeserver/internal/platform/service"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/tlscert"
)

// App is the house with its plumbing open.
type App struct {
	config  config.Config
	version string
	log     *slog.Logger
	started time.Time
	db      *sqldb.DB
	jobs    *jobs.Workers
	auth    *auth.Auth
	files   *files.Files
	notify  *notify.Notify
	rooms   []service.Service
	router  *httpd.Router
	server  *httpd.Server
	tls     *tlscert.Certificates // nil without TLS and before Serve
}

// Open opens the database and wires the rooms; nothing runs yet. PostgreSQL that is not up is
// waited for until ctx ends. The caller must Close.
func Open(ctx context.Context, c config.Config, version string, log *slog.Logger) (*App, error) {
	if err := makeDataDir(c); err != nil {
		return nil, err
	}
	db, err := sqldb.Open(ctx, c.House.DatabaseURL, log)
	if err != nil {
		return nil, err
	}
	a, err := wire(c, version, log, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return a, nil
}

// Describe wires the rooms without a database, for what only reads their routes.
func Describe(c config.Config, version string) (*httpd.Router, error) {
	a, err := wire(c, version, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, err
	}
	return a.router, nil
}

// wire makes the rooms and mounts their routes. It does no I/O.
func wire(c config.Config, version string, log *slog.Logger, db *sqldb.DB) (*App, error) {
	storage, err := filepath.Abs(c.House.StoragePath)
	if err != nil {
		return nil, fmt.Errorf("STORAGE_PATH %q has no absolute form: %w", c.House.StoragePath, err)
	}
	a := &App{config: c, version: version, log: log, started: time.Now(), db: db}
	a.jobs = jobs.New(db, log)
	a.files = files.New(db, diskblob.New(storage), c.Files, log, time.Now, a.lend())
	a.router = httpd.NewRouter(c.House.AppName, version)
	doors := a.services(storage)
	for _, room := range a.rooms {
		if room.Routes != nil {
			room.Routes(a.router)
		}
		if room.Jobs != nil {
			room.Jobs(a.jobs)
		}
	}
	a.mountHouse()
	a.mountAuthority()
	a.server = httpd.NewServer(c.Server, a.router, doors, log)
	return a, nil
}

// privateDir is the mode of directories that hold the household's data.
const privateDir = 0o700

// makeDataDir creates the default data directory. One that was configured must be there: it
// may lie on a drive that is not connected, and a new house on the system disk would hide
// that. A configured STORAGE_PATH is made, or missed, by the files room.
func makeDataDir(c config.Config) error {
	places := map[string]string{"DATA_DIR": c.House.DataDir}
	if file, ok := strings.CutPrefix(c.House.DatabaseURL, "sqlite:"); ok {
		places["DATABASE_URL"] = filepath.Dir(strings.TrimPrefix(file, "//"))
	}
	for setting, place := range places {
		_, err := os.Stat(place)
		if errors.Is(err, os.ErrNotExist) && filepath.Clean(place) != filepath.Clean(config.DefaultDataDir) {
			return fmt.Errorf("%s: the directory %s does not exist. Is the drive connected? If it is new, make it first: mkdir -p %s", setting, place, place)
		}
	}
	if err := os.MkdirAll(c.House.DataDir, privateDir); err != nil {
		return fmt.Errorf("DATA_DIR %q cannot be created: %w; set DATA_DIR to a directory this user may write, for example DATA_DIR=/var/lib/homeserver", c.House.DataDir, err)
	}
	return nil
}

// The check's words, for the command line, which knows no rooms.
type (
	// CheckOptions say what Check does beside looking.
	CheckOptions = files.CheckOptions
	// CheckReport is what Check found.
	CheckReport = files.Report
	// CheckProblem is one thing that is not as it should be.
	CheckProblem = files.Problem
)

// Check compares database and storage; it may run beside a serving process.
func (a *App) Check(ctx context.Context, options CheckOptions) (CheckReport, error) {
	if err := a.Migrated(ctx); err != nil {
		return CheckReport{}, err
	}
	return a.files.Check(ctx, options)
}

// Close closes the database, last of all.
func (a *App) Close() error { return a.db.Close() }

// Serve migrates if it may, prepares the rooms, listens and serves until ctx ends. What a
// person at the terminal must read, and no log should keep, goes to notices.
func (a *App) Serve(ctx context.Context, notices io.Writer) error {
	for _, note := range a.config.Notes {
		a.log.Warn(note)
	}
	a.config.Auth.Warn(a.log)
	if err := a.refuseOpenToAll(ctx); err != nil {
		return err
	}
	if err := a.refuseHalfRestored(ctx); err != nil {
		return err
	}
	if err := a.migrateAtStart(ctx); err != nil {
		return err
	}
	if err := a.auth.Prepare(ctx); err != nil {
		return err
	}
	if err := a.files.Prepare(ctx); err != nil {
		return err
	}
	if err := a.useTLS(); err != nil {
		return err
	}
	l, err := a.server.Listen(ctx)
	if err != nil {
		return err
	}
	a.log.Info("HomeServer is ready", "url", a.visitURL(l.Addr()), "version", a.version, "go", runtime.Version(),
		"database", sqldb.Redact(a.config.House.DatabaseURL), "storage", a.config.House.StoragePath, "started_in", time.Since(a.started).Round(time.Millisecond))
	if err := a.printSetupCode(ctx, notices, a.visitURL(l.Addr())); err != nil {
		return err
	}
	return a.run(ctx, l)
}

// refuseOpenToAll keeps a house that asks nobody who they are off the internet, unless that is
// meant.
func (a *App) refuseOpenToAll(ctx context.Context) error {
	if !a.config.Auth.Open() || a.config.Auth.Confirm != "" {
		return nil
	}
	address, public, err := httpd.ListensPublicly(ctx, a.config.Server.Host)
	if err != nil || !public {
		return err
	}
	return fmt.Errorf("AUTH=none is refused: the server would listen on %s, which the whole internet can reach, and everybody could read and delete every file. "+
		"Leave AUTH out, or set HOST to a private address, for example HOST=127.0.0.1; if it is really meant, set AUTH_NONE_CONFIRM=yes", address)
}

// printSetupCode tells whoever started a house that nobody has set up how to come in.
func (a *App) printSetupCode(ctx context.Context, notices io.Writer, url string) error {
	code, err := a.auth.SetupCode(ctx)
	if err == nil && code != "" {
		fmt.Fprintf(notices, "\nThis server has not been set up yet. Open\n\n    %s/static/setup.html\n\nand enter the setup code\n\n    %s\n\n", url, code)
	}
	return err
}

// run keeps server, rooms and jobs going; the first failure, or ctx, ends them all. The rooms
// outlive the server, whose last requests still need them.
func (a *App) run(ctx context.Context, l net.Listener) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, background := errgroup.WithContext(background)
	for _, room := range a.rooms {
		if room.Run != nil {
			group.Go(func() error { return named(room.Name, room.Run(background)) })
		}
	}
	group.Go(func() error { return named("jobs", a.jobs.Run(background)) })

	serving, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(background, cancel) // a failed room stops the server
	err := a.server.Serve(serving, l)
	stop()
	return errors.Join(err, group.Wait())
}

func named(room string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("room %s: %w", room, err)
}
