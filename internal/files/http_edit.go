package files

import (
	"context"
	"net/http"
	"slices"
	"time"

	"homeserver/internal/platform/errs"
	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// maxTagList is how many tags the list of tags shows.
const maxTagList = 1000

type idInput struct {
	ID string `path:"id" doc:"The file's id" example:"3f2b8c1e-9d4a-4f6b-8a3e-2c1d0e9f8b7a"`
}

type patchInput struct {
	ID      string `path:"id" doc:"The file's id"`
	IfMatch string `header:"If-Match" doc:"The etag that the file must still have, or the SHA-256 of its content"`
	Body    patchBody
}

type deleteBody struct {
	IDs     []string `json:"ids,omitempty" nullable:"false" maxItems:"1000" doc:"Ids of files"`
	Folders []string `json:"folders,omitempty" nullable:"false" maxItems:"1000" doc:"Ids of folders; what lies in them goes with them"`
	Confirm string   `json:"confirm,omitempty" example:"1200" doc:"How many files may go, where the answer was 409 with the type urn:homeserver:confirm"`

	IfMatch map[string]string `json:"if_match,omitempty" doc:"The etags that files and folders must still have, by their ids; if one has not, none is deleted"`
}

type deleteInput struct {
	ID      string `path:"id" doc:"The file's id"`
	IfMatch string `header:"If-Match" doc:"The etag that the file must still have"`
	Confirm string `query:"confirm" doc:"How many files may go, where the answer was 409 with the type urn:homeserver:confirm"`
}

type restoreInput struct {
	ID      string `path:"id" doc:"The file's id"`
	IfMatch string `header:"If-Match" doc:"The etag that the file must still have"`
}

// restoreManyBody names up to 1,000 files: what one transaction changes in well under a second.
type restoreManyBody struct {
	IDs []string `json:"ids" nullable:"false" minItems:"1" maxItems:"1000" doc:"Ids of files"`

	IfMatch map[string]string `json:"if_match,omitempty" doc:"The etags that files must still have, by their ids; if one has not, none is restored"`
}

type deletedBody struct {
	ID        string    `json:"id" example:"3f2b8c1e-9d4a-4f6b-8a3e-2c1d0e9f8b7a"`
	Message   string    `json:"message" example:"File deleted successfully"`
	UndoUntil time.Time `json:"undo_until" doc:"Until then the file can be restored, unless the disk fills up before"`
	Trash     string    `json:"trash" doc:"What it is in the trash, to restore it by"`
}

type deletedManyBody struct {
	Deleted   []string  `json:"deleted" nullable:"false"`
	Missing   []string  `json:"missing" nullable:"false" doc:"Ids that are no files or folders"`
	UndoUntil time.Time `json:"undo_until" doc:"Until then the files can be restored, unless the disk fills up before"`
	Trash     []string  `json:"trash" nullable:"false" doc:"What they are in the trash, to restore them by"`
}

type restoredManyBody struct {
	Restored []string `json:"restored" nullable:"false" doc:"Ids of files that are there now"`
	Missing  []string `json:"missing" nullable:"false" doc:"Ids of files that are gone"`
}

type patchBody struct {
	Filename   *string   `json:"filename,omitempty" doc:"The new name" example:"report.txt"`
	OnConflict string    `json:"on_conflict,omitempty" enum:"keep,rename,replace,fail" doc:"If there is something of the new name in the folder: keep (without it) lets both bear it, rename numbers this one, replace puts the file that is there into the trash, fail refuses"`
	Tags       *[]string `json:"tags,omitempty" doc:"All tags of the file from now on"`
	Shared     *bool     `json:"shared,omitempty" doc:"Whether everybody in the house may see the file; its owner and administrators decide. The household's files stay shared"`
}

type patchTagsBody struct {
	IDs    []string `json:"ids" nullable:"false" minItems:"1" maxItems:"1000"`
	Add    []string `json:"add,omitempty" doc:"Tags every file shall bear"`
	Remove []string `json:"remove,omitempty" doc:"Tags no file shall bear; removed before others are added"`

	IfMatch map[string]string `json:"if_match,omitempty" doc:"The etags that files must still have, by their ids; if one has not, none is changed"`
}

type shareBody struct {
	IDs    []string `json:"ids" nullable:"false" minItems:"1" maxItems:"1000"`
	Shared bool     `json:"shared" doc:"Whether everybody in the house may see the files"`

	IfMatch map[string]string `json:"if_match,omitempty" doc:"The etags that files must still have, by their ids; if one has not, none is changed"`
}

type changedBody struct {
	Changed int      `json:"changed" doc:"Files that were changed"`
	Missing []string `json:"missing" nullable:"false" doc:"Ids that are no files"`
}

type tagsBody struct {
	Tags []tagCount `json:"tags" nullable:"false" doc:"Most used first"`
}

// out is huma's form of an answer with a JSON body.
type out[T any] struct{ Body T }

// editRoutes mounts the operations that change files and tags.
func (f *Files) editRoutes(r *httpd.Router) {
	many := func(o httpd.Op) httpd.Op {
		o.Errors = []int{http.StatusForbidden, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity}
		return o
	}
	notFound := func(o httpd.Op) httpd.Op {
		o.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity}
		return o
	}
	httpd.Register(r, notFound(op(identity.ChangeFile, http.MethodPatch, "/{id}", "edit-file", "Rename, tag or share a file", "What is left out stays as it is.")), f.patch)
	httpd.Register(r, notFound(op(identity.ChangeFile, http.MethodDelete, "/{id}", "delete-file", "Delete a file", "It goes to the trash: it is gone at once for everybody, and can be restored until undo_until.")), f.deleteFile)
	httpd.Register(r, notFound(op(identity.ChangeFile, http.MethodPost, "/{id}/restore", "restore-file", "Take a deletion back", "Also succeeds when the file was not deleted.")), f.restore)
	httpd.Register(r, many(op(identity.ChangeFile, http.MethodPost, "/delete", "delete-files", "Delete several files and folders", "They go to the trash. More than 1,000 files at once, or half of a tree or more, ask for a second word: 409 with the type urn:homeserver:confirm, and what to send as confirm.")), f.deleteMany)
	several := func(o httpd.Op) httpd.Op {
		o.Errors = []int{http.StatusForbidden, http.StatusPreconditionFailed, http.StatusUnprocessableEntity}
		return o
	}
	httpd.Register(r, several(op(identity.ChangeFile, http.MethodPost, "/restore", "restore-files", "Take several deletions back", "")), f.restoreMany)
	httpd.Register(r, several(op(identity.ChangeFile, http.MethodPatch, "/tags", "tag-files", "Tag several files", "")), f.patchTags)
	httpd.Register(r, several(op(identity.ShareFile, http.MethodPatch, "/share", "share-files", "Share several files, or no longer", "Only their owner and administrators may; one file of another's that one may read, or with shared false one of the household's, and none is changed.")), f.patchShare)
	httpd.Register(r, op(identity.ListFiles, http.MethodGet, "/tags", "list-tags", "List tags", "With the number of files that bear each, of those that one may read."), f.tags)
}

