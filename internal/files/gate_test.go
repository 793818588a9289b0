package files

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// The people of the house, as the auth room recognises them.
func ada() identity.Principal {
	return identity.Principal{Method: identity.Session, Name: "ada", UserID: "ada", Role: identity.Member}
}

func bob() identity.Principal {
	return identity.Principal{Method: identity.Session, Name: "bob", UserID: "bob", Role: identity.Member}
}

func guest() identity.Principal {
	return identity.Principal{Method: identity.Session, Name: "gus", UserID: "gus", Role: identity.Guest}
}

func administrator() identity.Principal {
	return identity.Principal{Method: identity.Session, Name: "ann", UserID: "ann", Role: identity.Administrator}
}

func apiKey() identity.Principal {
	return identity.Principal{Method: identity.APIKey, Name: "administrator", Role: identity.Administrator}
}

// token is a person with a token of one scope.
func token(p identity.Principal, scope identity.Scope) identity.Principal {
	p.Method, p.Scopes = identity.Token, []identity.Scope{scope}
	return p
}

// upload sends a file with fields before it, and after it those whose name begins with +.
func (h *house) upload(name, content string, fields ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	write := func(after bool) {
		for i := 0; i < len(fields); i += 2 {
			if field, late := strings.CutPrefix(fields[i], "+"); late == after {
				h.must(w.WriteField(field, fields[i+1]))
			}
		}
	}
	write(false)
	part, err := w.CreateFormFile("file", name)
	h.must(err)
	_, err = part.Write([]byte(content))
	h.must(err)
	write(true)
	h.must(w.Close())
	return h.do("POST", prefix+"/upload", w.FormDataContentType(), &body)
}

// send sends JSON.
func (h *house) send(method, path, body string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.do(method, prefix+path, "application/json", strings.NewReader(body))
}

// piece is a file of the permission table.
type piece struct {
	owner           identity.Principal
	shared, trashed bool
	versioned       bool // its content was replaced once
	id              string
	version         string // the id of what it was, with versioned
}

// visible is the rule written down once more: what somebody may read.
func (p piece) visible(who identity.Principal) bool {
	return who.Role == identity.Administrator || p.shared || p.owner.UserID == "" || p.owner.UserID == who.UserID
}

// mine: what somebody may share.
func (p piece) mine(who identity.Principal) bool {
	return who.Role == identity.Administrator || p.owner.UserID != "" && p.owner.UserID == who.UserID
}

// make uploads the piece as its owner.
func (p piece) make(h *house) piece {
	owner := h.as(p.owner)
	p.id = into[FileBody](owner, owner.upload("piece", "content", "shared", fmt.Sprint(p.shared), "tags", "t")).ID
	if p.versioned {
		h.want(owner.replaceWith(p.id, "other content"), 200)
		p.version = owner.versionsOf(p.id)[0].ID
	}
	if p.trashed {
		h.want(owner.do("DELETE", prefix+"/"+p.id, "", nil), 200)
	}
	return p
}

// operation is a row of the table: what is sent, and what comes back to somebody whom the door
// lets in.
type operation struct {
	route  string
	writes bool
	bulk   bool // answers 200 and names what is missing
	known  bool // is not for guests, though it changes nothing
	of     bool // is about a version of the file; send gets the path of it
	send   func(h *house, id string) *httptest.ResponseRecorder
	want   func(who identity.Principal, p piece) int
}

