package files

import (
	"bytes"
	"context"
	"crypto/md5"  //nolint:gosec // as the protocol names it
	"crypto/sha1" //nolint:gosec // as the protocol names it
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"homeserver/internal/files/tus"
	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/identity"
)

// tus sends a request of the protocol. headers come in pairs.
func (h *house) tus(method, path string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequest(method, path, body)
	r = r.WithContext(identity.With(r.Context(), h.who))
	r.Host = "localhost"
	r.Header.Set(tusResumable, tus.Version)
	if method == "POST" {
		r.Header.Set(uploadMetadata, meta("on_conflict", "keep"))
	}
	if method == "PATCH" {
		r.Header.Set("Content-Type", tus.ContentType)
	}
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.http.ServeHTTP(w, r)
	return w
}

// meta writes Upload-Metadata.
func meta(pairs ...string) string {
	m := tus.Metadata{}
	m["on_conflict"] = "keep"
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m.Encode()
}

func encode64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// identityContext is a context of somebody's.
func identityContext(t *testing.T, who identity.Principal) context.Context {
	return identity.With(t.Context(), who)
}

// begin1 begins an upload and returns its address.
func (h *house) begin1(size int, headers ...string) string {
	h.t.Helper()
	headers = append([]string{uploadLength, strconv.Itoa(size)}, headers...)
	w := h.want(h.tus("POST", uploadsPrefix, nil, headers...), 201)
	where := w.Header().Get("Location")
	if !strings.HasPrefix(where, uploadsPrefix+"/") || w.Header().Get(tusResumable) != tus.Version {
		h.t.Fatalf("got Location %q, headers %v", where, w.Header())
	}
	return where
}

// patch1 adds data at offset.
func (h *house) patch1(where string, offset int, data []byte, headers ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	return h.tus("PATCH", where, bytes.NewReader(data), append([]string{uploadOffset, strconv.Itoa(offset)}, headers...)...)
}

// offset asks how far an upload is.
func (h *house) offset(where string) string {
	h.t.Helper()
	return h.want(h.tus("HEAD", where, nil), 200).Header().Get(uploadOffset)
}

// became checks that an answer names a file with this name and content.
func (h *house) became(w *httptest.ResponseRecorder, name string, data []byte) FileBody {
	h.t.Helper()
	id := w.Header().Get(uploadFileID)
	file := into[FileBody](h, h.get(prefix+"/"+id+"/metadata"))
	content := h.want(h.get(prefix+"/"+id+"/download"), 200).Body.Bytes()
	if file.Filename != name || file.Size != int64(len(data)) || file.SHA256 == nil || *file.SHA256 != blobtest.Digest(data) || !bytes.Equal(content, data) {
		h.t.Fatalf("got %+v with %d bytes, want %q with %d bytes %s", file, len(content), name, len(data), blobtest.Digest(data))
	}
	return file
}

// noise is content that no mistake reproduces.
func noise(n int) []byte {
	data := make([]byte, n)
	source := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)})
	_, _ = source.Read(data)
	return data
}

func TestResumableInPieces(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h = h.as(ada())
		data := noise(300_000)
		where := h.begin1(len(data), uploadMetadata, meta("filename", "film.mkv", "filetype", "video/x-matroska", "tags", "a, b", "shared", "true", "relativePath", ""))
		for from := 0; from < len(data); {
			if got := h.offset(where); got != strconv.Itoa(from) {
				t.Fatalf("got offset %s, want %d", got, from)
			}
			to := min(from+77_777, len(data))
			w := h.want(h.patch1(where, from, data[from:to]), 204)
			if w.Header().Get(uploadOffset) != strconv.Itoa(to) {
				t.Fatalf("got offset %s, want %d", w.Header().Get(uploadOffset), to)
			}
			if to < len(data) {
				expires, err := time.Parse(time.RFC1123, w.Header().Get(uploadExpires))
				if left := expires.Sub(h.clock.now()); err != nil || left < resumableFor-time.Minute || left > resumableFor {
					t.Errorf("expires %q, in %v", w.Header().Get(uploadExpires), left)
				}
				if w.Header().Get(uploadFileID) != "" {
					t.Error("a file before the end")
				}
			} else {
				file := h.became(w, "film.mkv", data)
				if file.ContentType != "video/x-matroska" || !slices.Equal(file.Tags, []string{"a", "b"}) || !file.Shared || file.Owner != "ada" {
					t.Errorf("got %+v", file)
				}
			}
			if again := h.patch1(where, from, data[from:to]); again.Code != 409 && to < len(data) || to == len(data) && again.Code != 409 {
				t.Errorf("the same piece again: got %d %s", again.Code, again.Body)
			}
			from = to
		}
		w := h.want(h.tus("HEAD", where, nil), 200)
		if w.Header().Get(uploadOffset) != strconv.Itoa(len(data)) || w.Header().Get(uploadLength) != strconv.Itoa(len(data)) || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("got %v", w.Header())
		}
		h.became(w, "film.mkv", data)
		h.became(h.want(h.patch1(where, len(data), nil), 204), "film.mkv", data)
		h.want(h.tus("DELETE", where, nil), 204)
		h.want(h.tus("HEAD", where, nil), 404)
		if total := into[listBody](h, h.get(prefix+"/list")).Total; total != 1 {
			t.Errorf("got %d files, want 1", total)
		}
		h.sound()
	})
}

