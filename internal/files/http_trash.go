package files

import (
	"context"
	"net/http"
	"time"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// trashPrefix is where the trash is.
const trashPrefix = "/api/v1/trash"

// trashedBody is something in the trash as clients see it.
type trashedBody struct {
	ID            string     `json:"id" doc:"What to restore it by"`
	Kind          string     `json:"kind" enum:"file,folder"`
	ItemID        string     `json:"item_id" doc:"The file's or folder's id"`
	Name          string     `json:"name" example:"report.txt"`
	Path          []string   `json:"path" nullable:"false" example:"[\"Photos\",\"2026\"]" doc:"The folders it lay in, from the root of its tree on"`
	Owner         string     `json:"owner" doc:"The account it belongs to; empty: the household"`
	Files         int64      `json:"files" example:"1" doc:"Of a folder: those that went with it"`
	Bytes         int64      `json:"bytes" example:"6"`
	DeletedAt     time.Time  `json:"deleted_at"`
	DeletedBy     string     `json:"deleted_by" doc:"The account that deleted it; empty: the household"`
	DeletedByName string     `json:"deleted_by_name" doc:"That account's name"`
	ETag          string     `json:"etag" example:"\"r2\"" doc:"Send it in if_match to restore only what you have seen"`
	ExpiresAt     *time.Time `json:"expires_at" doc:"When it goes for good, unless the disk fills up before; null: when somebody empties the trash"`
}

type trashBody struct {
	Items      []trashedBody `json:"items" nullable:"false" doc:"What was deleted last comes first"`
	Total      int64         `json:"total" doc:"All, whatever the page"`
	Bytes      int64         `json:"bytes" doc:"Of all"`
	NextCursor string        `json:"next_cursor,omitempty" doc:"Send as cursor to get what follows; absent on the last page"`
}

type trashInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The next_cursor of the page before"`
}

type restoreTrashBody struct {
	IDs        []string `json:"ids" nullable:"false" minItems:"1" maxItems:"1000" doc:"Ids of things in the trash"`
	OnConflict string   `json:"on_conflict,omitempty" enum:"keep,rename,replace,fail" doc:"If there is something of the same name where it was: keep lets two files bear it and numbers a folder, rename (without it) numbers what comes back, replace puts what is there into the trash, fail refuses"`
	Confirm    string   `json:"confirm,omitempty" doc:"How many files may be replaced with their folders, where it was asked for"`

	IfMatch map[string]string `json:"if_match,omitempty" doc:"The etags that things in the trash must still have, by their ids there; what has not stays there"`
}

type restoredTrashBody struct {
	Restored []restoredBody `json:"restored" nullable:"false"`
	Failed   []failedBody   `json:"failed" nullable:"false"`
}

type restoredBody struct {
	ID       string `json:"id" doc:"What it was in the trash"`
	Kind     string `json:"kind" enum:"file,folder"`
	ItemID   string `json:"item_id"`
	Name     string `json:"name" doc:"As it is now"`
	FolderID string `json:"folder_id" doc:"Where it lies now"`
}

type deleteTrashBody struct {
	IDs     []string `json:"ids" nullable:"false" minItems:"1" maxItems:"1000" doc:"Ids of things in the trash"`
	Confirm string   `json:"confirm,omitempty" doc:"How many files may go, where the answer was 409 with the type urn:homeserver:confirm"`
}

type emptyTrashBody struct {
	Confirm string `json:"confirm,omitempty" doc:"How many files may go, where the answer was 409 with the type urn:homeserver:confirm"`
}

type destroyedBody struct {
	Deleted []string `json:"deleted,omitempty" doc:"Ids that are no longer in the trash"`
	Missing []string `json:"missing,omitempty" doc:"Ids of nothing in the trash"`
	Files   int      `json:"files" doc:"Files that are gone for good"`
	Bytes   int64    `json:"bytes" doc:"Of those files and their versions"`
}

type deleteFolderInput struct {
	ID      string `path:"id" maxLength:"36" doc:"The folder's id"`
	IfMatch string `header:"If-Match" doc:"The etag that the folder must still have"`
	Confirm string `query:"confirm" doc:"How many files may go, where the answer was 409 with the type urn:homeserver:confirm"`
}

// trashOp begins the description of an operation on the trash.
func trashOp(action identity.Action, method, path, id, summary, description string, statuses ...int) httpd.Op {
	o := op(action, method, "", id, summary, description)
	o.Path, o.Tags, o.Errors = trashPrefix+path, []string{"Trash"}, statuses
	return o
}

