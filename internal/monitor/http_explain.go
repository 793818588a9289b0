package monitor

import (
	"context"
	"net/http"

	"homeserver/internal/platform/httpd"
)

// explainInput is the query of GET /explain.
type explainInput struct {
	Series string `query:"series" required:"true" maxLength:"1000" example:"disk_busy_percent{sda}" doc:"Key of a series from /metrics"`
}

type sourcesBody struct {
	Sources []Source `json:"sources" nullable:"false"`
}

// explainRoutes mounts what tells where figures come from.
func (m *Monitor) explainRoutes(r *httpd.Router) {
	op := describe("/explain", "explain-figure", "Where a figure comes from",
		"Formula, source, and the raw values of the last two reads from which the figure of the last tick was worked out.")
	op.Errors = append(op.Errors, http.StatusNotFound)
	httpd.Register(r, op, func(ctx context.Context, in *explainInput) (*answer[Explanation], error) {
		s, err := m.snapshot(ctx)
		if err != nil {
			return nil, err
		}
		e, err := m.explain(s, in.Series)
		if err != nil {
			return nil, err
		}
		return answerOf(e), nil
	})
	httpd.Register(r, describe("/sources", "list-sources", "What the machine is asked", "Every question that is put to the system, how often, and why one has no answer."),
		func(ctx context.Context, _ *struct{}) (*answer[sourcesBody], error) {
			s, err := m.snapshot(ctx)
			if err != nil {
				return nil, err
			}
			return answerOf(sourcesBody{sources(s)}), nil
		})
}