func TestResumableCreation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		kind := []string{"Content-Type", tus.ContentType}
		for _, c := range []struct {
			name    string
			body    string
			headers []string
			want    int
		}{
			{"no version", "", []string{tusResumable, "", uploadLength, "1"}, 412},
			{"another version", "", []string{tusResumable, "0.2.2", uploadLength, "1"}, 412},
			{"no length", "", nil, 400},
			{"two lengths", "", []string{uploadLength, "1", uploadDefer, "1"}, 400},
			{"no number", "", []string{uploadLength, "x"}, 400},
			{"bad metadata", "", []string{uploadLength, "1", uploadMetadata, "filename !"}, 400},
			{"a name with NUL", "", []string{uploadLength, "1", uploadMetadata, meta("filename", "a\x00b")}, 422},
			{"a digest that is none", "", []string{uploadLength, "1", uploadMetadata, meta("sha256", "abc")}, 422},
			{"shared perhaps", "", []string{uploadLength, "1", uploadMetadata, meta("shared", "perhaps")}, 422},
			{"another algorithm", "x", append(kind, uploadLength, "1", uploadChecksum, "crc32 AAAA"), 400},
			{"a body of another kind", "x", []string{uploadLength, "1", "Content-Type", "text/plain"}, 415},
			{"more than was said", "xy", append(kind, uploadLength, "1"), 413},
			{"more than there is room for", "", []string{uploadLength, strconv.FormatInt(1<<62, 10)}, 507},
			{"bad concatenation", "", []string{uploadConcat, "final;"}, 400},
			{"parts that are none", "", []string{uploadConcat, "final;/x /y"}, 404},
		} {
			w := h.tus("POST", uploadsPrefix, strings.NewReader(c.body), c.headers...)
			if w.Code != c.want || !strings.Contains(w.Body.String(), `."`) || w.Header().Get(tusResumable) != tus.Version {
				t.Errorf("%s: got %d %s, want %d", c.name, w.Code, w.Body, c.want)
			}
			if c.want == 412 && w.Header().Get("Tus-Version") != tus.Version {
				t.Errorf("%s: got Tus-Version %q", c.name, w.Header().Get("Tus-Version"))
			}
		}
		with := h.tus("POST", uploadsPrefix, strings.NewReader("hello"), append(kind, uploadLength, "5", uploadMetadata, meta("filename", "whole"))...)
		h.became(h.want(with, 201), "whole", []byte("hello"))
		some := h.want(h.tus("POST", uploadsPrefix, strings.NewReader("hel"), append(kind, uploadLength, "5", uploadMetadata, meta("filename", "some"))...), 201)
		if some.Header().Get(uploadOffset) != "3" {
			t.Errorf("got offset %s, want 3", some.Header().Get(uploadOffset))
		}
		h.became(h.want(h.patch1(some.Header().Get("Location"), 3, []byte("lo")), 204), "some", []byte("hello"))
		h.became(h.want(h.tus("POST", uploadsPrefix, nil, uploadLength, "0", uploadMetadata, meta("filename", "empty")), 201), "empty", nil)
		h.became(h.want(h.tus("POST", uploadsPrefix, nil, uploadLength, "0"), 201), unnamed, nil)

		later := h.want(h.tus("POST", uploadsPrefix, nil, uploadDefer, "1"), 201).Header().Get("Location")
		h.want(h.patch1(later, 0, []byte("12345")), 204)
		if got := h.want(h.tus("HEAD", later, nil), 200).Header(); got.Get(uploadDefer) != "1" || got.Get(uploadLength) != "" || got.Get(uploadOffset) != "5" {
			t.Errorf("got %v", got)
		}
		h.want(h.patch1(later, 5, nil, uploadLength, "4"), 422)
		h.want(h.patch1(later, 5, []byte("6"), uploadLength, "7"), 204)
		h.want(h.patch1(later, 6, []byte("7"), uploadLength, "8"), 409)
		if got := h.want(h.tus("HEAD", later, nil), 200).Header(); got.Get(uploadDefer) != "" || got.Get(uploadLength) != "7" {
			t.Errorf("got %v", got)
		}
		h.became(h.want(h.patch1(later, 6, []byte("7")), 204), unnamed, []byte("1234567"))
		known := h.want(h.tus("POST", uploadsPrefix, nil, uploadDefer, "1"), 201).Header().Get("Location")
		h.want(h.patch1(known, 0, []byte("12345")), 204)
		h.became(h.want(h.patch1(known, 5, nil, uploadLength, "5"), 204), unnamed, []byte("12345"))
		h.sound()
	})
}

