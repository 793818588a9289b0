package files

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// prefix is where the room lives.
const prefix = "/api/v1/files"

// FileBody is a file's metadata as clients see it. Lists and metadata are encoded by
// appendFile, which writes the same.
type FileBody struct {
	ID          string   `json:"id" example:"3f2b8c1e-9d4a-4f6b-8a3e-2c1d0e9f8b7a"`
	Filename    string   `json:"filename" example:"report.txt"`
	ContentType string   `json:"content_type" example:"text/plain"`
	Size        int64    `json:"size" example:"6" doc:"Bytes"`
	UploadDate  string   `json:"upload_date" format:"date-time" example:"2026-11-24T03:00:00.123456Z"`
	Tags        []string `json:"tags" nullable:"false" example:"[\"holiday\"]"`
	SHA256      *string  `json:"sha256" example:"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03" doc:"Of the content; null until a file of the original is adopted"`
	FolderID    string   `json:"folder_id" example:"household" doc:"The folder it lies in; the roots are household and the accounts' ids"`
	Modified    string   `json:"modified" format:"date-time" example:"2026-11-24T03:00:00.123456Z" doc:"When the content came"`
	Revision    int64    `json:"revision" example:"1" doc:"Grows with every change"`
	ETag        string   `json:"etag" example:"\"r1\"" doc:"Send it as If-Match to change only what you have seen"`
	Owner       string   `json:"owner" example:"0197c1f4-5d3e-7b6a-9f21-4c8d2e6a1b90" doc:"The account that the file belongs to; empty: the household"`
	OwnerName   string   `json:"owner_name" example:"Ada" doc:"The owner's name; empty for the household"`
	Shared      bool     `json:"shared" doc:"Whether everybody in the house may see the file; the household's files always are shared"`
}

func (f *Files) bodyOf(row *File) FileBody {
	b := FileBody{ID: row.ID, Filename: row.Name, ContentType: row.ContentType, Size: row.Size, UploadDate: string(appendTime(nil, row.Uploaded)), Tags: row.Tags,
		FolderID: row.Folder, Modified: string(appendTime(nil, row.Modified)), Revision: row.Revision, ETag: row.etag(),
		Owner: row.Owner, OwnerName: f.lent.displayName(row.Owner), Shared: row.shared()}
	if row.SHA256 != "" {
		b.SHA256 = &row.SHA256
	}
	return b
}

// etag is the entity tag of a file's metadata (RFC 9110, section 8.8.3); its content's is the digest.
func (f *File) etag() string { return revisionETag(f.Revision) }

// uploadBody is the answer to an upload: the original's fields and the metadata.
type uploadBody struct {
	FileBody
	Message  string   `json:"message" example:"File uploaded successfully"`
	Warnings []string `json:"warnings,omitempty" doc:"Sentences: from 90 % of the quota, how much is left; with on_conflict, of a name that differs in case only"`
}

// listBody is a list of files.
type listBody struct {
	Files      []FileBody `json:"files" nullable:"false"`
	Total      int64      `json:"total" doc:"All that match, whatever the page" example:"1"`
	NextCursor string     `json:"next_cursor,omitempty" doc:"Send as cursor to get what follows; absent on the last page"`
}

// form describes the upload for people and programs.
type form struct {
	File       string `json:"file" format:"binary" doc:"The file. Its name may be given as filename or filename*."`
	Tags       string `json:"tags,omitempty" example:"holiday,2026" doc:"Tags separated by commas; before or after the file"`
	Folder     string `json:"folder,omitempty" example:"household" doc:"The id of the folder to put it into; mine, or left out: the root of one's own tree"`
	OnConflict string `json:"on_conflict,omitempty" enum:"keep,rename,replace,fail" doc:"If there is something of this name: keep (without it) lets both bear it, rename numbers the new one, replace makes it a version of the file that is there, fail refuses"`
	SHA256     string `json:"sha256,omitempty" doc:"The content's SHA-256 in hexadecimal digits: what arrives otherwise is refused. The header fields Content-Digest and Repr-Digest of the part \"file\" do the same"`
	// A form field is text; true and false are what most programs write.
	Shared string `json:"shared,omitempty" enum:"true,1,on,yes,false,0,off,no" doc:"Whether everybody in the house may see the file; not if left out. What is uploaded for the household (with API_KEY or AUTH=none) always is shared"`
}

// op begins the description of an operation.
func op(action identity.Action, method, path, id, summary, description string) httpd.Op {
	return httpd.Op{Action: action, Operation: huma.Operation{Method: method, Path: prefix + path, OperationID: id, Summary: summary, Description: description, Tags: []string{"Files"}}}
}

// answers describes what a plain handler sends back.
func answers(o httpd.Op, success *huma.Response, problems ...string) httpd.Op {
	o.Responses = map[string]*huma.Response{"200": success}
	for _, status := range problems {
		o.Responses[status] = &huma.Response{Description: map[string]string{
			"400": "The request could not be understood", "403": "Not allowed", "404": "File not found", "413": "The storage cannot hold a file of this size",
			"412": "The file is no longer what If-Match says",
			"416": "The range lies outside the file", "422": "A value is not acceptable", "429": "Too many uploads at the same time; try again", "503": "Storage or database are away; try again", "507": "The storage is full",
		}[status]}
	}
	return o
}

func jsonAnswer(r *httpd.Router, description string, v any) *huma.Response {
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: r.Schema(v)}}}
}

