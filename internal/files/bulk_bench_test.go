package files

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"homeserver/internal/platform/sqldb/sqldbtest"
)

// bulkFiles is how many files lie in the folder that BenchmarkBulk does things to, bulkTags how
// many tags each bears.
const (
	bulkFiles = 100_000
	bulkTags  = 3
)

// bulkTree puts n tagged rows without content into a folder of its own, and a tenth as many into another.
func bulkTree(b testing.TB, h *house, n int) (folder string) {
	b.Helper()
	folder = h.mkdir(rootFolder, "big")
	other := h.mkdir(rootFolder, "other")
	for at := 0; at < n+n/10; at += 1000 {
		var batch []*upload
		for i := at; i < min(at+1000, n+n/10); i++ {
			name := fmt.Sprintf("File %d.jpg", i*7919%n)
			f := File{ID: fmt.Sprintf("%08x-0000-4000-8000-%012d", uint32(i)*2654435761, i), Name: name, key: nameKey(name), ContentType: "image/jpeg", Size: int64(i * 31 % 5_000_000),
				Uploaded: h.clock.t.Add(time.Duration(i) * time.Millisecond), Tags: []string{fmt.Sprint("t", i%100), fmt.Sprint("u", i%7), "all"}[:bulkTags], SHA256: fmt.Sprintf("%064x", i), Folder: folder}
			if i >= n {
				f.Folder = other
			}
			f.path = "blobs/" + f.SHA256[:2] + "/" + f.SHA256
			batch = append(batch, &upload{File: f})
		}
		if _, _, err := h.store.insert(context.Background(), batch, 1, func() error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	return folder
}

// meanwhile uploads small files one after the other while do runs, and returns how long do took
// and the longest that an upload did.
func (h *house) meanwhile(b testing.TB, do func()) (took, waited time.Duration) {
	b.Helper()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			kind, body := formOf("small", []byte(fmt.Sprint(b.Name(), i)), "")
			began := time.Now()
			w := h.do("POST", prefix+"/upload", kind, body)
			if waited = max(waited, time.Since(began)); w.Code != 200 {
				b.Errorf("after %s: got %d %s", time.Since(began), w.Code, w.Body)
			}
		}
	})
	time.Sleep(200 * time.Millisecond)
	began := time.Now()
	do()
	took = time.Since(began)
	close(stop)
	wg.Wait()
	return took, waited
}

// BenchmarkBulk is what is done to a folder of 100,000 tagged files at once, and how long others
// wait meanwhile.
func BenchmarkBulk(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			h := furnish(b, sqldbtest.Open(b, url(b)), filepath.Join(b.TempDir(), "storage"), nil)
			folder := bulkTree(b, h, bulkFiles)
			ctx, stop := context.WithCancel(b.Context())
			defer stop()
			go h.sinker(ctx)
			if name == "postgres" { // as its autovacuum does
				if _, err := h.store.db.Exec(b.Context(), "ANALYZE"); err != nil {
					b.Fatal(err)
				}
			}
			step := func(what, method, path, body string) (answer struct{ Trash []string }) {
				took, waited := h.meanwhile(b, func() {
					w := h.ask(method, path, body)
					if w.Code != 200 || strings.Contains(w.Body.String(), `"status":4`) {
						b.Errorf("%s: got %d %.300s", what, w.Code, w.Body)
					}
					_ = json.Unmarshal(w.Body.Bytes(), &answer)
				})
				fmt.Printf("%-10s %-28s %8.2f s, others waited %6.2f s\n", name, what, took.Seconds(), waited.Seconds())
				return answer
			}
			item := fmt.Sprintf(`"folders":[{"id":%q}]`, folder)
			root := h.mkdir(rootFolder, "elsewhere")
			step("move", "POST", prefix+"/move", fmt.Sprintf(`{%s,"to":%q}`, item, root))
			trashed := step("trash", "DELETE", folderPrefix+"/"+folder+"?confirm=1000000", "")
			restore := fmt.Sprintf(`{"ids":[%q]}`, append(trashed.Trash, "")[0])
			step("restore at once", "POST", trashPrefix+"/restore", restore)
			trashed = step("trash again", "DELETE", folderPrefix+"/"+folder+"?confirm=1000000", "")
			for left := []string{"all"}; len(left) > 0; time.Sleep(100 * time.Millisecond) {
				if left, _ = h.store.sinking(ctx, nil); ctx.Err() != nil {
					b.Fatal(ctx.Err())
				}
			}
			step("restore what has sunk", "POST", trashPrefix+"/restore", fmt.Sprintf(`{"ids":[%q]}`, append(trashed.Trash, "")[0]))
			trashed = step("trash again", "DELETE", folderPrefix+"/"+folder+"?confirm=1000000", "")
			purge := fmt.Sprintf(`{"ids":[%q],"confirm":"1000000"}`, append(trashed.Trash, "")[0])
			step("purge", "POST", trashPrefix+"/delete", purge)

			// What is limited by the number of ids in a request.
			var ids, items []string
			for i := range 1000 {
				n := bulkFiles + i
				id := fmt.Sprintf("%08x-0000-4000-8000-%012d", uint32(n)*2654435761, n)
				ids = append(ids, fmt.Sprintf("%q", id))
				items = append(items, fmt.Sprintf(`{"id":%q}`, id))
			}
			list := strings.Join(ids, ",")
			step("tag 1,000 files", "PATCH", prefix+"/tags", `{"add":["x","y","z"],"ids":[`+list+`]}`)
			step("untag 1,000 files", "PATCH", prefix+"/tags", `{"remove":["x","y","z"],"ids":[`+list+`]}`)
			step("copy 1,000 files", "POST", prefix+"/copy", fmt.Sprintf(`{"files":[%s],"to":%q}`, strings.Join(items, ","), root))
			step("move 1,000 files", "POST", prefix+"/move", fmt.Sprintf(`{"files":[%s],"to":%q}`, strings.Join(items, ","), root))
			copied := h.mkdir(rootFolder, "copied")
			if _, err := h.store.db.Exec(b.Context(), `UPDATE file_metadata SET folder_id = $1 WHERE id IN (SELECT id FROM file_metadata WHERE deleted_at IS NULL AND size > 0 AND folder_id <> $2 ORDER BY id LIMIT 9900)`, copied, root); err != nil {
				b.Fatal(err)
			}
			if _, err := h.store.db.Exec(b.Context(), `UPDATE folders SET (files, bytes) = (SELECT count(*), sum(size) FROM file_metadata WHERE folder_id = $1) WHERE id = $1`, copied); err != nil {
				b.Fatal(err)
			}
			step("give a folder of 9,900", "POST", prefix+"/move", fmt.Sprintf(`{"folders":[{"id":%q}],"to":%q}`, copied, "ada"))
			step("give it back", "POST", prefix+"/move", fmt.Sprintf(`{"folders":[{"id":%q}],"to":%q}`, copied, rootFolder))
			step("copy a folder of 9,900", "POST", prefix+"/copy", fmt.Sprintf(`{"folders":[{"id":%q}],"to":%q}`, copied, root))
			trashed = step("trash 1,000 files", "POST", prefix+"/delete", `{"ids":[`+list+`],"confirm":"1000000"}`)
			step("restore 1,000 things", "POST", trashPrefix+"/restore", `{"ids":["`+strings.Join(trashed.Trash, `","`)+`"]}`)
		})
	}
}
