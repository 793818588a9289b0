//go:build !failpoint

// Package failpoint marks the steps at which a crash test kills the server.
//
// In an ordinary build [Hit] does nothing and costs nothing. Built with -tags failpoint, the
// environment variable HOMESERVER_FAILPOINT="name:N" makes the Nth call of Hit("name") end
// the process as kill -9 does: no deferred function runs, nothing is flushed.
package failpoint

// Enabled says whether this build has failpoints.
const Enabled = false

// Hit marks a step by name.
func Hit(string) {}
