package files

import (
	"context"
	"net/http"
	"strings"

	"homeserver/internal/platform/blob"
	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// digestsBody asks about content: up to 1,000 digests, what the database answers in well under a
// second.
type digestsBody struct {
	Digests []string `json:"digests" nullable:"false" minItems:"1" maxItems:"1000" doc:"SHA-256 of contents, in hex"`
}

// knownBody answers it.
type knownBody struct {
	Known []string `json:"known" nullable:"false" doc:"Those that a file has which one may read; their content need not be sent"`
}

// knownFileBody is a file that is to be made of known content.
type knownFileBody struct {
	SHA256      string   `json:"sha256" minLength:"64" maxLength:"64" doc:"Of the content, in hex"`
	Size        int64    `json:"size" minimum:"0" doc:"Bytes"`
	Name        string   `json:"name,omitempty" doc:"The file's name; if left out the last element of path" example:"report.txt"`
	Path        string   `json:"path,omitempty" doc:"Where it lies below the folder, with its name; folders that are missing are made" example:"2026/report.txt"`
	Folder      string   `json:"folder,omitempty" doc:"The id of a folder; the root of one's own tree if left out"`
	OnConflict  string   `json:"on_conflict,omitempty" enum:"keep,rename,replace,fail" doc:"What to do if the name is taken; fail if left out"`
	ContentType string   `json:"content_type,omitempty" example:"text/plain"`
	Tags        []string `json:"tags,omitempty"`
	Shared      bool     `json:"shared,omitempty" doc:"Whether everybody in the house may see the file"`
}

type createKnownBody struct {
	Files []knownFileBody `json:"files" nullable:"false" minItems:"1" maxItems:"1000"`
}

// knownResult is what became of one of them.
type knownResult struct {
	Index  int       `json:"index" doc:"Which of the files, from 0"`
	Name   string    `json:"name"`
	Status int       `json:"status" example:"200" doc:"200, or what it was refused with; 404 with the type urn:homeserver:unknown: send the content"`
	File   *FileBody `json:"file,omitempty" doc:"The file, when it was stored"`
	Type   string    `json:"type,omitempty" doc:"The kind of problem, when it was not"`
	Detail string    `json:"detail,omitempty" doc:"A sentence: why it was not"`
}

type knownResultsBody struct {
	Results []knownResult `json:"results" nullable:"false"`
	Stored  int           `json:"stored"`
	Failed  int           `json:"failed"`
}

// knownRoutes mounts the questions about content that is here already.
func (f *Files) knownRoutes(r *httpd.Router) {
	httpd.Register(r, op(identity.ListFiles, http.MethodPost, "/known", "known-content", "Ask which contents are here already", "Content that a file has which one may read need not be sent again."), f.known)
	create := op(identity.CreateFile, http.MethodPost, "/known/create", "create-known", "Make files of content that is here already", "As if each was uploaded: it must be content of a file that one may read. What is wrong with one stops no other.")
	create.Errors = []int{http.StatusForbidden, http.StatusUnprocessableEntity}
	httpd.Register(r, create, f.createKnownFiles)
}

func (f *Files) known(ctx context.Context, in *struct{ Body digestsBody }) (*out[knownBody], error) {
	known, err := f.Known(ctx, in.Body.Digests)
	return &out[knownBody]{knownBody{known}}, err
}

func (f *Files) createKnownFiles(ctx context.Context, in *struct{ Body createKnownBody }) (*out[knownResultsBody], error) {
	if err := identity.Refusal(identity.From(ctx), identity.ReadFile); err != nil {
		return nil, err // a token that reads nothing learns nothing of what is here
	}
	list, wrong := make([]knownFile, len(in.Body.Files)), make([]error, len(in.Body.Files))
	for i := range in.Body.Files {
		if list[i], wrong[i] = in.Body.Files[i].parse(); wrong[i] != nil {
			list[i].sha256 = "" // known to nobody
		}
	}
	made, failed, err := f.createKnown(ctx, list)
	if err != nil {
		return nil, err
	}
	body := knownResultsBody{Results: make([]knownResult, len(list))}
	for i := range list {
		if wrong[i] != nil {
			failed[i] = wrong[i]
		}
		result := knownResult{Index: i, Name: in.Body.Files[i].given(), Status: http.StatusOK}
		if failed[i] != nil {
			p := httpd.ProblemOf(ctx, failed[i])
			result.Status, result.Type, result.Detail = p.Status, p.Type, p.Detail
			body.Failed++
		} else {
			file := f.bodyOf(made[i])
			result.File = &file
			body.Stored++
		}
		body.Results[i] = result
	}
	return &out[knownResultsBody]{body}, nil
}

// given is the name as it was sent.
func (b *knownFileBody) given() string {
	if b.Path != "" {
		return b.Path
	}
	return b.Name
}

func (b *knownFileBody) parse() (k knownFile, err error) {
	k.sha256, k.size = strings.ToLower(b.SHA256), b.Size
	w := &k.wishes
	if w.path, w.name, err = parsePath(b.Name, b.Path); err != nil {
		return k, err
	}
	if !blob.ValidDigest(k.sha256) {
		return k, errs.New(errs.Invalid, "sha256 is not a SHA-256 in hex.")
	}
	if w.contentType, err = cleanContentType(b.ContentType); err != nil {
		return k, err
	}
	if w.tags, err = cleanTags(b.Tags); err != nil {
		return k, err
	}
	w.to.folder, w.to.shared = b.Folder, b.Shared
	w.to.onConflict, err = parseConflict(b.OnConflict, failOnOld)
	return k, err
}
