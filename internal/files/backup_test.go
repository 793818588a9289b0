package files

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"homeserver/internal/files/vault"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/blob/diskblob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// backup makes one, which must succeed.
func (h *house) backup(o BackupOptions) BackupReport {
	h.t.Helper()
	report, err := h.Backup(h.t.Context(), o)
	h.must(err)
	return report
}

// onSQLite runs test on one database: for what is about files on disks.
func onSQLite(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	test(t, furnish(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), filepath.Join(t.TempDir(), "storage"), nil))
}

// blobAt is the place of content below dir.
func blobAt(dir, digest string) string {
	return filepath.Join(dir, filepath.FromSlash(blob.Path(digest)))
}

// spoil changes a byte of a file and keeps its length.
func (h *house) spoil(path string) {
	h.t.Helper()
	text, err := os.ReadFile(path)
	h.must(err)
	text[len(text)/2] ^= 1
	h.must(os.WriteFile(path, text, 0o600))
}

func TestABackupCopiesWhatIsNew(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dir := filepath.Join(t.TempDir(), "backups")
		h.put("a", "content a", "")
		h.put("b", "content b", "")
		h.put("b again", "content b", "")
		if r := h.backup(BackupOptions{Dir: dir}); r.Files != 2 || r.NewFiles != 2 || r.NewBytes != 18 || !r.OK() || r.Seq < 3 {
			t.Errorf("the first: got %+v", r)
		}
		h.put("c", "content c", "")
		if r := h.backup(BackupOptions{Dir: dir}); r.Files != 3 || r.NewFiles != 1 {
			t.Errorf("the second: got %+v", r)
		}
		if r := h.backup(BackupOptions{Dir: dir, VerifyAll: true, Keep: 1}); r.NewFiles != 0 || len(r.Removed) != 2 || r.Repaired != 0 {
			t.Errorf("the third: got %+v", r)
		}
		v, err := vault.Open(dir)
		h.must(err)
		list, broken, err := v.Snapshots()
		h.must(err)
		if len(list) != 1 || len(broken) != 0 {
			t.Fatalf("got %d snapshots, %v broken", len(list), broken)
		}
		if found, err := v.Verify(t.Context(), &list[0], true, nil); err != nil || !found.OK() || found.Read != 3 {
			t.Errorf("got %+v %v", found, err)
		}
		if held, err := h.store.held(t.Context(), h.now().UnixMicro()); err != nil || held {
			t.Errorf("the collector is still held: %v %v", held, err)
		}
	})
}

// TestTheCollectorWaitsForABackup has content that could be collected, and a hold.
func TestTheCollectorWaitsForABackup(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		file := h.put("a", "content", "")
		_, err := h.store.db.Exec(t.Context(), `DELETE FROM file_metadata WHERE id = $1`, file.ID)
		h.must(err)
		h.must(h.Collect(t.Context())) // dates it
		_, letGo, err := h.hold(t.Context(), "a backup")
		h.must(err)
		h.clock.advance(48 * time.Hour)
		h.must(h.store.hold(t.Context(), "a backup", h.now().Add(time.Minute).UnixMicro()))
		h.must(h.Collect(t.Context()))
		if removed, err := h.store.collect(t.Context(), *file.SHA256, h.now().UnixMicro(), h.now().UnixMicro(), func(bool) error { return nil }); err != nil || removed {
			t.Errorf("the second look: removed %v, %v", removed, err)
		}
		if _, err := os.Stat(blobAt(h.root, *file.SHA256)); err != nil {
			t.Error("content was collected during a backup")
		}
		letGo()
		h.must(h.Collect(t.Context()))
		if _, err := os.Stat(blobAt(h.root, *file.SHA256)); err == nil {
			t.Error("content was not collected after the backup")
		}
	})
}

