package alerts

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeserver/internal/monitor/history"
	"homeserver/internal/monitor/metric"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// serve puts the alerts behind a server and returns where it is.
func (h *household) serve() string {
	h.t.Helper()
	router := httpd.NewRouter("HomeServer", "test")
	h.alerts.Routes(router)
	doors := httpd.Recognise(func(r *http.Request) identity.Principal {
		p := identity.Household()
		if r.Header.Get("X-Member") != "" {
			p = identity.Principal{Method: identity.Session, UserID: "u", Name: "ada", Role: identity.Member}
		}
		return p
	})
	server := httptest.NewServer(httpd.NewServer(httpd.Config{}, router, doors, slog.New(slog.DiscardHandler)).Handler())
	h.t.Cleanup(server.Close)
	return server.URL + prefix
}

// ask makes a request and insists on the status; what is answered goes into out.
func (h *household) ask(method, url string, body, out any, status int) {
	h.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(h.t.Context(), method, url, strings.NewReader(string(raw)))
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != status {
		var problem struct{ Detail string }
		_ = json.NewDecoder(response.Body).Decode(&problem)
		h.t.Fatalf("%s %s: got %d %s, want %d", method, url, response.StatusCode, problem.Detail, status)
	}
	if out != nil {
		if err := json.NewDecoder(response.Body).Decode(out); err != nil {
			h.t.Fatal(err)
		}
	}
}

// TestAPI makes a rule, has it fire, takes note of the alert and silences it, as the page does.
func TestAPI(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		base := h.serve()
		fields := fieldsOf(memoryRule())
		fields.ForSecs, fields.HoldSecs = 0, 0
		var rule ruleBody
		h.ask("POST", base+"/alert-rules", fields, &rule, 200)
		h.alerts.reload(t.Context())
		events := h.follow(base)
		if got := <-events; got != `{"open":0,"unacknowledged":0,"worst":""}` {
			t.Errorf("first event: got %s", got)
		}
		h.tick(1, key, 91.25)
		if got := <-events; got != `{"open":1,"unacknowledged":1,"worst":"warning"}` {
			t.Errorf("raised: got %s", got)
		}
		h.tick(1, key, 85.0)
		var list alertsBody
		h.ask("GET", base+"/alerts?state=open", nil, &list, 200)
		if len(list.Alerts) != 1 || list.Alerts[0].Value != 85 || list.Alerts[0].Worst != 91.25 || list.Alerts[0].State != "firing" || list.Alerts[0].Unit != "percent" {
			t.Fatalf("open: got %+v", list.Alerts)
		}
		one := base + "/alerts/" + list.Alerts[0].ID
		var alert alertBody
		h.ask("POST", one+"/acknowledge", map[string]any{"note": " I know "}, &alert, 200)
		if alert.AckedAt == nil || alert.AckedBy != "household" || alert.Note != "I know" {
			t.Errorf("acknowledged: got %+v", alert)
		}
		if got := <-events; got != `{"open":1,"unacknowledged":0,"worst":"warning"}` {
			t.Errorf("acknowledged: got %s", got)
		}
		h.ask("POST", one+"/silence", map[string]any{"seconds": 3600}, &alert, 200)
		if alert.SilencedUntil == nil || !alert.SilencedUntil.Equal(h.wall.Add(time.Hour)) {
			t.Errorf("silenced: got %v", alert.SilencedUntil)
		}
		var silences silencesBody
		h.ask("GET", base+"/alert-silences", nil, &silences, 200)
		if len(silences.Silences) != 1 || silences.Silences[0].Rule != "Memory" || silences.Silences[0].Series != key {
			t.Errorf("silences: got %+v", silences)
		}
		h.ask("DELETE", one+"/silence", nil, &alert, 200)
		if alert.SilencedUntil != nil {
			t.Errorf("silence ended: got %v", alert.SilencedUntil)
		}
		var rules rulesBody
		h.ask("GET", base+"/alert-rules", nil, &rules, 200)
		last := rules.Rules[len(rules.Rules)-1]
		if last.ID != rule.ID || len(last.Series) != 1 || last.Series[0].State != Firing || *last.Series[0].Value != 85 {
			t.Errorf("rules: got %+v", last)
		}
		fields.Raise, fields.Clear = 99, 98
		h.ask("PUT", base+"/alert-rules/"+rule.ID, fields, nil, 200)
		h.alerts.reload(t.Context())
		h.tick(1, key, 85.0)
		h.ask("POST", one+"/acknowledge", map[string]any{}, nil, 409)
		h.ask("POST", one+"/silence", map[string]any{"seconds": 3600}, nil, 409)
		h.ask("GET", base+"/alerts?state=past", nil, &list, 200)
		if len(list.Alerts) != 1 || list.Alerts[0].Ended != endedRecovered {
			t.Errorf("past: got %+v", list.Alerts)
		}
		h.ask("DELETE", base+"/alert-rules/"+rule.ID, nil, nil, 204)
		h.ask("DELETE", base+"/alert-rules/memory-full", nil, nil, 409)
		h.ask("POST", base+"/alert-rules/memory-full/reset", nil, nil, 200)
		h.ask("POST", base+"/alerts/nonsense/acknowledge", map[string]any{}, nil, 404)
		h.ask("POST", base+"/alert-silences", map[string]any{"rule_id": "nonsense", "seconds": 60}, nil, 404)
		h.ask("GET", base+"/alerts?cursor=nonsense", nil, nil, 422)
	})
}

