//go:build !linux

package monitor

import (
	"strconv"
	"time"

	"github.com/shirou/gopsutil/v4/host"
)

// lastBoot says when the machine started, and an id of that start.
func lastBoot() (id string, at time.Time, known bool) {
	seconds, err := host.BootTime()
	if err != nil || seconds == 0 {
		return "", at, false
	}
	return strconv.FormatUint(seconds, 10), time.Unix(int64(seconds), 0), true //nolint:gosec // seconds since 1970
}
