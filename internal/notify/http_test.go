package notify

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// door is the room's HTTP surface with an administrator before it.
type door struct {
	*house
	server *httptest.Server
}

func newDoor(t *testing.T, h *house) *door {
	t.Helper()
	return newDoorFor(t, h, identity.Principal{Method: identity.Session, Name: "ada", UserID: "u1", Role: identity.Administrator})
}

// newDoorFor has somebody else before it.
func newDoorFor(t *testing.T, h *house, p identity.Principal) *door {
	t.Helper()
	router := httpd.NewRouter("test", "test")
	h.routes(router)
	server := httptest.NewServer(httpd.NewServer(httpd.Config{}, router, httpd.Recognise(func(*http.Request) identity.Principal { return p }), slog.New(slog.DiscardHandler)).Handler())
	t.Cleanup(server.Close)
	return &door{h, server}
}

// ask sends JSON and reads the answer into v, if there is one.
func (d *door) ask(method, path string, body any, status int, v any) string {
	d.t.Helper()
	text, err := json.Marshal(body)
	d.must(err)
	request, err := http.NewRequestWithContext(context.Background(), method, d.server.URL+prefix+path, strings.NewReader(string(text)))
	d.must(err)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	d.must(err)
	defer answer.Body.Close()
	var raw json.RawMessage
	if answer.StatusCode != http.StatusNoContent && answer.ContentLength != 0 {
		d.must(json.NewDecoder(answer.Body).Decode(&raw))
	}
	if answer.StatusCode != status {
		d.t.Fatalf("%s %s: got %d %s, want %d", method, path, answer.StatusCode, raw, status)
	}
	if v != nil {
		d.must(json.Unmarshal(raw, v))
	}
	return string(raw)
}

func TestChannelsByHTTP(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		d, r := newDoor(t, h), newReceiver(t)
		var made channelBody
		hook := map[string]string{"url": r.URL + "/secret-path", "token": "secret-token", "signing_key": "secret-signing"}
		answers := d.ask("POST", "/channels", map[string]any{"kind": "webhook", "name": "hook", "settings": hook}, 422, nil)
		if !strings.Contains(answers, "in your own network") {
			t.Errorf("got %s", answers)
		}
		answers = d.ask("POST", "/channels", map[string]any{"kind": "webhook", "name": "hook", "allow_local": true, "settings": hook}, 200, &made)
		if strings.Join(made.SecretsSet, ",") != "url,token,signing_key" || !made.Enabled || !made.Quiet || made.FallbackAfter != 3 || made.Where != strings.TrimPrefix(r.URL, "http://") {
			t.Errorf("got %+v", made)
		}
		d.ask("POST", "/channels", map[string]any{"kind": "webhook", "name": "Hook", "allow_local": true, "settings": hook}, 409, nil)
		refused := d.ask("POST", "/channels", map[string]any{"kind": "webhook", "name": "far", "settings": map[string]string{"url": "https://example.org:99999/secret-path"}}, 422, nil)
		if !strings.Contains(refused, `The address has the port \"99999\"; ports are from 1 to 65535.`) {
			t.Errorf("got %s", refused)
		}
		answers += refused
		d.ask("PUT", "/channels/"+made.ID, map[string]any{"name": "hook", "allow_local": true, "settings": map[string]string{"url": "https://example.org:99999/", "token": "", "signing_key": ""}}, 422, nil)
		d.ask("POST", "/channels", map[string]any{"kind": "pigeon", "name": "x", "settings": hook}, 422, nil)
		d.ask("POST", "/channels", map[string]any{"kind": "ntfy", "name": "x", "settings": map[string]string{"topic": "a/b"}}, 422, nil)
		var test channelTestBody
		d.ask("POST", "/channels/"+made.ID+"/test", nil, 200, &test)
		if got := r.all(); !test.OK || len(got) != 1 || got[0].Title != "Home: test" || got[0].Header.Get("Authorization") != "Bearer secret-token" || !strings.HasPrefix(got[0].Header.Get("X-Homeserver-Signature"), "sha256=") {
			t.Errorf("test: got %+v and %+v", test, got)
		}
		// What is left out stays, what is emptied goes.
		answers += d.ask("PUT", "/channels/"+made.ID, map[string]any{"name": "renamed", "allow_local": true, "quiet": false, "minimum_severity": "critical", "settings": map[string]string{"token": ""}}, 200, &made)
		if strings.Join(made.SecretsSet, ",") != "url,signing_key" || made.Name != "renamed" || made.Quiet || made.Minimum != "critical" {
			t.Errorf("got %+v", made)
		}
		r.set(true)
		answers += d.ask("POST", "/channels/"+made.ID+"/test", nil, 200, &test)
		if test.OK || test.Detail != "The service answered 503 Service Unavailable: away." {
			t.Errorf("got %+v", test)
		}
		answers += d.ask("GET", "/channels", nil, 200, nil)
		if strings.Contains(answers, "secret") && strings.Contains(strings.ReplaceAll(answers, "secrets_set", ""), "secret") {
			t.Errorf("a secret is in %s", answers)
		}
		d.ask("PUT", "/channels/"+made.ID, map[string]any{"name": "renamed", "fallback_id": made.ID, "allow_local": true, "settings": map[string]string{}}, 422, nil)
		d.ask("DELETE", "/channels/"+made.ID, nil, 204, nil)
		d.ask("DELETE", "/channels/"+made.ID, nil, 404, nil)
		d.ask("POST", "/channels/"+made.ID+"/test", nil, 404, nil)
	})
}

