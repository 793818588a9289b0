package monitor

import (
	"net/http"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// proxyHeaders are what a proxy adds to a request that it passes on.
var proxyHeaders = [...]string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Cf-Connecting-Ip", "Via"}

// prometheusRoutes mounts /metrics, where Prometheus looks by itself.
func (m *Monitor) prometheusRoutes(r *httpd.Router) {
	if m.config.Metrics == MetricsOff {
		return
	}
	r.Handle(httpd.Op{Action: identity.ReadMonitoring, Public: m.config.Metrics == MetricsLAN, Compress: true, Operation: huma.Operation{
		Method: http.MethodGet, Path: "/metrics", OperationID: "get-prometheus", Summary: "Figures for Prometheus", Tags: []string{"Monitoring"},
		Description: "What the system counts at this moment, and what else the last tick learnt, in the text format 0.0.4 under the names of node_exporter, so that its dashboards work. The setting METRICS says who may read it.",
		Responses: map[string]*huma.Response{
			"200": {Description: "The figures", Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}},
			"401": {Description: "Credentials are asked for and were not given"},
			"503": {Description: "Nothing has been measured yet"},
		},
	}}, m.servePrometheus)
}

func (m *Monitor) servePrometheus(w http.ResponseWriter, r *http.Request) error {
	if m.config.Metrics == MetricsLAN {
		if refusal := identity.Refusal(identity.From(r.Context()), identity.ReadMonitoring); refusal != nil && !inNetwork(r) {
			return refusal
		}
	}
	s, err := m.snapshot(r.Context())
	if err != nil {
		return errs.Wrap(errs.Unavailable, "Nothing has been measured yet. Try again in a few seconds.", err)
	}
	w.Header().Set("Content-Type", metricsType)
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(m.exposition(r.Context(), s))
	return err
}

// inNetwork reports whether a request comes from this machine or its own network. What a proxy passes
// on that is not trusted bears the proxy's address, so nobody knows where it comes from.
func inNetwork(r *http.Request) bool {
	addr, err := netip.ParseAddr(httpd.ClientAddr(r.Context()))
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	if !addr.IsLoopback() && !addr.IsPrivate() && !addr.IsLinkLocalUnicast() {
		return false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	for _, name := range proxyHeaders {
		if r.Header.Get(name) != "" && peer.Addr().Unmap().WithZone("") == addr {
			return false
		}
	}
	return true
}
