package files

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"homeserver/internal/platform/identity"
)

// TestUploadPermissions: who may upload, whom the file belongs to, and who sees it.
func TestUploadPermissions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			who    identity.Principal
			fields []string
			want   string // owner, name and shared, or the status
		}{
			{ada(), nil, "ada Name of ada false"},
			{ada(), []string{"shared", ""}, "ada Name of ada false"},
			{ada(), []string{"shared", "TRUE "}, "ada Name of ada true"},
			{ada(), []string{"+shared", "on"}, "ada Name of ada true"},
			{ada(), []string{"shared", "1", "+shared", "no"}, "ada Name of ada false"},
			{ada(), []string{"shared", "yes", "tags", "a,b"}, "ada Name of ada true"},
			{ada(), []string{"shared", "perhaps"}, "422"},
			{ada(), []string{"+shared", "2"}, "422"},
			{administrator(), nil, "ann Name of ann false"},
			{apiKey(), nil, "  true"},
			{apiKey(), []string{"shared", "false"}, "  true"},
			{identity.Household(), []string{"shared", "0"}, "  true"},
			{guest(), nil, "403"},
			{token(ada(), identity.ScopeFilesRead), nil, "403"},
			{token(ada(), identity.ScopeFilesWrite), nil, "ada Name of ada false"},
			{identity.Principal{}, nil, "401"},
		} {
			door := h.as(c.who)
			w := door.upload("f", "content", c.fields...)
			got := fmt.Sprint(w.Code)
			if w.Code == 200 {
				f := into[FileBody](door, w)
				got = fmt.Sprint(f.Owner, " ", f.OwnerName, " ", f.Shared)
				if seen := into[FileBody](h, h.get(prefix+"/"+f.ID+"/metadata")); seen.Owner != f.Owner || seen.OwnerName != f.OwnerName || seen.Shared != f.Shared {
					t.Errorf("metadata: got %+v, want %+v", seen, f)
				}
			}
			if got != c.want {
				t.Errorf("%s with %q: got %q %s, want %q", c.who.Name, c.fields, got, w.Body, c.want)
			}
		}
		h.sound()
	})
}

// TestUploadsOfOnePrincipal: one too many is told to come back, before its body is read; others
// are not concerned.
func TestUploadsOfOnePrincipal(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		door := h.as(ada())
		kind, form := formOf("f", []byte("content"), "")
		whole := form.Bytes()
		var running, waiting sync.WaitGroup
		var pipes []*io.PipeWriter
		for range maxUploads {
			r, w := io.Pipe()
			pipes = append(pipes, w)
			waiting.Add(1)
			running.Go(func() {
				if w := door.do("POST", prefix+"/upload", kind, &told{Reader: r, tell: waiting.Done}); w.Code != 200 {
					t.Errorf("got %d %s, want 200", w.Code, w.Body)
				}
			})
		}
		waiting.Wait()
		refused := door.want(door.do("POST", prefix+"/upload", kind, &told{Reader: strings.NewReader("x"), tell: func() { t.Error("the body was read") }}), 429)
		var problem struct{ Detail string }
		if err := json.Unmarshal(refused.Body.Bytes(), &problem); err != nil || refused.Header().Get("Retry-After") != "5" || !strings.HasSuffix(problem.Detail, ".") {
			t.Errorf("got %q %s", refused.Header().Get("Retry-After"), refused.Body)
		}
		for _, other := range []*house{h.as(bob()), h, h.as(apiKey())} {
			other.put("f", "content", "")
		}
		for _, w := range pipes {
			_, err := w.Write(whole)
			h.must(err)
			h.must(w.Close())
		}
		running.Wait()
		door.put("f", "content", "")
		release, free := h.uploads.Take("ada")
		if !free {
			t.Error("no upload is under way, and there is no room for one")
		} else {
			release()
		}
		h.must(h.refreshUsage(t.Context()))
		h.sound()
	})
}

// told is a body that tells when it is first read.
type told struct {
	io.Reader
	once sync.Once
	tell func()
}

func (r *told) Read(p []byte) (int, error) {
	r.once.Do(r.tell)
	return r.Reader.Read(p)
}

// TestAudit: what was done is recorded, once for a request, with a name or a number.
func TestAudit(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a := h.as(ada())
		one, two := a.put("one \"1\"\n", "1", "").ID, a.put("two", "2", "").ID
		ids := fmt.Sprintf(`"ids":[%q,%q]`, one, two)
		for _, step := range []struct {
			method, path, body string
			status             int
			want               string // "" for no entry
		}{
			{"PATCH", "/" + one, `{"filename":"one","tags":["t"]}`, 200, ""},
			{"PATCH", "/" + one, `{"shared":false}`, 200, ""},
			{"PATCH", "/" + one, `{"shared":true,"filename":"uno\""}`, 200, `ada files.share ` + one + ` "uno\"": shared with the household`},
			{"PATCH", "/share", `{` + ids + `,"shared":true}`, 200, `ada files.share ` + two + ` "two": shared with the household`},
			{"PATCH", "/share", `{` + ids + `,"shared":false}`, 200, `ada files.share  2 files: no longer shared`},
			{"DELETE", "/" + two, ``, 200, `ada files.delete ` + two + ` "two"`},
			{"DELETE", "/" + two, ``, 404, ``},
			{"POST", "/" + two + "/restore", ``, 200, `ada files.restore ` + two + ` "two"`},
			{"POST", "/" + two + "/restore", ``, 200, ``},
			{"POST", "/delete", `{` + ids + `}`, 200, `ada files.delete  2 files`},
			{"POST", "/restore", `{` + ids + `}`, 200, `ada files.restore  2 files`},
			{"POST", "/delete", `{"ids":["nobody"]}`, 200, ``},
		} {
			*h.audit = nil
			a.want(a.send(step.method, step.path, step.body), step.status)
			if want := slices.DeleteFunc([]string{step.want}, func(s string) bool { return s == "" }); !slices.Equal(*h.audit, want) {
				t.Errorf("%s %s %s: got %q, want %q", step.method, step.path, step.body, *h.audit, want)
			}
		}
		h.sound()
	})
}
