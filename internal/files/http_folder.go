package files

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

// folderPrefix is where folders live.
const folderPrefix = "/api/v1/folders"

// FolderBody is a folder as clients see it.
type FolderBody struct {
	ID        string    `json:"id" example:"household"`
	Name      string    `json:"name" example:"Photos" doc:"Empty for the root of a tree"`
	ParentID  *string   `json:"parent_id" doc:"The folder it lies in; null for the root of a tree"`
	Owner     string    `json:"owner" doc:"The account that the folder belongs to; empty: the household"`
	OwnerName string    `json:"owner_name" example:"Ada" doc:"The owner's name; empty for the household"`
	Files     int64     `json:"files" example:"3" doc:"In it and in all folders below"`
	Bytes     int64     `json:"bytes" example:"4096" doc:"Of those files"`
	Folders   int64     `json:"folders" example:"1" doc:"Folders in it, and in all folders below"`
	Created   time.Time `json:"created"`
	Modified  time.Time `json:"modified" doc:"When it was made, renamed or moved last"`
	Revision  int64     `json:"revision" example:"1"`
	ETag      string    `json:"etag" example:"\"r1\"" doc:"Send as If-Match to change the folder only if it still is as it was"`
	Path      []step    `json:"path" nullable:"false" doc:"The way from the root of its tree to the folder, both included"`
	Warnings  []string  `json:"warnings,omitempty" doc:"After making or renaming it, sentences: of a name beside it that differs in case only"`
}

type rootsBody struct {
	Roots []FolderBody `json:"roots" nullable:"false" doc:"One's own tree, the household's, and for administrators those of all others"`
}

type createFolderBody struct {
	Parent     string `json:"parent,omitempty" maxLength:"36" example:"household" doc:"The folder to make it in; mine, or left out: the root of one's own tree"`
	Name       string `json:"name" example:"Photos"`
	OnConflict string `json:"on_conflict,omitempty" enum:"keep,rename,replace,fail" doc:"If there is something of this name: keep answers the folder that is there, rename numbers the new one, fail (without it) refuses; nothing is replaced"`
}

type makePathBody struct {
	Parent string   `json:"parent,omitempty" maxLength:"36" example:"household" doc:"The folder to begin at; mine, or left out: the root of one's own tree"`
	Path   []string `json:"path" nullable:"false" minItems:"1" maxItems:"100" example:"[\"Photos\",\"2026\"]" doc:"Names of folders that lie in each other; those that are missing are made"`
}

type renameFolderBody struct {
	Name       string `json:"name" example:"Pictures"`
	OnConflict string `json:"on_conflict,omitempty" enum:"keep,rename,replace,fail" doc:"If there is something of this name: keep and rename number it, replace puts the folder that is there into the trash, fail (without it) refuses"`
	Confirm    string `json:"confirm,omitempty" doc:"How many files may be replaced with that folder, where the answer was 409 with the type urn:homeserver:confirm"`
}

type folderEntriesBody struct {
	Folders      []FolderBody `json:"folders" nullable:"false"`
	Files        []FileBody   `json:"files" nullable:"false"`
	TotalFolders int64        `json:"total_folders" doc:"All folders in this one that match, whatever the page"`
	TotalFiles   int64        `json:"total_files" doc:"All files in this folder that match, whatever the page"`
	NextCursor   string       `json:"next_cursor,omitempty" doc:"Send as cursor to get what follows; absent on the last page"`
}

type entriesInput struct {
	ID     string `path:"id" maxLength:"36" example:"household" doc:"The folder's id; mine is the root of one's own tree"`
	Sort   string `query:"sort" enum:"name,date,size" doc:"What to order by; name by default"`
	Order  string `query:"order" enum:"asc,desc" doc:"A to Z, newest first and largest first by default"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200" doc:"Entries on a page"`
	Cursor string `query:"cursor" doc:"The next_cursor of the page before, with the same sort, order and filter"`
	Q      string `query:"q" doc:"Only entries whose name contains this, whatever the case"`
}

type folderUsageBody struct {
	Folders   []FolderBody `json:"folders" nullable:"false" doc:"The folders in it, the largest first"`
	FilesHere int64        `json:"files_here" doc:"Files in the folder itself"`
	BytesHere int64        `json:"bytes_here" doc:"Of those files"`
}

type resolvedBody struct {
	Kind   string      `json:"kind" enum:"file,folder"`
	File   *FileBody   `json:"file,omitempty"`
	Folder *FolderBody `json:"folder,omitempty"`
}

