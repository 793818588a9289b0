package files

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

const (
	// maxUploads is how many uploads of one principal may be under way at a time: a browser
	// sends six, a program that copies a folder some dozens. Each holds a connection, an open
	// file and a buffer, and a hundred stalled ones must not be the end of everybody else's.
	maxUploads = 100
	// uploadRetry is what the next one is told to wait: small files are long done by then.
	uploadRetry = 5 * time.Second
)

// slots counts the uploads that are under way, of each principal.
type slots struct {
	mu    sync.Mutex
	taken map[string]int
}

// take gives one of a principal's slots until it is released; false when all are taken.
func (s *slots) take(key string) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[key] >= maxUploads {
		return nil, false
	}
	if s.taken == nil {
		s.taken = map[string]int{}
	}
	s.taken[key]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.taken[key]--; s.taken[key] == 0 {
			delete(s.taken, key)
		}
	}, true
}

// uploader is whose slot an upload takes: the account's; without one the machine's, so that
// one that uploads for the household does not keep the others from it.
func uploader(ctx context.Context) string {
	p := identity.From(ctx)
	if p.UserID != "" {
		return p.UserID
	}
	return string(p.Method) + " " + httpd.ClientAddr(ctx)
}

// maxDrain is how much of a refused upload is read on, in bytes: a client that is still
// sending when the connection closes sees a broken connection instead of the sentence.
const maxDrain = 16 << 20

// handleUpload streams a form in. It does not touch the body before the storage is known to
// be there and to have room, and not at all when the principal has too many under way.
func (f *Files) handleUpload(w http.ResponseWriter, r *http.Request) error {
	release, free := f.slots.take(uploader(r.Context()))
	if !free {
		w.Header().Set("Retry-After", strconv.Itoa(int(uploadRetry/time.Second)))
		return errs.Newf(errs.RateLimited, "There are %d uploads of yours under way already. Nothing was stored; send this one when others are done.", maxUploads)
	}
	defer release()
	row, err := f.receive(r.Context(), r.Header.Get("Content-Type"), r.Body)
	if err != nil {
		if !strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
		}
		return err
	}
	b := f.appendFile(make([]byte, 0, jsonRoom), row)
	sendJSON(w, append(b[:len(b)-1], ",\"message\":\"File uploaded successfully\"}\n"...))
	return nil
}
