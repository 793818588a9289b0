package crash

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"homeserver/test/server"
)

// largeFolder is more files than the server marks in two transactions.
const largeFolder = 1100

// TestLargeFolder kills the server while it marks the files of a large folder that went to the
// trash, and while it makes them ready to come back: all of it is in the trash, or all is there.
func TestLargeFolder(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			s := newHousehold(t, database).Server
			s.Start()
			var folder struct{ ID string }
			s.JSON(t, "POST", "/api/v1/folders", map[string]string{"parent": "household", "name": "large"}).Expect(t, 201).Decode(t, &folder)
			parts := []server.Part{server.Field("folder", folder.ID), server.Field("tags", "one,two")}
			for i := range largeFolder {
				parts = append(parts, server.FilePart(fmt.Sprint("file ", i), "text/plain", fmt.Appendf(nil, "content %d", i%7)))
			}
			s.Do(t, "POST", "/api/v1/files/batch", http.Header{"Content-Type": {server.ContentType}}, bytes.NewReader(server.Multipart(parts...))).Expect(t, 200)
			trash := ""
			for _, step := range []struct {
				point string // where it dies
				after int    // how many files are there then
			}{{"sinking", 0}, {"sinking:3", 0}, {"rising", 0}, {"rising:2", 0}, {"after-change", largeFolder}} {
				s.Stop()
				s.Setenv("HOMESERVER_FAILPOINT", step.point)
				s.Launch()
				s.WaitReady(patience)
				if strings.HasPrefix(step.point, "sinking") {
					_, _ = s.Try("DELETE", "/api/v1/folders/"+folder.ID+"?confirm=9999", nil, nil) // it may die before it has answered
				} else if answer, err := s.Try("POST", "/api/v1/trash/restore", http.Header{"Content-Type": {"application/json"}}, strings.NewReader(fmt.Sprintf(`{"ids":[%q]}`, trash))); err == nil {
					t.Fatalf("%s: got %d %s, want no answer", step.point, answer.Status, answer.Body)
				}
				if s.WaitExit(patience) != -1 {
					t.Fatalf("nothing came to %s", step.point)
				}
				s.CloseIdle()
				s.Setenv("HOMESERVER_FAILPOINT", "")
				s.Start()
				trash = seen(t, s, step.point, step.after)
				if step.point == "sinking" { // and back, for the next
					s.JSON(t, "POST", "/api/v1/trash/restore", map[string][]string{"ids": {trash}}).Expect(t, 200)
					seen(t, s, "restored", largeFolder)
				}
			}
			s.Stop()
			if out, errOut, code := s.CLI("check"); code != 0 {
				t.Errorf("check: exit code %d, %s %s", code, out, errOut)
			}
		})
	}
}

// seen looks at a house that has so many files and the others in the trash, and returns what the
// folder is there.
func seen(t *testing.T, s *server.Server, when string, files int) (trash string) {
	t.Helper()
	var list struct{ Total int }
	var tags struct {
		Tags []struct {
			Tag   string
			Files int
		}
	}
	var thrown struct {
		Items []struct {
			ID    string
			Files int
		}
	}
	for _, query := range []string{"limit=10", "limit=10&tag=one", "limit=10&q=file"} {
		s.Get(t, "/api/v1/files/list?"+query).Expect(t, 200).Decode(t, &list)
		if list.Total != files {
			t.Errorf("%s: %s: got %d files, want %d", when, query, list.Total, files)
		}
	}
	s.Get(t, "/api/v1/files/tags").Expect(t, 200).Decode(t, &tags)
	s.Get(t, "/api/v1/trash").Expect(t, 200).Decode(t, &thrown)
	if files == 0 && (len(tags.Tags) != 0 || len(thrown.Items) != 1 || thrown.Items[0].Files != largeFolder) ||
		files > 0 && (len(tags.Tags) != 2 || tags.Tags[0].Files != files || len(thrown.Items) != 0) {
		t.Errorf("%s: got %+v and %+v in the trash", when, tags, thrown)
	}
	if len(thrown.Items) > 0 {
		trash = thrown.Items[0].ID
	}
	return trash
}
