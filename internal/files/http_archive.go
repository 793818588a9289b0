package files

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
)

// maxArchiveBody is the size of the request in bytes: 10,000 ids as JSON or as form fields.
const maxArchiveBody = 1 << 20

type archiveBody struct {
	IDs []string `json:"ids" nullable:"false" minItems:"1" maxItems:"10000" doc:"Ids of files"`
}

// handleArchive streams a zip of the files asked for. A plain HTML form may post to it, so
// that the browser's own download takes over.
func (f *Files) handleArchive(w http.ResponseWriter, r *http.Request) error {
	ids, err := archiveIDs(w, r)
	if err != nil {
		return err
	}
	list, err := f.planArchive(r.Context(), ids)
	if err != nil {
		return err
	}
	if err := f.blobs.Readable(r.Context()); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", makeDisposition("attachment", "homeserver-"+f.now().UTC().Format("2006-01-02")+".zip"))
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if err := f.writeArchive(r.Context(), w, list); err != nil {
		if r.Context().Err() != nil {
			return err // the client went away
		}
		httpd.WriteError(w, r, err) // cuts the connection if the answer has begun
	}
	return nil
}

func archiveIDs(w http.ResponseWriter, r *http.Request) ([]string, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		mediaType = ""
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxArchiveBody)
	switch mediaType {
	case "application/json":
		var body archiveBody
		err := json.NewDecoder(r.Body).Decode(&body)
		return body.IDs, malformed(err, "The body is not JSON of the form {\"ids\": [...]}.")
	case "application/x-www-form-urlencoded":
		err := r.ParseForm()
		var ids []string
		for _, value := range r.PostForm["ids"] {
			ids = append(ids, strings.Split(value, ",")...)
		}
		return ids, malformed(err, "The form cannot be read.")
	}
	return nil, errs.New(errs.UnsupportedMedia, "Send ids as JSON or as a form (application/x-www-form-urlencoded).")
}

// malformed gives a decoding error its kind; one that has a status of its own keeps it.
func malformed(err error, sentence string) error {
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return err
	case errors.Is(err, io.EOF):
		return errs.New(errs.Malformed, sentence)
	}
	return errs.Wrap(errs.Malformed, sentence, err)
}