func TestResumableChecksum(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		data := noise(200_001)
		where := h.begin1(len(data))
		half := data[:100_000]
		sum1, sum256, sumMD5 := sha1.Sum(half), sha256.Sum256(half), md5.Sum(data[100_000:]) //nolint:gosec // as the protocol names them
		encode := func(algorithm string, sum []byte) string {
			return algorithm + " " + base64.StdEncoding.EncodeToString(sum)
		}
		for _, wrong := range []string{encode("sha1", make([]byte, 20)), encode("md5", sumMD5[:]), encode("sha256", make([]byte, 32))} {
			w := h.patch1(where, 0, half, uploadChecksum, wrong)
			if w.Code != 460 || !strings.Contains(w.Body.String(), problemChecksum) {
				t.Errorf("%s: got %d %s, want 460", wrong, w.Code, w.Body)
			}
			if got := h.offset(where); got != "0" {
				t.Errorf("got offset %s after a wrong checksum", got)
			}
		}
		h.want(h.patch1(where, 0, half[:10], uploadChecksum, encode("sha1", sum1[:])), 460)
		h.want(h.patch1(where, 0, half, uploadChecksum, encode("sha256", sum256[:])), 204)
		h.want(h.patch1(where, 100_000, data[100_000:], uploadChecksum, encode("sha1", sum1[:])), 460)
		if got := h.offset(where); got != "100000" {
			t.Errorf("got offset %s, want what was right", got)
		}
		h.became(h.want(h.patch1(where, 100_000, data[100_000:], uploadChecksum, encode("md5", sumMD5[:])), 204), unnamed, data)

		wrong := h.begin1(5, uploadMetadata, meta("sha256", blobtest.Digest([]byte("other"))))
		h.want(h.patch1(wrong, 0, []byte("hello")), 422)
		h.want(h.tus("HEAD", wrong, nil), 404)
		right := h.begin1(5, uploadMetadata, meta("sha256", strings.ToUpper(blobtest.Digest([]byte("hello")))))
		h.became(h.want(h.patch1(right, 0, []byte("hello")), 204), unnamed, []byte("hello"))
		h.sound()
	})
}

func TestResumableLengths(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		where := h.begin1(10)
		h.want(h.patch1(where, 0, []byte("12345")), 204)
		h.want(h.patch1(where, 5, []byte("678901")), 413)
		chunked := struct{ io.Reader }{strings.NewReader("678901")} // of no announced length
		w := h.tus("PATCH", where, chunked, uploadOffset, "5")
		h.want(w, 413)
		if got := h.offset(where); got != "5" {
			t.Errorf("got offset %s after too much, want 5", got)
		}
		for _, offset := range []string{"", "-1", "x"} {
			h.want(h.tus("PATCH", where, strings.NewReader("6"), uploadOffset, offset), 400)
		}
		h.want(h.patch1(where, 4, []byte("6")), 409)
		h.want(h.patch1(where, 6, []byte("6")), 409)
		h.want(h.patch1(where, 5, []byte("6"), "Content-Type", "text/plain"), 415)
		h.want(h.patch1(where, 5, []byte("6"), tusResumable, ""), 412)
		h.want(h.tus("PATCH", uploadsPrefix+"/none", strings.NewReader("6"), uploadOffset, "0"), 404)
		h.want(h.tus("POST", where, strings.NewReader("67"), uploadOffset, "5", "Content-Type", tus.ContentType), 400)
		h.want(h.tus("POST", where, strings.NewReader("67"), uploadOffset, "5", "Content-Type", tus.ContentType, methodOverride, "PATCH"), 204)
		h.became(h.want(h.tus("PATCH", where, struct{ io.Reader }{strings.NewReader("890")}, uploadOffset, "7"), 204), unnamed, []byte("1234567890"))
		h.sound()
	})
}

