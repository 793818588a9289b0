package doors

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"homeserver/test/server"
)

// something means that the gate let the request in, whatever the answer is then.
const something = -1

// kind says what a row is about.
type kind int

const (
	nothing  kind = iota // no object: roles and scope decide
	readable             // one file, to read
	writable             // one file, to change
	sharing              // one file, to share or not
)

// row is what the permission table says of one route.
type row struct {
	public  bool
	roles   string // first letters of those who may: a, m, g
	scope   string // what a token needs
	account bool   // needs a person who is signed in
	kind    kind
	bulk    bool   // answers 200 and lists as missing what may not be read
	raises  bool   // works on what is in the trash
	older   bool   // about what the file once was, which is not shared with it
	ends    bool   // signs out whoever asks
	stream  bool   // the answer never ends
	path    string // instead of the route's
	body    any    // or a func(id string) any
	ok      int    // the answer to whoever may; 0 is 200
}

// id is what ids in paths become where no file is meant.
const id = "00000000-0000-4000-8000-000000000000"

func ids(more ...any) func(id string) any {
	return func(id string) any {
		body := map[string]any{"ids": []string{id}}
		for i := 0; i+1 < len(more); i += 2 {
			body[more[i].(string)] = more[i+1]
		}
		return body
	}
}

// table names every route of the house. A route that is not in it fails the test.
func table() map[string]row {
	object := map[string]any{}
	machine := row{roles: "am", scope: "monitoring:read"}
	mine := func(ok int, body any) row { return row{roles: "amg", account: true, ok: ok, body: body} }
	manage := func(ok int, body any) row { return row{roles: "a", scope: "admin", ok: ok, body: body} }
	open := func(ok int, body any) row { return row{public: true, ok: ok, body: body} }
	at := func(r row, path string) row { r.path = path; return r }
	return map[string]row{
		"GET /{$}":           at(open(200, nil), "/"),
		"GET /health":        open(200, nil),
		"GET /health/ready":  open(200, nil),
		"GET /api/v1/info":   open(200, nil),
		"GET /openapi.json":  open(200, nil),
		"GET /docs":          open(200, nil),
		"GET /docs/":         at(open(200, nil), "/docs/swagger-ui.css"),
		"GET /docs/start.js": open(200, nil),
		"GET /static/":       at(open(something, nil), "/static/dashboard.html"),

		"GET /api/v1/session":                open(200, nil),
		"POST /api/v1/session":               open(422, object),
		"DELETE /api/v1/session":             {public: true, ok: 204, ends: true},
		"POST /api/v1/setup":                 open(409, map[string]any{"code": "x", "name": "x", "password": password}),
		"POST /api/v1/session/passkey/begin": open(something, object),
		"POST /api/v1/session/passkey":       open(something, object),
		"GET /api/v1/session/oidc":           open(something, nil),
		"GET /api/v1/session/oidc/callback":  open(something, nil),
		"POST /api/v1/invitations/look":      open(404, map[string]any{"code": "x"}),
		"POST /api/v1/invitations/accept":    open(404, map[string]any{"code": "x", "password": password}),

		"GET /api/v1/account":                  mine(200, nil),
		"PATCH /api/v1/account":                mine(200, map[string]any{"display_name": "Somebody"}),
		"PUT /api/v1/account/password":         mine(422, map[string]any{"current": "wrong", "new": "x"}),
		"DELETE /api/v1/account/password":      mine(something, nil),
		"GET /api/v1/account/sessions":         mine(200, nil),
		"DELETE /api/v1/account/sessions/{id}": mine(404, nil),
		"DELETE /api/v1/account/sessions":      mine(204, nil),
		"GET /api/v1/account/tokens":           mine(200, nil),
		"POST /api/v1/account/tokens":          mine(422, map[string]any{"kind": "token", "name": "x", "scopes": []string{"nonsense"}}),
		"DELETE /api/v1/account/tokens/{id}":   mine(404, nil),
		"POST /api/v1/account/passkeys/begin":  mine(something, object),
		"POST /api/v1/account/passkeys":        mine(something, object),
		"PATCH /api/v1/account/passkeys/{id}":  mine(404, map[string]any{"name": "x"}),
		"DELETE /api/v1/account/passkeys/{id}": mine(404, nil),
		"POST /api/v1/account/totp/begin":      mine(something, object),
		"POST /api/v1/account/totp":            mine(something, object),
		"DELETE /api/v1/account/totp":          mine(something, nil),
		"POST /api/v1/account/recovery-codes":  mine(something, nil),
		"GET /api/v1/preferences/{name}":       {roles: "amg", scope: "admin", path: "/api/v1/preferences/page"},
		"PUT /api/v1/preferences/{name}":       {roles: "amg", scope: "admin", path: "/api/v1/preferences/page", body: map[string]any{"document": map[string]any{"x": 1}}},
		"GET /api/v1/users":                    manage(200, nil),
		"POST /api/v1/users":                   manage(422, map[string]any{"name": "a b", "role": "guest", "password": password}),
		"PATCH /api/v1/users/{id}":             manage(404, map[string]any{"role": "guest"}),
		"POST /api/v1/users/{id}/reset":        manage(404, nil),
		"DELETE /api/v1/users/{id}/sessions":   manage(404, nil),
		"GET /api/v1/invitations":              manage(200, nil),
		"POST /api/v1/invitations":             manage(200, map[string]any{"role": "guest"}),
		"DELETE /api/v1/invitations/{id}":      manage(404, nil),
		"GET /api/v1/audit":                    manage(200, nil),

		"GET /api/v1/notifications/channels":            manage(200, nil),
		"POST /api/v1/notifications/channels":           manage(422, map[string]any{"kind": "webhook", "name": "x", "settings": object}),
		"PUT /api/v1/notifications/channels/{id}":       manage(404, map[string]any{"name": "x", "settings": object}),
		"DELETE /api/v1/notifications/channels/{id}":    manage(404, nil),
		"POST /api/v1/notifications/channels/{id}/test": manage(404, nil),
		"GET /api/v1/notifications/messages":            manage(200, nil),
		"POST /api/v1/notifications/messages":           manage(204, map[string]any{"title": "x"}),
		"GET /api/v1/notifications/outbox":              manage(200, nil),
		"POST /api/v1/notifications/outbox/{id}/retry":  manage(404, nil),
		"GET /api/v1/notifications/settings":            manage(200, nil),
		"PUT /api/v1/notifications/settings": manage(200, map[string]any{"quiet_from": "", "quiet_to": "", "time_zone": "", "base_url": "",
			"watchdog": map[string]any{"enabled": false, "minutes": 5, "allow_local": false}}),

		"POST /api/v1/files/upload":        {roles: "am", scope: "files:write", body: server.Multipart(server.FilePart("x", "text/plain", []byte("x")))},
		"POST /api/v1/files/batch":         {roles: "am", scope: "files:write", body: server.Multipart(server.Field("on_conflict", "keep"), server.FilePart("x", "text/plain", []byte("x")))},
		"GET /api/v1/files/list":           {roles: "amg", scope: "files:read"},
		"GET /api/v1/files/tags":           {roles: "amg", scope: "files:read"},
		"GET /api/v1/files/{id}/metadata":  {roles: "amg", scope: "files:read", kind: readable},
		"GET /api/v1/files/{id}/download":  {roles: "amg", scope: "files:read", kind: readable},
		"HEAD /api/v1/files/{id}/download": {roles: "amg", scope: "files:read", kind: readable},
		"POST /api/v1/files/archive":       {roles: "amg", scope: "files:read", kind: readable, body: ids()},
		"PATCH /api/v1/files/{id}":         {roles: "am", scope: "files:write", kind: writable, body: map[string]any{"tags": []string{"x"}}},
		"PATCH /api/v1/files/{id} shared":  {roles: "am", scope: "files:write", kind: sharing, path: "/api/v1/files/{id}", body: map[string]any{"shared": true}},
		"DELETE /api/v1/files/{id}":        {roles: "am", scope: "files:write", kind: writable},
		"POST /api/v1/files/{id}/restore":  {roles: "am", scope: "files:write", kind: writable, raises: true},
		"POST /api/v1/files/delete":        {roles: "am", scope: "files:write", kind: writable, bulk: true, body: ids()},
		"POST /api/v1/files/restore":       {roles: "am", scope: "files:write", kind: writable, bulk: true, raises: true, body: ids()},
		"PATCH /api/v1/files/tags":         {roles: "am", scope: "files:write", kind: writable, bulk: true, body: ids("add", []string{"y"})},
		"PATCH /api/v1/files/share":        {roles: "am", scope: "files:write", kind: sharing, bulk: true, body: ids("shared", true)},
		"POST /api/v1/files/move":          {roles: "am", scope: "files:write", body: map[string]any{"files": []any{map[string]any{"id": id}}, "to": "mine"}},
		"POST /api/v1/files/copy":          {roles: "am", scope: "files:write", body: map[string]any{"files": []any{map[string]any{"id": id}}, "to": "mine"}},

		"GET /api/v1/folders":              {roles: "amg", scope: "files:read"},
		"POST /api/v1/folders":             {roles: "am", scope: "files:write", ok: 201, body: map[string]any{"name": "x", "on_conflict": "rename"}},
		"POST /api/v1/folders/path":        {roles: "am", scope: "files:write", body: map[string]any{"path": []string{"y"}}},
		"GET /api/v1/folders/resolve":      {roles: "amg", scope: "files:read"},
		"GET /api/v1/folders/{id}":         {roles: "amg", scope: "files:read", ok: 404},
		"PATCH /api/v1/folders/{id}":       {roles: "am", scope: "files:write", ok: 404, body: map[string]any{"name": "x"}},
		"GET /api/v1/folders/{id}/entries": {roles: "amg", scope: "files:read", ok: 404},
		"GET /api/v1/folders/{id}/usage":   {roles: "amg", scope: "files:read", ok: 404},
		"POST /api/v1/files/known":         {roles: "amg", scope: "files:read", body: map[string]any{"digests": []string{"x"}}},
		"POST /api/v1/files/known/create":  {roles: "am", scope: "files:write", body: map[string]any{"files": []any{map[string]any{"sha256": strings.Repeat("0", 64), "size": 0, "name": "x"}}}},

		"OPTIONS /api/v1/uploads":     open(204, nil),
		"GET /api/v1/uploads":         {roles: "am", scope: "files:write", ok: 200},
		"POST /api/v1/uploads":        {roles: "am", scope: "files:write", ok: 412}, // who is let in and does not speak tus
		"HEAD /api/v1/uploads/{id}":   {roles: "am", scope: "files:write", ok: 412},
		"PATCH /api/v1/uploads/{id}":  {roles: "am", scope: "files:write", ok: 412},
		"POST /api/v1/uploads/{id}":   {roles: "am", scope: "files:write", ok: 412},
		"DELETE /api/v1/uploads/{id}": {roles: "am", scope: "files:write", ok: 412},

		"GET /api/v1/files/backups":          manage(200, nil),
		"PUT /api/v1/files/backups/schedule": manage(200, map[string]any{"directory": "", "every_hours": 0, "keep": 7}),
		"POST /api/v1/files/backups/run":     manage(409, nil),
		"GET /api/v1/files/integrity":        machine,
		"POST /api/v1/files/integrity/scrub": manage(202, nil),
		"GET /api/v1/files/storage":          {roles: "amg", scope: "files:read"},
		"GET /api/v1/files/settings":         manage(200, nil),
		"PUT /api/v1/files/settings":         manage(200, map[string]any{"trash_days": 30, "trash_keep_free_percent": 5, "version_days": 90, "version_keep": 5}),

		"GET /api/v1/monitoring/system":    machine,
		"GET /api/v1/monitoring/storage":   machine,
		"GET /api/v1/monitoring/dashboard": machine,
		"GET /api/v1/monitoring/recent":    machine,
		"GET /api/v1/monitoring/metrics":   machine,
		"GET /api/v1/monitoring/history":   {roles: "am", scope: "monitoring:read", ok: 422}, // of no metric
		"GET /api/v1/monitoring/ws":        {roles: "am", scope: "monitoring:read", ok: http.StatusSwitchingProtocols},
		"GET /api/v1/monitoring/live":      {roles: "am", scope: "monitoring:read", ok: http.StatusSwitchingProtocols},
		"GET /api/v1/monitoring/events":    {roles: "am", scope: "monitoring:read", path: "/api/v1/monitoring/events?from=2026-01-01T00:00:00Z"},
		"GET /api/v1/monitoring/explain":   {roles: "am", scope: "monitoring:read", ok: 422}, // of no series
		"GET /api/v1/monitoring/sources":   machine,
		"GET /api/v1/monitoring/processes": machine,
		"GET /metrics":                     machine,

		"PUT /api/v1/files/storage/quotas/{owner}": at(manage(200, map[string]any{"quota": nil}), "/api/v1/files/storage/quotas/household"),
	}
}

