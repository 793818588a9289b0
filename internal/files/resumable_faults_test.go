package files

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"homeserver/internal/files/tus"
	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/identity"
	"homeserver/internal/platform/sqldb"
	"homeserver/internal/platform/sqldb/sqldbtest"
)

// brittle is a store whose unfinished content can break.
type brittle struct {
	blob.Store
	sync, write, publish atomic.Pointer[error]
}

type brittleAppending struct {
	blob.Appending
	b *brittle
}

func (b *brittle) Append(ctx context.Context, id string, offset int64) (blob.Appending, error) {
	a, err := b.Store.Append(ctx, id, offset)
	if err != nil {
		return nil, err
	}
	return brittleAppending{a, b}, nil
}

func (b *brittle) Publish(ctx context.Context, items []blob.Staged) error {
	if err := b.publish.Load(); err != nil {
		return *err
	}
	return b.Store.Publish(ctx, items)
}

// Write writes half of what it is given before it fails.
func (a brittleAppending) Write(p []byte) (int, error) {
	if err := a.b.write.Load(); err != nil {
		n, _ := a.Appending.Write(p[:len(p)/2])
		return n, *err
	}
	return a.Appending.Write(p)
}

func (a brittleAppending) Sync() error {
	if err := a.b.sync.Load(); err != nil {
		return *err
	}
	return a.Appending.Sync()
}

func (a brittleAppending) Commit() error {
	if err := a.b.sync.Load(); err != nil {
		return *err
	}
	return a.Appending.Commit()
}

func eachBrittle(t *testing.T, test func(t *testing.T, h *house, b *brittle)) {
	t.Helper()
	tables.Run(t, func(t *testing.T, db *sqldb.DB) {
		b := &brittle{}
		test(t, furnish(t, db, filepath.Join(sqldbtest.Memory(t), "storage"), func(s blob.Store) blob.Store { b.Store = s; return b }), b)
	})
}

// TestResumableDisk: whatever the disk refuses, what was acknowledged stays, and nothing else
// counts.
func TestResumableDisk(t *testing.T) {
	eachBrittle(t, func(t *testing.T, h *house, b *brittle) {
		full := errs.Wrap(errs.StorageFull, "The storage is full.", syscall.ENOSPC)
		data := noise(200_000)
		for name, at := range map[string]*atomic.Pointer[error]{"write": &b.write, "sync": &b.sync, "publish": &b.publish} {
			for _, cut := range []int{0, 70_000} {
				where := h.begin1(len(data))
				if cut > 0 {
					h.want(h.patch1(where, 0, data[:cut]), 204)
				}
				at.Store(&full)
				h.want(h.patch1(where, cut, data[cut:]), 507)
				if name == "publish" && cut > 0 { // all is there, and became no file yet
					h.want(h.tus("HEAD", where, nil), 507)
					at.Store(nil)
					h.became(h.want(h.tus("HEAD", where, nil), 200), unnamed, data)
					continue
				}
				if got := h.offset(where); got != strconv.Itoa(cut) {
					t.Errorf("%s fails at %d: got offset %s", name, cut, got)
				}
				at.Store(nil)
				h.became(h.want(h.patch1(where, cut, data[cut:]), 204), unnamed, data)
			}
		}
		h.sound()
	})
}

// front serves the room on a port, so that connections can break.
func (h *house) front() string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.http.ServeHTTP(w, r.WithContext(identity.With(r.Context(), h.who)))
	}))
	h.t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// half begins a PATCH of size bytes, sends data of it and leaves the connection open.
func (h *house) half(address, where string, offset, size int, data []byte) net.Conn {
	h.t.Helper()
	conn, err := net.Dial("tcp", address)
	h.must(err)
	h.t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nContent-Type: %s\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n\r\n", where, tus.ContentType, offset, size)
	h.must(err)
	_, err = conn.Write(data)
	h.must(err)
	return conn
}