type folderInput struct {
	ID string `path:"id" maxLength:"36" example:"household" doc:"The folder's id; mine is the root of one's own tree"`
}

type renameFolderInput struct {
	ID      string `path:"id" maxLength:"36" doc:"The folder's id"`
	IfMatch string `header:"If-Match" doc:"The etag that the folder must still have"`
	Body    renameFolderBody
}

type resolveInput struct {
	Root string `query:"root" maxLength:"36" example:"household" doc:"The folder to begin at; mine, or left out: the root of one's own tree"`
	Path string `query:"path" example:"Photos/2026/beach.jpg"`
}

// created is a new thing, or one that is there already.
type created[T any] struct {
	Status int
	Body   T
}

// folderOp begins the description of an operation on folders.
func folderOp(action identity.Action, method, path, id, summary, description string, statuses ...int) httpd.Op {
	o := op(action, method, "", id, summary, description)
	o.Path, o.Tags, o.Errors = folderPrefix+path, []string{"Folders"}, statuses
	return o
}

// folderRoutes mounts the operations on folders.
func (f *Files) folderRoutes(r *httpd.Router) {
	const absent, forbidden, taken, changed, wrong = http.StatusNotFound, http.StatusForbidden, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity
	httpd.Register(r, folderOp(identity.ListFiles, http.MethodGet, "", "list-roots", "List the trees", "Every owner has a tree, the household and each account."), f.listRoots)
	create := folderOp(identity.CreateFile, http.MethodPost, "", "create-folder", "Make a folder", "", forbidden, absent, taken, wrong)
	create.DefaultStatus = http.StatusCreated
	create.Responses = map[string]*huma.Response{"200": jsonAnswer(r, "The folder was there already (on_conflict=keep)", FolderBody{})}
	httpd.Register(r, create, f.createFolder)
	httpd.Register(r, folderOp(identity.CreateFile, http.MethodPost, "/path", "make-path", "Find folders that lie in each other, and make those that are missing", "", forbidden, absent, taken, wrong), f.makePath)
	httpd.Register(r, folderOp(identity.ReadFile, http.MethodGet, "/resolve", "resolve-path", "Find what a path leads to", "Of a file and a folder of one name it is the folder, of several files the newest.", absent, wrong), f.resolve)
	httpd.Register(r, folderOp(identity.ReadFile, http.MethodGet, "/{id}", "get-folder", "Describe a folder", "", absent), f.getFolder)
	httpd.Register(r, folderOp(identity.ChangeFile, http.MethodPatch, "/{id}", "rename-folder", "Rename a folder", "", forbidden, absent, taken, changed, wrong), f.renameFolder)
	httpd.Register(r, folderOp(identity.ReadFile, http.MethodGet, "/{id}/entries", "list-entries", "List what lies in a folder", "Folders first, then files, each in the order asked for.", absent, wrong), f.listEntries)
	httpd.Register(r, folderOp(identity.ReadFile, http.MethodGet, "/{id}/usage", "folder-usage", "What takes up the room in a folder", "", absent), f.folderUsage)
	f.moveRoutes(r)
}

// folderBody is d as clients see it; path leads to it.
func (f *Files) folderBody(d *Folder, path []step) FolderBody {
	b := FolderBody{ID: d.ID, Name: d.Name, Owner: d.Owner, OwnerName: f.lent.displayName(d.Owner), Files: d.files, Bytes: d.bytes, Folders: d.Folders,
		Created: d.Created, Modified: d.Modified, Revision: d.Revision, ETag: revisionETag(d.Revision), Path: path, Warnings: alikeText(d.alike)}
	if d.Parent != "" {
		b.ParentID = &d.Parent
	}
	if len(path) == 0 { // a root that is not there yet
		b.Path = []step{{ID: d.ID}}
	}
	return b
}

// describe is a folder with the way to it.
func (f *Files) describe(ctx context.Context, d *Folder) (FolderBody, error) {
	path, err := f.store.pathOf(ctx, f.store.db, d.ID)
	return f.folderBody(d, path), err
}

// children are the bodies of folders that lie in the one path leads to.
func (f *Files) children(list []Folder, path []step) []FolderBody {
	bodies := make([]FolderBody, len(list))
	for i := range list {
		bodies[i] = f.folderBody(&list[i], append(slices.Clone(path), step{list[i].ID, list[i].Name}))
	}
	return bodies
}