// someone is a person at the door with what is known of them.
type someone struct {
	person
	role    string // first letter; "" gets no further than public doors
	user    string // "" is the household
	scopes  []string
	session bool
}

func (s *someone) may(scope string) bool {
	return s.scopes == nil || slices.Contains(s.scopes, scope) || slices.Contains(s.scopes, "admin")
}

// thing is a file that everything is tried on.
type thing struct {
	name    string
	owner   string // "" is the household
	shared  bool
	trashed bool
}

// want is the answer that the rules promise, worked out anew here and not by the program's gate.
func (r row) want(who *someone, what thing) int {
	ok := r.ok
	if ok == 0 {
		ok = 200
	}
	switch {
	case r.public:
		return ok
	case who.role == "":
		return 401
	case r.account && !who.session, !strings.Contains(r.roles, who.role), r.scope != "" && !who.may(r.scope):
		return 403
	case r.kind == nothing:
		return ok
	}
	everyone := what.shared || what.owner == ""
	sees := who.role == "a" || everyone || who.user != "" && who.user == what.owner
	owns := who.role == "a" || who.user != "" && who.user == what.owner
	switch {
	case !sees, what.trashed && !r.raises:
		return 404
	case r.kind == sharing && !owns, r.older && !owns && what.owner != "":
		return 403
	}
	return ok
}

