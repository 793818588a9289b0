package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"
)

// File is a file on the server.
type File struct {
	ID       string    `json:"id"`
	Name     string    `json:"filename"`
	Size     int64     `json:"size"`
	SHA256   string    `json:"sha256"`
	Modified time.Time `json:"modified"`
	FolderID string    `json:"folder_id"`
	ETag     string    `json:"etag"`
	Shared   bool      `json:"shared"`
}

// Folder is a folder on the server.
type Folder struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	ParentID *string   `json:"parent_id"`
	Files    int64     `json:"files"`
	Bytes    int64     `json:"bytes"`
	Folders  int64     `json:"folders"`
	Modified time.Time `json:"modified"`
	ETag     string    `json:"etag"`
}

// Place is a path on the server: names below the root of a tree.
type Place struct {
	Root  string // mine, household, or an account's id
	Names []string
}

// mine is the root of one's own tree.
const mine = "mine"

// ParsePlace reads a path as people write it: "Photos/2026", "/Photos", "household:Photos".
// Without a root before a colon it lies in one's own tree.
func ParsePlace(text string) (Place, error) {
	p := Place{Root: mine}
	rest := text
	if root, after, ok := strings.Cut(text, ":"); ok && root != "" && !strings.ContainsAny(root, "/.") {
		p.Root, rest = root, after
	}
	if strings.ContainsRune(rest, 0) {
		return p, errors.New("a path holds no NUL character")
	}
	for name := range strings.SplitSeq(path.Clean("/"+rest), "/") {
		if name != "" {
			p.Names = append(p.Names, name)
		}
	}
	return p, nil
}

// String is the place as ParsePlace reads it.
func (p Place) String() string {
	text := strings.Join(p.Names, "/")
	if p.Root != mine {
		return p.Root + ":/" + text
	}
	return "/" + text
}

// parent is the place that p lies in; of a root itself.
func (p Place) parent() (parent Place, name string) {
	if len(p.Names) == 0 {
		return p, ""
	}
	last := len(p.Names) - 1
	return Place{p.Root, p.Names[:last]}, p.Names[last]
}

// Found is what a path leads to: a file or a folder.
type Found struct {
	File   *File   `json:"file"`
	Folder *Folder `json:"folder"`
}

// Resolve finds what lies at a place.
func (c *Client) Resolve(ctx context.Context, p Place) (Found, error) {
	var f Found
	query := url.Values{"root": {p.Root}, "path": {strings.Join(p.Names, "/")}}
	err := c.call(ctx, "GET", "/api/v1/folders/resolve?"+query.Encode(), nil, &f)
	if Missing(err) {
		err = fmt.Errorf("%s: %w", p, &Problem{Status: 404, Detail: "There is no such file or folder."})
	}
	return f, err
}

// makeFolder finds the folder at a place and makes what is missing on the way.
func (c *Client) makeFolder(ctx context.Context, p Place) (*Folder, error) {
	d := new(Folder)
	if len(p.Names) == 0 {
		return d, c.call(ctx, "GET", "/api/v1/folders/"+url.PathEscape(p.Root), nil, d)
	}
	return d, c.call(ctx, "POST", "/api/v1/folders/path", map[string]any{"parent": p.Root, "path": p.Names}, d)
}

// makeBelow makes a path below a folder.
func (c *Client) makeBelow(ctx context.Context, folder, rel string) error {
	return c.call(ctx, "POST", "/api/v1/folders/path", map[string]any{"parent": folder, "path": strings.Split(rel, "/")}, nil)
}