func (f *Files) listRoots(ctx context.Context, _ *struct{}) (*out[rootsBody], error) {
	roots, err := f.Roots(ctx)
	if err != nil {
		return nil, err
	}
	body := rootsBody{Roots: make([]FolderBody, len(roots))}
	for i := range roots {
		body.Roots[i] = f.folderBody(&roots[i], nil)
	}
	return &out[rootsBody]{body}, nil
}

func (f *Files) createFolder(ctx context.Context, in *struct{ Body createFolderBody }) (*created[FolderBody], error) {
	onConflict, err := parseConflict(in.Body.OnConflict, failOnOld)
	if err != nil {
		return nil, err
	}
	d, isNew, err := f.CreateFolder(ctx, in.Body.Parent, in.Body.Name, onConflict)
	if err != nil {
		return nil, err
	}
	body, err := f.describe(ctx, d)
	if isNew {
		return &created[FolderBody]{http.StatusCreated, body}, err
	}
	return &created[FolderBody]{http.StatusOK, body}, err
}

func (f *Files) makePath(ctx context.Context, in *struct{ Body makePathBody }) (*out[FolderBody], error) {
	d, err := f.MakePath(ctx, in.Body.Parent, in.Body.Path)
	if err != nil {
		return nil, err
	}
	body, err := f.describe(ctx, d)
	return &out[FolderBody]{body}, err
}

func (f *Files) getFolder(ctx context.Context, in *folderInput) (*out[FolderBody], error) {
	d, err := f.folder(ctx, in.ID, identity.ReadFile)
	if err != nil {
		return nil, err
	}
	body, err := f.describe(ctx, d)
	return &out[FolderBody]{body}, err
}

func (f *Files) renameFolder(ctx context.Context, in *renameFolderInput) (*out[FolderBody], error) {
	onConflict, err := parseConflict(in.Body.OnConflict, failOnOld)
	if err != nil {
		return nil, err
	}
	match, err := parseIfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	d, err := f.RenameFolder(ctx, in.ID, in.Body.Name, match, onConflict, in.Body.Confirm)
	if err != nil {
		return nil, err
	}
	body, err := f.describe(ctx, d)
	return &out[FolderBody]{body}, err
}

func (f *Files) listEntries(ctx context.Context, in *entriesInput) (*out[folderEntriesBody], error) {
	d, err := f.folder(ctx, in.ID, identity.ReadFile)
	if err != nil {
		return nil, err
	}
	if in.Sort == "" {
		in.Sort = "name"
	}
	e, err := parseEntries(d.ID, in.Q, in.Sort, in.Order, in.Limit, in.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := f.Entries(ctx, d, e)
	if err != nil {
		return nil, err
	}
	path, err := f.store.pathOf(ctx, f.store.db, d.ID)
	if err != nil {
		return nil, err
	}
	body := folderEntriesBody{Folders: f.children(page.folders, path), Files: make([]FileBody, len(page.files)), TotalFolders: page.totalFolders, TotalFiles: page.totalFiles, NextCursor: page.next}
	for i := range page.files {
		body.Files[i] = f.bodyOf(&page.files[i])
	}
	return &out[folderEntriesBody]{body}, nil
}

func (f *Files) folderUsage(ctx context.Context, in *folderInput) (*out[folderUsageBody], error) {
	d, err := f.folder(ctx, in.ID, identity.ReadFile)
	if err != nil {
		return nil, err
	}
	list, err := f.store.largest(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	path, err := f.store.pathOf(ctx, f.store.db, d.ID)
	body := folderUsageBody{Folders: f.children(list, path), FilesHere: d.files, BytesHere: d.bytes}
	for i := range list {
		body.FilesHere -= list[i].files
		body.BytesHere -= list[i].bytes
	}
	return &out[folderUsageBody]{body}, err
}

func (f *Files) resolve(ctx context.Context, in *resolveInput) (*out[resolvedBody], error) {
	to, err := f.Resolve(ctx, in.Root, in.Path)
	if err != nil {
		return nil, err
	}
	if to.file != nil {
		body := f.bodyOf(to.file)
		return &out[resolvedBody]{resolvedBody{Kind: string(kindFile), File: &body}}, nil
	}
	body, err := f.describe(ctx, to.folder)
	return &out[resolvedBody]{resolvedBody{Kind: string(kindFolder), Folder: &body}}, err
}
