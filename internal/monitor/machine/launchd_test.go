package machine

import (
	"slices"
	"testing"
)

func TestLaunchdFailed(t *testing.T) {
	got := launchdFailed("PID\tStatus\tLabel\n-\t0\tcom.apple.fine\n431\t1\tcom.apple.runs\n-\t-9\tcom.apple.killed\n-\t78\torg.example.broken\n")
	if !slices.Equal(got, []string{"org.example.broken"}) {
		t.Errorf("got %q, want org.example.broken only", got)
	}
}