func (f *Files) deleteFile(ctx context.Context, in *deleteInput) (*out[deletedBody], error) {
	match, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	gone, until, err := f.Delete(ctx, deletion{files: []string{in.ID}, match: ifMatches{in.ID: match}, confirm: in.Confirm})
	if err == nil && gone.nothing() {
		err = errNotFound()
	}
	if err != nil {
		return nil, err
	}
	return &out[deletedBody]{deletedBody{ID: in.ID, Message: "File deleted successfully", UndoUntil: until, Trash: gone.trash[0]}}, nil
}

func (f *Files) deleteMany(ctx context.Context, in *struct{ Body deleteBody }) (*out[deletedManyBody], error) {
	asked := append(slices.Clone(in.Body.IDs), in.Body.Folders...)
	if len(asked) == 0 {
		return nil, errs.New(errs.Invalid, "Name at least one file or folder by its id.")
	}
	match, err := parseIfMatches(in.Body.IfMatch)
	if err != nil {
		return nil, err
	}
	gone, until, err := f.Delete(ctx, deletion{files: in.Body.IDs, folders: in.Body.Folders, match: match, confirm: in.Body.Confirm})
	if err != nil {
		return nil, err
	}
	return &out[deletedManyBody]{deletedManyBody{Deleted: gone.ids(), Missing: missing(asked, gone.ids()), UndoUntil: until, Trash: append([]string{}, gone.trash...)}}, nil
}

func (f *Files) restore(ctx context.Context, in *restoreInput) (*tagged, error) {
	match, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	there, err := f.Restore(ctx, []string{in.ID}, ifMatches{in.ID: match})
	if err == nil && len(there) == 0 {
		err = errNotFound()
	}
	if err != nil {
		return nil, err
	}
	return f.taggedBody(&there[0]), nil
}

func (f *Files) restoreMany(ctx context.Context, in *struct{ Body restoreManyBody }) (*out[restoredManyBody], error) {
	match, err := parseIfMatches(in.Body.IfMatch)
	if err != nil {
		return nil, err
	}
	there, err := f.Restore(ctx, in.Body.IDs, match)
	ids := fileIDs(there)
	return &out[restoredManyBody]{restoredManyBody{Restored: ids, Missing: missing(in.Body.IDs, ids)}}, err
}