// Entries lists what lies in a folder.
func (c *Client) Entries(ctx context.Context, folder string) (folders []Folder, files []File, err error) {
	for cursor := ""; ; {
		var page struct {
			Folders []Folder `json:"folders"`
			Files   []File   `json:"files"`
			Next    string   `json:"next_cursor"`
		}
		query := url.Values{"limit": {"1000"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		if err := c.call(ctx, "GET", "/api/v1/folders/"+url.PathEscape(folder)+"/entries?"+query.Encode(), nil, &page); err != nil {
			return nil, nil, err
		}
		folders, files = append(folders, page.Folders...), append(files, page.Files...)
		if cursor = page.Next; cursor == "" {
			return folders, files, nil
		}
	}
}

// Each calls fn with what lies in a folder, with its name: folders first.
func (c *Client) Each(ctx context.Context, folder string, fn func(name string, f Found) error) error {
	folders, files, err := c.Entries(ctx, folder)
	for i := 0; i < len(folders) && err == nil; i++ {
		err = fn(folders[i].Name, Found{Folder: &folders[i]})
	}
	for i := 0; i < len(files) && err == nil; i++ {
		err = fn(files[i].Name, Found{File: &files[i]})
	}
	return err
}

// Walk calls fn with everything in a folder and below it, with its path from there: folders
// before what lies in them. enter says whether to go into a folder; nil goes into all.
func (c *Client) Walk(ctx context.Context, folder, at string, enter func(rel string) bool, fn func(rel string, f Found) error) error {
	folders, files, err := c.Entries(ctx, folder)
	if err != nil {
		return err
	}
	for i := range files {
		if err := fn(path.Join(at, files[i].Name), Found{File: &files[i]}); err != nil {
			return err
		}
	}
	for i := range folders {
		rel := path.Join(at, folders[i].Name)
		if enter != nil && !enter(rel) {
			continue
		}
		if err := fn(rel, Found{Folder: &folders[i]}); err != nil {
			return err
		}
		if err := c.Walk(ctx, folders[i].ID, rel, enter, fn); err != nil {
			return err
		}
	}
	return nil
}

// Delete puts files and folders into the trash. confirm is how many files may go, where the
// server has asked for it.
func (c *Client) Delete(ctx context.Context, list []Found, confirm string) error {
	body := struct {
		IDs     []string `json:"ids"`
		Folders []string `json:"folders"`
		Confirm string   `json:"confirm,omitempty"`
	}{IDs: []string{}, Folders: []string{}, Confirm: confirm}
	for _, f := range list {
		if f.File != nil {
			body.IDs = append(body.IDs, f.File.ID)
		} else {
			body.Folders = append(body.Folders, f.Folder.ID)
		}
	}
	return c.call(ctx, "POST", "/api/v1/files/delete", body, nil)
}

// Move takes files and folders to a place: into the folder there or, a single one, to that name.
// confirm is how many files may be replaced with their folders, where the server has asked for it.
func (c *Client) Move(ctx context.Context, from []Place, to Place, onConflict, confirm string) error {
	target, err := c.Resolve(ctx, to)
	name := ""
	switch {
	case err == nil && target.Folder == nil && len(from) > 1:
		return fmt.Errorf("%s is a file, not a folder", to)
	case err == nil && target.Folder == nil, Missing(err) && len(from) == 1 && len(to.Names) > 0:
		var parent Place
		parent, name = to.parent()
		target, err = c.Resolve(ctx, parent)
	}
	if err != nil {
		return err
	}
	if target.Folder == nil {
		return fmt.Errorf("%s lies in a file, not in a folder", to)
	}
	for _, p := range from {
		if err := c.moveOne(ctx, p, moving{To: target.Folder.ID, OnConflict: onConflict, Confirm: confirm}, name); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

// moving is a request to move.
type moving struct {
	Files      []movingItem `json:"files,omitempty"`
	Folders    []movingItem `json:"folders,omitempty"`
	To         string       `json:"to"`
	OnConflict string       `json:"on_conflict"`
	Confirm    string       `json:"confirm,omitempty"`
}

type movingItem struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// moveOne takes one thing to a folder and gives it a name, unless name is empty: both at once, so
// that nothing which bears its old name there is in the way.
func (c *Client) moveOne(ctx context.Context, from Place, m moving, name string) error {
	f, err := c.Resolve(ctx, from)
	if err != nil {
		return err
	}
	if f.Folder != nil && f.Folder.ParentID == nil {
		return errors.New("the top of a tree stays where it is")
	}
	if f.File != nil {
		m.Files = []movingItem{{f.File.ID, name}}
	} else {
		m.Folders = []movingItem{{f.Folder.ID, name}}
	}
	var answer struct {
		Failed []Problem `json:"failed"`
	}
	if err := c.call(ctx, "POST", "/api/v1/files/move", m, &answer); err != nil {
		return err
	}
	if len(answer.Failed) > 0 {
		return &answer.Failed[0]
	}
	return nil
}
