// Package cli is the command line: one file per subcommand. It parses, opens the house as far
// as the command needs it, and maps errors to exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"homeserver/internal/app"
	"homeserver/internal/config"
)

// Exit codes.
const (
	exitOK       = 0
	exitFailure  = 1 // the command failed; the message says why
	exitUsage    = 2 // the command line or the configuration is not valid
	exitProblems = 3 // check, history, backup, restore or export found problems; healthcheck found the server not ready
)

// errProblems says that a command did its work and what it found is not well.
var errProblems = errors.New("problems were found")

// commands is the command line as kong sees it.
type commands struct {
	EnvFile string `name:"env-file" default:".env" placeholder:"FILE" help:"File with settings; the environment wins over it."`

	Serve       serveCommand       `cmd:"" help:"Run the server."`
	Migrate     migrateCommand     `cmd:"" help:"Apply or list database migrations."`
	Check       checkCommand       `cmd:"" help:"Compare database and storage: missing, orphaned and wrong content."`
	Backup      backupCommand      `cmd:"" help:"Save database, files and keys into a directory of backups."`
	Restore     restoreCommand     `cmd:"" help:"Give a house back from a backup, into an empty place."`
	Export      exportCommand      `cmd:"" help:"Rebuild a plain tree of files without the database."`
	History     historyCommand     `cmd:"" help:"Look after what the dashboard remembers."`
	User        userCommand        `cmd:"" help:"Add people, change their roles and passwords."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask a running server whether it is ready (for Docker)."`
	Routes      routesCommand      `cmd:"" help:"List every HTTP route."`
	Put         putCommand         `cmd:"" help:"Send files and folders to a server."`
	Get         getCommand         `cmd:"" help:"Fetch files and folders from a server."`
	Ls          lsCommand          `cmd:"" help:"List a folder of a server."`
	Rm          rmCommand          `cmd:"" help:"Put files and folders of a server into its trash."`
	Mv          mvCommand          `cmd:"" help:"Move or rename files and folders of a server."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// run is what every command gets.
type run struct {
	ctx     context.Context
	environ []string
	envFile string
	version string
	stdout  io.Writer
	stderr  io.Writer
}

// Run runs one command and returns the exit code. args are without the program's name;
// version is the linker's stamp or empty.
func Run(ctx context.Context, args, environ []string, version string, stdout, stderr io.Writer) int {
	r := &run{ctx: ctx, environ: environ, version: buildVersion(version), stdout: stdout, stderr: stderr}
	code, exited := exitOK, false
	var c commands
	parser, err := kong.New(&c, kong.Name("homeserver"), kong.Description(description), kong.Writers(stdout, stderr),
		kong.Exit(func(int) { exited = true }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Bind(r))
	if err != nil {
		fmt.Fprintln(stderr, "homeserver:", err)
		return exitFailure
	}
	if len(args) == 0 {
		args = []string{"--help"}
		code = exitUsage
	}
	parsed, err := parser.Parse(args)
	if exited {
		return code
	}
	if err != nil {
		fmt.Fprintf(stderr, "homeserver: %v\nSee: homeserver --help\n", err)
		return exitUsage
	}
	r.envFile = c.EnvFile
	return r.exit(parsed.Run(r))
}

const description = `HomeServer runs a household's server: its files and its monitoring, behind one web interface.

Settings come from the environment and from .env in the working directory; doc/config.md lists them.

Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 check, history, backup, restore or export found problems, or the server is not ready.`

// usageError is a failure whose cause is how the command was called or configured.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func (r *run) exit(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errProblems):
		return exitProblems
	case errors.As(err, &usage):
		fmt.Fprintln(r.stderr, "homeserver:", err)
		return exitUsage
	default:
		fmt.Fprintln(r.stderr, "homeserver:", err)
		return exitFailure
	}
}

// config loads the settings.
func (r *run) config() (config.Config, error) {
	c, err := config.Load(r.environ, r.envFile)
	if err != nil {
		return c, usageError{err}
	}
	return c, nil
}

// open loads the settings and opens the house, logging to stderr.
func (r *run) open() (*app.App, config.Config, *slog.Logger, error) {
	c, err := r.config()
	if err != nil {
		return nil, c, nil, err
	}
	log := logger(c, r.stderr)
	a, err := app.Open(r.ctx, c, r.version, log)
	return a, c, log, err
}

// logger is the process's logger.
func logger(c config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.House.LogLevel)) // config has checked it
	if c.House.Debug {
		level = slog.LevelDebug
	}
	options := &slog.HandlerOptions{Level: level}
	if c.House.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// buildVersion is the linker's stamp or, for a plain `go build`, what the toolchain recorded.
func buildVersion(stamped string) string {
	if stamped != "" {
		return stamped
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "devel"
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				version += "-" + strings.ToLower(s.Value[:min(len(s.Value), 12)])
			}
		}
	}
	return version
}
