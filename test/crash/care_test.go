package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"homeserver/test/server"
)

// integrity is what the server says of its content.
type integrity struct {
	DamagedNow int `json:"damaged_now"`
	Damaged    []struct {
		SHA256   string
		HealedAt *string `json:"healed_at"`
	}
	Running *struct{ Bytes int64 }
}

func ask(t *testing.T, s *server.Server) (i integrity) {
	t.Helper()
	s.Get(t, "/api/v1/files/integrity").Expect(t, 200).Decode(t, &i)
	return i
}

// TestScrub kills the server while it deals with damaged content. Afterwards the damage is still
// found, whatever had been done, never served, and healed by the same content.
func TestScrub(t *testing.T) {
	t.Parallel()
	s := server.New(t, server.Options{Tags: "failpoint"})
	s.Start()
	content := []byte("content that will be damaged")
	digest := server.Digest(content)
	file := s.Upload(t, "damaged", content)
	for i := range 5 {
		s.Upload(t, "good", fmt.Appendf(nil, "good %d", i))
	}
	s.Stop()
	place := filepath.Join(s.Dir, "data", "storage", "blobs", digest[:2], digest)
	for _, point := range []string{"scrub-aside", "scrub-noting", "scrub-noted"} {
		if err := os.WriteFile(place, []byte("something else"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.Edit(`UPDATE files_scrub SET started = NULL, position = ''`)
		s.ExpireLeases()
		s.Setenv("HOMESERVER_FAILPOINT", point)
		s.Launch()
		if s.WaitExit(patience) != -1 {
			t.Fatalf("scrub did not come to %s", point)
		}
		s.Setenv("HOMESERVER_FAILPOINT", "")
		s.ExpireLeases()
		s.Start()
		server.Eventually(t, patience, "the damage is known", func() error {
			if got := ask(t, s); got.DamagedNow != 1 {
				return fmt.Errorf("got %+v", got)
			}
			return nil
		})
		if answer := s.Get(t, "/api/v1/files/"+file.ID+"/download"); answer.Status != 500 {
			t.Errorf("%s: a download got %d %q", point, answer.Status, answer.Body)
		}
		s.Upload(t, "again", content)
		if got := ask(t, s); got.DamagedNow != 0 || len(got.Damaged) != 1 || got.Damaged[0].HealedAt == nil {
			t.Errorf("%s: after the content came again got %+v", point, got)
		}
		if got := s.Download(t, file.ID); string(got.Body) != string(content) {
			t.Errorf("%s: got %q", point, got.Body)
		}
		s.Stop()
		if out, errOut, code := s.CLI("check"); code != 0 {
			t.Errorf("%s: check: exit code %d, %s %s", point, code, out, errOut)
		}
	}
}

// TestDestroy kills the server while it empties the trash: what was destroyed is gone with
// everything that counts it, what was not is still in the trash.
func TestDestroy(t *testing.T) {
	t.Parallel()
	s := server.New(t, server.Options{Tags: "failpoint"})
	kept := []byte("content that a live file has too")
	for _, point := range []string{"destroy-rows", "destroyed"} {
		s.Setenv("HOMESERVER_FAILPOINT", "")
		s.Start()
		live := s.Upload(t, "live", kept)
		for _, content := range [][]byte{kept, fmt.Appendf(nil, "gone at %s", point)} {
			file := s.Upload(t, "gone", content)
			s.Do(t, "DELETE", "/api/v1/files/"+file.ID, nil, nil).Expect(t, 200)
		}
		s.Stop()
		s.Setenv("HOMESERVER_FAILPOINT", point)
		s.Launch()
		s.WaitReady(patience)
		if answer, err := s.Try("POST", "/api/v1/trash/empty", map[string][]string{"Content-Type": {"application/json"}}, strings.NewReader(`{"confirm":"99"}`)); err == nil {
			t.Fatalf("%s: got %d %s, want no answer", point, answer.Status, answer.Body)
		}
		if s.WaitExit(patience) != -1 {
			t.Fatalf("nothing came to %s", point)
		}
		s.CloseIdle()
		s.Setenv("HOMESERVER_FAILPOINT", "")
		s.Start()
		var trash struct{ Total, Bytes int64 }
		s.Get(t, "/api/v1/trash").Expect(t, 200).Decode(t, &trash)
		var storage struct {
			Spaces []struct {
				Files      int64
				TrashBytes int64 `json:"trash_bytes"`
			}
		}
		s.Get(t, "/api/v1/files/storage").Expect(t, 200).Decode(t, &storage)
		if want := map[string]int64{"destroy-rows": 2, "destroyed": 0}[point]; trash.Total != want || len(storage.Spaces) != 1 || storage.Spaces[0].TrashBytes != trash.Bytes {
			t.Errorf("%s: got %+v in the trash and %+v, want %d", point, trash, storage, want)
		}
		s.JSON(t, "POST", "/api/v1/trash/empty", map[string]string{"confirm": "99"}).Expect(t, 200)
		if got := s.Download(t, live.ID); string(got.Body) != string(kept) {
			t.Errorf("%s: got %q", point, got.Body)
		}
		s.Stop()
		if out, errOut, code := s.CLI("check"); code != 0 {
			t.Errorf("%s: check: exit code %d, %s %s", point, code, out, errOut)
		}
	}
}