func (f *Files) patch(ctx context.Context, in *patchInput) (*tagged, error) {
	var tags []string
	var err error
	if in.Body.Tags != nil {
		if tags, err = cleanTags(*in.Body.Tags); err != nil {
			return nil, err
		}
	}
	match, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	onConflict, err := parseConflict(in.Body.OnConflict, "")
	if err != nil {
		return nil, err
	}
	was := false
	e, err := f.edit(ctx, edit{ids: []string{in.ID}, may: gateIf(identity.From(ctx), match, in.Body.actions()...), onConflict: onConflict, change: func(row *File) error {
		was = row.shared()
		// A name that the file bears may be sent back, also one that could not be given today.
		if name := in.Body.Filename; name != nil && *name != row.Name {
			if err := strictName(*name); err != nil {
				return err
			}
			row.Name = *name
		}
		if in.Body.Tags != nil {
			row.Tags = tags
		}
		return setShared(row, in.Body.Shared)
	}})
	if err == nil && len(e.found) == 0 {
		err = errNotFound()
	}
	if err != nil {
		return nil, err
	}
	if shared := e.found[0].shared(); shared != was {
		f.recordFiles(ctx, "files.share", e.found, sharing(shared))
	}
	return f.taggedBody(&e.found[0]), nil
}

// actions are what the gate is asked for: sharing alone is no change of the file.
func (b patchBody) actions() []identity.Action {
	switch {
	case b.Shared == nil:
		return []identity.Action{identity.ChangeFile}
	case b.Filename == nil && b.Tags == nil:
		return []identity.Action{identity.ShareFile}
	}
	return []identity.Action{identity.ChangeFile, identity.ShareFile}
}

func (f *Files) patchTags(ctx context.Context, in *struct{ Body patchTagsBody }) (*out[changedBody], error) {
	add, err := cleanTags(in.Body.Add)
	if err != nil {
		return nil, err
	}
	match, err := parseIfMatches(in.Body.IfMatch)
	if err != nil {
		return nil, err
	}
	e, err := f.edit(ctx, edit{ids: in.Body.IDs, may: match.gate(gate(identity.From(ctx), identity.ChangeFile)), change: func(row *File) error {
		tags := without(row.Tags, in.Body.Remove)
		tags = append(tags, without(add, tags)...)
		if len(tags) > max(maxTags, len(row.Tags)) {
			return errs.Newf(errs.Invalid, "%q would bear more than %d tags. No file was changed.", row.Name, maxTags)
		}
		row.Tags = tags
		return nil
	}})
	return &out[changedBody]{changedBody{Changed: len(e.changed), Missing: missing(in.Body.IDs, fileIDs(e.found))}}, err
}

func (f *Files) patchShare(ctx context.Context, in *struct{ Body shareBody }) (*out[changedBody], error) {
	match, err := parseIfMatches(in.Body.IfMatch)
	if err != nil {
		return nil, err
	}
	e, err := f.edit(ctx, edit{ids: in.Body.IDs, may: match.gate(gate(identity.From(ctx), identity.ShareFile)), change: func(row *File) error {
		return setShared(row, &in.Body.Shared)
	}})
	if err == nil && len(e.changed) > 0 {
		f.recordFiles(ctx, "files.share", e.changed, sharing(in.Body.Shared))
	}
	return &out[changedBody]{changedBody{Changed: len(e.changed), Missing: missing(in.Body.IDs, fileIDs(e.found))}}, err
}

// edit changes files.
func (f *Files) edit(ctx context.Context, ask edit) (edited, error) {
	e, err := f.store.edit(ctx, ask, f.now().UnixMicro())
	if err == nil {
		f.done(e.applied)
	}
	return e, err
}

func (f *Files) tags(ctx context.Context, _ *struct{}) (*out[tagsBody], error) {
	tags, err := f.store.mostUsedTags(ctx, viewOf(identity.From(ctx)), maxTagList)
	return &out[tagsBody]{tagsBody{tags}}, err
}

// missing returns the ids that are not among found, each once, in their order.
func missing(ids, found []string) []string {
	set := make(map[string]bool, len(found))
	for _, id := range found {
		set[id] = true
	}
	rest := []string{}
	for _, id := range ids {
		if !set[id] {
			set[id] = true
			rest = append(rest, id)
		}
	}
	return rest
}

// fileIDs are the ids of files, as a list that is never absent: JSON tells that apart.
func fileIDs(list []File) []string {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}
