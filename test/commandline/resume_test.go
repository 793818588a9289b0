package commandline

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
)

// beginElsewhere sends the beginning of a file as a browser does: without a digest of the whole.
func (d *desk) beginElsewhere(name string, size int, beginning []byte) (id string) {
	d.t.Helper()
	send := func(method, path string, body []byte, want int, header http.Header) http.Header {
		header.Set("Tus-Resumable", "1.0.0")
		return d.Do(d.t, method, path, header, bytes.NewReader(body)).Expect(d.t, want).Header
	}
	where := send("POST", "/api/v1/uploads", nil, 201, http.Header{
		"Upload-Length": {strconv.Itoa(size)}, "Upload-Metadata": {"filename " + base64.StdEncoding.EncodeToString([]byte(name))}}).Get("Location")
	send("PATCH", where, beginning, 204, http.Header{"Upload-Offset": {"0"}, "Content-Type": {"application/offset+octet-stream"}})
	return path.Base(where)
}

// unfinished are the uploads that are not finished, with how far they are.
func (d *desk) unfinished() map[string]int64 {
	d.t.Helper()
	var list struct {
		Uploads []struct {
			ID     string `json:"id"`
			Offset int64  `json:"offset"`
		} `json:"uploads"`
	}
	d.JSON(d.t, "GET", "/api/v1/uploads", nil).Expect(d.t, 200).Decode(d.t, &list)
	offsets := map[string]int64{}
	for _, u := range list.Uploads {
		offsets[u.ID] = u.Offset
	}
	return offsets
}

// TestPutAfterAnotherDevice: an upload of the same name and size that was begun elsewhere is gone
// on with if it is of this very file, and left alone if it is of another.
func TestPutAfterAnotherDevice(t *testing.T) {
	t.Parallel()
	d := sit(t, nil)
	base := d.Base
	var sent atomic.Int64
	counting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			sent.Add(r.ContentLength)
		}
		relay(w, r, base)
	}))
	t.Cleanup(counting.Close)
	d.base = counting.URL

	const size, half = 6 << 20, 3 << 20
	film := random(size)
	// The other one differs where a look at the first megabyte would not find it.
	other := bytes.Clone(film)
	other[half-1] ^= 1
	theirs := d.beginElsewhere("film", size, other[:half])
	from := t.TempDir()
	lay(t, from, map[string][]byte{"film": film})
	d.run(0, "put", filepath.Join(from, "film"))
	d.listed("", map[string][]byte{"film": film})
	if got := sent.Load(); got != size {
		t.Errorf("%d bytes were sent, want all %d", got, size)
	}
	if got := d.unfinished(); len(got) != 1 || got[theirs] != half {
		t.Errorf("got %v unfinished, want the other one at %d", got, half)
	}

	// Its own beginning is found beside the other one's, and not sent again.
	d.run(0, "rm", "film")
	d.Do(t, "POST", "/api/v1/trash/empty", http.Header{"Content-Type": {"application/json"}}, bytes.NewReader([]byte(`{"confirm":"1"}`)))
	more := random(size)
	copy(more, film[:1<<20])
	ours := d.beginElsewhere("film", size, more[:half])
	sent.Store(0)
	lay(t, from, map[string][]byte{"film": more})
	d.run(0, "put", filepath.Join(from, "film"))
	d.listed("", map[string][]byte{"film": more})
	if got := sent.Load(); got != size-half {
		t.Errorf("%d bytes were sent, want the %d that were not there", got, size-half)
	}
	if got := d.unfinished(); len(got) != 1 || got[theirs] != half {
		t.Errorf("got %v unfinished (ours was %s), want the other one at %d", got, ours, half)
	}
}
