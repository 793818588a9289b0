package doors

// alertRows are the rows of table about alerts, their rules and silences.
func alertRows() map[string]row {
	const base = "/api/v1/monitoring/"
	object := map[string]any{}
	machine := row{roles: "am", scope: "monitoring:read"}
	manage := func(ok int, body any) row { return row{roles: "a", scope: "admin", ok: ok, body: body} }
	rule := map[string]any{
		"name": "x", "enabled": true, "severity": "info", "metric": "nonsense", "instance": "*", "condition": "above", "raise": 1, "clear": 1,
		"for_seconds": 0, "hold_seconds": 0, "no_data": "keep",
	}
	return map[string]row{
		"GET " + base + "alerts":                   machine,
		"GET " + base + "alerts/summary":           machine,
		"GET " + base + "alerts/events":            {roles: "am", scope: "monitoring:read", stream: true},
		"POST " + base + "alerts/{id}/acknowledge": manage(404, object),
		"POST " + base + "alerts/{id}/silence":     manage(404, map[string]any{"seconds": 3600}),
		"DELETE " + base + "alerts/{id}/silence":   manage(404, nil),
		"GET " + base + "alert-silences":           machine,
		"POST " + base + "alert-silences":          manage(422, object),
		"DELETE " + base + "alert-silences/{id}":   manage(404, nil),
		"GET " + base + "alert-rules":              machine,
		"POST " + base + "alert-rules":             manage(422, rule),
		"PUT " + base + "alert-rules/{id}":         manage(404, rule),
		"DELETE " + base + "alert-rules/{id}":      manage(404, nil),
		"POST " + base + "alert-rules/{id}/reset":  manage(404, nil),
		"POST " + base + "alert-rules/test":        {roles: "am", scope: "monitoring:read", ok: 422, body: map[string]any{"rule": rule}},
	}
}