func operations() []operation {
	one := func(method, path, body string) func(h *house, id string) *httptest.ResponseRecorder {
		return func(h *house, id string) *httptest.ResponseRecorder {
			return h.send(method, "/"+id+path, body)
		}
	}
	many := func(method, path, rest string) func(h *house, id string) *httptest.ResponseRecorder {
		return func(h *house, id string) *httptest.ResponseRecorder {
			return h.send(method, path, fmt.Sprintf(`{"ids":[%q]%s}`, id, rest))
		}
	}
	status := func(ok bool) int {
		if ok {
			return 200
		}
		return 404
	}
	live := func(who identity.Principal, p piece) int { return status(!p.trashed && p.visible(who)) }
	any := func(who identity.Principal, p piece) int { return status(p.visible(who)) }
	versions := func(ok int) func(who identity.Principal, p piece) int {
		return func(who identity.Principal, p piece) int {
			switch {
			case live(who, p) == 404:
				return 404
			case p.owner.UserID != "" && !p.mine(who):
				return 403
			}
			return ok
		}
	}
	share := func(shared bool) func(who identity.Principal, p piece) int {
		return func(who identity.Principal, p piece) int {
			switch {
			case live(who, p) == 404:
				return 404
			case !p.mine(who):
				return 403
			case p.owner.UserID == "" && !shared:
				return 422
			}
			return 200
		}
	}
	return []operation{
		{route: "GET /{id}/metadata", send: one("GET", "/metadata", ""), want: live},
		{route: "GET /{id}/download", send: one("GET", "/download", ""), want: live},
		{route: "HEAD /{id}/download", send: one("HEAD", "/download", ""), want: live},
		{route: "POST /archive", send: many("POST", "/archive", ""), want: live},
		{route: "PUT /{id}/content", writes: true, send: one("PUT", "/content", "new"), want: live},
		{route: "GET /{id}/versions", known: true, send: one("GET", "/versions", ""), want: versions(200)},
		{route: "GET /{id}/versions/{version}/download", of: true, known: true, send: one("GET", "/download", ""), want: versions(200)},
		{route: "HEAD /{id}/versions/{version}/download", of: true, known: true, send: one("HEAD", "/download", ""), want: versions(200)},
		{route: "POST /{id}/versions/{version}/restore", of: true, writes: true, send: one("POST", "/restore", ""), want: versions(200)},
		{route: "PATCH /{id}/versions/{version}", of: true, writes: true, send: one("PATCH", "", `{"pinned":true}`), want: versions(200)},
		{route: "DELETE /{id}/versions/{version}", of: true, writes: true, send: one("DELETE", "", ""), want: versions(204)},
		{route: "GET /list", send: func(h *house, id string) *httptest.ResponseRecorder {
			w := h.get(prefix + "/list")
			if !strings.Contains(w.Body.String(), id) && w.Code == 200 {
				w.Code = 404
			}
			return w
		}, want: live},
		{route: "PATCH /{id}", writes: true, send: one("PATCH", "", `{"filename":"other","tags":["u"]}`), want: live},
		{route: "PATCH /{id}", writes: true, send: one("PATCH", "", `{"shared":true}`), want: share(true)},
		{route: "PATCH /{id}", writes: true, send: one("PATCH", "", `{"shared":false}`), want: share(false)},
		{route: "PATCH /{id}", writes: true, send: one("PATCH", "", `{"shared":false,"filename":"other"}`), want: share(false)},
		{route: "DELETE /{id}", writes: true, send: one("DELETE", "", ""), want: live},
		{route: "POST /{id}/restore", writes: true, send: one("POST", "/restore", ""), want: any},
		{route: "POST /delete", writes: true, bulk: true, send: many("POST", "/delete", ""), want: live},
		{route: "POST /restore", writes: true, bulk: true, send: many("POST", "/restore", ""), want: any},
		{route: "PATCH /tags", writes: true, bulk: true, send: many("PATCH", "/tags", `,"add":["more"]`), want: live},
		{route: "PATCH /share", writes: true, bulk: true, send: many("PATCH", "/share", `,"shared":true`), want: share(true)},
		{route: "PATCH /share", writes: true, bulk: true, send: many("PATCH", "/share", `,"shared":false`), want: share(false)},
		{route: "POST /move", writes: true, send: carry("move", kindFile), want: func(who identity.Principal, p piece) int {
			switch {
			case live(who, p) == 404:
				return 404
			case p.owner.UserID != who.UserID && who.Role != identity.Administrator:
				return 403
			}
			return 200
		}},
		{route: "POST /copy", writes: true, send: carry("copy", kindFile), want: live},
	}
}

// carry moves or copies an item to the root of one's own tree, and answers what is said of the item.
func carry(what string, kind itemKind) func(h *house, id string) *httptest.ResponseRecorder {
	return func(h *house, id string) *httptest.ResponseRecorder {
		w := h.send("POST", "/"+what, fmt.Sprintf(`{"%ss":[{"id":%q}],"to":"mine","on_conflict":"rename"}`, kind, id))
		var body transferredBody
		if err := json.Unmarshal(w.Body.Bytes(), &body); w.Code != 200 || err != nil || len(body.Failed) == 0 {
			return w
		}
		own := httptest.NewRecorder()
		own.Code = body.Failed[0].Status
		h.must(json.NewEncoder(own.Body).Encode(body.Failed[0]))
		return own
	}
}

