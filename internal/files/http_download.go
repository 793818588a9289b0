package files

import (
	"fmt"
	"net/http"
	"time"

	"homeserver/internal/platform/blob"
)

// handleDownload sends content as http.ServeContent does: ranges, conditions, HEAD, sendfile.
// What people upload never runs on this origin: it is an attachment in a sandbox.
func (f *Files) handleDownload(w http.ResponseWriter, r *http.Request) error {
	row, err := f.readable(r)
	if err != nil {
		return err
	}
	if err := f.blobs.Readable(r.Context()); err != nil {
		return err
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
	kind, shown := servedType(row.ContentType), "attachment"
	if r.URL.RawQuery != "" && r.URL.Query().Get("inline") == "1" && mayShowInline(kind) {
		shown = "inline"
	}
	h := w.Header()
	h["Content-Type"] = []string{kind}
	h["Content-Disposition"] = []string{makeDisposition(shown, row.Name)}
	h["Etag"] = []string{tag}
	h["Cache-Control"] = []string{"private, no-cache"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Content-Security-Policy"] = []string{"sandbox; default-src 'none'"}
	h["Cross-Origin-Resource-Policy"] = []string{"same-origin"}
	http.ServeContent(w, r, "", row.Uploaded.Truncate(time.Second), content)
	return nil
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
