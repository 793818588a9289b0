// Package doors tries every door of the real program as everybody: who may come in, who may
// not, and what happens to those who guess, come from other sites, or are shown out.
package doors

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"homeserver/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

// patience is how long something outside this process may take.
const patience = 30 * time.Second

// password is everybody's.
const password = "correct horse battery"

// house is a server with people.
type house struct {
	*server.Server
	nobody *server.Client // brings no credentials of its own
}

// person is somebody at the door: what is sent with each request.
type person struct {
	name   string
	header http.Header
}

// open starts a house with an API key and accounts of everybody in roles (name -> role).
func open(t *testing.T, env, roles map[string]string) *house {
	t.Helper()
	s := server.Start(t, server.Options{Env: env})
	h := &house{Server: s, nobody: server.NewClient(s.Base, "")}
	for name, role := range roles {
		s.JSON(t, "POST", "/api/v1/users", map[string]string{"name": name, "role": role, "password": password}).Expect(t, 200)
	}
	return h
}

// as sends a request as somebody; v is sent as JSON unless nil.
func (h *house) as(t *testing.T, who person, method, path string, v any) server.Answer {
	t.Helper()
	header := who.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if v == nil {
		return h.nobody.Do(t, method, path, header, nil)
	}
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	header.Set("Content-Type", "application/json")
	return h.nobody.Do(t, method, path, header, strings.NewReader(string(body)))
}

// tryIn tries to sign in from an address that a trusted proxy names.
func (h *house) tryIn(t *testing.T, name, password, address string) server.Answer {
	t.Helper()
	header := http.Header{}
	if address != "" {
		header.Set("X-Forwarded-For", address)
	}
	return h.as(t, person{header: header}, "POST", "/api/v1/session", map[string]string{"name": name, "password": password})
}

// signIn signs somebody in.
func (h *house) signIn(t *testing.T, name string) person {
	t.Helper()
	answer := h.tryIn(t, name, password, "").Expect(t, 200)
	return person{name, http.Header{"Cookie": {cookie(t, answer)}}}
}

// cookie is what an answer set, as a browser sends it back.
func cookie(t *testing.T, answer server.Answer) string {
	t.Helper()
	pair, _, ok := strings.Cut(answer.Header.Get("Set-Cookie"), ";")
	if !ok {
		t.Fatalf("no cookie was set: %v", answer.Header)
	}
	return pair
}

// token makes a token or an app password of a person and returns who shows it.
func (h *house) token(t *testing.T, who person, kind, name string, scopes ...string) (holder person, id string) {
	t.Helper()
	var made struct{ ID, Secret string }
	h.as(t, who, "POST", "/api/v1/account/tokens", map[string]any{"kind": kind, "name": name, "scopes": scopes}).Expect(t, 200).Decode(t, &made)
	if kind == "app_password" {
		basic := base64.StdEncoding.EncodeToString([]byte(who.name + ":" + made.Secret))
		return person{name, http.Header{"Authorization": {"Basic " + basic}}}, made.ID
	}
	return person{name, http.Header{"Authorization": {"Bearer " + made.Secret}}}, made.ID
}

// upload uploads a file as somebody.
func (h *house) upload(t *testing.T, who person, name string, shared bool) string {
	t.Helper()
	parts := []server.Part{server.FilePart(name, "text/plain", []byte("content of "+name))}
	if shared {
		parts = append(parts, server.Field("shared", "true"))
	}
	header := who.header.Clone()
	header.Set("Content-Type", server.ContentType)
	var file server.File
	h.nobody.Do(t, "POST", server.Files+"/upload", header, strings.NewReader(string(server.Multipart(parts...)))).Expect(t, 200).Decode(t, &file)
	return file.ID
}

// userID is the id of somebody's account.
func (h *house) userID(t *testing.T, name string) string {
	t.Helper()
	var list struct{ Users []struct{ ID, Name string } }
	h.Get(t, "/api/v1/users").Expect(t, 200).Decode(t, &list)
	for _, u := range list.Users {
		if u.Name == name {
			return u.ID
		}
	}
	t.Fatalf("there is no account %q", name)
	return ""
}

// beginning is the status of an answer that never ends; what follows it is not read.
func (h *house) beginning(t *testing.T, path string, who person) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.nobody.Base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = who.header.Clone()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// socket opens a WebSocket as somebody with more headers, and returns the status of the answer
// and the connection, which is open if that is 101.
func (h *house) socket(t *testing.T, path string, who person, more ...string) (int, *bufio.Reader) {
	t.Helper()
	conn := h.nobody.Dial(t)
	_ = conn.SetDeadline(time.Now().Add(patience))
	head := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	for name, values := range who.header {
		for _, value := range values {
			head = append(head, name+": "+value)
		}
	}
	text := h.nobody.Head("GET", path, append(head, more...)...)
	for _, line := range more {
		if strings.HasPrefix(line, "Host: ") { // instead of the server's own
			text = strings.Replace(text, "Host: "+h.nobody.Host()+"\r\n", "", 1)
		}
	}
	fmt.Fprint(conn, text)
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, reader
}
