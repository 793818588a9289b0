package files

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"homeserver/internal/files/vault"
	"homeserver/internal/platform/errs"
)

// TestTroubleWithTheHistoryKeepsNoFilesBack: a history that cannot be read, or for which there is
// no room, is left out, and said so wherever people look; what was copied of it is gone.
func TestTroubleWithTheHistoryKeepsNoFilesBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dir := filepath.Join(t.TempDir(), "backups")
		h.put("a", "content a", "")
		pieces, fails, damaged := []string{"about", "long ago"}, error(nil), 0
		h.lent.History = func(_ context.Context, put func(string, func(io.Writer) error) error) (int, bool, error) {
			for _, p := range pieces {
				if err := put(p, func(w io.Writer) error {
					_, err := io.WriteString(w, "piece "+p)
					return err
				}); err != nil {
					return damaged, true, err
				}
			}
			return damaged, len(pieces) > 0, fails
		}
		if r := h.backup(BackupOptions{Dir: dir}); !r.OK() || *r.History != (vault.History{Pieces: 2, Bytes: 25, NewBytes: 25}) {
			t.Errorf("got %+v", r.History)
		}
		pieces, damaged = []string{"about", "long ago", "today"}, 3
		good := h.backup(BackupOptions{Dir: dir, VerifyAll: true})
		if !good.OK() || *good.History != (vault.History{Pieces: 3, Bytes: 36, NewBytes: 11, Damaged: 3}) {
			t.Errorf("got %+v", good.History)
		}
		for _, trouble := range []struct {
			err   error
			says  string
			piece string
		}{
			{errors.New("database disk image is malformed"), "homeserver history verify", "of damage"},
			{errs.New(errs.StorageFull, "There is no room."), "no room", "of want"},
		} {
			pieces, fails = []string{"about", trouble.piece}, trouble.err
			h.put("b", "content of "+trouble.piece, "")
			r := h.backup(BackupOptions{Dir: dir})
			if r.OK() || r.NewFiles != 1 || r.History == nil || !strings.Contains(r.History.LeftOut, trouble.says) || r.History.Pieces != 0 {
				t.Errorf("%v: got %+v %+v", trouble.err, r, r.History)
			}
			state, err := h.backupState(t.Context())
			h.must(err)
			if body := state.last.body(); body.State != "incomplete" || !strings.Contains(body.Error, "history") || state.warning != body.Error {
				t.Errorf("%v: people see %+v, %q", trouble.err, body, state.warning)
			}
		}
		v, err := vault.Open(dir)
		h.must(err)
		if left, _ := filepath.Glob(filepath.Join(dir, "history", "*")); len(left) != 3 {
			t.Errorf("got %d pieces, want the 3 of the good backups", len(left))
		}
		list, broken, err := v.Snapshots()
		if err != nil || len(list) != 4 || len(broken) > 0 {
			t.Fatalf("got %d snapshots, %v %v", len(list), broken, err)
		}
		for i := range list {
			if found, err := v.Verify(t.Context(), &list[i], true, nil); err != nil || !found.OK() {
				t.Errorf("%s: %+v %v", list[i].Name, found, err)
			}
		}
		pieces, fails, damaged = nil, nil, 0
		if r := h.backup(BackupOptions{Dir: dir, Keep: 1}); !r.OK() || r.History != nil || len(r.Removed) == 0 {
			t.Errorf("without a history: got %+v", r)
		}
		if _, err := v.Snapshot(good.Name); err != nil {
			t.Errorf("the newest with a history is gone: %v", err)
		}
	})
}
