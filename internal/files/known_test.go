package files

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/identity"
)

func (h *house) known(digests ...string) []string {
	h.t.Helper()
	body, err := json.Marshal(digestsBody{digests})
	h.must(err)
	return into[knownBody](h, h.send("POST", "/known", string(body))).Known
}

func (h *house) create(list ...knownFileBody) *httptest.ResponseRecorder {
	h.t.Helper()
	body, err := json.Marshal(createKnownBody{list})
	h.must(err)
	return h.send("POST", "/known/create", string(body))
}

// TestKnown: nobody learns that content is here which they may not read.
func TestKnown(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.as(ada()), h.as(bob())
		private, shared, none := blobtest.Digest([]byte("private")), blobtest.Digest([]byte("shared")), blobtest.Digest([]byte("none"))
		into[FileBody](a, a.upload("p", "private"))
		into[FileBody](a, a.upload("s", "shared", "shared", "true"))
		ask := []string{shared, none, "nonsense", private, shared}
		for who, want := range map[*house][]string{a: sorted([]string{private, shared}), b: {shared}, h.as(guest()): {shared}, h.as(administrator()): sorted([]string{private, shared})} {
			if got := who.known(ask...); !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", who.who.Name, got, want)
			}
		}
		h.want(h.as(token(ada(), identity.ScopeFilesWrite)).send("POST", "/known", `{"digests":["x"]}`), 403)
		h.want(h.as(token(ada(), identity.ScopeFilesWrite)).create(knownFileBody{SHA256: private, Size: 7, Name: "x"}), 403)

		got := into[knownResultsBody](b, b.create(
			knownFileBody{SHA256: shared, Size: 6, Path: "new/folder/copy", Tags: []string{"t"}, ContentType: "text/plain"},
			knownFileBody{SHA256: private, Size: 7, Name: "stolen"},
			knownFileBody{SHA256: shared, Size: 7, Name: "of another size"},
			knownFileBody{SHA256: shared, Size: 6, Name: "a/b"},
			knownFileBody{SHA256: shared, Size: 6, Path: "new/folder/other"},
		))
		if got.Stored != 2 || got.Failed != 3 || len(got.Results) != 5 {
			t.Fatalf("got %+v", got)
		}
		for i, want := range []int{200, 404, 404, 422, 200} {
			r := got.Results[i]
			if r.Index != i || r.Status != want || (want == 404) != (r.Type == "urn:homeserver:unknown") || (r.File == nil) != (want != 200) || (r.Detail == "") != (want == 200) {
				t.Errorf("%d: got %+v, want %d", i, r, want)
			}
		}
		file := got.Results[0].File
		if file.Owner != "bob" || file.Shared || file.Filename != "copy" || file.ContentType != "text/plain" || !slices.Equal(file.Tags, []string{"t"}) || *file.SHA256 != shared {
			t.Errorf("got %+v", file)
		}
		if content := b.get(prefix + "/" + file.ID + "/download").Body.String(); content != "shared" {
			t.Errorf("got %q", content)
		}
		if again := into[knownResultsBody](b, b.create(knownFileBody{SHA256: shared, Size: 6, Path: "new/folder/copy"})); again.Results[0].Status != 409 || again.Results[0].Type != "urn:homeserver:exists" {
			t.Errorf("got %+v", again)
		}
		h.sound()
	})
}

// TestKnownWhileCollected: a file made of known content has it, whoever deletes and collects
// meanwhile.
func TestKnownWhileCollected(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for round := range 5 {
			content := fmt.Sprint("content ", round)
			first := into[FileBody](h, h.upload("first", content))
			var both sync.WaitGroup
			both.Go(func() { h.want(h.do("DELETE", prefix+"/"+first.ID, "", nil), 200) })
			both.Go(func() {
				got := into[knownResultsBody](h, h.create(knownFileBody{SHA256: *first.SHA256, Size: first.Size, Name: fmt.Sprint("second ", round)}))
				if got.Stored == 1 {
					if back := h.get(prefix + "/" + got.Results[0].File.ID + "/download").Body.String(); back != content {
						t.Errorf("got %q", back)
					}
				}
			})
			both.Wait()
		}
		h.sound()
	})
}
