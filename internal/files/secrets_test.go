package files

import (
	"fmt"
	"strings"
	"testing"
)

// TestOthersFoldersStayTheirs: a shared file of a private folder is a door to that file alone.
// Renaming and restoring it tells nothing of its neighbours, and replaces none of them.
func TestOthersFoldersStayTheirs(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.as(ada()), h.as(bob())
		folder := a.mkdir("mine", "Divorce papers")
		diary := into[FileBody](a, a.want(a.putInto(folder, "diary.txt", "private", ""), 200))
		shared := into[FileBody](a, a.want(a.putInto(folder, "shared.txt", "for all", ""), 200))
		a.want(a.ask("PATCH", prefix+"/"+shared.ID, `{"shared":true}`), 200)

		b.want(b.get(prefix+"/"+diary.ID+"/metadata"), 404)
		for _, onConflict := range []string{"fail", "rename", "replace", "keep"} {
			got := into[FileBody](b, b.want(b.ask("PATCH", prefix+"/"+shared.ID, fmt.Sprintf(`{"filename":"diary.txt","on_conflict":%q}`, onConflict)), 200))
			if got.Filename != "diary.txt" {
				t.Errorf("on_conflict=%s: got %q", onConflict, got.Filename)
			}
			b.want(b.ask("PATCH", prefix+"/"+shared.ID, `{"filename":"shared.txt"}`), 200)
		}
		b.want(b.ask("PATCH", prefix+"/"+shared.ID, `{"filename":"diary.txt"}`), 200)
		b.want(b.ask("DELETE", prefix+"/"+shared.ID, ""), 200)
		trash := b.want(b.get("/api/v1/trash"), 200).Body.String()
		if strings.Contains(trash, "Divorce") {
			t.Errorf("the trash tells others of private folders: %s", trash)
		}
		if own := a.want(a.get("/api/v1/trash"), 200).Body.String(); !strings.Contains(own, "Divorce") {
			t.Errorf("the owner is not told where it lay: %s", own)
		}
		entry := into[trashBody](b, b.get("/api/v1/trash")).Items[0].ID
		b.want(b.ask("POST", "/api/v1/trash/restore", fmt.Sprintf(`{"ids":[%q],"on_conflict":"replace"}`, entry)), 200)
		a.want(a.get(prefix+"/"+diary.ID+"/metadata"), 200)
		a.want(a.get(prefix+"/"+shared.ID+"/metadata"), 200)
		h.consistent()
	})
}

// TestCopiesMakeVersionsOfToday: what a copy of an old file replaces is as young as any version.
func TestCopiesMakeVersionsOfToday(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		old := h.put("a.txt", "old", "")
		h.clock.advance(400 * day)
		folder := h.mkdir("mine", "other")
		good := into[FileBody](h, h.want(h.putInto(folder, "a.txt", "good", ""), 200))
		h.want(h.ask("POST", prefix+"/copy", fmt.Sprintf(`{"files":[{"id":%q}],"to":%q,"on_conflict":"replace"}`, old.ID, folder)), 200)
		versions := h.versionsOf(good.ID)
		if len(versions) != 1 || versions[0].Replaced.Before(versions[0].Created) {
			t.Errorf("got %+v, want one version that was replaced after it was made", versions)
		}
	})
}

// TestBatchAsksForRoom: what a quota has no room for never gets a place.
func TestBatchAsksForRoom(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.as(administrator()).quota(ada().UserID, "100", 200)
		a := h.as(ada())
		if got := a.batch(nil, "large", strings.Repeat("x", 1000)); *got.last.Stored != 0 || got.files[0].Status != 507 {
			t.Errorf("got %+v", got)
		}
		if report := h.sound(); report.Blobs != 0 || len(report.Orphaned) != 0 {
			t.Errorf("the storage holds what was refused: %+v", report)
		}
	})
}
