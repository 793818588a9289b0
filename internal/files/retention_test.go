package files

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// roomy is a store that says what a test wants of its space.
type roomy struct {
	blob.Store
	free, total int64
}

func (r *roomy) Space(ctx context.Context) (free, total int64, err error) {
	if r.total == 0 && r.free == 0 {
		return r.Store.Space(ctx)
	}
	return r.free, r.total, nil
}

// eachRoomy runs test on both databases; the clock has been seen to run steadily, and whatever
// is put into the trash at once is a day too young to be touched.
func eachRoomy(t *testing.T, test func(t *testing.T, h *house, r *roomy)) {
	t.Helper()
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		r := &roomy{}
		h := furnish(t, db, sqldbtest.Memory(t)+"/storage", func(s blob.Store) blob.Store { r.Store = s; return r })
		h.must(h.Retain(t.Context()))
		test(t, h, r)
	})
}

// pass lets time go by as it does while the server runs.
func (h *house) pass(d time.Duration) {
	h.t.Helper()
	for ; d > 0; d -= retainEvery {
		h.clock.advance(retainEvery)
		h.must(h.Retain(h.t.Context()))
	}
}

// bin puts files into the trash as one thing, as what lay in one folder, and returns its id.
func (h *house) bin(list ...FileBody) (id string) {
	h.t.Helper()
	id = uuid.NewString()
	ctx, now := h.t.Context(), h.clock.now().UnixMicro()
	h.must(h.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		var size int64
		owner := list[0].Owner
		if _, err := h.store.lockSpaces(ctx, tx, now, owner); err != nil {
			return err
		}
		set := newChangeSet(ctx)
		for _, file := range list {
			row, err := h.store.any(ctx, file.ID)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE file_metadata SET deleted_at = $1, trash_id = $2 WHERE id = $3`, now, id, row.ID); err != nil {
				return err
			}
			size += row.Size
			set.removed(row, changeTrashed)
			set.inSpace(owner, spaceCounts{trash: row.Size})
		}
		kind, item := kindFile, list[0].ID
		if len(list) > 1 {
			kind, item = kindFolder, uuid.NewString()
			if _, err := tx.Exec(ctx, `INSERT INTO folders (id, owner_id, parent_id, name, name_nfc, name_key, created_at, modified_at, deleted_at, trash_id) VALUES ($1, $2, $3, 'f', 'f', 'f', 0, 0, $4, $5)`, item, owner, rootOf(owner), now, id); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `INSERT INTO trash (id, kind, item_id, owner_id, audience, name, folder_id, path, files, bytes, deleted_at, deleted_by) VALUES ($1, $2, $3, $4, '', 'n', $5, '[]', $6, $7, $8, '')`,
			id, string(kind), item, owner, rootOf(owner), len(list), size, now); err != nil {
			return err
		}
		a, err := set.apply(ctx, tx, now)
		h.done(a)
		return err
	}))
	return id
}

// version gives a file an older version, replaced now.
func (h *house) version(file FileBody, content string, pinned bool) (id string) {
	h.t.Helper()
	id = uuid.NewString()
	ctx, now := h.t.Context(), h.clock.now().UnixMicro()
	item := stage(h.t.(*testing.T), h, id, []byte(content))
	h.must(h.store.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := h.store.lockSpaces(ctx, tx, now, file.Owner); err != nil {
			return err
		}
		if err := insertBlobs(ctx, tx, []*upload{{File: File{SHA256: item.SHA256, Size: item.Size}}}, now); err != nil {
			return err
		}
		pin := 0
		if pinned {
			pin = 1
		}
		if _, err := tx.Exec(ctx, `INSERT INTO file_versions (id, file_id, sha256, size, content_type, created_at, replaced_at, replaced_by, pinned) VALUES ($1, $2, $3, $4, '', 0, $5, '', $6)`, id, file.ID, item.SHA256, item.Size, now, pin); err != nil {
			return err
		}
		set := newChangeSet(ctx)
		set.inSpace(file.Owner, spaceCounts{versions: item.Size})
		_, err := set.apply(ctx, tx, now)
		return err
	}))
	return id
}

// left returns which of ids are rows of a table still.
func (h *house) left(table string, ids ...string) (left []string) {
	h.t.Helper()
	all, err := sqldb.Texts(h.t.Context(), h.store.db, `SELECT id FROM `+table)
	h.must(err)
	for _, id := range ids {
		if slices.Contains(all, id) {
			left = append(left, id)
		}
	}
	return left
}

// spacesAgree compares what owners use with the rows.
func (h *house) spacesAgree() {
	h.t.Helper()
	ctx := h.t.Context()
	list, err := h.store.spaces(ctx)
	h.must(err)
	for _, sp := range list {
		var want spaceCounts
		h.must(h.store.db.QueryRow(ctx, `SELECT count(CASE WHEN deleted_at IS NULL THEN 1 END), CAST(coalesce(sum(CASE WHEN deleted_at IS NULL THEN size END), 0) AS bigint), CAST(coalesce(sum(CASE WHEN deleted_at IS NOT NULL THEN size END), 0) AS bigint),
			CAST((SELECT coalesce(sum(v.size), 0) FROM file_versions v JOIN file_metadata o ON o.id = v.file_id WHERE o.owner_id = $1) AS bigint) FROM file_metadata WHERE owner_id = $1`, sp.owner).Scan(&want.files, &want.bytes, &want.trash, &want.versions))
		if sp.spaceCounts != want {
			h.t.Errorf("space of %q: got %+v, want %+v", sp.owner, sp.spaceCounts, want)
		}
	}
	for _, table := range []string{"file_metadata f WHERE f.deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.id = f.trash_id)", "file_versions v WHERE NOT EXISTS (SELECT 1 FROM file_metadata f WHERE f.id = v.file_id)",
		"folders d WHERE d.deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trash t WHERE t.id = d.trash_id)"} {
		var n int
		h.must(h.store.db.QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(&n))
		if n != 0 {
			h.t.Errorf("%d rows of %s", n, table)
		}
	}
}

func (h *house) set(change func(*Settings)) {
	h.t.Helper()
	s, err := h.Settings(h.t.Context())
	h.must(err)
	change(&s)
	h.must(h.ChangeSettings(h.t.Context(), s))
}

func TestTrashIsKeptAndThenGone(t *testing.T) {
	eachRoomy(t, func(t *testing.T, h *house, _ *roomy) {
		live := h.put("live", "shared content", "")
		old := h.put("old", "old", "t")
		h.version(old, "older", true) // pinned versions go with their file
		twin := h.put("twin", "shared content", "")
		folder := []FileBody{h.put("in a folder", "1", ""), h.put("in it too", "2", "")}
		entries := []string{h.bin(old), h.bin(twin), h.bin(folder...)}
		h.pass(29 * day)
		young := h.bin(h.put("young", "young", ""))
		if got := h.left("trash", entries...); len(got) != 3 {
			t.Fatalf("after 29 days: got %v", got)
		}
		h.pass(25 * time.Hour)
		if got := h.left("trash", append(entries, young)...); !slices.Equal(got, []string{young}) {
			t.Errorf("after 30 days: got %v, want %v", got, young)
		}
		if got := h.left("file_metadata", live.ID, old.ID, twin.ID, folder[0].ID, folder[1].ID); !slices.Equal(got, []string{live.ID}) {
			t.Errorf("files: got %v", got)
		}
		if got := h.told(old.ID); !slices.Equal(got, []string{"created", "trashed", "removed"}) {
			t.Errorf("feed: got %v", got)
		}
		waiting, err := sqldb.Texts(t.Context(), h.store.db, `SELECT sha256 FROM blobs WHERE unreferenced_at IS NOT NULL`)
		if h.must(err); len(waiting) != 4 || slices.Contains(waiting, *live.SHA256) {
			t.Errorf("got %d contents for the collector, want 4 and not what is shared", len(waiting))
		}
		h.spacesAgree()
		h.sound()
	})
}

func TestTrashForEver(t *testing.T) {
	eachRoomy(t, func(t *testing.T, h *house, _ *roomy) {
		h.set(func(s *Settings) { s.TrashDays, s.VersionDays = 0, 0 })
		file := h.put("kept", "kept", "")
		version := h.version(file, "version", false)
		entry := h.bin(h.put("a", "a", ""))
		h.pass(60 * day)
		if len(h.left("trash", entry)) != 1 || len(h.left("file_versions", version)) != 1 {
			t.Error("something is gone")
		}
	})
}

// TestSettingsThatNobodySet: values in the database that make no sense stop the run.
func TestSettingsThatNobodySet(t *testing.T) {
	eachRoomy(t, func(t *testing.T, h *house, _ *roomy) {
		entry := h.bin(h.put("a", "a", ""))
		h.pass(29 * day)
		for _, text := range []string{"-1", "", "1e9", "99999999999999999999", "3651", "zero"} {
			h.must(h.store.saveSettings(t.Context(), map[string]string{"trash_days": text}))
			h.clock.advance(retainEvery)
			if err := h.Retain(t.Context()); err == nil || !strings.Contains(err.Error(), "trash_days") {
				t.Errorf("%q: got %v", text, err)
			}
		}
		if len(h.left("trash", entry)) != 1 {
			t.Error("the trash is gone")
		}
		for _, wrong := range []string{`{"trash_days":-1,"trash_keep_free_percent":5,"version_days":90,"version_keep":5}`, `{"trash_days":30,"trash_keep_free_percent":51,"version_days":90,"version_keep":5}`,
			`{"trash_days":30,"trash_keep_free_percent":5,"version_days":3651,"version_keep":5}`, `{"trash_days":30}`, `{"trash_days":"30","trash_keep_free_percent":5,"version_days":90,"version_keep":5}`} {
			h.want(h.send("PUT", "/settings", wrong), 422)
		}
	})
}

func TestSettings(t *testing.T) {
	eachRoomy(t, func(t *testing.T, h *house, _ *roomy) {
		if got := into[Settings](h, h.get(prefix+"/settings")); got != defaultSettings() {
			t.Errorf("got %+v", got)
		}
		want := Settings{TrashDays: 7, TrashKeepFreePercent: 0, VersionDays: 365, VersionKeep: 0}
		if got := into[Settings](h, h.send("PUT", "/settings", `{"trash_days":7,"trash_keep_free_percent":0,"version_days":365,"version_keep":0}`)); got != want {
			t.Errorf("got %+v", got)
		}
		if got, err := h.Settings(t.Context()); err != nil || got != want {
			t.Errorf("got %+v, %v", got, err)
		}
		if last := (*h.audit)[len(*h.audit)-1]; !strings.Contains(last, "files.settings") || !strings.Contains(last, "trash_days 7") {
			t.Errorf("audit: got %q", last)
		}
		a := h.as(ada())
		a.want(a.get(prefix+"/settings"), 403)
		a.want(a.send("PUT", "/settings", `{"trash_days":1,"trash_keep_free_percent":0,"version_days":1,"version_keep":0}`), 403)
	})
}

func TestVersionsAreThinned(t *testing.T) {
	eachRoomy(t, func(t *testing.T, h *house, _ *roomy) {
		h.set(func(s *Settings) { s.VersionKeep = 1 })
		file := h.put("a", "present", "")
		first := []string{h.version(file, "1", false), h.version(file, "2", true), h.version(file, "3", false), h.version(file, "4", false)}
		h.pass(22 * time.Hour)
		if got := h.left("file_versions", first...); len(got) != 4 {
			t.Errorf("on the day: got %v", got)
		}
		h.pass(2 * day)
		if got := h.left("file_versions", first...); !slices.Equal(got, []string{first[1], first[3]}) {
			t.Errorf("after three days: got %v, want the pinned and the newest of %v", got, first)
		}
		later := h.version(file, "5", false)
		h.pass(100 * day)
		if got := h.left("file_versions", append(first, later)...); !slices.Equal(got, []string{first[1], later}) {
			t.Errorf("after months: got %v", got)
		}
		h.want(h.get(prefix+"/"+file.ID+"/download"), 200)
		h.spacesAgree()
		h.sound()
	})
}

// TestRoomIsMade: a full disk takes the oldest first, only as much as is needed, and does not
// take more while the collector has not removed it yet.
func TestRoomIsMade(t *testing.T) {
	eachRoomy(t, func(t *testing.T, h *house, r *roomy) {
		h.set(func(s *Settings) { s.TrashKeepFreePercent, s.TrashDays, s.VersionDays = 10, 0, 0 })
		live := h.put("live", strings.Repeat("l", 100), "")
		pinned, free := h.version(live, strings.Repeat("p", 100), true), h.version(live, strings.Repeat("v", 100), false)
		var entries []string
		for i := range 4 {
			entries = append(entries, h.bin(h.put("old", strings.Repeat(fmt.Sprint(i), 100), "")))
		}
		shared := h.bin(h.put("frees nothing", strings.Repeat("l", 100), ""))
		h.pass(day)
		young := h.bin(h.put("young", strings.Repeat("y", 100), ""))
		h.pass(2 * time.Hour)
		r.total, r.free = 10_000, 1000-150 // 150 bytes are lacking: two of the oldest
		for range 5 {
			h.pass(2 * time.Hour)
			if got := h.left("file_versions", pinned, free); len(got) != 2 {
				t.Errorf("versions: got %v", got)
			}
		}
		waiting, err := h.store.waiting(t.Context())
		if h.must(err); waiting < 150 {
			t.Errorf("got %d bytes freed, want 150 at least", waiting)
		}
		if got := h.left("trash", entries...); !slices.Equal(got, entries[2:]) {
			t.Errorf("got %v, want the younger two of %v", got, entries)
		}
		r.free = -1 // a measurement that cannot be
		h.clock.advance(retainEvery)
		if err := h.Retain(t.Context()); err == nil {
			t.Error("free space below nothing: got no error")
		}
		r.total, r.free = 10_000, 20_000
		h.clock.advance(retainEvery)
		if err := h.Retain(t.Context()); err == nil {
			t.Error("more free than there is: got no error")
		}
		if got := h.left("trash", entries...); len(got) != 2 {
			t.Errorf("got %v", got)
		}
		r.free = 1 // full whatever is done
		h.pass(4 * time.Hour)
		if got := h.left("trash", append(entries, shared, young)...); !slices.Equal(got, []string{young}) {
			t.Errorf("got %v, want what is younger than a day", got)
		}
		if got := h.left("file_versions", pinned, free); !slices.Equal(got, []string{pinned}) {
			t.Errorf("versions: got %v, want the pinned one", got)
		}
		h.want(h.get(prefix+"/"+live.ID+"/download"), 200)
		h.spacesAgree()
	})
}

// TestRunsAreLimited: one run destroys only so much.
func TestRunsAreLimited(t *testing.T) {
	eachRoomy(t, func(t *testing.T, h *house, _ *roomy) {
		var entries []string
		for i := range 5 {
			entries = append(entries, h.bin(h.put("old", fmt.Sprint(i), "")))
		}
		h.set(func(s *Settings) { s.TrashDays = 0 })
		h.pass(3 * day)
		r := &retaining{f: h.Files, settings: Settings{TrashDays: 2}, now: h.clock.now(), entries: 2, files: 1000}
		h.must(r.oldTrash(t.Context()))
		if got := h.left("trash", entries...); !slices.Equal(got, entries[2:]) {
			t.Errorf("got %v, want the younger three", got)
		}
		r = &retaining{f: h.Files, settings: Settings{TrashDays: -1000}, now: h.clock.now(), entries: 100, files: 100}
		h.must(r.oldTrash(t.Context()))
		if got := h.left("trash", entries...); len(got) != 3 {
			t.Errorf("a negative age: got %v", got)
		}
	})
}

// TestClockThatJumps: whatever the clock says, what is in the trash is not old all at once.
func TestClockThatJumps(t *testing.T) {
	eachRoomy(t, func(t *testing.T, h *house, _ *roomy) {
		h.set(func(s *Settings) { s.VersionDays = 0 })
		old := h.bin(h.put("old", "old", ""))
		h.pass(10 * day)
		h.clock.advance(10 * 365 * day) // the battery is dead, or the server was off
		h.must(h.Retain(t.Context()))
		h.pass(day)
		if len(h.left("trash", old)) != 1 {
			t.Fatal("forwards: it is gone")
		}
		h.clock.advance(-20 * 365 * day)
		h.must(h.Retain(t.Context()))
		young := h.bin(h.put("young", "young", "")) // it bears a date of long ago
		h.clock.advance(time.Hour)
		h.must(h.Retain(t.Context()))
		younger := h.bin(h.put("younger", "younger", ""))
		h.clock.advance(10 * 365 * day)
		h.must(h.Retain(t.Context()))
		h.pass(day)
		if got := h.left("trash", old, young, younger); len(got) != 3 {
			t.Fatalf("backwards, and right again: got %v", got)
		}
		h.pass(31 * day) // by now all is old, and the clock has been steady for long
		if got := h.left("trash", old, young, younger); len(got) != 0 {
			t.Errorf("in the end: got %v", got)
		}
		h.spacesAgree()
	})
}

// TestFirstRunDestroysNothing: a database of long ago keeps its trash when the server starts.
func TestFirstRunDestroysNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		entry := h.bin(h.put("old", "old", ""))
		h.clock.advance(1000 * day)
		h.must(h.Retain(t.Context()))
		if len(h.left("trash", entry)) != 1 {
			t.Error("it is gone")
		}
	})
}

// TestWildClocks: under random clocks nothing is destroyed long before its time.
func TestWildClocks(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const kept, settle = 30 * day, retainSteady
	for round := range 300 {
		truth := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var off time.Duration
		var s seen
		s, _, _ = s.watch(truth.UnixMicro(), settle)
		type thing struct {
			truth time.Time
			stamp int64
		}
		var trash []thing
		for range 800 {
			switch random.IntN(40) {
			case 0:
				off += time.Duration(random.Int64N(int64(4000*day))) - 2000*day
			case 1:
				off = 0
			case 2:
				off += time.Duration(random.Int64N(int64(4*day))) - 2*day
			case 3:
				truth = truth.Add(time.Duration(random.Int64N(int64(40 * day)))) // switched off
			}
			truth = truth.Add(retainEvery)
			now := truth.Add(off).UnixMicro()
			was := s
			var ok, jumped bool
			s, ok, jumped = s.watch(now, settle)
			for i := range trash {
				if x := &trash[i]; jumped && x.stamp >= was.wall && x.stamp <= was.wall+retainJump.Microseconds()/2 {
					x.stamp = now
				}
			}
			trash = slices.DeleteFunc(trash, func(x thing) bool {
				if !ok || x.stamp >= s.proven-kept.Microseconds() {
					return false
				}
				if age := truth.Sub(x.truth); age < kept/3 {
					t.Fatalf("round %d: gone after %s", round, age)
				}
				return true
			})
			trash = append(trash, thing{truth.Add(time.Minute), truth.Add(off + time.Minute).UnixMicro()})
		}
	}
}
