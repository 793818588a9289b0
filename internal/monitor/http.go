package monitor

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// prefix is where the room's addresses begin, as in the original.
const prefix = "/api/v1/monitoring"

// answer is a typed answer that nobody may keep: the figures change every 2 s.
type answer[T any] struct {
	CacheControl string `header:"Cache-Control" example:"no-store" doc:"Figures are of this moment"`
	Body         T
}

func answerOf[T any](body T) *answer[T] { return &answer[T]{CacheControl: "no-store", Body: body} }

// recentInput is the query of GET /recent.
type recentInput struct {
	Seconds int `query:"seconds" default:"900" minimum:"2" maximum:"900" example:"900" doc:"How far to look back, in seconds"`
}

// routes mounts the room.
func (m *Monitor) routes(r *httpd.Router) {
	httpd.Register(r, describe("/system", "get-system", "System figures",
		"Processor, memory, disk and network of the machine at the last tick (every 2 s). `scope` and the dashboard's `host.scope_note` say whose they are."), m.getSystem)
	httpd.Register(r, describe("/storage", "get-storage", "Size of the library",
		"How many files are stored and how large they are together. An upload just answered is counted."), m.getStorage)
	httpd.Register(r, describe("/dashboard", "get-dashboard", "Everything at once",
		"System figures of the last tick, size of the library, uptime of the server and the machine they belong to: what the WebSocket sends every 2 s."), m.getDashboard)
	httpd.Register(r, describe("/recent", "get-recent", "The last minutes",
		"Samples of up to 15 minutes, one every 2 s, oldest first, in columns for charts. `null` is a gap: not measured. They are kept in memory and begin anew with the server."), m.getRecent)
	m.historyRoutes(r)
	if m.alerts != nil {
		m.alerts.Routes(r)
	}
	m.explainRoutes(r)
	m.processRoutes(r)
	m.prometheusRoutes(r)
	r.Handle(m.describeFeed(r), m.serveFeed)
	r.Handle(m.describeLive(r), m.serveLive)
}

func describe(path, id, summary, text string) httpd.Op {
	return httpd.Op{Action: identity.ReadMonitoring, Operation: huma.Operation{
		Method: http.MethodGet, Path: prefix + path, OperationID: id, Summary: summary, Description: text,
		Tags: []string{"Monitoring"}, Errors: []int{http.StatusServiceUnavailable},
	}}
}

func (m *Monitor) getSystem(ctx context.Context, _ *struct{}) (*answer[System], error) {
	s, err := m.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return answerOf(system(s)), nil
}

func (m *Monitor) getStorage(context.Context, *struct{}) (*answer[Storage], error) {
	return answerOf(m.storage()), nil
}

func (m *Monitor) getDashboard(ctx context.Context, _ *struct{}) (*answer[Dashboard], error) {
	s, err := m.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return answerOf(m.dashboard(s)), nil
}

func (m *Monitor) getRecent(_ context.Context, in *recentInput) (*answer[Recent], error) {
	from := time.Now().Add(-time.Duration(in.Seconds) * time.Second)
	return answerOf(recentOf(m.feed.Rows(), from)), nil
}
