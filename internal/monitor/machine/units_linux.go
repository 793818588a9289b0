package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"homeserver/internal/monitor/metric"
)

// Units asks systemd which services failed.
type Units struct {
	root    string
	metrics *metric.Registry
	tool    Tool
	known   map[string]*Series // that failed once since the start
	failed  []string
	asked   bool
	count   *Series
	rawMany *RawSeries
}

// NewUnits makes the reader.
func NewUnits(root string, metrics *metric.Registry, tool Tool) *Units {
	u := &Units{root: root, metrics: metrics, tool: tool, known: map[string]*Series{}}
	u.rawMany = raw("node_systemd_units", Gauge, "Summary of systemd unit states", "state", "failed")
	u.count = series(metrics, metric.UnitsFailed, "", "", u.rawMany)
	return u
}

// Read asks.
func (u *Units) Read() error {
	if _, err := os.Stat(filepath.Join(u.root, "run/systemd/system")); err != nil {
		return fmt.Errorf("systemd does not run here: %w", ErrUnsupported)
	}
	out, err := u.tool("systemctl", "list-units", "--state=failed", "--all", "--plain", "--no-legend", "--no-pager", "--full")
	if err != nil {
		return err
	}
	u.failed = u.failed[:0]
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) >= 4 && strings.Contains(fields[0], ".") {
			u.failed = append(u.failed, fields[0])
		}
	}
	u.asked = true
	return nil
}

// Emit says which failed. One that was repaired is told as 0 from then on.
func (u *Units) Emit(to *Batch) {
	if !u.asked {
		return
	}
	to.AddRaw(u.rawMany, float64(len(u.failed)))
	to.Add(u.count, float64(len(u.failed)))
	for _, name := range u.failed {
		if u.known[name] == nil {
			u.known[name] = series(u.metrics, metric.UnitFailed, name, "", raw("node_systemd_unit_state", Gauge, "Systemd unit", "name", name, "state", "failed", "type", ""))
		}
	}
	for name, one := range u.known {
		failed := truth(slices.Contains(u.failed, name))
		to.AddRaw(one.From[0], failed)
		to.Add(one, failed)
	}
}