func bytesAnswer(description, contentType string) *huma.Response {
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
}

func idParam() *huma.Param {
	return &huma.Param{Name: "id", In: "path", Required: true, Description: "The file's id", Schema: &huma.Schema{Type: "string"}, Example: "3f2b8c1e-9d4a-4f6b-8a3e-2c1d0e9f8b7a"}
}

// routes mounts the room. Byte streams and the hot paths are plain handlers.
func (f *Files) routes(r *httpd.Router) {
	upload := answers(op(identity.CreateFile, http.MethodPost, "/upload", "upload-file", "Upload a file", "Streams one file in. It is durable when the answer comes: hashed, synced, and in the database."),
		jsonAnswer(r, "Stored", uploadBody{}), "400", "403", "413", "422", "429", "503", "507")
	upload.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: r.Schema(form{})}}}
	r.Handle(upload, f.handleUpload)
	f.batchRoutes(r)

	list := answers(op(identity.ListFiles, http.MethodGet, "/list", "list-files", "List files", "Without limit every file comes, streamed. With limit a page comes, and next_cursor leads to the next."),
		jsonAnswer(r, "The files", listBody{}), "422", "503")
	list.Parameters, list.Compress = listParams(), true
	r.Handle(list, f.handleList)

	metadata := answers(op(identity.ReadFile, http.MethodGet, "/{id}/metadata", "get-file-metadata", "Describe a file", ""), jsonAnswer(r, "The file", FileBody{}), "404", "503")
	metadata.Parameters = []*huma.Param{idParam(), {Name: "If-None-Match", In: "header", Schema: &huma.Schema{Type: "string"}, Description: "The etag that is known already"}}
	metadata.Responses["304"] = &huma.Response{Description: "Not changed"}
	r.Handle(metadata, f.handleMetadata)

	for _, method := range []string{http.MethodGet, http.MethodHead} {
		download := answers(op(identity.ReadFile, method, "/{id}/download", map[string]string{"GET": "download-file", "HEAD": "head-file"}[method], "Download a file",
			"Ranges, conditions and HEAD work. The ETag is the content's SHA-256, and so is Repr-Digest."), bytesAnswer("The content", "application/octet-stream"), "404", "416", "503")
		download.Responses["206"] = bytesAnswer("The range asked for", "application/octet-stream")
		download.Responses["304"] = &huma.Response{Description: "Not changed"}
		download.Parameters = []*huma.Param{idParam(), {Name: "inline", In: "query", Schema: &huma.Schema{Type: "string", Enum: []any{"0", "1"}},
			Description: "1 lets a browser show images (not SVG), audio, video, plain text and PDF"}}
		r.Handle(download, f.handleDownload)
	}
	f.editRoutes(r)
	f.folderRoutes(r)
	f.uploadRoutes(r)
	f.knownRoutes(r)
	f.versionRoutes(r)
	f.trashRoutes(r)
	f.feedRoutes(r)
	f.backupRoutes(r)
	f.integrityRoutes(r)
	f.storageRoutes(r)

	archive := answers(op(identity.ReadFile, http.MethodPost, "/archive", "archive-files", "Download several files as a zip",
		"Takes JSON or a plain HTML form with ids. Files of the same name are numbered."), bytesAnswer("The archive", "application/zip"), "400", "404", "422", "503")
	archive.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: r.Schema(archiveBody{})}, "application/x-www-form-urlencoded": {Schema: r.Schema(archiveBody{})}}}
	r.Handle(archive, f.handleArchive)
}

// handleMetadata answers from one indexed row.
func (f *Files) handleMetadata(w http.ResponseWriter, r *http.Request) error {
	row, err := f.readable(r)
	if err != nil {
		return err
	}
	if noneMatch(strings.Join(r.Header.Values("If-None-Match"), ","), revisionETag(row.Revision)) {
		w.Header().Set("ETag", revisionETag(row.Revision))
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	f.sendFile(w, row)
	return nil
}

// sendFile answers a file's metadata.
func (f *Files) sendFile(w http.ResponseWriter, row *File) {
	w.Header()["Etag"] = []string{revisionETag(row.Revision)}
	sendJSON(w, append(f.appendFile(make([]byte, 0, jsonRoom), row), '\n'))
}

// tagged is the same as huma's form of an answer.
type tagged struct {
	ETag string `header:"ETag"`
	Body FileBody
}

func (f *Files) taggedBody(row *File) *tagged {
	return &tagged{revisionETag(row.Revision), f.bodyOf(row)}
}

// readable finds the file that a request names, if its principal may read it.
func (f *Files) readable(r *http.Request) (*File, error) {
	row, err := f.store.find(r.Context(), r.PathValue("id"))
	if err == nil {
		err = gate(identity.From(r.Context()), identity.ReadFile)(row)
	}
	if err != nil {
		return nil, err
	}
	return row, nil
}

// appendFile appends a file's metadata as clients see it.
func (f *Files) appendFile(b []byte, row *File) []byte {
	return appendFile(b, row, f.lent.displayName(row.Owner))
}

// jsonRoom is what one file's JSON usually fits into, in bytes.
const jsonRoom = 512

// sendJSON writes an encoded answer. A client that went away meanwhile needs none.
func sendJSON(w http.ResponseWriter, body []byte) {
	w.Header()["Content-Type"] = []string{"application/json"}
	_, _ = w.Write(body)
}
