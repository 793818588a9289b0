package machine

import (
	"fmt"
	"path/filepath"

	"homeserver/internal/monitor/metric"
)

// Load reads /proc/loadavg.
type Load struct {
	file   procFile
	clock  interval
	values [3]float64
	raw    [3]*RawSeries
	series [3]*Series
}

// NewLoad makes the reader of the tree under root.
func NewLoad(root string, metrics *metric.Registry) *Load {
	l := &Load{file: procFile{path: filepath.Join(root, "proc/loadavg")}}
	for i, name := range [...]string{metric.Load1, metric.Load5, metric.Load15} {
		minutes := [...]string{"1", "5", "15"}[i]
		l.raw[i] = raw("node_load"+minutes, Gauge, minutes+"m load average.")
		l.series[i] = series(metrics, name, "", "", l.raw[i])
	}
	return l
}

// Close lets go of the file.
func (l *Load) Close() { l.file.close() }

// Averages are those of 1, 5 and 15 minutes at the last read.
func (l *Load) Averages() [3]float64 { return l.values }

// Read reads the file.
func (l *Load) Read() error {
	text, err := l.file.head(128)
	if err != nil {
		return err
	}
	for i := range l.values {
		var field []byte
		field, text = nextField(text)
		if l.values[i], err = decimal(field); err != nil {
			return fmt.Errorf("%s: %w", l.file.path, err)
		}
	}
	l.clock.step()
	return nil
}

// Emit says what was read.
func (l *Load) Emit(to *Batch) {
	if !l.clock.known() {
		return
	}
	for i, v := range l.values {
		to.AddRaw(l.raw[i], v)
		to.Add(l.series[i], v)
	}
}