// soon looks at something that happens on another connection until it is so.
func (h *house) soon(what string, so func() bool) {
	h.t.Helper()
	tick, late := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			h.t.Fatalf("waited too long: %s", what)
		}
	}
}

// atIt reports whether a request is at an upload.
func (h *house) atIt(where string) bool {
	h.sittings.mu.Lock()
	defer h.sittings.mu.Unlock()
	return h.sittings.at[filepath.Base(where)] != nil
}

// TestResumableCut: of a connection that breaks everything that arrived counts.
func TestResumableCut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h = h.as(ada())
		address, data := h.front(), noise(1_000_000)
		where := h.begin1(len(data))
		at := 0
		for _, more := range []int{300_000, 1, 250_000} {
			conn := h.half(address, where, at, len(data)-at, data[at:at+more])
			h.must(conn.Close())
			at += more
			h.soon("the cut is noticed", func() bool {
				list := into[unfinishedListBody](h, h.get(uploadsPrefix)).Uploads
				return len(list) == 1 && list[0].Offset == int64(at)
			})
			h.soon("the request ends", func() bool { return !h.atIt(where) })
		}
		if got := h.offset(where); got != strconv.Itoa(at) {
			t.Errorf("got offset %s, want %d", got, at)
		}
		h.became(h.want(h.patch1(where, at, data[at:]), 204), unnamed, data)

		// A piece with a checksum is right as a whole or not at all.
		where = h.begin1(len(data))
		conn, err := net.Dial("tcp", address)
		h.must(err)
		_, err = fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nContent-Type: %s\r\nUpload-Offset: 0\r\nUpload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=\r\nContent-Length: 1000\r\n\r\nabc", where, tus.ContentType)
		h.must(err)
		h.soon("the request begins", func() bool { return h.atIt(where) })
		h.must(conn.Close())
		h.soon("the request ends", func() bool { return !h.atIt(where) })
		if got := h.offset(where); got != "0" {
			t.Errorf("got offset %s of a cut piece with a checksum, want 0", got)
		}
		h.sound()
	})
}

// TestResumableTakeOver: a client that comes again takes over from its own dead connection, and
// each byte is stored once.
func TestResumableTakeOver(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h = h.as(ada())
		address, data := h.front(), noise(400_000)
		for name, then := range map[string]func(where string, old net.Conn){
			"head, patch": func(where string, _ net.Conn) {
				at, err := strconv.Atoi(h.offset(where))
				if err != nil || at > 200_000 {
					t.Errorf("got offset %d, %v", at, err)
				}
				h.became(h.want(h.patch1(where, at, data[at:]), 204), unnamed, data)
			},
			"patch": func(where string, _ net.Conn) {
				h.want(h.patch1(where, 300_000, data[300_000:]), 409)
				at, err := strconv.Atoi(h.offset(where))
				h.must(err)
				h.became(h.want(h.patch1(where, at, data[at:]), 204), unnamed, data)
			},
			"delete": func(where string, _ net.Conn) {
				h.want(h.tus("DELETE", where, nil), 204)
				h.want(h.tus("HEAD", where, nil), 404)
			},
		} {
			where := h.begin1(len(data))
			old := h.half(address, where, 0, len(data), data[:200_000])
			h.soon(name+": the request begins", func() bool { return h.atIt(where) })
			then(where, old)
			h.must(old.SetReadDeadline(time.Now().Add(20 * time.Second)))
			answer, err := http.ReadResponse(bufio.NewReader(old), nil)
			if err == nil && answer.StatusCode != http.StatusLocked && answer.StatusCode != http.StatusNotFound {
				t.Errorf("%s: the old connection got %d, want 423", name, answer.StatusCode)
			}
		}
		if got := h.incoming(); got != 0 {
			t.Errorf("got %d files under incoming, want none", got)
		}
		h.sound()
	})
}