// follow returns what the stream of events says.
func (h *household) follow(base string) <-chan string {
	h.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/alerts/events", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(stop)
	lines := make(chan string, 100)
	go func() {
		defer response.Body.Close()
		defer close(lines)
		for scanner := bufio.NewScanner(response.Body); scanner.Scan(); {
			if data, ok := strings.CutPrefix(scanner.Text(), "data: "); ok {
				lines <- data
			}
		}
	}()
	return lines
}

// TestPages goes through many alerts page by page: each is listed once, newest first.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		base := h.serve()
		for i := range 25 {
			at := h.wall.Add(time.Duration(i/3) * time.Minute).UnixMicro() // some at the same moment
			h.exec(`INSERT INTO alerts (id, rule_id, rule_name, severity, series, series_title, unit, rule_condition, threshold, first_value, worst_value, last_value, advice, began_at, raised_at, cleared_at, ended)
				VALUES ($1, 'r', 'R', 'info', 's', '', 'percent', 'above', 1, 1, 1, 1, '', $2, $3, $4, 'recovered')`, fmt.Sprintf("id%02d", i), at, at, at)
		}
		seen, cursor, before := map[string]bool{}, "", h.wall.Add(time.Hour)
		for range 10 {
			var list alertsBody
			h.ask("GET", base+"/alerts?limit=4&cursor="+cursor, nil, &list, 200)
			for _, a := range list.Alerts {
				if seen[a.ID] || a.RaisedAt.After(before) {
					t.Errorf("%s comes twice or late", a.ID)
				}
				seen[a.ID], before = true, a.RaisedAt
			}
			if cursor = list.NextCursor; cursor == "" {
				break
			}
		}
		if len(seen) != 25 {
			t.Errorf("got %d, want all", len(seen))
		}
	})
}

// emptyHistory opens a history of nothing yet.
func emptyHistory(t *testing.T) *history.History {
	t.Helper()
	h, err := history.Open(t.Context(), history.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "history.db")}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestTrendAndTrial fills a disk in a made-up history: the trend alarms in time, an empty disk with