func TestOutboxByHTTP(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		d, r := newDoor(t, h), newReceiver(t)
		h.hook("phone", r, nil)
		d.ask("POST", "/messages", map[string]any{"title": "", "severity": "info"}, 422, nil)
		d.ask("POST", "/messages", map[string]any{"title": "x", "state": "raised"}, 422, nil)
		for _, title := range []string{"one", "two", "three"} {
			d.ask("POST", "/messages", map[string]any{"title": title, "link": "/static/dashboard.html"}, 204, nil)
			h.at = h.at.Add(time.Second)
		}
		var messages messagesBody
		d.ask("GET", "/messages?limit=2", nil, 200, &messages)
		if len(messages.Messages) != 2 || messages.Messages[0].Title != "three" || messages.NextCursor == "" {
			t.Fatalf("got %+v", messages)
		}
		d.ask("GET", "/messages?limit=2&cursor="+messages.NextCursor, nil, 200, &messages)
		if len(messages.Messages) != 1 || messages.Messages[0].Title != "one" {
			t.Errorf("got %+v", messages)
		}
		var box outboxBody
		d.ask("GET", "/outbox?state=waiting", nil, 200, &box)
		if len(box.Deliveries) != 3 || box.Deliveries[0].State != "pending" || box.Deliveries[0].ChannelName != "phone" {
			t.Errorf("got %+v", box)
		}
		h.settle()
		var none outboxBody
		d.ask("GET", "/outbox?state=waiting", nil, 200, &none)
		d.ask("GET", "/outbox?state=sent&limit=2", nil, 200, &box)
		if len(none.Deliveries) != 0 || len(box.Deliveries) != 2 || box.NextCursor == "" || box.Deliveries[0].EndedAt == nil {
			t.Errorf("got %+v and %+v", none, box)
		}
		d.ask("POST", "/outbox/"+box.Deliveries[0].ID+"/retry", nil, 409, nil)
		d.ask("POST", "/outbox/none/retry", nil, 404, nil)
		d.ask("GET", "/outbox?cursor=x", nil, 422, nil)
		h.at = h.at.Add(keptFor + time.Minute)
		h.must(h.Tidy(t.Context()))
		if list := h.outbox(); len(list) != 0 {
			t.Errorf("after 60 days: got %+v", list)
		}
	})
}

