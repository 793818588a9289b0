package files

import (
	"fmt"
	"testing"
)

// TestSinkingWithinSinking: a large folder goes to the trash out of another that follows it, and
// what is there of either comes back, is destroyed, or is put into the other, whatever is marked yet.
func TestSinkingWithinSinking(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx, now := t.Context(), h.clock.now().UnixMicro()
		h.store.atOnce = 2
		step := func(n int, trash ...string) {
			for range n {
				for _, id := range trash {
					_, err := h.store.sinkSome(ctx, id, now)
					h.must(err)
				}
			}
		}
		for steps := range 3 {
			a := h.as(ada())
			top := a.folderAt("mine", fmt.Sprint("top", steps))
			inner := a.mkdir(top, "inner")
			for i := range 4 {
				a.putIn(top, fmt.Sprint("t", i), fmt.Sprint(i), "all", i == 0)
				a.putIn(inner, fmt.Sprint("i", i), fmt.Sprint("i", i), "all", i == 0)
			}
			before := fmt.Sprint(a.tree("ada", "", map[string]string{}))
			away := func(id string) string {
				return into[deletedManyBody](a, a.ask("DELETE", folderPrefix+"/"+id+"?confirm=100", "")).Trash[0]
			}
			back := func(id string) {
				if body := into[restoredTrashBody](a, a.api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q]}`, id))); len(body.Restored) != 1 {
					t.Fatalf("%d: got %+v", steps, body)
				}
			}
			innerTrash := away(inner)
			step(steps, innerTrash)
			topTrash := away(top)
			step(steps, topTrash, innerTrash)
			back(topTrash)
			back(innerTrash)
			h.counted()
			if after := fmt.Sprint(a.tree("ada", "", map[string]string{})); after != before {
				t.Errorf("%d: got %s\nwant %s", steps, after, before)
			}

			// The inner one comes back when the other is gone, and under its own name beside a new one.
			innerTrash = away(inner)
			step(steps, innerTrash)
			topTrash = away(top)
			a.want(a.api("POST", "/trash/delete", fmt.Sprintf(`{"ids":[%q],"confirm":"100"}`, topTrash)), 200)
			back(innerTrash)
			h.counted()
			if got := a.folderOf(inner); got.Files != 4 {
				t.Errorf("%d: got %+v", steps, got)
			}

			// One large folder takes the place of another, and back.
			other := a.folderAt("mine", "other")
			rival := a.mkdir(other, "inner")
			for i := range 3 {
				a.putIn(rival, fmt.Sprint("r", i), fmt.Sprint("r", i), "all", i == 0)
			}
			a.transferItems("move", a.folderAt("mine", fmt.Sprint("top", steps)), "replace", "/"+rival)
			h.must(h.Sink(ctx))
			h.counted()
			list := a.trashNow().Items
			if len(list) != 1 || list[0].Files != 4 {
				t.Fatalf("%d: got %+v", steps, list)
			}
			back2 := into[restoredTrashBody](a, a.api("POST", "/trash/restore", fmt.Sprintf(`{"ids":[%q],"on_conflict":"replace","confirm":"100"}`, list[0].ID)))
			if len(back2.Restored) != 1 {
				t.Fatalf("%d: got %+v", steps, back2)
			}
			step(steps, a.trashNow().Items[0].ID)
			h.emptyTrash()
			a.emptyTrash()
			h.counted()
			h.sound()
		}
	})
}