// trashRoutes mounts the operations on the trash.
func (f *Files) trashRoutes(r *httpd.Router) {
	remove := folderOp(identity.ChangeFile, http.MethodDelete, "/{id}", "delete-folder", "Delete a folder",
		"It goes to the trash with all that lies in it. More than 1,000 files, or half of the tree or more, ask for a second word: 409 with the type urn:homeserver:confirm, and what to send as confirm.",
		http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity)
	httpd.Register(r, remove, f.deleteFolder)
	httpd.Register(r, trashOp(identity.ListFiles, http.MethodGet, "", "list-trash", "List the trash", "Of what one may read.", http.StatusUnprocessableEntity), f.listTrash)
	const word = " More than 1,000 files, or half of all in a tree or more, ask for a second word: 409 with the type urn:homeserver:confirm, and what to send as confirm."
	httpd.Register(r, trashOp(identity.ChangeFile, http.MethodPost, "/delete", "delete-trash", "Delete things in the trash", "For good, with the files' versions."+word, http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity), f.deleteTrash)
	httpd.Register(r, trashOp(identity.ChangeFile, http.MethodPost, "/empty", "empty-trash", "Empty the trash", "Everything in it that one may change is gone for good."+word, http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity), f.emptyTrash)
	httpd.Register(r, trashOp(identity.ChangeFile, http.MethodPost, "/restore", "restore-trash", "Restore from the trash",
		"Back to where it was, even if the folder is gone. Each on its own: what cannot be done to one does not stop the others.", http.StatusForbidden, http.StatusUnprocessableEntity), f.restoreTrashed)
}

func (f *Files) deleteFolder(ctx context.Context, in *deleteFolderInput) (*out[deletedManyBody], error) {
	match, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	gone, until, err := f.Delete(ctx, deletion{folders: []string{in.ID}, match: ifMatches{in.ID: match}, confirm: in.Confirm})
	if err == nil && gone.nothing() {
		err = errNoFolder()
	}
	if err != nil {
		return nil, err
	}
	return &out[deletedManyBody]{deletedManyBody{Deleted: gone.ids(), Missing: []string{}, UndoUntil: until, Trash: gone.trash}}, nil
}

func (f *Files) listTrash(ctx context.Context, in *trashInput) (*out[trashBody], error) {
	var after *trashPosition
	if in.Cursor != "" {
		at, err := parseTrashCursor(in.Cursor)
		if err != nil {
			return nil, err
		}
		after = &at
	}
	v := viewOf(identity.From(ctx))
	list, err := f.store.inTrash(ctx, v, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	body := trashBody{Items: []trashedBody{}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		last := &list[in.Limit-1]
		body.NextCursor = trashPosition{last.At.UnixMicro(), last.ID}.encode()
	}
	settings, err := f.Settings(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		body.Items = append(body.Items, f.trashedBody(identity.From(ctx), &list[i], settings))
	}
	body.Total, body.Bytes, err = f.store.trashTotal(ctx, v)
	return &out[trashBody]{body}, err
}

func (f *Files) trashedBody(p identity.Principal, t *Trashed, settings Settings) trashedBody {
	b := trashedBody{ID: t.ID, Kind: string(t.Kind), ItemID: t.Item, Name: t.Name, Path: t.Path, Owner: t.Owner, Files: t.files, Bytes: t.bytes,
		DeletedAt: t.At, DeletedBy: t.By, DeletedByName: f.lent.displayName(t.By), ETag: revisionETag(t.Revision)}
	if !identity.Allow(p, identity.ReadFile, identity.Object{Owner: t.Owner, Shared: t.Owner == household}) {
		b.Path = []string{} // it was shared; the folders are their owner's secret
	}
	if until, ok := settings.keptUntil(t.At); ok {
		b.ExpiresAt = &until
	}
	return b
}

func (f *Files) deleteTrash(ctx context.Context, in *struct{ Body deleteTrashBody }) (*out[destroyedBody], error) {
	gone, d, err := f.DeleteTrash(ctx, in.Body.IDs, in.Body.Confirm)
	if err != nil {
		return nil, err
	}
	return &out[destroyedBody]{destroyedBody{Deleted: gone, Missing: missing(in.Body.IDs, gone), Files: d.files, Bytes: d.bytes}}, nil
}

func (f *Files) emptyTrash(ctx context.Context, in *struct{ Body emptyTrashBody }) (*out[destroyedBody], error) {
	d, err := f.EmptyTrash(ctx, in.Body.Confirm)
	if err != nil {
		return nil, err
	}
	return &out[destroyedBody]{destroyedBody{Files: d.files, Bytes: d.bytes}}, nil
}

func (f *Files) restoreTrashed(ctx context.Context, in *struct{ Body restoreTrashBody }) (*out[restoredTrashBody], error) {
	onConflict, err := parseConflict(in.Body.OnConflict, renameNew)
	if err != nil {
		return nil, err
	}
	match, err := parseIfMatches(in.Body.IfMatch)
	if err != nil {
		return nil, err
	}
	list, err := f.RestoreTrash(ctx, in.Body.IDs, match, onConflict, in.Body.Confirm)
	if err != nil {
		return nil, err
	}
	body := restoredTrashBody{Restored: []restoredBody{}, Failed: []failedBody{}}
	for _, r := range list {
		if r.err != nil {
			p := httpd.ProblemOf(ctx, r.err)
			body.Failed = append(body.Failed, failedBody{ID: r.id, Status: p.Status, Detail: p.Detail, Type: p.Type})
			continue
		}
		body.Restored = append(body.Restored, restoredBody{ID: r.id, Kind: string(r.item.Kind), ItemID: r.item.Item, Name: r.name, FolderID: r.folder})
	}
	return &out[restoredTrashBody]{body}, nil
}