// incoming is how many unfinished files lie in the storage.
func (h *house) incoming() int {
	h.t.Helper()
	entries, err := os.ReadDir(filepath.Join(h.root, "incoming"))
	h.must(err)
	return len(entries)
}

func TestResumableEnds(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		given, old, young := h.begin1(10), h.begin1(10), h.begin1(10)
		for _, where := range []string{given, old, young} {
			h.want(h.patch1(where, 0, []byte("12345")), 204)
		}
		h.want(h.tus("DELETE", given, nil), 204)
		h.want(h.tus("DELETE", given, nil), 404)
		h.want(h.patch1(given, 5, []byte("6")), 404)
		if got := h.incoming(); got != 2 {
			t.Errorf("got %d files under incoming, want 2", got)
		}
		h.clock.advance(resumableFor / 2)
		h.want(h.patch1(young, 5, []byte("67")), 204)
		h.clock.advance(resumableFor/2 + time.Minute)
		past := time.Now().Add(-3 * incomingAge)
		for _, where := range []string{old, young} {
			h.must(os.Chtimes(filepath.Join(h.root, "incoming", filepath.Base(where)), past, past))
		}
		h.must(h.Collect(t.Context()))
		if got := h.incoming(); got != 2 {
			t.Errorf("got %d files under incoming after the sweep, want 2: their uploads live", got)
		}
		h.want(h.patch1(old, 5, []byte("6")), 404)
		h.must(h.ExpireUploads(t.Context()))
		if got := h.incoming(); got != 1 {
			t.Errorf("got %d files under incoming after the expiry, want 1", got)
		}
		h.want(h.tus("HEAD", old, nil), 404)
		h.became(h.want(h.patch1(young, 7, []byte("890")), 204), unnamed, []byte("1234567890"))
		h.clock.advance(finishedFor + time.Minute)
		h.must(h.ExpireUploads(t.Context()))
		h.want(h.tus("HEAD", young, nil), 404)
		h.sound()
	})
}

func TestResumableConcatenation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h = h.as(ada())
		data := noise(150_000)
		cuts := []int{0, 40_000, 40_001, 150_000}
		var parts []string
		for i := range 3 {
			parts = append(parts, h.begin1(cuts[i+1]-cuts[i], uploadConcat, "partial"))
		}
		final := "final;" + parts[0] + " http://localhost" + parts[1] + " " + parts[2]
		name := []string{uploadConcat, final, uploadMetadata, meta("filename", "joined")}
		h.want(h.patch1(parts[2], 0, data[40_001:]), 204)
		h.want(h.patch1(parts[0], 0, data[:40_000]), 204)
		h.want(h.tus("POST", uploadsPrefix, nil, name...), 409)
		w := h.want(h.patch1(parts[1], 0, data[40_000:40_001]), 204)
		if w.Header().Get(uploadFileID) != "" {
			t.Error("a file of a part")
		}
		if got := h.want(h.tus("HEAD", parts[0], nil), 200).Header().Get(uploadConcat); got != "partial" {
			t.Errorf("got %q", got)
		}
		h.want(h.as(bob()).tus("POST", uploadsPrefix, nil, name...), 404)
		h.want(h.tus("POST", uploadsPrefix, nil, uploadConcat, "final;"+parts[0]+" "+parts[0]), 422)
		first := h.want(h.tus("POST", uploadsPrefix, nil, name...), 201)
		h.became(first, "joined", data)
		again := h.want(h.tus("POST", uploadsPrefix, nil, name...), 201)
		if again.Header().Get("Location") != first.Header().Get("Location") || again.Header().Get(uploadFileID) != first.Header().Get(uploadFileID) {
			t.Errorf("once more: got %v, want %v", again.Header(), first.Header())
		}
		where := first.Header().Get("Location")
		head := h.want(h.tus("HEAD", where, nil), 200).Header()
		if head.Get(uploadConcat) != final || head.Get(uploadLength) != "150000" || head.Get(uploadOffset) != "150000" {
			t.Errorf("got %v", head)
		}
		h.want(h.patch1(where, 150_000, []byte("x")), 403)
		h.want(h.tus("POST", uploadsPrefix, nil, uploadConcat, "final;"+parts[1]+" "+parts[0]), 201) // the answer to one that is made already
		whole := h.begin1(3)
		h.want(h.patch1(whole, 0, []byte("abc")), 204)
		h.want(h.tus("POST", uploadsPrefix, nil, uploadConcat, "final;"+whole), 404)
		if got := h.incoming(); got != 0 {
			t.Errorf("got %d files under incoming, want none", got)
		}
		if total := into[listBody](h, h.get(prefix+"/list")).Total; total != 2 {
			t.Errorf("got %d files, want 2", total)
		}
		h.sound()
	})
}

