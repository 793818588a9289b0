package files

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// versionBody is what a file's content once was, as clients see it.
type versionBody struct {
	ID             string    `json:"id" example:"7c0d5a52-6a36-4f0e-9d7e-3a3f6f1f6c11"`
	Size           int64     `json:"size" example:"6" doc:"Bytes"`
	SHA256         string    `json:"sha256"`
	ContentType    string    `json:"content_type" example:"text/plain"`
	Created        time.Time `json:"created" doc:"When it became the file's content"`
	Replaced       time.Time `json:"replaced" doc:"When it no longer was"`
	ReplacedBy     string    `json:"replaced_by" doc:"The account that replaced it; empty: the household"`
	ReplacedByName string    `json:"replaced_by_name" doc:"That account's name"`
	Pinned         bool      `json:"pinned" doc:"Kept until it is unpinned"`
}

type versionsBody struct {
	Versions []versionBody `json:"versions" nullable:"false" doc:"The newest first"`
}

// versionInput names a version that is to be changed.
type versionInput struct {
	ID      string `path:"id" doc:"The file's id"`
	Version string `path:"version" doc:"The version's id"`
	IfMatch string `header:"If-Match" doc:"The etag that the file must still have"`
}

type pinInput struct {
	ID      string `path:"id" doc:"The file's id"`
	Version string `path:"version" doc:"The version's id"`
	IfMatch string `header:"If-Match" doc:"The etag that the file must still have"`
	Body    struct {
		Pinned bool `json:"pinned"`
	}
}

func (f *Files) versionBody(v *Version) versionBody {
	return versionBody{ID: v.ID, Size: v.Size, SHA256: v.SHA256, ContentType: v.ContentType, Created: v.Created, Replaced: v.Replaced,
		ReplacedBy: v.By, ReplacedByName: f.lent.displayName(v.By), Pinned: v.Pinned}
}

// versionRoutes mounts the replacing of content and the versions that it makes.
func (f *Files) versionRoutes(r *httpd.Router) {
	replace := answers(op(identity.ChangeFile, http.MethodPut, "/{id}/content", "replace-file", "Replace a file's content",
		"The body is the new content. Nothing changes before it has arrived whole and is durable; what the file was becomes a version. The same content again makes none. 412 with the type urn:homeserver:changed says that If-Match does not hold."),
		jsonAnswer(r, "Replaced", FileBody{}), "400", "403", "404", "412", "413", "422", "429", "503", "507")
	replace.Parameters = []*huma.Param{idParam(), {Name: "If-Match", In: "header", Schema: &huma.Schema{Type: "string"}, Description: "The etag that the file must still have: of its metadata, or its SHA-256 in quotes"}}
	replace.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
	r.Handle(replace, f.handleReplace)

	known := func(o httpd.Op, more ...int) httpd.Op {
		o.Errors = append([]int{http.StatusForbidden, http.StatusNotFound}, more...)
		return o
	}
	httpd.Register(r, known(op(identity.ReadVersions, http.MethodGet, "/{id}/versions", "list-versions", "List a file's versions", "What its content once was: for its owner and administrators, of the household's files for all members. Others whom a file is shared with see what it is.")), f.listVersions)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		download := answers(op(identity.ReadVersions, method, "/{id}/versions/{version}/download", map[string]string{"GET": "download-version", "HEAD": "head-version"}[method], "Download a version",
			"As a download of the file."), bytesAnswer("The content", "application/octet-stream"), "404", "416", "503")
		download.Parameters = []*huma.Param{idParam(), {Name: "version", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}, Description: "The version's id"}}
		r.Handle(download, f.handleVersion)
	}
	httpd.Register(r, known(op(identity.ChangeVersions, http.MethodPost, "/{id}/versions/{version}/restore", "restore-version", "Go back to a version", "It becomes the file's content, and what the file was a version."), http.StatusPreconditionFailed), f.restoreVersion)
	httpd.Register(r, known(op(identity.ChangeVersions, http.MethodPatch, "/{id}/versions/{version}", "pin-version", "Pin a version", "A pinned version is kept whatever its age."), http.StatusPreconditionFailed), f.pinVersion)
	forget := known(op(identity.ChangeVersions, http.MethodDelete, "/{id}/versions/{version}", "delete-version", "Delete a version", "For good. A pinned one is unpinned first."), http.StatusConflict, http.StatusPreconditionFailed)
	forget.DefaultStatus = http.StatusNoContent
	httpd.Register(r, forget, f.deleteVersion)
}

// handleReplace streams content in. As an upload it does not touch the body before it is known
// that it can be stored.
func (f *Files) handleReplace(w http.ResponseWriter, r *http.Request) error {
	release, free := f.uploads.Take(httpd.PrincipalKey(r.Context()))
	if !free {
		w.Header().Set("Retry-After", strconv.Itoa(int(uploadRetry/time.Second)))
		return errs.Newf(errs.RateLimited, "There are %d uploads of yours under way already. Nothing was stored; send this one when others are done.", maxUploads)
	}
	defer release()
	match, err := parseIfMatch(strings.Join(r.Header.Values("If-Match"), ","))
	if err != nil {
		return err
	}
	promise, err := promised(slices.Concat(r.Header["Content-Digest"], r.Header["Repr-Digest"])...)
	if err != nil {
		return err
	}
	row, err := f.ReplaceContent(r.Context(), r.PathValue("id"), content{contentType: saidType(r.Header.Get("Content-Type")), match: match, size: max(r.ContentLength, 0), promise: promise}, r.Body)
	if err != nil {
		if !strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
			_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
		}
		return err
	}
	f.sendFile(w, row)
	return nil
}

// saidType is what a client says of the kind of content; "" where it only says that it is bytes,
// or what curl says of every body by itself.
func saidType(header string) string {
	kind, _, _ := strings.Cut(header, ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/octet-stream", "application/x-www-form-urlencoded":
		return ""
	}
	return header
}

func (f *Files) listVersions(ctx context.Context, in *idInput) (*out[versionsBody], error) {
	list, err := f.Versions(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	body := versionsBody{Versions: make([]versionBody, len(list))}
	for i := range list {
		body.Versions[i] = f.versionBody(&list[i])
	}
	return &out[versionsBody]{body}, nil
}

// handleVersion sends a version as a download of the file would.
func (f *Files) handleVersion(w http.ResponseWriter, r *http.Request) error {
	row, v, err := f.versionFor(r.Context(), r.PathValue("id"), r.PathValue("version"), identity.ReadVersions)
	if err != nil {
		return err
	}
	return f.sendContent(w, r, v.asFile(row))
}

func (f *Files) restoreVersion(ctx context.Context, in *versionInput) (*tagged, error) {
	match, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	row, err := f.RestoreVersion(ctx, in.ID, in.Version, match)
	if err != nil {
		return nil, err
	}
	return f.taggedBody(row), nil
}

func (f *Files) pinVersion(ctx context.Context, in *pinInput) (*out[versionBody], error) {
	match, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	v, err := f.PinVersion(ctx, in.ID, in.Version, in.Body.Pinned, match)
	if err != nil {
		return nil, err
	}
	return &out[versionBody]{f.versionBody(v)}, nil
}

func (f *Files) deleteVersion(ctx context.Context, in *versionInput) (*struct{}, error) {
	match, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, f.DeleteVersion(ctx, in.ID, in.Version, match)
}
