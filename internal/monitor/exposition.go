package monitor

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"homeserver/internal/monitor/machine"
)

// metricsType is the media type of Prometheus' text format.
const metricsType = "text/plain; version=0.0.4; charset=utf-8"

// exposition writes everything raw of a snapshot in Prometheus' text format 0.0.4, under the
// names that node_exporter has for it, and the library's size. It asks the system nothing.
func (m *Monitor) exposition(s *Snapshot) []byte {
	var all []machine.RawValue
	for _, q := range s.Measured {
		success := 0.0
		if q.Batch != nil {
			all = append(all, q.Batch.Raw...)
			success = 1
		}
		labels := machine.Labels("collector", q.Name)
		all = append(all, machine.RawValue{RawSeries: &machine.RawSeries{Name: "homeserver_collector_success", Type: machine.Gauge, Help: "Whether a question to the system was answered.", Labels: labels}, Value: success})
	}
	files, size := m.usage()
	own := func(name string, value float64, kind machine.RawType, help string) {
		all = append(all, machine.RawValue{RawSeries: &machine.RawSeries{Name: name, Type: kind, Help: help}, Value: value})
	}
	own("homeserver_files", float64(files), machine.Gauge, "Files in the library.")
	own("homeserver_files_bytes", float64(size), machine.Gauge, "Their size in bytes.")
	own("homeserver_sample_time_seconds", float64(s.At.UnixMilli())/1000, machine.Gauge, "When the figures were measured, since 1970.")
	own("process_start_time_seconds", float64(m.config.Started.UnixMilli())/1000, machine.Gauge, "Start time of the process since unix epoch in seconds.")
	slices.SortStableFunc(all, func(a, b machine.RawValue) int { return strings.Compare(a.Name, b.Name) })

	out := bytes.NewBuffer(make([]byte, 0, 64*len(all)))
	before := ""
	for _, r := range all {
		if r.Name == "" || math.IsNaN(r.Value) {
			continue
		}
		if r.Name != before {
			before = r.Name
			out.WriteString("# HELP " + r.Name + " " + strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(r.Help) + "\n# TYPE " + r.Name + " " + string(r.Type) + "\n")
		}
		out.WriteString(r.Name)
		if r.Labels != "" {
			out.WriteString("{" + r.Labels + "}")
		}
		out.WriteByte(' ')
		out.Write(strconv.AppendFloat(out.AvailableBuffer(), r.Value, 'g', -1, 64))
		out.WriteByte('\n')
	}
	return out.Bytes()
}
