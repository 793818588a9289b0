package files

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// unfinishedBody is an unfinished resumable upload as its owner sees it.
type unfinishedBody struct {
	ID           string    `json:"id" example:"3f2b8c1e-9d4a-4f6b-8a3e-2c1d0e9f8b7a"`
	Filename     string    `json:"filename" example:"film.mkv"`
	RelativePath string    `json:"relative_path" example:"holiday/film.mkv" doc:"Below the folder, with the name; empty for directly in it"`
	Folder       string    `json:"folder" example:"household" doc:"The id of the folder that the upload goes to; empty for a part"`
	Size         *int64    `json:"size" doc:"Bytes; null when it is not known yet"`
	Offset       int64     `json:"offset" doc:"How many bytes are safe on the server"`
	Received     string    `json:"received_sha256" example:"" doc:"SHA-256 in hex of the bytes up to offset; empty while there are none. Who goes on with what somebody else began compares it with the beginning of their file"`
	Partial      bool      `json:"partial" doc:"A part of an upload, sent beside others"`
	Created      time.Time `json:"created"`
	Expires      time.Time `json:"expires" doc:"When it will be removed, unless somebody goes on with it"`
}

type unfinishedListBody struct {
	Uploads []unfinishedBody `json:"uploads" nullable:"false" doc:"The newest first, at most 1,000"`
}

// uploadOp begins the description of an operation on resumable uploads.
func uploadOp(method, path, id, summary, description string) httpd.Op {
	return httpd.Op{Action: identity.CreateFile, Operation: huma.Operation{Method: method, Path: uploadsPrefix + path, OperationID: id, Summary: summary, Description: description, Tags: []string{"Resumable uploads"}}}
}

// headerParam describes a header of a request.
func headerParam(name, description, example string, required bool) *huma.Param {
	return &huma.Param{Name: name, In: "header", Description: description, Required: required, Example: example, Schema: &huma.Schema{Type: "string"}}
}

// uploadRoutes mounts tus.
func (f *Files) uploadRoutes(r *httpd.Router) {
	version := headerParam(tusResumable, "The version of the protocol", "1.0.0", true)
	id := &huma.Param{Name: "id", In: "path", Required: true, Description: "The upload's id", Schema: &huma.Schema{Type: "string"}}
	done := func(o httpd.Op, status, description string, problems ...string) httpd.Op {
		o = answers(o, nil, problems...)
		delete(o.Responses, "200")
		o.Responses[status] = &huma.Response{Description: description}
		return o
	}
	options := done(uploadOp(http.MethodOptions, "", "tus-options", "What of tus is spoken here", "In the headers Tus-Version, Tus-Extension and Tus-Checksum-Algorithm."), "204", "See the headers")
	options.Public, options.Action = true, ""
	r.Handle(options, f.handleUploadOptions)

	create := done(uploadOp(http.MethodPost, "", "tus-create", "Begin a resumable upload",
		"Speaks tus 1.0.0 (https://tus.io). Bytes may come along; what is whole becomes a file at once, named in Upload-File-Id."), "201", "Location names the upload, Upload-Offset what has come of it", "400", "403", "409", "413", "415", "422", "429", "503", "507")
	create.Parameters = []*huma.Param{version,
		headerParam(uploadLength, "Bytes in all", "1048576", false), headerParam(uploadDefer, "1: the length is told later", "1", false),
		headerParam(uploadMetadata, "Keys with values in base64: filename, filetype, folder, relativePath, on_conflict, tags, shared, replaces, if_match, sha256", "filename ZmlsbS5ta3Y=", false),
		headerParam(uploadConcat, "partial, or final; and the addresses of the parts", "partial", false), headerParam(uploadChecksum, "Of the bytes that come along", "", false)}
	r.Handle(create, speaking(f.handleUploadCreate))

	head := done(uploadOp(http.MethodHead, "/{id}", "tus-offset", "How far an upload is", "Ends a request that still sends bytes of it: whoever asks is about to go on."), "200", "See Upload-Offset. Upload-Received-Sha256 is the digest of the bytes up to there, in hex, unless there are none: that of the beginning of one's own file must be the same before one goes on with what somebody else began", "404", "503")
	head.Parameters = []*huma.Param{version, id}
	r.Handle(head, speaking(f.handleUploadHead))

	patch := done(uploadOp(http.MethodPatch, "/{id}", "tus-append", "Go on with an upload",
		"The last bytes make it a file, named in Upload-File-Id. Upload-Metadata changes what is sent of it, so that an upload whose name is taken can be finished under another."), "204", "See Upload-Offset", "400", "404", "409", "413", "415", "422", "429", "503", "507")
	patch.Parameters = []*huma.Param{version, id, headerParam(uploadOffset, "Where the bytes belong", "0", true), headerParam(uploadLength, "Bytes in all, if it was not known before", "", false),
		headerParam(uploadChecksum, "sha1, sha256 or md5, and the digest in base64", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", false), headerParam(uploadMetadata, "What is to be changed of it", "", false)}
	patch.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/offset+octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
	r.Handle(patch, speaking(f.handleUploadPatch))

	terminate := done(uploadOp(http.MethodDelete, "/{id}", "tus-terminate", "Give an upload up", "What has come of it is removed."), "204", "Gone", "404", "503")
	terminate.Parameters = []*huma.Param{version, id}
	r.Handle(terminate, speaking(f.handleUploadDelete))

	override := done(uploadOp(http.MethodPost, "/{id}", "tus-override", "Go on by POST", "For networks that let no PATCH through: X-HTTP-Method-Override says which method is meant."), "204", "As the method that is meant", "400", "404", "409", "413", "415", "422", "429", "503", "507")
	override.Parameters = []*huma.Param{version, id, headerParam(methodOverride, "PATCH, DELETE or HEAD", "PATCH", true)}
	r.Handle(override, speaking(f.handleUploadOverride))

	httpd.Register(r, uploadOp(http.MethodGet, "", "list-uploads", "List one's own unfinished uploads", "To go on with them, on this device or another."), f.listUploads)
}

// listUploads answers what the caller has not finished.
func (f *Files) listUploads(ctx context.Context, _ *struct{}) (*out[unfinishedListBody], error) {
	list, err := f.store.resumables(ctx, identity.From(ctx).UserID, f.now().UnixMicro(), maxListed)
	if err != nil {
		return nil, err
	}
	body := unfinishedListBody{Uploads: []unfinishedBody{}}
	for _, u := range list {
		one := unfinishedBody{ID: u.ID, Filename: u.Name, Folder: u.Folder, Offset: u.Offset, Received: u.received(), Partial: u.partial(), Created: u.Created, Expires: u.Expires}
		if w, err := parseWishes(u.Metadata); err == nil {
			one.RelativePath = w.relativePath()
		}
		if u.Size != noSize {
			one.Size = &u.Size
		}
		body.Uploads = append(body.Uploads, one)
	}
	return &out[unfinishedListBody]{body}, nil
}