func TestSettingsByHTTP(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		d := newDoor(t, h)
		dog := map[string]any{"enabled": true, "minutes": 10, "allow_local": false, "url": "https://hc-ping.com/secret-uuid"}
		set := func(change func(body map[string]any)) map[string]any {
			body := map[string]any{"quiet_from": "22:00", "quiet_to": "07:00", "time_zone": "Europe/Berlin", "base_url": "https://home.example.org/", "watchdog": dog}
			change(body)
			return body
		}
		var got notificationSettings
		answer := d.ask("PUT", "/settings", set(func(map[string]any) {}), 200, &got)
		if got.QuietFrom != "22:00" || got.BaseURL != "https://home.example.org" || !strings.HasSuffix(got.Now, "+01:00") || !got.Watchdog.URLSet || got.Watchdog.Where != "hc-ping.com" || strings.Contains(answer, "secret") {
			t.Errorf("got %s", answer)
		}
		delete(dog, "url") // it stays
		d.ask("PUT", "/settings", set(func(map[string]any) {}), 200, &got)
		if !got.Watchdog.URLSet {
			t.Error("the watchdog's address is gone")
		}
		for name, change := range map[string]func(body map[string]any){
			"time": func(b map[string]any) { b["quiet_from"] = "25:00" }, "half": func(b map[string]any) { b["quiet_to"] = "" }, "none": func(b map[string]any) { b["quiet_to"] = "22:00" },
			"zone": func(b map[string]any) { b["time_zone"] = "Mars/Olympus" }, "base": func(b map[string]any) { b["base_url"] = "javascript:x" },
			"local watchdog": func(b map[string]any) {
				b["watchdog"] = map[string]any{"enabled": true, "minutes": 5, "allow_local": false, "url": "http://192.168.1.1/"}
			},
			"base port": func(b map[string]any) { b["base_url"] = "https://home.example.org:99999" },
			"watchdog port": func(b map[string]any) {
				b["watchdog"] = map[string]any{"enabled": true, "minutes": 5, "allow_local": false, "url": "https://hc-ping.com:99999/x"}
			},
			"no watchdog": func(b map[string]any) {
				b["watchdog"] = map[string]any{"enabled": true, "minutes": 5, "allow_local": false, "url": ""}
			},
		} {
			if answer := d.ask("PUT", "/settings", set(change), 422, nil); !strings.Contains(answer, "detail") {
				t.Errorf("%s: got %s", name, answer)
			}
		}
	})
}

// TestTheWatchdogIsCalledWhileAllIsWell calls a real server.
func TestTheWatchdogIsCalledWhileAllIsWell(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		calls := make(chan string, 100)
		dog := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { calls <- r.URL.Path }))
		defer dog.Close()
		watching := true
		h.lent.Watching = func() bool { return watching }
		h.must(h.change(t.Context(), Settings{TimeZone: "UTC", Watchdog: Watchdog{Enabled: true, URL: dog.URL + "/ping", Minutes: 5, AllowLocal: true}}))
		h.tellWatchdog(t.Context())
		h.tellWatchdog(t.Context())
		if len(calls) != 1 || <-calls != "/ping" {
			t.Errorf("got %d calls at once, want 1", len(calls)+1)
		}
		_, err := h.store.db.Exec(t.Context(), `UPDATE notify_settings SET value = '1' WHERE key = 'watchdog_last'`)
		h.must(err)
		watching = false
		h.tellWatchdog(t.Context())
		if len(calls) != 0 {
			t.Error("it was called though nothing is watched")
		}
		watching = true
		dog.Close()
		h.tellWatchdog(t.Context())
		values, err := h.store.settings(t.Context())
		h.must(err)
		if values[watchdogError] != "The connection was refused: nothing listens there." || kept(values[watchdogOK]) == nil {
			t.Errorf("got %v", values)
		}
	})
}

func TestLinksLeadToTheHouse(t *testing.T) {
	n := &Notify{now: noon, lent: Lent{BaseURL: "https://public.example.org/"}}
	d := &delivery{times: 1}
	d.message.Link, d.message.At = "/static/dashboard.html", noon()
	for base, want := range map[string]string{"": "https://public.example.org/static/dashboard.html", "https://home.example.org": "https://home.example.org/static/dashboard.html"} {
		if got := n.note(d, Settings{BaseURL: base, zone: time.UTC}).Link; got != want {
			t.Errorf("base %q: got %s want %s", base, got, want)
		}
	}
	n.lent.BaseURL = ""
	if got := n.note(d, Settings{zone: time.UTC}).Link; got != "" {
		t.Errorf("got %s, want no link where nobody said how the house is reached", got)
	}
}