func TestResumablePeople(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		data := []byte("hello")
		where := h.as(ada()).begin1(5, uploadMetadata, meta("filename", "private.txt", "relativePath", "a/b/private.txt"))
		h.want(h.as(ada()).patch1(where, 0, data[:2]), 204)
		for _, who := range []identity.Principal{bob(), administrator(), apiKey()} {
			other := h.as(who)
			h.want(other.tus("HEAD", where, nil), 404)
			h.want(other.patch1(where, 2, data[2:]), 404)
			h.want(other.tus("DELETE", where, nil), 404)
			if list := into[unfinishedListBody](other, other.get(uploadsPrefix)).Uploads; len(list) != 0 {
				t.Errorf("%s sees %+v", who.Name, list)
			}
		}
		for who, want := range map[*identity.Principal]int{{}: 401, new(guest()): 403, new(token(ada(), identity.ScopeFilesRead)): 403} {
			other := h.as(*who)
			h.want(other.tus("HEAD", where, nil), want)
			h.want(other.tus("POST", uploadsPrefix, nil, uploadLength, "1"), want)
			h.want(other.get(uploadsPrefix), want)
			h.want(other.tus("OPTIONS", uploadsPrefix, nil), 204)
		}
		list := into[unfinishedListBody](h, h.as(ada()).get(uploadsPrefix)).Uploads
		if len(list) != 1 || list[0].Filename != "private.txt" || list[0].RelativePath != "a/b/private.txt" || *list[0].Size != 5 || list[0].Offset != 2 || where != uploadsPrefix+"/"+list[0].ID {
			t.Errorf("got %+v", list)
		}
		other := h.as(token(ada(), identity.ScopeFilesWrite)) // another device
		file := other.want(other.patch1(where, 2, data[2:]), 204).Header().Get(uploadFileID)
		if into[FileBody](h.as(ada()), h.as(ada()).get(prefix+"/"+file+"/metadata")).Owner != "ada" {
			t.Error("the file is not ada's")
		}
		if list := into[unfinishedListBody](h, h.as(ada()).get(uploadsPrefix)).Uploads; len(list) != 0 {
			t.Errorf("got %+v of what is finished", list)
		}
		h.sound()
	})
}

// TestResumableHashState: a state of the hash that nobody understands costs a second look at the
// bytes, nothing else.
func TestResumableHashState(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		data := noise(90_000)
		for i, state := range []string{"NULL", "hash_state"} {
			where := h.begin1(len(data))
			h.want(h.patch1(where, 0, data[:50_000]), 204)
			_, err := h.store.db.Exec(t.Context(), fmt.Sprintf("UPDATE uploads SET hash_state = %s WHERE file_id IS NULL", state))
			h.must(err)
			if i == 0 {
				h.must(os.Truncate(filepath.Join(h.root, "incoming", filepath.Base(where)), 50_000))
			}
			h.became(h.want(h.patch1(where, 50_000, data[50_000:]), 204), unnamed, data)
		}
		gone := h.begin1(10)
		h.want(h.patch1(gone, 0, []byte("12345")), 204)
		h.must(os.Remove(filepath.Join(h.root, "incoming", filepath.Base(gone))))
		h.want(h.patch1(gone, 5, []byte("67890")), 404)
		h.want(h.tus("HEAD", gone, nil), 404)
		h.sound()
	})
}