// a burst does not, and a trial of a rule finds what would have been.
func TestTrendAndTrial(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		h.wall = time.Now()
		past := emptyHistory(t)
		defer past.Close()
		h.alerts.lent.History = func(context.Context) (*history.History, error) { return past, nil }
		disk, err := past.Series(t.Context(), metric.FileSystemPercent+"{/}", "", 10)
		if err != nil {
			t.Fatal(err)
		}
		memory, err := past.Series(t.Context(), key, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		began := h.wall.Add(-2 * day).Truncate(time.Hour)
		for at := began; at.Before(h.wall); at = at.Add(20 * time.Second) {
			used := 48 + at.Sub(began).Hours() // 96 % in the end, by 1 % an hour
			in := 50.0
			if minute := at.Sub(began) % (12 * time.Hour); minute > time.Hour && minute < 2*time.Hour {
				in = 93 // an hour of every twelve
			}
			if err := past.Append(t.Context(), at, []history.Sample{{Series: disk, Value: used}, {Series: memory, Value: in}}); err != nil {
				t.Fatal(err)
			}
		}
		now := 48 + h.wall.Sub(began).Hours()
		h.tick(1, metric.FileSystemPercent+"{/}", now)
		for range 7 { // five minutes each
			if err := h.alerts.lookBack(t.Context()); err != nil {
				t.Fatal(err)
			}
			h.tick(150, metric.FileSystemPercent+"{/}", min(now, 94.0))
		}
		sent := h.sent()
		if !strings.Contains(sent, "raised Disk full within 3 days") {
			t.Errorf("sent: got %q", sent)
		}
		for _, e := range h.list() {
			if e.RuleID == "disk-full-soon" && (e.Last < 1*3600 || e.Last > 6*3600) {
				t.Errorf("left: got %v hours, want about 3", e.Last/3600)
			}
		}
		base := h.serve()
		fields := fieldsOf(memoryRule())
		fields.ForSecs, fields.HoldSecs = 600, 600
		var trial trialBody
		h.ask("POST", base+"/alert-rules/test", map[string]any{"rule": fields, "days": 3}, &trial, 200)
		if trial.Fired != 4 || trial.Series != 1 || len(trial.Episodes) != 4 || trial.TotalSeconds < 4*3300 || trial.TotalSeconds > 4*3800 || *trial.Episodes[0].Worst != 93 {
			t.Errorf("trial: got %+v", trial)
		}
		fields.Raise, fields.Clear = 94, 90
		h.ask("POST", base+"/alert-rules/test", map[string]any{"rule": fields}, &trial, 200)
		if trial.Fired != 0 {
			t.Errorf("beyond what was: got %d", trial.Fired)
		}
		soon := fieldsOf(Defaults(metric.New())[0])
		h.ask("POST", base+"/alert-rules/test", map[string]any{"rule": soon, "days": 3}, &trial, 200)
		if trial.Fired != 1 || trial.Episodes[0].From.Sub(began) < 11*time.Hour || trial.Episodes[0].From.Sub(began) > 15*time.Hour {
			t.Errorf("trial of the trend: got %+v", trial) // 60 % after 12 hours
		}
	})
}

// TestIncreaseWhileStopped: what a counter grew by while the server was stopped is no less.
func TestIncreaseWhileStopped(t *testing.T) {
	each(t, func(t *testing.T, h *household) {
		h.wall = time.Now()
		past := emptyHistory(t)
		defer past.Close()
		series, err := past.Series(t.Context(), key, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		for ago, v := range map[time.Duration]float64{time.Minute: 5, 0: 7} { // what is measured now is remembered at once
			if err := past.Append(t.Context(), h.wall.Add(-ago), []history.Sample{{Series: series, Value: v}}); err != nil {
				t.Fatal(err)
			}
		}
		r := memoryRule()
		r.Condition, r.Raise, r.Clear, r.Window, r.For, r.Hold = Increase, 1, 0, day, 0, 0
		if _, err := h.alerts.addRule(t.Context(), *r); err != nil {
			t.Fatal(err)
		}
		h.start()
		h.alerts.started = h.alerts.started.Add(-10 * time.Second) // the clock on the wall goes on by the ticks
		h.alerts.lent.History = func(context.Context) (*history.History, error) { return past, nil }
		h.tick(3, key, 7.0)
		h.wantSent("")
		if err := h.alerts.lookBack(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.tick(1, key, 7.0)
		h.wantSent("raised Memory")
		if e := h.list()[0]; e.Last != 2 {
			t.Errorf("grew by: got %v, want 2", e.Last)
		}
	})
}