func TestDamageDoesNotReachABackup(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dir := filepath.Join(t.TempDir(), "backups")
		bad, gone := h.put("bad", "content that rots", ""), h.put("gone", "content that vanishes", "")
		h.backup(BackupOptions{Dir: dir})
		h.put("good", "other content", "")
		h.spoil(blobAt(h.root, *bad.SHA256))
		h.must(os.Remove(blobAt(h.root, *gone.SHA256)))
		if r := h.backup(BackupOptions{Dir: dir, VerifyAll: true}); !r.OK() || r.NewFiles != 1 {
			t.Errorf("beside good copies: got %+v", r)
		}
		if text, err := os.ReadFile(blobAt(dir, *bad.SHA256)); err != nil || string(text) != "content that rots" {
			t.Errorf("the good copy is now %q, %v", text, err)
		}
		fresh := filepath.Join(t.TempDir(), "fresh")
		r := h.backup(BackupOptions{Dir: fresh})
		if r.OK() || len(r.Lost) != 2 || r.NewFiles != 1 || r.Files != 1 {
			t.Errorf("without a good copy: got %+v", r)
		}
		state, err := h.backupState(t.Context())
		h.must(err)
		if body := state.runs[0].body(); body.State != "incomplete" || !strings.Contains(body.Error, "2 contents") {
			t.Errorf("got %+v", body)
		}
		// The drive of the backups rots, too: what can be is copied anew.
		h.spoil(blobAt(h.root, *bad.SHA256)) // the same bit again
		h.spoil(blobAt(dir, *bad.SHA256))
		if r := h.backup(BackupOptions{Dir: dir, VerifyAll: true}); r.Repaired != 1 || r.NewFiles != 1 || !r.OK() {
			t.Errorf("a damaged backup: got %+v", r)
		}
		if text, _ := os.ReadFile(blobAt(dir, *bad.SHA256)); string(text) != "content that rots" {
			t.Errorf("it was repaired to %q", text)
		}
	})
}

func TestWhereBackupsMayLie(t *testing.T) {
	onSQLite(t, func(t *testing.T, h *house) {
		h.put("a", "a", "")
		base, data := t.TempDir(), t.TempDir()
		h.lent.DataDir = data
		full := filepath.Join(base, "full")
		h.must(os.MkdirAll(full, 0o700))
		h.must(os.WriteFile(filepath.Join(full, "mine"), nil, 0o600))
		theirs := filepath.Join(base, "theirs")
		_, err := vault.Create(theirs, "another household", h.now())
		h.must(err)
		link := filepath.Join(base, "link")
		h.must(os.Symlink(h.root, link))
		for dir, words := range map[string]string{
			h.root: "lies inside STORAGE_PATH", filepath.Join(h.root, "new"): "lies inside STORAGE_PATH", filepath.Join(link, "new"): "lies inside STORAGE_PATH",
			filepath.Join(data, "b"): "lies inside DATA_DIR", full: "is not empty", theirs: "another household", filepath.Join(base, "no", "parent"): "connected",
		} {
			_, err := h.Backup(t.Context(), BackupOptions{Dir: dir})
			if !strings.Contains(errs.Detail(err), words) {
				t.Errorf("%s: got %v, want %q", dir, err, words)
			}
		}
		// An empty mount point where backups were.
		dir := filepath.Join(base, "drive")
		h.backup(BackupOptions{Dir: dir})
		h.must(os.Rename(dir, dir+".unplugged"))
		for _, make := range []bool{false, true} {
			if make {
				h.must(os.Mkdir(dir, 0o700))
			}
			if _, err := h.Backup(t.Context(), BackupOptions{Dir: dir}); !strings.Contains(errs.Detail(err), "Is the drive connected?") {
				t.Errorf("empty mount point %v: got %v", make, err)
			}
		}
		h.backup(BackupOptions{Dir: dir, New: true})
	})
}

func TestOneBackupAtATime(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dir := filepath.Join(t.TempDir(), "backups")
		h.put("a", "a", "")
		h.backup(BackupOptions{Dir: dir})
		v, err := vault.Open(dir)
		h.must(err)
		release, held, err := v.Lock()
		h.must(err)
		if _, err := h.Backup(t.Context(), BackupOptions{Dir: dir}); !held || !errs.Is(err, errs.Conflict) {
			t.Errorf("held %v: got %v, want a conflict", held, err)
		}
		release()
		h.must(h.store.backupStarted(t.Context(), "killed", dir, 1))
		h.must(h.store.hold(t.Context(), "killed", h.now().Add(time.Minute).UnixMicro()))
		h.backup(BackupOptions{Dir: dir})
		state, err := h.backupState(t.Context())
		h.must(err)
		if last := state.runs[len(state.runs)-1]; last.body().State != "failed" || state.running != nil {
			t.Errorf("the killed run is %+v", last)
		}
	})
}

