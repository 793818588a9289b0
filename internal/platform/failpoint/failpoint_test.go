//go:build !failpoint

package failpoint_test

import (
	"testing"

	"homeserver/internal/platform/failpoint"
)

func TestHitDoesNothing(t *testing.T) {
	t.Setenv("HOMESERVER_FAILPOINT", "here:1")
	failpoint.Hit("here")
	if failpoint.Enabled {
		t.Error("got failpoints in an ordinary build")
	}
}
