package notify

import (
	"maps"
	"strings"
	"testing"

	"homeserver/internal/platform/identity"
)

// TestKeptSecretsGoNowhereElse changes where channels lead, with their secrets left out.
func TestKeptSecretsGoNowhereElse(t *testing.T) {
	mail := map[string]string{"host": "mail.example.org", "port": "465", "security": "tls", "user": "ada", "from": "home@example.org", "to": "ada@example.org"}
	ntfy := map[string]string{"topic": "alerts", "server": "https://ntfy.example.org"}
	hook := map[string]string{"url": "https://hook.example.org/x"}
	both(t, func(t *testing.T, h *house) {
		d := newDoor(t, h)
		for name, test := range map[string]struct {
			kind          string
			open, secrets map[string]string
			change        map[string]string
			local         bool
			status        int
		}{
			"host":            {"email", mail, map[string]string{"password": "p"}, map[string]string{"host": "evil.example.org"}, false, 422},
			"port":            {"email", mail, map[string]string{"password": "p"}, map[string]string{"port": "466"}, false, 422},
			"security":        {"email", mail, map[string]string{"password": "p"}, map[string]string{"security": "starttls"}, false, 422},
			"recipient":       {"email", mail, map[string]string{"password": "p"}, map[string]string{"to": "bob@example.org"}, false, 200},
			"with its secret": {"email", mail, map[string]string{"password": "p"}, map[string]string{"host": "new.example.org", "password": "q"}, false, 200},
			"without secret":  {"email", mail, map[string]string{"password": "p"}, map[string]string{"host": "new.example.org", "password": ""}, false, 200},
			"server":          {"ntfy", ntfy, map[string]string{"token": "t"}, map[string]string{"server": "https://evil.example.org"}, false, 422},
			"default server":  {"ntfy", ntfy, map[string]string{"token": "t"}, map[string]string{"server": ""}, false, 422},
			"topic":           {"ntfy", ntfy, map[string]string{"token": "t"}, map[string]string{"topic": "other"}, false, 200},
			"own network":     {"ntfy", ntfy, map[string]string{"token": "t"}, nil, true, 422},
			"no secret":       {"ntfy", ntfy, nil, map[string]string{"server": "https://other.example.org"}, true, 200},
			"gotify":          {"gotify", map[string]string{"server": "https://a.example.org"}, map[string]string{"token": "t"}, map[string]string{"server": "https://b.example.org"}, false, 422},
			"address":         {"webhook", nil, map[string]string{"url": hook["url"], "token": "t"}, map[string]string{"url": "https://evil.example.org"}, false, 422},
			"address and all": {"webhook", nil, map[string]string{"url": hook["url"], "token": "t"}, map[string]string{"url": "https://new.example.org", "token": "u"}, false, 200},
		} {
			typed := maps.Clone(test.secrets)
			if typed == nil {
				typed = map[string]string{}
			}
			maps.Copy(typed, test.open)
			var made channelBody
			d.ask("POST", "/channels", map[string]any{"kind": test.kind, "name": name, "settings": typed}, 200, &made)
			later := maps.Clone(test.open)
			if later == nil {
				later = map[string]string{}
			}
			maps.Copy(later, test.change)
			t.Log(name)
			said := d.ask("PUT", "/channels/"+made.ID, map[string]any{"name": name, "allow_local": test.local, "settings": later}, test.status, nil)
			if test.status == 422 && !strings.Contains(said, "anew, or remove it") {
				t.Errorf("%s: got %s", name, said)
			}
		}
	})
}

// TestNobodyAllowsTheOwnNetworkWhereNobodyIsAsked is AUTH=none.
func TestNobodyAllowsTheOwnNetworkWhereNobodyIsAsked(t *testing.T) {
	both(t, func(t *testing.T, h *house) {
		known, unknown, r := newDoor(t, h), newDoorFor(t, h, identity.Household()), newReceiver(t)
		hook := map[string]any{"kind": "webhook", "name": "hook", "allow_local": true, "settings": map[string]string{"url": r.URL}}
		unknown.ask("POST", "/channels", hook, 403, nil)
		watchdog := map[string]any{"quiet_from": "", "quiet_to": "", "time_zone": "UTC", "base_url": "", "watchdog": map[string]any{"enabled": false, "url": r.URL, "minutes": 5, "allow_local": true}}
		unknown.ask("PUT", "/settings", watchdog, 403, nil)

		var made channelBody
		known.ask("POST", "/channels", hook, 200, &made)
		known.ask("PUT", "/settings", watchdog, 200, nil)
		// What an administrator allowed stays, and leads nowhere else.
		delete(hook, "kind")
		hook["settings"] = map[string]string{}
		hook["name"] = "renamed"
		unknown.ask("PUT", "/channels/"+made.ID, hook, 200, nil)
		unknown.ask("PUT", "/settings", watchdog, 200, nil)
		hook["settings"] = map[string]string{"url": newReceiver(t).URL}
		unknown.ask("PUT", "/channels/"+made.ID, hook, 403, nil)
		watchdog["watchdog"] = map[string]any{"enabled": false, "url": newReceiver(t).URL, "minutes": 5, "allow_local": true}
		unknown.ask("PUT", "/settings", watchdog, 403, nil)
		// Elsewhere it goes on without.
		unknown.ask("POST", "/channels", map[string]any{"kind": "ntfy", "name": "phone", "settings": map[string]string{"topic": "alerts"}}, 200, nil)
	})
}
