package monitor

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/monitor/history"
	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

// longestSpan is the longest span that may be asked for: what is remembered, and a leap day.
const longestSpan = (5*365 + 2) * 24 * time.Hour

// mostPoints bounds the points of all series in one answer: some 30 MB of memory and 10 MB of text,
// and more than a page of charts on a wide screen shows.
const mostPoints = 500_000

// historyInput is the query of GET /history.
type historyInput struct {
	Metrics string    `query:"metrics" required:"true" maxLength:"8000" example:"cpu_percent,disk_read_bytes_per_second{sda}" doc:"Keys of series from /metrics, separated by commas"`
	From    time.Time `query:"from" required:"true" doc:"Where the span begins"`
	To      time.Time `query:"to" doc:"Where it ends; now if left out"`
	Points  int       `query:"points" default:"600" minimum:"2" maximum:"4000" doc:"How many points a chart has room for"`
}

// historyBody is the answer: position i of each column is the time from + i*step.
type historyBody struct {
	From        time.Time       `json:"from" doc:"Start of the first point"`
	StepSeconds int64           `json:"step_seconds" example:"60" doc:"Between two points"`
	Tier        string          `json:"tier" enum:"2s,1m,1h" doc:"How finely the figures are remembered that the points were worked out from"`
	Series      []historySeries `json:"series" nullable:"false"`
}

type historySeries struct {
	Metric string     `json:"metric" example:"cpu_percent"`
	Mean   fineColumn `json:"mean" doc:"null is a gap: nothing was measured"`
	Min    fineColumn `json:"min" doc:"The least of the point's time: no spike is lost"`
	Max    fineColumn `json:"max" doc:"The most of the point's time"`
	Count  []int64    `json:"count" nullable:"false" doc:"Samples in each point"`
}

// fineColumn is a column with two decimals. A gap (NaN) is null.
type fineColumn []float64

// fineDecimals are enough for loads.
const fineDecimals = 2

// MarshalJSON writes null for a gap.
func (c fineColumn) MarshalJSON() ([]byte, error) {
	out := append(make([]byte, 0, 2+8*len(c)), '[')
	for i, v := range c {
		if i > 0 {
			out = append(out, ',')
		}
		if math.IsNaN(v) {
			out = append(out, "null"...)
			continue
		}
		out = strconv.AppendFloat(out, round(v, fineDecimals), 'f', -1, 64)
	}
	return append(out, ']'), nil
}

// Schema describes a column to the API description.
func (c fineColumn) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Examples: []any{[]any{12.5, nil}}, Items: &huma.Schema{Type: huma.TypeNumber, Nullable: true}}
}

type metricsBody struct {
	Metrics []*metric.Metric `json:"metrics" nullable:"false" doc:"What is measured"`
	Series  []seriesInfo     `json:"series" nullable:"false" doc:"What was measured on this machine, now or once"`
}

type seriesInfo struct {
	Key      string   `json:"key" example:"disk_read_bytes_per_second{sda}" doc:"What to ask for"`
	Metric   string   `json:"metric" example:"disk_read_bytes_per_second" doc:"Name of its metric"`
	Instance string   `json:"instance" example:"sda" doc:"Stable id of the disk, interface, sensor ...; empty for the whole machine"`
	Title    string   `json:"title" example:"Samsung SSD 980" doc:"The instance for people"`
	Value    *float64 `json:"value" example:"104857" doc:"At the last tick; null when it was not measured then"`
}

// historyRoutes mounts the long memory.
func (m *Monitor) historyRoutes(r *httpd.Router) {
	httpd.Register(r, describe("/metrics", "list-metrics", "What is remembered", "The figures that /history knows."), func(context.Context, *struct{}) (*answer[metricsBody], error) {
		return answerOf(metricsBody{Metrics: m.metrics.List(), Series: m.knownSeries()}), nil
	})
	httpd.Register(r, describe("/history", "get-history", "Figures of up to five years",
		"Every 2 s for 7 days, every minute for 90 days, every hour for 5 years. The coarsest that fills the points is taken; each point tells mean, minimum and maximum of its time, so that a spike never vanishes."), m.getHistory)
	httpd.Register(r, describe("/events", "list-machine-events", "What happened",
		"Starts of the machine and of the server, processes killed for want of memory, and what else other parts of the server know of a span: marks for charts. Of more than 1,000 events the newest."), m.getEvents)
}

func (m *Monitor) getHistory(ctx context.Context, in *historyInput) (*answer[historyBody], error) {
	if in.To.IsZero() {
		in.To = time.Now()
	}
	if err := checkSpan(in.From, in.To); err != nil {
		return nil, err
	}
	var names []string
	for name := range strings.SplitSeq(in.Metrics, ",") {
		if base, _, err := metric.ParseKey(name); err != nil || m.metrics.Find(base) == nil {
			return nil, errs.Newf(errs.Invalid, "There is no metric %q; /api/v1/monitoring/metrics lists them.", name)
		}
		if !slices.Contains(names, name) { // what is named twice is told once
			names = append(names, name)
		}
	}
	if len(names)*in.Points > mostPoints {
		return nil, errs.Newf(errs.Invalid, "%d series of %d points are too much at once. Ask for fewer points, or for some of them at a time.", len(names), in.Points)
	}
	h, err := m.long(ctx)
	if err != nil {
		return nil, err
	}
	found, err := h.Query(ctx, history.Range{From: in.From, To: in.To, Points: in.Points}, names...)
	if err != nil {
		return nil, err
	}
	body := historyBody{From: found.From, StepSeconds: int64(found.Step / time.Second), Tier: found.Tier}
	for _, p := range found.Series {
		body.Series = append(body.Series, historySeries{Metric: p.Key, Mean: p.Mean, Min: p.Min, Max: p.Max, Count: p.Count})
	}
	return answerOf(body), nil
}

// knownSeries is what was measured at the last tick and what is remembered, once each.
func (m *Monitor) knownSeries() []seriesInfo {
	list, seen := []seriesInfo{}, map[string]bool{}
	if s := m.current.Load(); s != nil {
		for _, r := range s.Readings {
			seen[r.Key()] = true
			list = append(list, seriesInfo{r.Key(), r.Metric.Name, r.Instance, r.Title, known(r.Value, fineDecimals)})
		}
	}
	h := m.memory.opened.Load()
	if h == nil {
		return list
	}
	for _, k := range h.List() {
		if name, instance, err := metric.ParseKey(k.Key); err == nil && !seen[k.Key] {
			list = append(list, seriesInfo{Key: k.Key, Metric: name, Instance: instance, Title: k.Title})
		}
	}
	return list
}
