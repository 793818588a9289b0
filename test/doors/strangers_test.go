package doors

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"homeserver/test/server"
)

// TestOtherSites comes from pages of other sites in the browser of somebody who is signed in.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	h := open(t, nil, map[string]string{"ada": "administrator"})
	ada := h.signIn(t, "ada")
	id := h.upload(t, ada, "letter.txt", false)
	from := func(lines ...string) person {
		who := person{"ada elsewhere", ada.header.Clone()}
		for _, line := range lines {
			name, value, _ := strings.Cut(line, ": ")
			who.header.Set(name, value)
		}
		return who
	}
	for name, who := range map[string]person{
		"fetch with credentials": from("Origin: https://evil.example", "Sec-Fetch-Site: cross-site"),
		"an old browser's fetch": from("Origin: https://evil.example"),
		"a sandboxed page":       from("Origin: null", "Sec-Fetch-Site: cross-site"),
		"another port":           from("Origin: http://127.0.0.1:1", "Sec-Fetch-Site: same-site"),
	} {
		for _, try := range [][2]string{{"DELETE", server.Files + "/" + id}, {"POST", server.Files + "/delete"}, {"POST", "/api/v1/users"}, {"DELETE", "/api/v1/session"}, {"POST", "/api/v1/session"}} {
			if got := h.as(t, who, try[0], try[1], map[string]any{"ids": []string{id}}); got.Status != http.StatusForbidden {
				t.Errorf("%s: %s %s: got %d, want 403", name, try[0], try[1], got.Status)
			}
		}
		form := who.header.Clone()
		form.Set("Content-Type", server.ContentType)
		body := string(server.Multipart(server.FilePart("planted.txt", "text/plain", []byte("planted"))))
		if got := h.nobody.Do(t, "POST", server.Files+"/upload", form, strings.NewReader(body)); got.Status != http.StatusForbidden {
			t.Errorf("%s: a form post: got %d, want 403", name, got.Status)
		}
	}
	for name, origin := range map[string]string{"foreign": "Origin: https://evil.example", "null": "Origin: null", "other port": "Origin: http://127.0.0.1:1"} {
		if status, _ := h.socket(t, "/api/v1/monitoring/ws", ada, origin); status != http.StatusForbidden {
			t.Errorf("WebSocket with the origin %s: got %d, want 403", name, status)
		}
	}
	if status, _ := h.socket(t, "/api/v1/monitoring/ws", ada, "Origin: "+h.Base); status != http.StatusSwitchingProtocols {
		t.Errorf("WebSocket from our own page: got %d, want 101", status)
	}
	h.as(t, ada, "GET", server.Files+"/"+id+"/metadata", nil).Expect(t, 200)
	if total := h.ListFiles(t, "").Total; total != 1 {
		t.Errorf("there are %d files, want the one", total)
	}
}

