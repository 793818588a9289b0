package files

import (
	"path"
	"syscall"
	"testing"
	"time"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/blobtest"
	"homeserver/internal/platform/errs"
)

// TestCollectorWaitsForResumables: an upload that was whole when the server died between the
// rename and the commit is a file as soon as its sender comes again, also days later.
func TestCollectorWaitsForResumables(t *testing.T) {
	eachFaulty(t, func(t *testing.T, h *house, f *faulty) {
		data := []byte("all of it has come")
		where := h.begin1(len(data))
		h.want(h.patch1(where, 0, data[:6]), 204)
		away := errs.Wrap(errs.Unavailable, "The storage is away.", syscall.EIO)
		f.publish.Store(&away)
		h.want(h.patch1(where, 6, data[6:]), 503)
		f.publish.Store(nil)
		item := blob.Staged{ID: path.Base(where), SHA256: blobtest.Digest(data), Size: int64(len(data))}
		h.must(f.Store.Publish(t.Context(), []blob.Staged{item})) // and here the power went
		stray := stage(t, h, "stray", []byte("nobody's"))
		for range 3 {
			h.clock.advance(25 * time.Hour)
			h.must(h.Collect(t.Context()))
		}
		if _, err := h.blobs.Stat(t.Context(), stray.SHA256); err == nil {
			t.Error("content that nobody waits for is still there")
		}
		h.became(h.want(h.tus("HEAD", where, nil), 200), unnamed, data)
		h.sound()
	})
}