// TestFolderPermissions asks for every operation on a folder of every owner as everybody.
func TestFolderPermissions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		on := func(method, path, body string) func(h *house, id string) *httptest.ResponseRecorder {
			return func(h *house, id string) *httptest.ResponseRecorder {
				return h.ask(method, folderPrefix+strings.ReplaceAll(path, "{id}", id), strings.ReplaceAll(body, "{id}", id))
			}
		}
		for _, op := range []struct {
			name   string
			writes bool
			gives  bool // to another owner
			send   func(h *house, id string) *httptest.ResponseRecorder
			ok     int
		}{
			{name: "look", send: on("GET", "/{id}", ""), ok: 200},
			{name: "entries", send: on("GET", "/{id}/entries", ""), ok: 200},
			{name: "usage", send: on("GET", "/{id}/usage", ""), ok: 200},
			{name: "resolve", send: on("GET", "/resolve?root={id}&path=", ""), ok: 200},
			{name: "rename", writes: true, send: on("PATCH", "/{id}", `{"name":"new","on_conflict":"rename"}`), ok: 200},
			{name: "create", writes: true, send: on("POST", "", `{"parent":"{id}","name":"in"}`), ok: 201},
			{name: "path", writes: true, send: on("POST", "/path", `{"parent":"{id}","path":["in","deeper"]}`), ok: 200},
			{name: "upload", writes: true, send: func(h *house, id string) *httptest.ResponseRecorder { return h.putInto(id, "f", "1", "") }, ok: 200},
			{name: "move", writes: true, gives: true, send: carry("move", kindFolder), ok: 200},
			{name: "copy", writes: true, send: carry("copy", kindFolder), ok: 200},
			{name: "delete", writes: true, send: on("DELETE", "/{id}", ""), ok: 200},
		} {
			for _, who := range []identity.Principal{{}, guest(), ada(), bob(), administrator(), apiKey(), token(ada(), identity.ScopeFilesRead)} {
				for _, owner := range []identity.Principal{ada(), bob(), apiKey()} {
					n := len(h.as(owner).entriesOf("mine", "?limit=1000").Folders)
					id := h.as(owner).mkdir("mine", fmt.Sprint(op.name, who.Name, n, who.Scopes))
					h.want(h.as(owner).putInto(id, "f", "1", ""), 200)
					want := op.ok
					switch {
					case !who.Authenticated():
						want = 401
					case op.writes && (who.Role == identity.Guest || who.Scopes != nil):
						want = 403
					case who.Role != identity.Administrator && owner.UserID != "" && owner.UserID != who.UserID:
						want = 404
					case op.gives && who.Role != identity.Administrator && owner.UserID != who.UserID:
						want = 403
					}
					if got := op.send(h.as(who), id); got.Code != want {
						t.Errorf("%s of %s's folder as %s: got %d %s, want %d", op.name, owner.Name, who.Name, got.Code, got.Body, want)
					}
				}
			}
		}
		h.wholeTree()
		h.consistent()
	})
}

// TestPermissions asks for every operation on every kind of file as everybody. A file that one
// question has left as it was serves the next, too.
func TestPermissions(t *testing.T) {
	type kind struct {
		owner                      string
		shared, trashed, versioned bool
	}
	each(t, func(t *testing.T, h *house) {
		ready := map[kind]piece{}
		for _, who := range []identity.Principal{{}, guest(), ada(), bob(), administrator(), apiKey(), identity.Household(), token(ada(), identity.ScopeFilesRead)} {
			for _, op := range operations() {
				for _, owner := range []identity.Principal{ada(), bob(), apiKey()} {
					for _, shared := range []bool{true, false} {
						for _, trashed := range []bool{false, true} {
							k := kind{owner.UserID, shared, trashed, op.of}
							if _, ok := ready[k]; !ok {
								ready[k] = piece{owner: owner, shared: shared, trashed: trashed, versioned: op.of}.make(h)
							}
							if h.permission(who, op, ready[k]) {
								delete(ready, k)
							}
						}
					}
				}
			}
		}
		h.consistent()
	})
}

