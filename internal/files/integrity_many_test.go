package files

import (
	"fmt"
	"testing"
	"time"

	"homeserver/internal/platform/sqldb"
)

// TestIntegrityOfContentOfMany: one's own files are named however many of others have the
// content, and their damage however much damage others have; older versions of others' never.
func TestIntegrityOfContentOfMany(t *testing.T) {
	eachShaky(t, func(t *testing.T, h *house, _ *shaky) {
		a, b := h.as(ada()), h.as(bob())
		const others, own = maxConcerned, 20
		for i := range others {
			b.want(b.upload(fmt.Sprint(i), "everybody's"), 200)
		}
		file := into[FileBody](a, a.upload("0", "everybody's"))
		for i := range own - 1 {
			a.want(a.upload(fmt.Sprint(i+1), "everybody's"), 200)
		}
		older := into[FileBody](b, b.upload("older", "everybody's", "shared", "true"))
		b.want(b.replaceWith(older.ID, "newer"), 200)
		h.lose(file)
		h.scrub()
		h.must(h.store.db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			var rows []any // they were found later, so they come first
			for i := range maxDamaged {
				rows = append(rows, fmt.Sprintf("%064d", i), string(damageWrong), 1, h.clock.now().Add(time.Hour).UnixMicro(), "")
			}
			return insertRows(t.Context(), tx, `INSERT INTO file_damage (sha256, kind, size, found_at, place)`, 5, "", rows)
		}))
		if got := into[integrityBody](a, a.get(prefix+"/integrity")); len(got.Damaged) != 1 || len(got.Damaged[0].Files) != own {
			t.Errorf("got %d damaged, want one, of the %d files of hers", len(got.Damaged), own)
		}
		if got := into[integrityBody](b, b.get(prefix+"/integrity")); len(got.Damaged) != 1 || len(got.Damaged[0].Files) != maxConcerned {
			t.Errorf("got %d damaged, want one, of the first %d files of his", len(got.Damaged), maxConcerned)
		}
	})
}
