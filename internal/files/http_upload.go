package files

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

const (
	// maxUploads is how many uploads of one principal may be under way at a time: a browser
	// sends six, a program that copies a folder some dozens. Each holds a connection, an open
	// file and a buffer, and a hundred stalled ones must not be the end of everybody else's.
	maxUploads = 100
	// uploadRetry is what the next one is told to wait: small files are long done by then.
	uploadRetry = 5 * time.Second
)

// maxDrain is how much of a refused upload is read on, in bytes: a client that is still
// sending when the connection closes sees a broken connection instead of the sentence.
const maxDrain = 16 << 20

// formRoom is what a form may take beside its file, in bytes: what a request is longer than that
// the file is at least.
const formRoom = 1 << 20

// errTooMany asks to wait, and says how long.
func errTooMany() error {
	err := errs.Newf(errs.RateLimited, "There are %d uploads of yours under way already. Nothing was stored; send this one when others are done.", maxUploads)
	return huma.ErrorWithHeaders(err, http.Header{"Retry-After": {strconv.Itoa(int(uploadRetry / time.Second))}})
}

// handleUpload streams a form in. It does not touch the body before the storage is known to
// be there and to have room, and not at all when the principal has too many under way.
func (f *Files) handleUpload(w http.ResponseWriter, r *http.Request) error {
	release, free := f.uploads.Take(httpd.PrincipalKey(r.Context()))
	if !free {
		return errTooMany()
	}
	defer release()
	body, err := watchBody(r.Body, slices.Concat(r.Header["Content-Digest"], r.Header["Repr-Digest"])...)
	if err != nil {
		return err
	}
	u, err := f.receive(r.Context(), r.Header.Get("Content-Type"), body, max(r.ContentLength-formRoom, 0))
	if err != nil {
		if !strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
		}
		return err
	}
	b := f.appendFile(make([]byte, 0, jsonRoom), &u.File)
	b = append(b[:len(b)-1], `,"message":"File uploaded successfully"`...)
	if len(u.warnings) > 0 {
		b = appendStrings(append(b, `,"warnings":`...), u.warnings)
	}
	sendJSON(w, append(b, '}', '\n'))
	return nil
}
