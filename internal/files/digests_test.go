package files

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"

	"homeserver/internal/files/digest"
	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/identity"
)

func jsonInto(data []byte, v any) error { return json.Unmarshal(data, v) }

func field256(data string) string { return digest.Field(blobtest.Digest([]byte(data))) }

func field512(data string) string {
	sum := sha512.Sum512([]byte(data))
	return "sha-512=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// TestUploadsKeepTheirPromise: a digest in a part's header or in a field is compared, before
// the file is there.
func TestUploadsKeepTheirPromise(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		hex := func(data string) string { return blobtest.Digest([]byte(data)) }
		for name, c := range map[string]struct {
			header [2]string // of the part
			before string    // the field sha256 before the file
			after  string    // and after it
			status int
			kind   string
		}{
			"none":                     {status: 200},
			"right header":             {header: [2]string{"Content-Digest", field256("content")}, status: 200},
			"right Repr-Digest":        {header: [2]string{"repr-digest", field512("content") + ", " + field256("content")}, status: 200},
			"wrong header":             {header: [2]string{"Content-Digest", field256("other")}, status: 422, kind: "urn:homeserver:digest"},
			"wrong SHA-512":            {header: [2]string{"Content-Digest", field512("other")}, status: 422, kind: "urn:homeserver:digest"},
			"unreadable header":        {header: [2]string{"Content-Digest", "sha-256=nonsense"}, status: 400},
			"unknown algorithm":        {header: [2]string{"Content-Digest", "md5=:AAAA:"}, status: 200},
			"right field before":       {before: strings.ToUpper(hex("content")), status: 200},
			"right field after":        {after: hex("content"), status: 200},
			"wrong field before":       {before: hex("other"), status: 422, kind: "urn:homeserver:digest"},
			"wrong field after":        {after: hex("other"), status: 422, kind: "urn:homeserver:digest"},
			"two fields that disagree": {before: hex("content"), after: hex("other"), status: 400},
			"unreadable field":         {after: "nonsense", status: 400},
			"empty field":              {before: " ", status: 200},
		} {
			body := new(bytes.Buffer)
			w := multipart.NewWriter(body)
			if c.before != "" {
				_ = w.WriteField("sha256", c.before)
			}
			header := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`}}
			if c.header[0] != "" {
				header[c.header[0]] = []string{c.header[1]}
			}
			part, _ := w.CreatePart(header)
			_, _ = io.WriteString(part, "content")
			if c.after != "" {
				_ = w.WriteField("sha256", c.after)
			}
			_ = w.Close()
			answer := h.do("POST", prefix+"/upload", w.FormDataContentType(), body)
			if answer.Code != c.status {
				t.Errorf("%s: got %d %s, want %d", name, answer.Code, answer.Body, c.status)
			}
			if p := problemIn(h, answer.Body); c.kind != "" && p.Type != c.kind {
				t.Errorf("%s: got %+v", name, p)
			}
			if there := h.list("?q=" + strings.ReplaceAll(name, " ", "%20")).Total; (there > 0) != (c.status == 200) && name != "none" {
				t.Errorf("%s: got %d files", name, there)
			}
		}
		h.sound()
	})
}

// TestBodiesKeepTheirPromise: a digest in the request's header is that of the whole form.
func TestBodiesKeepTheirPromise(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		kind, form := formOf("a", []byte("content"), "")
		for name, c := range map[string]struct {
			field, end string
			status     int
		}{
			"right":               {field256(form.String()), "", 200},
			"right, and SHA-512":  {field512(form.String()), "", 200},
			"of the file alone":   {field256("content"), "", 422},
			"with something else": {field256(form.String()), "\r\nmore", 422},
			"its end counts":      {field256(form.String() + "\r\nmore"), "\r\nmore", 200},
			"unreadable":          {"sha-256=:x:", "", 400},
		} {
			r := httptest.NewRequest("POST", prefix+"/upload", strings.NewReader(form.String()+c.end))
			r = r.WithContext(identity.With(r.Context(), h.who))
			r.Host = "localhost"
			r.Header.Set("Content-Type", kind)
			r.Header.Set("Content-Digest", c.field)
			w := httptest.NewRecorder()
			if h.http.ServeHTTP(w, r); w.Code != c.status {
				t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, c.status)
			}
		}
		if total := h.list("").Total; total != 3 {
			t.Errorf("got %d files, want those that kept their promise", total)
		}
		h.sound()
	})
}

func TestDownloadsBearDigests(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, content := range []string{"", "content", strings.Repeat("x", 2*smallFile)} {
			file := h.put("a", content, "")
			for _, c := range []struct {
				method, name, value string
				status              int
				whole               bool
			}{
				{"GET", "", "", 200, true},
				{"HEAD", "", "", 200, true},
				{"GET", "Range", "bytes=0-0", 206, false},
				{"GET", "If-None-Match", `"` + *file.SHA256 + `"`, 304, false},
				{"GET", "If-None-Match", `"other"`, 200, false},
			} {
				if content == "" && c.status == 206 {
					continue
				}
				r := httptest.NewRequest(c.method, prefix+"/"+file.ID+"/download", nil)
				r = r.WithContext(identity.With(r.Context(), h.who))
				r.Host = "localhost"
				if c.name != "" {
					r.Header.Set(c.name, c.value)
				}
				w := httptest.NewRecorder()
				h.http.ServeHTTP(w, r)
				want := ""
				if c.whole {
					want = field256(content)
				}
				if w.Code != c.status || w.Header().Get("Repr-Digest") != field256(content) || w.Header().Get("Content-Digest") != want {
					t.Errorf("%s %s %s of %d bytes: got %d %v", c.method, c.name, c.value, len(content), w.Code, w.Header())
				}
			}
		}
	})
}

// TestReplacingKeepsItsPromise: the digests of a body that is a file's new content.
func TestReplacingKeepsItsPromise(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		file := h.put("a", "first", "")
		for name, c := range map[string]struct {
			field, value string
			status       int
		}{
			"wrong":      {"Content-Digest", field256("other"), 422},
			"wrong 512":  {"Repr-Digest", field512("other"), 422},
			"unreadable": {"Repr-Digest", "sha-256", 400},
		} {
			w := h.want(h.request("PUT", "/"+file.ID+"/content", strings.NewReader("second"), c.field, c.value), c.status)
			if p := problemIn(h, w.Body); c.status == 422 && p.Type != "urn:homeserver:digest" {
				t.Errorf("%s: got %+v", name, p)
			}
		}
		if w := h.get(prefix + "/" + file.ID + "/download"); w.Body.String() != "first" {
			t.Errorf("got %q, want what it was", w.Body)
		}
		h.want(h.request("PUT", "/"+file.ID+"/content", strings.NewReader("second"), "Content-Digest", field256("second"), "Repr-Digest", field512("second")), 200)
		h.sound()
	})
}

// TestReplacingHealsAndHasAQuota: also this door lets content in.
func TestReplacingHealsAndHasAQuota(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, _ *shaky) {
		file, other := h.put("a", "content", ""), h.put("b", "other", "")
		h.lose(file)
		h.scrub()
		h.isDamaged(file)
		h.want(h.request("PUT", "/"+other.ID+"/content", strings.NewReader("content")), 200)
		h.want(h.get(prefix+"/"+file.ID+"/download"), 200)
		h.quota("household", "25", 200) // two of 7 bytes, and the version of 5
		h.store507(h.request("PUT", "/"+other.ID+"/content", strings.NewReader("7 bytes")), "household")
		h.want(h.request("PUT", "/"+other.ID+"/content", strings.NewReader("6 byte")), 200)
		h.sound()
	})
}