// TestAStoppedBackupLeavesTheEarlierOnes stops one at each content.
func TestAStoppedBackupLeavesTheEarlierOnes(t *testing.T) {
	onSQLite(t, func(t *testing.T, h *house) {
		dir := filepath.Join(t.TempDir(), "backups")
		h.put("a", "a", "")
		h.backup(BackupOptions{Dir: dir})
		for i := range 5 {
			h.put("more", fmt.Sprint(i), "")
			ctx, stop := context.WithCancel(t.Context())
			_, err := h.Backup(ctx, BackupOptions{Dir: dir, Progress: func(p BackupProgress) {
				if p.Step == "copy" && p.Files == int64(i/2) {
					stop()
				}
			}})
			stop()
			if err == nil {
				t.Fatalf("%d: the backup was not stopped", i)
			}
			v, err := vault.Open(dir)
			h.must(err)
			list, broken, err := v.Snapshots()
			if err != nil || len(list) != 1 || len(broken) != 0 {
				t.Errorf("%d: got %d snapshots, %v broken, %v", i, len(list), broken, err)
			}
		}
		if r := h.backup(BackupOptions{Dir: dir}); r.Files != 6 || !r.OK() {
			t.Errorf("got %+v", r)
		}
		for _, left := range []string{"incoming/*", "snapshots/.*"} {
			if found, _ := filepath.Glob(filepath.Join(dir, left)); len(found) > 0 {
				t.Errorf("left over: %v", found)
			}
		}
	})
}

// TestFilesOfTheOriginalAreSaved backs up a house that is not adopted, and restores its content.
func TestFilesOfTheOriginalAreSaved(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		root := filepath.Join(sqldbtest.Memory(t), "storage")
		original(t, db, root, []legacyRow{
			{id: id(1), name: "one", path: "00/" + id(1), content: "content one"},
			{id: id(2), name: "same", path: "00/" + id(2), content: "content one"},
			{id: id(3), name: "gone", path: "00/" + id(3), missing: true},
		})
		h := furnish(t, db, root, nil)
		h.put("new", "new content", "")
		dir := filepath.Join(t.TempDir(), "backups")
		if r := h.backup(BackupOptions{Dir: dir}); r.Files != 2 || !r.OK() {
			t.Errorf("got %+v", r)
		}
		b, release, err := OpenBackup(dir, "")
		h.must(err)
		defer release()
		target := diskblob.New(filepath.Join(t.TempDir(), "restored"))
		// Those that were killed before have left half a marker and half a file.
		plant := func(name, text string) {
			path := filepath.Join(target.Place(), name)
			h.must(os.MkdirAll(filepath.Dir(path), 0o700))
			h.must(os.WriteFile(path, []byte(text), 0o600))
		}
		plant(".homeserver-storage."+b.Storage, b.Storage[:9])
		h.must(b.Prepare(t.Context(), target))
		plant(filepath.Join("00", id(2)+restoringEnd), "content o, and more than there was")
		for range 2 { // as if the first had been broken off at its end
			h.must(b.Prepare(t.Context(), target))
			report, err := b.RestoreContent(t.Context(), target, nil)
			if err != nil || !report.OK() || report.Files != 2 {
				t.Errorf("got %+v %v", report, err)
			}
		}
		for _, n := range []int{1, 2} {
			if text, err := os.ReadFile(filepath.Join(target.Place(), "00", id(n))); err != nil || string(text) != "content one" {
				t.Errorf("original %d: got %q %v", n, text, err)
			}
		}
		for _, pattern := range []string{".homeserver-storage.*", "00/*" + restoringEnd} {
			if left, err := filepath.Glob(filepath.Join(target.Place(), pattern)); err != nil || len(left) > 0 {
				t.Errorf("left over: %v %v", left, err)
			}
		}
	})
}

