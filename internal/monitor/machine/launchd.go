package machine

import (
	"strconv"
	"strings"
)

// launchdFailed reads `launchctl list`: process id ("-" when it does not run), status, label.
func launchdFailed(list string) []string {
	var failed []string
	for line := range strings.Lines(list) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != "-" {
			continue
		}
		if status, err := strconv.Atoi(fields[1]); err == nil && status > 0 {
			failed = append(failed, fields[2])
		}
	}
	return failed
}
