package cli

import (
	"fmt"
	"runtime"
)

// versionCommand prints the version.
type versionCommand struct{}

// Run runs the command.
func (versionCommand) Run(r *run) error {
	_, err := fmt.Fprintf(r.stdout, "homeserver %s (%s %s/%s)\n", r.version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
