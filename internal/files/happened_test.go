package files

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestHappened: uploads are counted together where they lie close, backups tell how long they
// took, so does reading everything again, and nothing of outside the span is told.
func TestHappened(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		start := h.now().Truncate(time.Hour)
		at := start.Add
		minutes := func(list ...int) {
			for _, m := range list {
				h.clock.t = at(time.Duration(m) * time.Minute)
				h.put(fmt.Sprintf("at %d.txt", m), "x", "")
			}
		}
		minutes(1, 1, 2, 50)
		h.clock.t = at(90 * time.Minute)
		gone := h.put("gone.txt", "x", "")
		h.do("DELETE", prefix+"/"+gone.ID, "", nil)
		h.must(h.store.backupStarted(t.Context(), "one", "/backups", at(30*time.Minute).UnixMicro()))
		h.must(h.store.backupStarted(t.Context(), "early", "/backups", at(-time.Minute).UnixMicro()))
		_, err := h.store.db.Exec(t.Context(), `UPDATE files_backups SET finished = $1, error = $2 WHERE id = 'one'`, at(40*time.Minute).UnixMicro(), "no room")
		h.must(err)
		pass, err := h.store.beginPass(t.Context(), at(100*time.Minute).UnixMicro(), false)
		h.must(err)
		check := Happening{At: at(100 * time.Minute), Kind: "check", Count: 1}
		if got, err := h.Happened(t.Context(), at(95*time.Minute), at(2*time.Hour), 1000); err != nil || len(got) != 1 || got[0] != check {
			t.Errorf("while it is read: got %+v, %v", got, err)
		}
		_, err = h.store.finishPass(t.Context(), &pass, at(130*time.Minute).UnixMicro())
		h.must(err)
		check.Until = at(130 * time.Minute)
		for span, want := range map[time.Duration][]Happening{
			2 * time.Hour: {{at(time.Minute), at(2 * time.Minute), "upload", 2, false}, {at(2 * time.Minute), at(3 * time.Minute), "upload", 1, false},
				{at(50 * time.Minute), at(51 * time.Minute), "upload", 1, false}, {at(30 * time.Minute), at(40 * time.Minute), "backup", 1, true}, check},
			45 * time.Minute: {{at(time.Minute), at(2 * time.Minute), "upload", 2, false}, {at(2 * time.Minute), at(3 * time.Minute), "upload", 1, false}, {at(30 * time.Minute), at(40 * time.Minute), "backup", 1, true}},
			120 * time.Hour:  {{at(0), at(time.Hour), "upload", 4, false}, {at(30 * time.Minute), at(40 * time.Minute), "backup", 1, true}, check},
		} {
			got, err := h.Happened(t.Context(), start, start.Add(span), 1000)
			h.must(err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v: want -, got +:\n%s", span, diff)
			}
		}
	})
}
