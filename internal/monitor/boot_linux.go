package monitor

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lastBoot says when the machine started, and an id of that start. In a container it is its
// host's.
func lastBoot() (id string, at time.Time, known bool) {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", at, false
	}
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return "", at, false
	}
	return strings.TrimSpace(string(raw)), time.Now().Add(-time.Duration(up.Nano())).Round(time.Second), true
}
