package files

import (
	"context"
	"net/http"

	"homeserver/internal/platform/httpd"
	"homeserver/internal/platform/identity"
)

type transferBody struct {
	Files      []item `json:"files,omitempty" maxItems:"1000"`
	Folders    []item `json:"folders,omitempty" maxItems:"1000" doc:"With all that lies in them"`
	To         string `json:"to" maxLength:"36" example:"household" doc:"The folder they shall lie in; mine is the root of one's own tree"`
	OnConflict string `json:"on_conflict,omitempty" enum:"keep,rename,replace,fail" doc:"If there is something of the same name: keep lets two files bear it and numbers a folder, rename numbers what comes, replace makes a version of the file and puts the folder into the trash, fail (without it) refuses"`
	Confirm    string `json:"confirm,omitempty" doc:"How many files may be replaced with their folders, where an item failed with the type urn:homeserver:confirm"`
}

type transferredBody struct {
	Done   []doneBody   `json:"done" nullable:"false"`
	Failed []failedBody `json:"failed" nullable:"false"`
}

type doneBody struct {
	ID       string `json:"id" doc:"Of the item; after copying of the copy; of the file that has the content now, when it replaced one"`
	Of       string `json:"of" doc:"The id that was named"`
	Kind     string `json:"kind" enum:"file,folder"`
	Name     string `json:"name" doc:"As it is now"`
	FolderID string `json:"folder_id" doc:"The folder it lies in now"`
	From     string `json:"from" doc:"The folder it came from"`
	Replaced string `json:"replaced,omitempty" doc:"The file that has a new version, or the folder that went to the trash"`

	Warnings []string `json:"warnings,omitempty" doc:"Sentences: of a name that differs in case only"`
}

type failedBody struct {
	ID     string `json:"id"`
	Kind   string `json:"kind,omitempty" enum:"file,folder"`
	Status int    `json:"status" example:"409"`
	Detail string `json:"detail" doc:"A sentence: what failed and what to do about it"`
	Type   string `json:"type" example:"urn:homeserver:exists"`
}

// moveRoutes mounts the operations that move and copy.
func (f *Files) moveRoutes(r *httpd.Router) {
	each := func(action identity.Action, path, id, summary string) httpd.Op {
		o := op(action, http.MethodPost, path, id, summary, "Each on its own: what cannot be done to one does not stop the others.")
		o.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity}
		return o
	}
	httpd.Register(r, each(identity.ChangeFile, "/move", "move-files", "Move files and folders"), f.moveItems)
	httpd.Register(r, each(identity.CreateFile, "/copy", "copy-files", "Copy files and folders"), f.copyItems)
}

func (b transferBody) parse() (transfer, error) {
	onConflict, err := parseConflict(b.OnConflict, failOnOld)
	return transfer{files: b.Files, folders: b.Folders, to: b.To, onConflict: onConflict, confirm: b.Confirm}, err
}

func (f *Files) moveItems(ctx context.Context, in *struct{ Body transferBody }) (*out[transferredBody], error) {
	return f.transfer(ctx, in.Body, f.Move)
}

func (f *Files) copyItems(ctx context.Context, in *struct{ Body transferBody }) (*out[transferredBody], error) {
	return f.transfer(ctx, in.Body, f.Copy)
}

func (f *Files) transfer(ctx context.Context, b transferBody, do func(context.Context, transfer) ([]moved, error)) (*out[transferredBody], error) {
	t, err := b.parse()
	if err != nil {
		return nil, err
	}
	list, err := do(ctx, t)
	if err != nil {
		return nil, err
	}
	body := transferredBody{Done: []doneBody{}, Failed: []failedBody{}}
	for _, m := range list {
		if m.err != nil {
			p := httpd.ProblemOf(ctx, m.err)
			body.Failed = append(body.Failed, failedBody{ID: m.of, Kind: string(m.kind), Status: p.Status, Detail: p.Detail, Type: p.Type})
			continue
		}
		body.Done = append(body.Done, doneBody{ID: m.id, Of: m.of, Kind: string(m.kind), Name: m.name, FolderID: m.folder, From: m.from, Replaced: m.replaced, Warnings: alikeText(m.alike)})
	}
	return &out[transferredBody]{body}, nil
}