// TestRebinding comes with the name of another site that points at this server.
func TestRebinding(t *testing.T) {
	t.Parallel()
	h := open(t, nil, map[string]string{"ada": "administrator"})
	ada := h.signIn(t, "ada")
	for _, name := range []string{"evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example"} {
		for _, path := range []string{"/api/v1/files/list", "/static/files.html", "/api/v1/session", "/"} {
			request, err := h.nobody.Request("GET", path, ada.header.Clone(), nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = name
			answer, err := h.nobody.Send(request)
			if err != nil || answer.Status != http.StatusMisdirectedRequest {
				t.Errorf("%s as %s: got %d %v, want 421", path, name, answer.Status, err)
			}
		}
		if status, _ := h.socket(t, "/api/v1/monitoring/ws", ada, "Host: "+name, "Origin: http://"+name); status != http.StatusMisdirectedRequest {
			t.Errorf("WebSocket as %s: got %d, want 421", name, status)
		}
	}
}

// shownOut is the second within which everything that somebody has open ends, and as much again
// for a machine that runs other tests.
const shownOut = 2 * time.Second

// TestShownOut ends what somebody has open: by another device, by an administrator, at a
// terminal, and by signing out.
func TestShownOut(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		h := open(t, env, map[string]string{"ada": "administrator", "bob": "member"})
		for name, end := range map[string]func(bob person){
			"another device": func(person) {
				other := h.signIn(t, "bob")
				h.as(t, other, "DELETE", "/api/v1/account/sessions", nil).Expect(t, 204)
			},
			"signed out":       func(bob person) { h.as(t, bob, "DELETE", "/api/v1/session", nil).Expect(t, 204) },
			"an administrator": func(person) { h.JSON(t, "DELETE", "/api/v1/users/"+h.userID(t, "bob")+"/sessions", nil).Expect(t, 204) },
			"another role": func(person) {
				h.JSON(t, "PATCH", "/api/v1/users/"+h.userID(t, "bob"), map[string]string{"role": "administrator"}).Expect(t, 200)
				h.JSON(t, "PATCH", "/api/v1/users/"+h.userID(t, "bob"), map[string]string{"role": "member"}).Expect(t, 200)
			},
			"a terminal": func(person) {
				if out, errOut, code := h.CLI("user", "disable", "bob"); code != 0 {
					t.Fatal(out, errOut)
				}
			},
		} {
			bob := h.signIn(t, "bob")
			status, frames := h.socket(t, "/api/v1/monitoring/ws", bob)
			if status != http.StatusSwitchingProtocols {
				t.Fatalf("%s: got %d", name, status)
			}
			end(bob)
			start := time.Now()
			for !strings.Contains(frame(t, frames), "the sign-in has ended") {
			}
			if took := time.Since(start); took > shownOut {
				t.Errorf("%s: the dashboard stayed open for %v", name, took)
			}
			h.as(t, bob, "GET", "/api/v1/files/list", nil).Expect(t, 401)
			if name == "a terminal" {
				if out, errOut, code := h.CLI("user", "enable", "bob"); code != 0 {
					t.Fatal(out, errOut)
				}
				server.Eventually(t, patience, "bob to be let in", func() error {
					if answer := h.tryIn(t, "bob", password, ""); answer.Status != 200 {
						return &server.Refused{Answer: answer}
					}
					return nil
				})
			}
		}
	})
}

// frame reads one short unmasked frame (RFC 6455 section 5.2).
func frame(t *testing.T, r interface{ Read([]byte) (int, error) }) string {
	t.Helper()
	read := func(n int) []byte {
		b := make([]byte, n)
		for at := 0; at < n; {
			m, err := r.Read(b[at:])
			if err != nil {
				t.Fatalf("the WebSocket ended without a word: %v", err)
			}
			at += m
		}
		return b
	}
	head := read(2)
	size := int(head[1] & 127)
	if size == 126 {
		more := read(2)
		size = int(more[0])<<8 | int(more[1])
	}
	return string(read(size))
}

// TestStalledDownloadIsCut disables somebody who has stopped reading in the middle of a
// download: the rest does not come.
func TestStalledDownloadIsCut(t *testing.T) {
	t.Parallel()
	const size = 40 << 20 // more than the buffers between the two hold
	h := open(t, nil, map[string]string{"bob": "member"})
	bob := h.signIn(t, "bob")
	header := bob.header.Clone()
	header.Set("Content-Type", server.ContentType)
	var file server.File
	body := server.Multipart(server.FilePart("big.bin", "application/octet-stream", make([]byte, size)))
	h.nobody.Do(t, "POST", server.Files+"/upload", header, bytes.NewReader(body)).Expect(t, 200).Decode(t, &file)
	conn := h.nobody.Dial(t)
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, h.nobody.Head("GET", server.Files+"/"+file.ID+"/download", "Cookie: "+bob.header.Get("Cookie")))
	if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	h.JSON(t, "PATCH", "/api/v1/users/"+h.userID(t, "bob"), map[string]bool{"disabled": true}).Expect(t, 200)
	h.as(t, bob, "GET", server.Files+"/list", nil).Expect(t, 401)
	if n, _ := io.Copy(io.Discard, conn); n >= size-1000 {
		t.Errorf("%d more bytes came, and so the whole file", n)
	}
}
