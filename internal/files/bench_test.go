package files

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"homeserver/internal/platform/sqldb/sqldbtest"
)

// benchRows is the size of the library that lists are measured on.
const benchRows = 100_000

func benchHouse(b *testing.B) *house {
	b.Helper()
	return furnish(b, sqldbtest.Open(b, sqldbtest.SQLite(b)), filepath.Join(b.TempDir(), "storage"), nil)
}

// library makes rows without content, a hundred of each owner in turn; every second hundred is
// shared.
func library(b *testing.B, h *house, n int, owners ...string) *house {
	b.Helper()
	for at := 0; at < n; at += 1000 {
		var batch []*upload
		for i := at; i < min(at+1000, n); i++ {
			name := fmt.Sprintf("File %d.jpg", i*7919%n)
			f := File{ID: fmt.Sprintf("%08x-0000-4000-8000-%012d", uint32(i)*2654435761, i), Name: name, key: nameKey(name), ContentType: "image/jpeg", Size: int64(i * 31 % 5_000_000),
				Uploaded: h.clock.t.Add(time.Duration(i) * time.Millisecond), Tags: []string{fmt.Sprint("t", i%100), "all"}, SHA256: fmt.Sprintf("%064x", i), Owner: owners[i/100%len(owners)]}
			f.Folder = rootOf(f.Owner)
			f.share(i/100%2 == 0)
			batch = append(batch, &upload{File: f})
		}
		if _, _, err := h.store.insert(context.Background(), batch, 1, func() error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	return h
}

// BenchmarkUpload is 4 KiB files through the HTTP handler, eight at a time.
func BenchmarkUpload(b *testing.B) {
	h := benchHouse(b)
	var n atomic.Int64
	b.SetParallelism(4) // 8 on 2 cores
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		content := make([]byte, 4096)
		for pb.Next() {
			copy(content, fmt.Sprint(n.Add(1)))
			kind, body := formOf("f", content, "")
			if w := h.do("POST", prefix+"/upload", kind, body); w.Code != 200 {
				b.Errorf("got %d %s", w.Code, w.Body)
			}
		}
	})
}

// BenchmarkBareLoop is what BenchmarkUpload is compared with: write, fsync, rename, fsync the directory.
func BenchmarkBareLoop(b *testing.B) {
	root := b.TempDir()
	for i := range 256 {
		if err := os.Mkdir(filepath.Join(root, fmt.Sprintf("%02x", i)), 0o700); err != nil {
			b.Fatal(err)
		}
	}
	var n atomic.Int64
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		content := make([]byte, 4096)
		for pb.Next() {
			i := n.Add(1)
			temp, dir := filepath.Join(root, fmt.Sprint("in", i)), filepath.Join(root, fmt.Sprintf("%02x", i*167%256))
			f, err := os.Create(temp)
			if err == nil {
				_, _ = f.Write(content)
				_ = f.Sync()
				_ = f.Close()
				err = os.Rename(temp, filepath.Join(dir, fmt.Sprint(i)))
			}
			if err != nil {
				b.Error(err)
				return
			}
			d, _ := os.Open(dir)
			_ = d.Sync()
			_ = d.Close()
		}
	})
}

// BenchmarkPage is a page of 100 out of 100,000, first and last, in each order and filter, for
// an administrator and for a member who sees three quarters of the files.
func BenchmarkPage(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			h := library(b, furnish(b, sqldbtest.Open(b, url(b)), filepath.Join(b.TempDir(), "storage"), nil), benchRows, household, "ada", "ada", "bob")
			if name == "postgres" { // as its autovacuum does
				if _, err := h.store.db.Exec(b.Context(), "ANALYZE"); err != nil {
					b.Fatal(err)
				}
			}
			for _, query := range []string{"", "sort=name", "sort=size&order=asc", "tag=t7", "tag=all", "tag=t7&sort=name", "tag=all&sort=name", "q=99950", "q=file"} {
				benchPages(b, h, query)
				benchPages(b, h.as(ada()), query)
			}
		})
	}
}