// TestPermissionTable tries every route of the program as everybody on everything.
func TestPermissionTable(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		env["TRUSTED_PROXIES"] = "127.0.0.1"
		h := open(t, env, map[string]string{"ada": "member", "bob": "member", "ann": "administrator", "gus": "guest", "dan": "member"})
		everybody := h.everybody(t)
		rules := table()
		maps.Copy(rules, versionRows())
		maps.Copy(rules, alertRows())
		routes := h.routes(t)
		for route := range rules {
			if !slices.Contains(routes, strings.TrimSuffix(route, " shared")) {
				t.Errorf("%s is in the permission table, and not served", route)
			}
		}
		for _, route := range routes {
			r, known := rules[route]
			if !known {
				t.Errorf("%s is not in the permission table: say who may", route)
				continue
			}
			h.tryRow(t, route, r, everybody)
		}
		h.tryRow(t, "PATCH /api/v1/files/{id} shared", rules["PATCH /api/v1/files/{id} shared"], everybody)
	})
}

// routes lists what the program serves.
func (h *house) routes(t *testing.T) []string {
	t.Helper()
	out, errOut, code := h.CLI("routes", "--json")
	var routes []struct{ Method, Path string }
	if err := json.Unmarshal([]byte(out), &routes); err != nil || code != 0 || len(routes) < 40 {
		t.Fatalf("routes --json: %d %v %s %s", code, err, out, errOut)
	}
	var list []string
	for _, r := range routes {
		list = append(list, r.Method+" "+r.Path)
	}
	return list
}

