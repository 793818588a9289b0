package monitor

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"homeserver/internal/monitor/history"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

// longestSpan is the longest span that may be asked for: what is remembered, and a leap day.
const longestSpan = (5*365 + 2) * 24 * time.Hour

// historyInput is the query of GET /history.
type historyInput struct {
	Metrics string    `query:"metrics" required:"true" maxLength:"2000" example:"cpu_percent,memory_percent" doc:"Names from /metrics, separated by commas"`
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

type metricsBody struct {
	Metrics []Metric `json:"metrics" nullable:"false"`
}

// historyRoutes mounts the long memory.
func (m *Monitor) historyRoutes(r *httpd.Router) {
	httpd.Register(r, describe("/metrics", "list-metrics", "What is remembered", "The figures that /history knows."), func(context.Context, *struct{}) (*answer[metricsBody], error) {
		return answerOf(metricsBody{metrics()}), nil
	})
	httpd.Register(r, describe("/history", "get-history", "Figures of up to five years",
		"Every 2 s for 7 days, every minute for 90 days, every hour for 5 years. The coarsest that fills the points is taken; each point tells mean, minimum and maximum of its time, so that a spike never vanishes."), m.getHistory)
}

func (m *Monitor) getHistory(ctx context.Context, in *historyInput) (*answer[historyBody], error) {
	if in.To.IsZero() {
		in.To = time.Now()
	}
	switch span := in.To.Sub(in.From); {
	case span <= 0:
		return nil, errs.New(errs.Invalid, "The span must end after it begins.")
	case span > longestSpan:
		return nil, errs.New(errs.Invalid, "Five years is the longest span.")
	}
	names := slices.Compact(strings.Split(in.Metrics, ","))
	for _, name := range names {
		if !slices.ContainsFunc(metrics(), func(metric Metric) bool { return metric.Name == name }) {
			return nil, errs.Newf(errs.Invalid, "There is no metric %q; /api/v1/monitoring/metrics lists them.", name)
		}
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