// BenchmarkEntries is the first page of a folder of 100,000 files in each order.
func BenchmarkEntries(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqldbtest.SQLite, "postgres": sqldbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			h := library(b, furnish(b, sqldbtest.Open(b, url(b)), filepath.Join(b.TempDir(), "storage"), nil), benchRows, household)
			if name == "postgres" { // as its autovacuum does
				if _, err := h.store.db.Exec(b.Context(), "ANALYZE"); err != nil {
					b.Fatal(err)
				}
			}
			for _, query := range []string{"sort=name", "sort=date", "sort=size", "q=99"} {
				b.Run(query, func(b *testing.B) {
					for b.Loop() {
						if w := h.get(folderPrefix + "/household/entries?" + query); w.Code != 200 {
							b.Fatalf("got %d %s", w.Code, w.Body)
						}
					}
				})
			}
		})
	}
}

func benchPages(b *testing.B, h *house, query string) {
	for _, last := range []bool{false, true} {
		path := fmt.Sprintf("%s/list?limit=100&%s", prefix, query)
		if last {
			path += "&cursor=" + h.lastCursor(b, query)
		}
		b.Run(fmt.Sprintf("%s/%s/last=%v", query, h.who.Role, last), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if w := h.get(path); w.Code != 200 {
					b.Fatalf("got %d %s", w.Code, w.Body)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		})
	}
}

// lastCursor leads to the last 100 files of a list.
func (h *house) lastCursor(b *testing.B, query string) string {
	b.Helper()
	r := httptest.NewRequest("GET", "/?"+query, nil).URL.Query()
	l, err := parseList(r.Get("tag"), r.Get("q"), r.Get("sort"), r.Get("order"), 0, "")
	if err != nil {
		b.Fatal(err)
	}
	l.view = viewOf(h.who)
	sel, err := h.store.selectFiles(b.Context(), l)
	if err != nil {
		b.Fatal(err)
	}
	var all []position
	var after *position
	for {
		n, last, err := h.store.page(b.Context(), sel, after, streamBatch, func(f *File) { all = append(all, sel.positionOf(f)) })
		if err != nil {
			b.Fatal(err)
		}
		if n < streamBatch {
			break
		}
		after = &last
	}
	if len(all) == 0 {
		return ""
	}
	return l.encode(all[max(len(all)-101, 0)])
}

// BenchmarkWholeList streams 10,000 files.
func BenchmarkWholeList(b *testing.B) {
	h := library(b, benchHouse(b), 10_000, household)
	b.ReportAllocs()
	for b.Loop() {
		if w := h.get(prefix + "/list"); w.Code != 200 || !bytes.HasSuffix(w.Body.Bytes(), []byte(`"total":10000}`+"\n")) {
			b.Fatalf("got %d", w.Code)
		}
	}
}

func BenchmarkMetadata(b *testing.B) {
	h := library(b, benchHouse(b), benchRows, household)
	path := fmt.Sprintf("%s/%08x-0000-4000-8000-%012d/metadata", prefix, 0, 0)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if w := h.get(path); w.Code != 200 {
				b.Errorf("got %d %s", w.Code, w.Body)
			}
		}
	})
}

// BenchmarkBatch is files of 4 KiB in batches of 2,000.
func BenchmarkBatch(b *testing.B) {
	const files = 2000
	h := benchHouse(b)
	pairs := make([]string, 2*files)
	content := make([]byte, 4096)
	for n := range b.N {
		for i := range files {
			copy(content, fmt.Sprint(n, " ", i, " "))
			pairs[2*i], pairs[2*i+1] = fmt.Sprint("file ", n, " ", i), string(content)
		}
		kind, body := batchBody(nil, pairs...)
		if w := h.do("POST", prefix+"/batch", kind, body); w.Code != 200 || bytes.Count(w.Body.Bytes(), []byte("\n")) != files+1 {
			b.Errorf("got %d %.1000s", w.Code, w.Body)
		}
	}
	b.ReportMetric(float64(b.N*files)/b.Elapsed().Seconds(), "files/s")
}