// TestResumableTwoClients: two clients that fight for one upload end with one file, and a right one.
func TestResumableTwoClients(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		data := noise(2_000_000)
		address := h.front()
		where := h.begin1(len(data), uploadMetadata, meta("filename", "fought over"))
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				for {
					head := h.tus("HEAD", where, nil)
					if head.Header().Get(uploadFileID) != "" {
						return
					}
					at, err := strconv.Atoi(head.Header().Get(uploadOffset))
					if err != nil {
						t.Errorf("HEAD: got %d %s", head.Code, head.Body)
						return
					}
					to := min(at+150_000, len(data)) // so that both get somewhere
					r, err := http.NewRequest("PATCH", "http://"+address+where, bytes.NewReader(data[at:to]))
					if err != nil {
						t.Error(err)
						return
					}
					r.Header = http.Header{tusResumable: {tus.Version}, "Content-Type": {tus.ContentType}, uploadOffset: {strconv.Itoa(at)}}
					answer, err := http.DefaultClient.Do(r)
					if err != nil {
						continue // cut by the other one
					}
					said, _ := io.ReadAll(answer.Body)
					_ = answer.Body.Close()
					if s := answer.StatusCode; s != 204 && s != 409 && s != 423 {
						t.Errorf("PATCH: got %d %s", s, said)
						return
					}
				}
			})
		}
		both.Wait()
		h.became(h.want(h.tus("HEAD", where, nil), 200), "fought over", data)
		if total := into[listBody](h, h.get(prefix+"/list")).Total; total != 1 {
			t.Errorf("got %d files, want 1", total)
		}
		h.sound()
	})
}

// TestResumableTwoProcesses: a client that comes to another copy of the server takes over from
// its connection to the first.
func TestResumableTwoProcesses(t *testing.T) {
	sqldbtest.Run(t, func(t *testing.T, db *sqldb.DB) {
		root := filepath.Join(sqldbtest.Memory(t), "storage")
		one, two := furnish(t, db, root, nil), furnish(t, db, root, nil)
		data := noise(300_000)
		where := one.begin1(len(data))
		old := one.half(one.front(), where, 0, len(data), data[:100_000])
		one.soon("the request begins", func() bool { return one.atIt(where) })
		two.became(two.want(two.patch1(where, 0, data), 204), unnamed, data)
		one.must(old.SetReadDeadline(time.Now().Add(20 * time.Second)))
		if answer, err := http.ReadResponse(bufio.NewReader(old), nil); err == nil && answer.StatusCode != http.StatusLocked {
			t.Errorf("the first connection got %d, want 423", answer.StatusCode)
		}
		two.sound()
	})
}

// TestResumableLife: what a person has sent when their credential ends is kept, and the request
// ends.
func TestResumableLife(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		life, end := context.WithCancel(t.Context())
		who := ada()
		who.Life = life
		data := noise(200_000)
		where := h.as(ada()).begin1(len(data))
		old := h.as(who).half(h.as(who).front(), where, 0, len(data), data[:100_000])
		h.soon("the request begins", func() bool { return h.atIt(where) })
		end()
		h.soon("the request ends", func() bool { return !h.atIt(where) })
		h.must(old.Close())
		at, err := strconv.Atoi(h.as(ada()).offset(where))
		if err != nil || at > 100_000 {
			t.Errorf("got offset %d, %v", at, err)
		}
		h.as(ada()).became(h.want(h.as(ada()).patch1(where, at, data[at:]), 204), unnamed, data)
		h.sound()
	})
}

// TestResumableQuota: uploads under way count together, however they are sent.
func TestResumableQuota(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		where := h.as(ada()).begin1(10)
		var releases []func()
		for range maxUploads {
			release, free := h.uploads.Take("ada")
			if !free {
				t.Fatal("no room")
			}
			releases = append(releases, release)
		}
		w := h.want(h.as(ada()).patch1(where, 0, []byte("x")), 429)
		if w.Header().Get("Retry-After") != "5" {
			t.Errorf("got Retry-After %q", w.Header().Get("Retry-After"))
		}
		for _, release := range releases {
			release()
		}
		h.want(h.as(ada()).patch1(where, 0, []byte("x")), 204)
	})
}