func TestHealingFromABackup(t *testing.T) {
	onSQLite(t, func(t *testing.T, h *house) {
		file := h.put("a", "good content", "")
		if place, err := h.healFrom(t.Context(), *file.SHA256); place != "" || err != nil {
			t.Errorf("without backups: got %q %v", place, err)
		}
		dir := filepath.Join(t.TempDir(), "backups")
		_, err := h.setSchedule(t.Context(), backupSchedule{Directory: dir, EveryHours: 24, Keep: 3})
		h.must(err)
		h.backup(BackupOptions{Dir: dir})
		h.spoil(blobAt(h.root, *file.SHA256))
		if place, err := h.healFrom(t.Context(), *file.SHA256); place != dir || err != nil {
			t.Errorf("got %q %v", place, err)
		}
		if text, _ := os.ReadFile(blobAt(h.root, *file.SHA256)); string(text) != "good content" {
			t.Errorf("healed to %q", text)
		}
		h.must(os.Remove(blobAt(h.root, *file.SHA256)))
		h.spoil(blobAt(dir, *file.SHA256))
		if place, err := h.healFrom(t.Context(), *file.SHA256); place != "" || err != nil {
			t.Errorf("from a damaged backup: got %q %v", place, err)
		}
		if _, err := os.Stat(blobAt(h.root, *file.SHA256)); err == nil {
			t.Error("a damaged copy was put into the storage")
		}
	})
}

// TestScrubHealsFromABackup plants damage in the storage: it is found, put aside, shown, and
// the content comes back from the scheduled directory of backups.
func TestScrubHealsFromABackup(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		file, lost := h.put("a", "good content", ""), h.put("b", "other content", "")
		dir := filepath.Join(t.TempDir(), "backups")
		_, err := h.setSchedule(t.Context(), backupSchedule{Directory: dir, EveryHours: 24, Keep: 3})
		h.must(err)
		h.backup(BackupOptions{Dir: dir})
		h.spoil(blobAt(h.root, *file.SHA256))
		h.must(os.Remove(blobAt(h.root, *lost.SHA256)))
		h.must(os.Rename(dir, dir+".unplugged"))
		h.must(h.ScrubNow(t.Context()))
		h.scrub()
		if got := h.integrity(); got.DamagedNow != 2 {
			t.Errorf("with the backup away: got %+v", got)
		}
		h.must(os.Rename(dir+".unplugged", dir))
		h.scrub()
		if got := h.integrity(); got.DamagedNow != 0 || len(got.Damaged) != 2 || got.Damaged[0].HealedBy != healedByBackup+": "+dir {
			t.Errorf("with the backup: got %+v", got)
		}
		if w := h.get(prefix + "/" + file.ID + "/download"); w.Body.String() != "good content" {
			t.Errorf("got %d %q", w.Code, w.Body)
		}
		if found, _ := filepath.Glob(filepath.Join(h.root, "quarantine", *file.SHA256+"*")); len(found) != 1 {
			t.Errorf("put aside: %v", found)
		}
		h.sound()
	})
}

// backupsOf fetches what people see.
func (h *house) backupsOf() backupsBody {
	h.t.Helper()
	return into[backupsBody](h, h.as(administrator()).get(prefix+"/backups"))
}

