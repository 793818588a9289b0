package monitor

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"homeserver/internal/monitor/machine"
)

// metricsType is the media type of Prometheus' text format.
const metricsType = "text/plain; version=0.0.4; charset=utf-8"

// helpEscapes is what the format wants escaped in the explanation of a family.
var helpEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`)

// exposition writes everything raw in Prometheus' text format 0.0.4, under the names that
// node_exporter has for it, and the library's size: what the scraper's questions say now, and of
// all others what the snapshot has.
func (m *Monitor) exposition(ctx context.Context, s *Snapshot) []byte {
	all, questions := m.own(s), m.scraper.ask(ctx)
	asked := map[string]bool{}
	for _, q := range questions {
		asked[q.Name] = true
	}
	for _, q := range s.Measured {
		if !asked[q.Name] { // also when it failed: an older count would look like one that went backwards
			questions = append(questions, q)
		}
	}
	for _, q := range questions {
		all = append(all, answered(q)...)
		if q.Batch != nil {
			all = append(all, q.Batch.Raw...)
		}
		all = append(all, q.Failed...)
	}
	return write(all)
}

// answered tells, as node_exporter does of its collectors, how a question was answered.
func answered(q Measured) []machine.RawValue {
	labels, success := machine.Labels("collector", q.Name), 0.0
	if q.Batch != nil {
		success = 1
	}
	return []machine.RawValue{
		{RawSeries: &machine.RawSeries{Name: "node_scrape_collector_success", Type: machine.Gauge, Help: "node_exporter: Whether a collector succeeded.", Labels: labels}, Value: success},
		{RawSeries: &machine.RawSeries{Name: "node_scrape_collector_duration_seconds", Type: machine.Gauge, Help: "node_exporter: Duration of a collector scrape.", Labels: labels}, Value: q.Took.Seconds()},
	}
}

// own are the values of the house itself.
func (m *Monitor) own(s *Snapshot) (all []machine.RawValue) {
	add := func(name string, value float64, help string, labels ...string) {
		all = append(all, machine.RawValue{RawSeries: &machine.RawSeries{Name: name, Type: machine.Gauge, Help: help, Labels: machine.Labels(labels...)}, Value: value})
	}
	files, size := m.usage()
	add("homeserver_files", float64(files), "Files in the library.")
	add("homeserver_files_bytes", float64(size), "Their size in bytes.")
	add("homeserver_sample_time_seconds", float64(s.At.UnixMilli())/1000, "When the last tick's figures were measured, since 1970.")
	add("process_start_time_seconds", float64(m.config.Started.UnixMilli())/1000, "Start time of the process since unix epoch in seconds.")
	// many dashboards find out by this one which machines there are
	add("node_exporter_build_info", 1, "A metric with a constant '1' value: what stands in for node_exporter here.",
		"branch", "homeserver", "goarch", runtime.GOARCH, "goos", runtime.GOOS, "goversion", runtime.Version(), "revision", "homeserver", "version", m.config.Version)
	return all
}

// write writes values, family by family. Of a series that two questions told, the first counts.
func write(all []machine.RawValue) []byte {
	all = slices.DeleteFunc(all, func(r machine.RawValue) bool { return r.Name == "" || math.IsNaN(r.Value) })
	slices.SortStableFunc(all, func(a, b machine.RawValue) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Labels, b.Labels))
	})
	out := bytes.NewBuffer(make([]byte, 0, 64*len(all)))
	before := &machine.RawSeries{}
	for _, r := range all {
		if r.Name == before.Name && r.Labels == before.Labels {
			continue
		}
		if r.Name != before.Name {
			out.WriteString("# HELP " + r.Name + " " + helpEscapes.Replace(r.Help) + "\n# TYPE " + r.Name + " " + string(r.Type) + "\n")
		}
		before = r.RawSeries
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
