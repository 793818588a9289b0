//go:build failpoint

// Package failpoint marks the steps at which a crash test kills the server.
package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Enabled says whether this build has failpoints.
const Enabled = true

// Variable names the step to die at: "name" or "name:N".
const Variable = "HOMESERVER_FAILPOINT"

type point struct {
	name string
	left atomic.Int64 // calls that still pass, and the one that does not
}

var armed = sync.OnceValue(func() *point {
	name, count, _ := strings.Cut(os.Getenv(Variable), ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 {
		n = 1
	}
	p := &point{name: name}
	p.left.Store(n)
	return p
})

// Hit marks a step by name and, when its turn has come, ends the process.
func Hit(name string) {
	p := armed()
	if p.name == "" || p.name != name || p.left.Add(-1) != 0 {
		return
	}
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill() // SIGKILL, or TerminateProcess on Windows
	}
	select {} // the signal is on its way; not one step further
}
