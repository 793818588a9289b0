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
	ID   string `path:"id" doc:"The file's id"`
	Body patchBody
}

// idsBody names up to 1,000 files: what one transaction changes in well under a second.
type idsBody struct {
	IDs []string `json:"ids" nullable:"false" minItems:"1" maxItems:"1000" doc:"Ids of files"`
}

type deletedBody struct {
	ID        string    `json:"id" example:"3f2b8c1e-9d4a-4f6b-8a3e-2c1d0e9f8b7a"`
	Message   string    `json:"message" example:"File deleted successfully"`
	UndoUntil time.Time `json:"undo_until" doc:"Until then at least the file can be restored"`
}

type deletedManyBody struct {
	Deleted   []string  `json:"deleted" nullable:"false"`
	Missing   []string  `json:"missing" nullable:"false" doc:"Ids that are no files"`
	UndoUntil time.Time `json:"undo_until" doc:"Until then at least the files can be restored"`
}

type restoredManyBody struct {
	Restored []string `json:"restored" nullable:"false" doc:"Ids of files that are there now"`
	Missing  []string `json:"missing" nullable:"false" doc:"Ids of files that are gone"`
}

type patchBody struct {
	Filename *string   `json:"filename,omitempty" doc:"The new name" example:"report.txt"`
	Tags     *[]string `json:"tags,omitempty" doc:"All tags of the file from now on"`
}

type patchTagsBody struct {
	IDs    []string `json:"ids" nullable:"false" minItems:"1" maxItems:"1000"`
	Add    []string `json:"add,omitempty" doc:"Tags every file shall bear"`
	Remove []string `json:"remove,omitempty" doc:"Tags no file shall bear; removed before others are added"`
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
	notFound := func(o httpd.Op) httpd.Op {
		o.Errors = []int{http.StatusNotFound, http.StatusUnprocessableEntity}
		return o
	}
	httpd.Register(r, notFound(op(identity.ChangeFile, http.MethodPatch, "/{id}", "edit-file", "Rename or tag a file", "What is left out stays as it is.")), f.patch)
	httpd.Register(r, notFound(op(identity.ChangeFile, http.MethodDelete, "/{id}", "delete-file", "Delete a file", "It is gone at once for everybody, and can be restored until undo_until.")), f.delete)
	httpd.Register(r, notFound(op(identity.ChangeFile, http.MethodPost, "/{id}/restore", "restore-file", "Take a deletion back", "Also succeeds when the file was not deleted.")), f.restore)
	httpd.Register(r, op(identity.ChangeFile, http.MethodPost, "/delete", "delete-files", "Delete several files", ""), f.deleteMany)
	httpd.Register(r, op(identity.ChangeFile, http.MethodPost, "/restore", "restore-files", "Take several deletions back", ""), f.restoreMany)
	httpd.Register(r, op(identity.ChangeFile, http.MethodPatch, "/tags", "tag-files", "Tag several files", ""), f.patchTags)
	httpd.Register(r, op(identity.ListFiles, http.MethodGet, "/tags", "list-tags", "List tags", "With the number of files that bear each."), f.tags)
}

func (f *Files) delete(ctx context.Context, in *idInput) (*out[deletedBody], error) {
	deleted, until, err := f.Delete(ctx, []string{in.ID})
	if err == nil && len(deleted) == 0 {
		err = errNotFound()
	}
	return &out[deletedBody]{deletedBody{ID: in.ID, Message: "File deleted successfully", UndoUntil: until}}, err
}

func (f *Files) deleteMany(ctx context.Context, in *struct{ Body idsBody }) (*out[deletedManyBody], error) {
	deleted, until, err := f.Delete(ctx, in.Body.IDs)
	return &out[deletedManyBody]{deletedManyBody{Deleted: listOf(deleted), Missing: missing(in.Body.IDs, deleted), UndoUntil: until}}, err
}

func (f *Files) restore(ctx context.Context, in *idInput) (*out[FileBody], error) {
	if _, err := f.Restore(ctx, []string{in.ID}); err != nil {
		return nil, err
	}
	row, err := f.store.find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &out[FileBody]{bodyOf(row)}, nil
}

func (f *Files) restoreMany(ctx context.Context, in *struct{ Body idsBody }) (*out[restoredManyBody], error) {
	there, err := f.Restore(ctx, in.Body.IDs)
	return &out[restoredManyBody]{restoredManyBody{Restored: listOf(there), Missing: missing(in.Body.IDs, there)}}, err
}

func (f *Files) patch(ctx context.Context, in *patchInput) (*out[FileBody], error) {
	var tags []string
	name := ""
	var err error
	if in.Body.Tags != nil {
		if tags, err = cleanTags(*in.Body.Tags); err != nil {
			return nil, err
		}
	}
	if in.Body.Filename != nil {
		if name, err = cleanName(*in.Body.Filename); err != nil {
			return nil, err
		}
	}
	rows, _, err := f.store.edit(ctx, []string{in.ID}, func(row *File) error {
		if in.Body.Filename != nil {
			row.Name = name
		}
		if in.Body.Tags != nil {
			row.Tags = tags
		}
		return nil
	})
	if err == nil && len(rows) == 0 {
		err = errNotFound()
	}
	if err != nil {
		return nil, err
	}
	return &out[FileBody]{bodyOf(&rows[0])}, nil
}

func (f *Files) patchTags(ctx context.Context, in *struct{ Body patchTagsBody }) (*out[changedBody], error) {
	add, err := cleanTags(in.Body.Add)
	if err != nil {
		return nil, err
	}
	rows, changed, err := f.store.edit(ctx, in.Body.IDs, func(row *File) error {
		tags := without(row.Tags, in.Body.Remove)
		tags = append(tags, without(add, tags)...)
		if len(tags) > max(maxTags, len(row.Tags)) {
			return errs.Newf(errs.Invalid, "%q would bear more than %d tags. No file was changed.", row.Name, maxTags)
		}
		row.Tags = tags
		return nil
	})
	found := make([]string, len(rows))
	for i := range rows {
		found[i] = rows[i].ID
	}
	return &out[changedBody]{changedBody{Changed: changed, Missing: missing(in.Body.IDs, found)}}, err
}

func (f *Files) tags(ctx context.Context, _ *struct{}) (*out[tagsBody], error) {
	tags, err := f.store.mostUsedTags(ctx, maxTagList)
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

// listOf makes an absent list an empty one, which JSON tells apart.
func listOf(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return slices.Clip(ids)
}