// permission checks one cell of the table, and that a refusal changed nothing. It reports whether
// the file may have changed.
func (h *house) permission(who identity.Principal, op operation, p piece) (changed bool) {
	h.t.Helper()
	want := op.want(who, p)
	switch {
	case !who.Authenticated():
		want = 401
	case op.writes && who.Scopes != nil, (op.writes || op.known) && who.Role == identity.Guest:
		want = 403
	}
	before, err := h.store.any(h.t.Context(), p.id)
	h.must(err)
	object := p.id
	if op.of {
		object += "/versions/" + p.version
	}
	w := op.send(h.as(who), object)
	got := w.Code
	if op.bulk && got == 200 && strings.Contains(w.Body.String(), `"missing":["`+p.id+`"]`) {
		got = 404
	}
	what := fmt.Sprintf("%s %s of %s's file, shared %v, trashed %v", who.Name, op.route, p.owner.Name, p.shared, p.trashed)
	if got != want {
		h.t.Errorf("%s: got %d %s, want %d", what, got, w.Body, want)
	}
	var problem httpd.Problem
	if want >= 400 && w.Code == want && !strings.HasPrefix(op.route, "HEAD") && !strings.HasSuffix(op.route, "/list") {
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || want == 404 && problem.Detail != detailNotFound || want == 403 && !strings.HasSuffix(problem.Detail, ".") {
			h.t.Errorf("%s: got %s, want a sentence", what, w.Body)
		}
	}
	after, err := h.store.any(h.t.Context(), p.id)
	if h.must(err); want >= 400 && !reflect.DeepEqual(before, after) {
		h.t.Errorf("%s: refused, and then got %+v; it was %+v", what, after, before)
	}
	return op.writes && want < 400 || !reflect.DeepEqual(before, after)
}

// TestPermissionsAreWhole: a route that the table does not name fails.
func TestPermissionsAreWhole(t *testing.T) {
	router := httpd.NewRouter("HomeServer", "test")
	New(nil, nil, Config{}, nil, nil, Lent{}).routes(router)
	named := []string{"POST /upload", "POST /batch", "GET /tags"}                                          // of no file yet; TestUploadPermissions, TestBatchRefusals, TestVisibility
	named = append(named, "POST /known", "POST /known/create")                                             // TestKnown
	named = append(named, "GET /changes")                                                                  // TestFeedTellsWhatOneMaySee
	named = append(named, "GET /backups", "PUT /backups/schedule", "POST /backups/run")                    // of no file: TestTheSchedule
	named = append(named, "GET /integrity", "POST /integrity/scrub")                                       // TestIntegrityIsShownToThoseWhoMayRead
	named = append(named, "GET /storage", "PUT /storage/quotas/{owner}", "GET /settings", "PUT /settings") // TestStorage, TestSettings
	for _, op := range operations() {
		named = append(named, op.route)
	}
	for _, route := range router.Routes() {
		if path, ours := strings.CutPrefix(route.Path, prefix); ours && !slices.Contains(named, route.Method+" "+path) {
			t.Errorf("%s %s is not in the permission table", route.Method, route.Path)
		}
	}
}

// TestWriteOnlyToken: what a token may change it need not be able to read.
func TestWriteOnlyToken(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		writer := h.as(token(ada(), identity.ScopeFilesWrite))
		own := into[FileBody](writer, writer.upload("own", "1"))
		writer.want(writer.get(prefix+"/"+own.ID+"/metadata"), 403)
		writer.want(writer.send("PATCH", "/"+own.ID, `{"filename":"new","shared":true}`), 200)
		writer.want(writer.do("DELETE", prefix+"/"+own.ID, "", nil), 200)
		private := piece{owner: bob()}.make(h)
		writer.want(writer.do("DELETE", prefix+"/"+private.id, "", nil), 404)
	})
}

// TestBulkWithStrangers: what one may not read is missing, and one that may only be read stops
// a sharing of several.
func TestBulkWithStrangers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		own, others, shared := piece{owner: ada()}.make(h), piece{owner: bob()}.make(h), piece{owner: bob(), shared: true}.make(h)
		a := h.as(ada())
		got := into[changedBody](a, a.send("PATCH", "/share", fmt.Sprintf(`{"ids":[%q,%q,"nobody"],"shared":true}`, own.id, others.id)))
		if got.Changed != 1 || !slices.Equal(got.Missing, []string{others.id, "nobody"}) {
			t.Errorf("got %+v", got)
		}
		a.want(a.send("PATCH", "/share", fmt.Sprintf(`{"ids":[%q,%q],"shared":false}`, own.id, shared.id)), 403)
		if row, err := h.store.find(t.Context(), own.id); err != nil || !row.shared() {
			t.Errorf("got %+v, %v; want nothing changed", row, err)
		}
		w := a.want(a.do("POST", prefix+"/archive", "application/x-www-form-urlencoded", strings.NewReader("ids="+own.id+","+others.id)), 200)
		if n := bytes.Count(w.Body.Bytes(), []byte("PK\x01\x02")); n != 1 {
			t.Errorf("the archive holds %d files, want 1", n)
		}
		h.consistent()
	})
}