func TestTheSchedule(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.put("a", "a", "")
		admin := h.as(administrator())
		if b := h.backupsOf(); b.Schedule.Keep != defaultKeep || b.Last != nil || b.Next != nil || !strings.Contains(b.Warning, "no backups") {
			t.Errorf("at first: got %+v", b)
		}
		for _, stranger := range []*house{h.as(ada()), h.as(guest()), h.as(token(administrator(), identity.ScopeFilesWrite))} {
			stranger.want(stranger.get(prefix+"/backups"), 403)
			stranger.want(stranger.send("PUT", "/backups/schedule", `{"directory":"","every_hours":0,"keep":7}`), 403)
			stranger.want(stranger.send("POST", "/backups/run", ""), 403)
		}
		admin.want(admin.send("POST", "/backups/run", ""), 409)
		dir := filepath.Join(t.TempDir(), "backups")
		for body, status := range map[string]int{
			`{"directory":"relative","every_hours":1,"keep":1}`: 422, `{"directory":"","every_hours":1,"keep":1}`: 422,
			`{"directory":` + fmt.Sprintf("%q", h.root) + `,"every_hours":1,"keep":1}`: 422, `{"directory":"/no/such/parent","every_hours":1,"keep":1}`: 503,
			`{"directory":` + fmt.Sprintf("%q", dir) + `,"every_hours":-1,"keep":1}`: 422,
		} {
			admin.want(admin.send("PUT", "/backups/schedule", body), status)
		}
		admin.want(admin.send("PUT", "/backups/schedule", fmt.Sprintf(`{"directory":%q,"every_hours":24,"keep":2}`, dir)), 200)
		if b := h.backupsOf(); b.Next == nil || b.Schedule.Directory != dir || b.Schedule.EveryHours != 24 {
			t.Errorf("scheduled: got %+v", b)
		}
		h.must(h.runBackup(t.Context()))
		h.must(h.runBackup(t.Context())) // not due
		b := h.backupsOf()
		if len(b.Runs) != 1 || b.Last == nil || b.Runs[0].State != "done" || b.Warning != "" || b.Next.Sub(b.Last.Started) != 24*time.Hour {
			t.Errorf("after the first: got %+v", b)
		}
		h.clock.advance(25 * time.Hour)
		h.must(os.Rename(dir, dir+".unplugged"))
		h.must(h.runBackup(t.Context()))
		b = h.backupsOf()
		if len(b.Runs) != 2 || b.Runs[0].State != "failed" || !strings.Contains(b.Warning, "drive is not connected") || b.Last.ID != b.Runs[1].ID {
			t.Errorf("unplugged: got %+v", b)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Error("the mount point was made anew")
		}
		if wait := b.Next.Sub(h.now()); wait > time.Hour || wait < 50*time.Minute {
			t.Errorf("the next try is in %v", wait)
		}
		h.must(os.Rename(dir+".unplugged", dir))
		admin.want(admin.send("POST", "/backups/run", ""), 202)
		h.must(h.runBackup(t.Context()))
		if b = h.backupsOf(); len(b.Runs) != 3 || b.Runs[0].State != "done" || b.Warning != "" {
			t.Errorf("asked for: got %+v", b)
		}
		admin.want(admin.send("PUT", "/backups/schedule", `{"directory":"","every_hours":0,"keep":7}`), 200)
		if b = h.backupsOf(); b.Next != nil {
			t.Errorf("no longer scheduled: got %+v", b)
		}
	})
}

func TestStateIsSavedAndGivenBack(t *testing.T) {
	onSQLite(t, func(t *testing.T, h *house) {
		h.put("a", "a", "")
		data := t.TempDir()
		h.lent.DataDir, h.lent.State = data, []string{"secret.key", "tls", "missing"}
		want := map[string]string{"secret.key": "key", "tls/a/b": "deep", "other": "not ours"}
		for name, text := range want {
			h.must(os.MkdirAll(filepath.Dir(filepath.Join(data, name)), 0o700))
			h.must(os.WriteFile(filepath.Join(data, name), []byte(text), 0o600))
		}
		dir := filepath.Join(t.TempDir(), "backups")
		h.backup(BackupOptions{Dir: dir})
		b, release, err := OpenBackup(dir, "")
		h.must(err)
		defer release()
		target := t.TempDir()
		h.must(os.WriteFile(filepath.Join(target, "secret.key"), []byte("another"), 0o600))
		for range 2 {
			h.must(b.RestoreState(t.Context(), target))
		}
		delete(want, "other")
		want["secret.key.before-restore"] = "another"
		got := map[string]string{}
		h.must(filepath.WalkDir(target, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			if info, _ := e.Info(); info.Mode().Perm() != 0o600 {
				t.Errorf("%s: got mode %v", path, info.Mode())
			}
			text, err := os.ReadFile(path)
			name, _ := filepath.Rel(target, path)
			got[filepath.ToSlash(name)] = string(text)
			return err
		}))
		if !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, slices.Sorted(maps.Keys(want)))
		}
	})
}
