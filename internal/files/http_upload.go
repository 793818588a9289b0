package files

import (
	"io"
	"net/http"
	"strings"
)

// maxDrain is how much of a refused upload is read on, in bytes: a client that is still
// sending when the connection closes sees a broken connection instead of the sentence.
const maxDrain = 16 << 20

// handleUpload streams a form in. It does not touch the body before the storage is known to
// be there and to have room.
func (f *Files) handleUpload(w http.ResponseWriter, r *http.Request) error {
	row, err := f.receive(r.Context(), r.Header.Get("Content-Type"), r.Body)
	if err != nil {
		if !strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
		}
		return err
	}
	b := appendFile(make([]byte, 0, jsonRoom), row)
	sendJSON(w, append(b[:len(b)-1], ",\"message\":\"File uploaded successfully\"}\n"...))
	return nil
}
