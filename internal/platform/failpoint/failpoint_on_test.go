//go:build failpoint

package failpoint_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"homeserver/internal/platform/failpoint"
)

// TestHitKills runs itself as a child that passes the point twice and must die the second time.
func TestHitKills(t *testing.T) {
	if os.Getenv("FAILPOINT_CHILD") != "" {
		for range 3 {
			failpoint.Hit("other")
			failpoint.Hit("here")
			os.Stdout.WriteString("alive\n")
		}
		return
	}
	child := exec.Command(os.Args[0], "-test.run=TestHitKills")
	child.Env = append(os.Environ(), "FAILPOINT_CHILD=1", failpoint.Variable+"=here:2")
	out, err := child.Output()
	if err == nil || strings.Count(string(out), "alive") != 1 {
		t.Errorf("child printed %q and ended with %v, want one line and a kill", out, err)
	}
}