// everybody makes all who come to the door.
func (h *house) everybody(t *testing.T) []*someone {
	t.Helper()
	all := []string{"files:read", "files:write", "monitoring:read"}
	ada := h.signIn(t, "ada")
	token, _ := h.token(t, ada, "token", "token", all...)
	app, _ := h.token(t, ada, "app_password", "app password", all...)
	reader, _ := h.token(t, ada, "token", "token that reads", "files:read")
	machine, _ := h.token(t, ada, "token", "token for the machine", "monitoring:read")
	expired, _ := h.token(t, ada, "token", "expired token", all...)
	revoked, revokedID := h.token(t, ada, "token", "revoked token", all...)
	h.as(t, ada, "DELETE", "/api/v1/account/tokens/"+revokedID, nil).Expect(t, 204)
	admin, _ := h.token(t, h.signIn(t, "ann"), "token", "administrator's token", "admin")
	dan := h.signIn(t, "dan")
	danToken, _ := h.token(t, dan, "token", "disabled person's token", all...)
	h.JSON(t, "PATCH", "/api/v1/users/"+h.userID(t, "dan"), map[string]bool{"disabled": true}).Expect(t, 200)
	old := h.signIn(t, "ada")
	h.as(t, old, "DELETE", "/api/v1/session", nil).Expect(t, 204)
	// Tokens live for a day at least: the clock is turned in the database.
	h.Stop()
	h.Edit(`UPDATE auth_tokens SET expires_at = 1 WHERE name = 'expired token'`)
	h.Start()
	h.nobody.Base = h.Base
	signedIn := func(name, role string) *someone {
		return &someone{person: h.signIn(t, name), role: role, user: name, session: true}
	}
	return []*someone{
		{person: person{name: "nobody"}},
		signedIn("gus", "g"), signedIn("ada", "m"), signedIn("bob", "m"), signedIn("ann", "a"),
		{person: person{"API key", http.Header{"X-Api-Key": {server.Key}}}, role: "a"},
		{person: person{"wrong API key", http.Header{"X-Api-Key": {server.Key + "x"}}}},
		{person: token, role: "m", user: "ada", scopes: all},
		{person: app, role: "m", user: "ada", scopes: all},
		{person: reader, role: "m", user: "ada", scopes: []string{"files:read"}},
		{person: machine, role: "m", user: "ada", scopes: []string{"monitoring:read"}},
		{person: admin, role: "a", user: "ann", scopes: []string{"admin"}},
		{person: expired}, {person: revoked}, {person: person{"signed out", old.header}},
		{person: person{"disabled person", dan.header}}, {person: danToken},
	}
}

