package files

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"homeserver/internal/files/digest"
	"homeserver/internal/platform/blob"
)

const (
	// smallFile is the size in bytes up to which a file is read whole and sent in one piece with
	// the answer's head: system calls are most of what a small download costs.
	smallFile = 16 << 10
	// oneMore byte tells a file that is as long as it should be from a longer one.
	oneMore = 1
)

var smallFiles = sync.Pool{New: func() any { return new([smallFile + oneMore]byte) }}

// handleDownload sends content as http.ServeContent does: ranges, conditions, HEAD, sendfile.
// What people upload never runs on this origin: it is an attachment in a sandbox.
func (f *Files) handleDownload(w http.ResponseWriter, r *http.Request) error {
	row, err := f.readable(r)
	if err != nil {
		return err
	}
	return f.sendContent(w, r, row)
}

// sendContent sends what is in a file.
func (f *Files) sendContent(w http.ResponseWriter, r *http.Request, row *File) error {
	if err := f.blobs.Readable(r.Context()); err != nil {
		return err
	}
	if err := f.intact(row); err != nil {
		return err
	}
	if row.Size <= smallFile && row.adopted() {
		room := smallFiles.Get().(*[smallFile + oneMore]byte)
		defer smallFiles.Put(room)
		n, err := f.blobs.Load(r.Context(), row.SHA256, room[:row.Size+oneMore])
		if err == nil && int64(n) == row.Size {
			send(w, r, row, `"`+row.SHA256+`"`, bytes.NewReader(room[:n]))
			return nil
		} // else it is looked for and looked at again below
	}
	content, err := f.open(r.Context(), row)
	if err != nil {
		return err
	}
	defer content.Close()
	tag, err := etag(row, content)
	if err != nil {
		return err
	}
	send(w, r, row, tag, content)
	return nil
}

// send writes the answer to a download.
func send(w http.ResponseWriter, r *http.Request, row *File, tag string, content io.ReadSeeker) {
	kind, shown := servedType(row.ContentType), "attachment"
	if r.URL.RawQuery != "" && r.URL.Query().Get("inline") == "1" && mayShowInline(kind) {
		shown = "inline"
	}
	h := w.Header()
	h["Content-Type"] = []string{kind}
	h["Content-Disposition"] = []string{makeDisposition(shown, row.Name)}
	h["Etag"] = []string{tag}
	if field := digest.Field(row.SHA256); field != "" {
		h["Repr-Digest"] = []string{field}
		if wholeAnswer(r.Header) {
			h["Content-Digest"] = h["Repr-Digest"]
		}
	}
	h["Cache-Control"] = []string{"private, no-cache"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Content-Security-Policy"] = []string{"sandbox; default-src 'none'"}
	h["Cross-Origin-Resource-Policy"] = []string{"same-origin"}
	http.ServeContent(w, r, "", row.Modified.Truncate(time.Second), content)
}

// wholeAnswer reports whether the answer to a request can only be the whole content, or none.
func wholeAnswer(h http.Header) bool {
	for _, name := range []string{"Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since"} {
		if h[name] != nil {
			return false
		}
	}
	return true
}

// etag is the digest; a file of the original that has none yet is told by size and time.
func etag(row *File, content blob.File) (string, error) {
	if row.SHA256 != "" {
		return `"` + row.SHA256 + `"`, nil
	}
	info, err := content.Stat()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano()), nil
}
