package files

import (
	"path/filepath"
	"testing"

	"homeserver/internal/platform/blob/blobtest"
)

// TestResumableReceived: whoever goes on with an upload can compare what has come of it with their
// own file, whatever program sent it and whatever became of the server's memory of it.
func TestResumableReceived(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h = h.as(ada())
		data := noise(120_000)
		where := h.begin1(len(data), uploadMetadata, meta("filename", "film.mkv"))
		listed := func() string {
			t.Helper()
			list := into[unfinishedListBody](h, h.get(uploadsPrefix)).Uploads
			if len(list) != 1 {
				t.Fatalf("got %+v, want one upload", list)
			}
			return list[0].Received
		}
		asked := func() string {
			t.Helper()
			return h.want(h.tus("HEAD", where, nil), 200).Header().Get(uploadReceived)
		}
		if list, head := listed(), asked(); list != "" || head != "" {
			t.Errorf("of nothing: got %q and %q", list, head)
		}
		for from, to := 0, 50_000; to < len(data); from, to = to, to+50_000 {
			h.want(h.patch1(where, from, data[from:to]), 204)
			want := blobtest.Digest(data[:to])
			if list, head := listed(), asked(); list != want || head != want {
				t.Errorf("of %d bytes: got %q and %q, want %s", to, list, head, want)
			}
		}
		_, err := h.store.db.Exec(t.Context(), "UPDATE uploads SET hash_state = NULL WHERE id = $1", filepath.Base(where))
		h.must(err)
		if list, head := listed(), asked(); list != "" || head != blobtest.Digest(data[:100_000]) {
			t.Errorf("without the state of the hash: got %q and %q", list, head)
		}
		h.became(h.want(h.patch1(where, 100_000, data[100_000:]), 204), "film.mkv", data)
		if head := asked(); head != "" {
			t.Errorf("of a file: got %q", head)
		}

		part := h.begin1(10, uploadConcat, "partial")
		h.want(h.patch1(part, 0, []byte("0123456789")), 204)
		if head := h.want(h.tus("HEAD", part, nil), 200).Header().Get(uploadReceived); head != blobtest.Digest([]byte("0123456789")) {
			t.Errorf("of a part: got %q", head)
		}
		h.sound()
	})
}