// things are what files are tried on; ada owns what is not somebody else's.
func things(k kind) []thing {
	if k == nothing {
		return []thing{{}}
	}
	return []thing{
		{name: "own", owner: "ada"}, {name: "shared", owner: "ada", shared: true}, {name: "other's", owner: "bob"},
		{name: "household's"}, {name: "trashed", owner: "ada", trashed: true}, {name: "trashed and shared", owner: "ada", shared: true, trashed: true},
	}
}

// address numbers the addresses that requests come from, so that none guesses too often.
var address atomic.Int64

func (h *house) tryRow(t *testing.T, route string, r row, everybody []*someone) {
	t.Helper()
	owners := map[string]person{"ada": everybody[2].person, "bob": everybody[3].person, "": everybody[5].person}
	for _, what := range things(r.kind) {
		object := ""
		for _, who := range everybody {
			if r.kind != nothing && (object == "" || r.kind != readable) { // what is only read stays as it is
				object = h.upload(t, owners[what.owner], what.name, what.shared)
				if what.trashed {
					h.as(t, owners[what.owner], "DELETE", server.Files+"/"+object, nil).Expect(t, 200)
				}
			}
			got := h.try(t, route, r, who, object)
			want := r.want(who, what)
			if want == something && got != 401 && got != 403 && got != 500 || got == want {
				continue
			}
			t.Errorf("%s as %s on %q: got %d, want %d", route, who.name, what.name, got, want)
		}
	}
}

// try makes the request of a row; a bulk answer that lists the object as missing counts as 404.
func (h *house) try(t *testing.T, route string, r row, who *someone, object string) int {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	if r.path != "" {
		path = r.path
	}
	if object == "" {
		object = id
	}
	path = strings.ReplaceAll(path, "{id}", object)
	at := who.person
	if r.ends && who.session {
		at = h.signIn(t, who.name)
	}
	n := address.Add(1)
	at.header = at.header.Clone()
	if at.header == nil {
		at.header = http.Header{}
	}
	at.header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255))
	if r.ok == http.StatusSwitchingProtocols {
		status, _ := h.socket(t, path, at)
		return status
	}
	if r.stream {
		return h.beginning(t, path, at)
	}
	body := r.body
	if make, ok := body.(func(string) any); ok {
		body = make(object)
	}
	var answer server.Answer
	if form, ok := body.([]byte); ok {
		at.header.Set("Content-Type", server.ContentType)
		answer = h.nobody.Do(t, method, path, at.header, strings.NewReader(string(form)))
	} else {
		answer = h.as(t, at, method, path, body)
	}
	if answer.Status >= 400 && method != "HEAD" && answer.Detail() == "" && !strings.HasPrefix(path, "/static/") {
		t.Errorf("%s as %s: got %d without a sentence: %s", route, who.name, answer.Status, answer.Body)
	}
	if r.bulk && answer.Status == 200 && strings.Contains(string(answer.Body), `"missing":["`+object+`"]`) {
		return 404
	}
	return answer.Status
}
