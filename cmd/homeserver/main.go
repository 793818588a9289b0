// Command homeserver is a household's server in one binary: files and monitoring behind one
// web interface. `homeserver serve` runs it; `homeserver --help` lists the rest.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"homeserver/internal/cli"
)

// version is stamped by the linker (-X main.version=...); without it the module's build
// information is used.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], os.Environ(), version, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
