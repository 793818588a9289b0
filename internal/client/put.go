package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"sync"
)

const (
	// small is the size in bytes up to which files travel many to a request: what is sent again
	// when a connection breaks is little then.
	small = 1 << 20
	// knownAtOnce is how many digests one question asks about.
	knownAtOnce = 1000
)

// Progress is told how a transfer goes. Its methods are called from several goroutines.
type Progress interface {
	// Found says that so many files of so many bytes are to be transferred, beside those before.
	Found(files int, bytes int64)
	// Moved says that bytes went over the line, or came to be known as transferred already;
	// negative when some have to go again.
	Moved(bytes int64)
	// Done says what became of a file: how is stored, skipped or fetched.
	Done(name, how string, err error)
}

// Result counts what a transfer did.
type Result struct {
	Done, Skipped, Failed int
	LeftOut               int   // links and other things in folders that are no files
	Bytes                 int64 // of the files that are done
}

// PutOptions say how to send.
type PutOptions struct {
	To         Place
	OnConflict string // keep, rename, replace or fail; files of the same content are passed by
	Tags       string // separated by commas
	Shared     bool
	Parallel   int // files at a time
	Progress   Progress
}

// source is a file on its way to the server.
type source struct {
	path   string // on this machine
	rel    string // below the target folder, with slashes
	size   int64
	sha256 string
}

// putting is one Put.
type putting struct {
	client *Client
	o      PutOptions
	folder string // the target's id

	mu     sync.Mutex
	result Result
}

// Put sends files, and folders with all that lies in them, into a folder of the server, which is
// made if need be. What is there already with the same content is passed by, so that a transfer
// that was broken off goes on where it was; large files go on in the middle. The error is of the
// whole; what became of each file says Progress.
func (c *Client) Put(ctx context.Context, locals []string, o PutOptions) (Result, error) {
	target, err := c.makeFolder(ctx, o.To)
	if err != nil {
		return Result{}, err
	}
	p := &putting{client: c, o: o, folder: target.ID}
	files, folders, err := p.gather(locals)
	if err != nil {
		return p.result, err
	}
	for _, rel := range folders {
		if err := c.makeBelow(ctx, p.folder, rel); err != nil {
			return p.result, fmt.Errorf("%s: %w", rel, err)
		}
	}
	files = p.hash(ctx, files)
	if files, err = p.passBy(ctx, files); err != nil {
		return p.result, err
	}
	if files, err = p.known(ctx, files); err != nil {
		return p.result, err
	}
	var little, large []*source
	for _, f := range files {
		if f.size <= small {
			little = append(little, f)
		} else {
			large = append(large, f)
		}
	}
	if err := p.batches(ctx, little); err != nil {
		return p.result, err
	}
	return p.result, p.uploads(ctx, large)
}

// done notes what became of a file.
func (p *putting) done(f *source, how string, err error) {
	p.mu.Lock()
	switch {
	case err != nil:
		p.result.Failed++
	case how == "skipped":
		p.result.Skipped++
	default:
		p.result.Done++
		p.result.Bytes += f.size
	}
	p.mu.Unlock()
	p.o.Progress.Done(f.rel, how, err)
}

// gather finds the files, and the folders in which there are none.
func (p *putting) gather(locals []string) (files []*source, empty []string, err error) {
	for _, local := range locals {
		info, err := os.Stat(local)
		if err != nil {
			return nil, nil, err
		}
		if !info.IsDir() && !info.Mode().IsRegular() {
			return nil, nil, fmt.Errorf("%s is neither a file nor a folder", local) // a pipe is waited for, and read once only
		}
		if !info.IsDir() {
			files = append(files, &source{path: local, rel: filepath.Base(local), size: info.Size()})
			continue
		}
		base := filepath.Base(local)
		if base == "." || base == ".." || base == string(filepath.Separator) {
			base = "" // what lies in it, not it
		}
		more, none, odd, err := walk(local, base)
		if err != nil {
			return nil, nil, err
		}
		p.result.LeftOut += odd
		files, empty = append(files, more...), append(empty, none...)
	}
	var bytes int64
	for _, f := range files {
		bytes += f.size
	}
	p.o.Progress.Found(len(files), bytes)
	return files, empty, nil
}

// walk finds the regular files below a folder of this machine. Links are not followed: they may
// lead in circles, or to what nobody meant. leftOut counts them.
func walk(root, base string) (files []*source, empty []string, leftOut int, err error) {
	holds := map[string]bool{}
	var folders []string
	err = filepath.WalkDir(root, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, at)
		if err != nil {
			return err
		}
		rel := path.Join(base, filepath.ToSlash(below))
		switch {
		case entry.IsDir():
			if rel != "" && rel != "." {
				folders = append(folders, rel)
			}
		case entry.Type().IsRegular():
			info, err := entry.Info()
			if err != nil {
				return err
			}
			files = append(files, &source{path: at, rel: rel, size: info.Size()})
			for d := path.Dir(rel); !holds[d]; d = path.Dir(d) {
				holds[d] = true
			}
		default:
			leftOut++
		}
		return nil
	})
	for _, d := range folders {
		if !holds[d] {
			empty = append(empty, d)
		}
	}
	return files, empty, leftOut, err
}

// each runs fn for all of list, so many at a time.
func each[T any](parallel int, list []T, fn func(T)) {
	var all sync.WaitGroup
	free := make(chan struct{}, max(parallel, 1))
	for _, one := range list {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			fn(one)
		})
	}
	all.Wait()
}

// hash reads every file once to know what it holds.
func (p *putting) hash(ctx context.Context, files []*source) []*source {
	failed := make([]error, len(files))
	places := make([]int, len(files))
	for i := range places {
		places[i] = i
	}
	each(p.o.Parallel, places, func(i int) { failed[i] = files[i].digest(ctx) })
	var rest []*source
	for i, f := range files {
		if failed[i] != nil {
			p.done(f, "", failed[i])
			continue
		}
		rest = append(rest, f)
	}
	return rest
}

func (f *source) digest(ctx context.Context) error {
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(h, untilDone{ctx, file})
	f.size, f.sha256 = n, hex.EncodeToString(h.Sum(nil))
	return err
}

// untilDone is a reader that ends with its context.
type untilDone struct {
	ctx context.Context //nolint:containedctx // of the read
	r   io.Reader
}

func (u untilDone) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}

// passBy leaves out what lies at its place already with the same content.
func (p *putting) passBy(ctx context.Context, files []*source) ([]*source, error) {
	folders := map[string]bool{}
	for _, f := range files {
		for d := path.Dir(f.rel); d != "." && !folders[d]; d = path.Dir(d) {
			folders[d] = true
		}
	}
	there := map[string][]string{}
	err := p.client.Walk(ctx, p.folder, "", func(rel string) bool { return folders[rel] }, func(rel string, f Found) error {
		if f.File != nil {
			there[rel] = append(there[rel], f.File.SHA256)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var rest []*source
	for _, f := range files {
		same := false
		for _, digest := range there[f.rel] {
			same = same || digest == f.sha256
		}
		if !same {
			rest = append(rest, f)
			continue
		}
		p.o.Progress.Moved(f.size)
		p.done(f, "skipped", nil)
	}
	return rest, nil
}

// known makes files of content that the server has, so that it need not be sent.
func (p *putting) known(ctx context.Context, files []*source) (rest []*source, err error) {
	for len(files) > 0 {
		some := files[:min(len(files), knownAtOnce)]
		files = files[len(some):]
		left, err := p.createSome(ctx, some)
		if statusOf(err) == http.StatusForbidden { // a token that may not read: everything is sent
			left, err = some, nil
		}
		if err != nil {
			return nil, err
		}
		rest = append(rest, left...)
	}
	return rest, nil
}

// createSome is createKnown that tries again when the line breaks. What was made then without
// anybody having heard of it is there the second time.
func (p *putting) createSome(ctx context.Context, files []*source) (rest []*source, err error) {
	for pauses := newPauses(); ; {
		rest, err = p.createKnown(ctx, files)
		if err == nil || !passing(err) || !pauses.wait(ctx) {
			return rest, err
		}
		if files, err = p.passBy(ctx, files); err != nil || len(files) == 0 {
			return nil, err
		}
	}
}

func (p *putting) createKnown(ctx context.Context, files []*source) (rest []*source, err error) {
	digests := make([]string, len(files))
	for i, f := range files {
		digests[i] = f.sha256
	}
	var known struct {
		Known []string `json:"known"`
	}
	if err := p.client.call(ctx, "POST", "/api/v1/files/known", map[string]any{"digests": digests}, &known); err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, digest := range known.Known {
		has[digest] = true
	}
	var made []*source
	body := []map[string]any{}
	for _, f := range files {
		if !has[f.sha256] {
			rest = append(rest, f)
			continue
		}
		made = append(made, f)
		one := map[string]any{"sha256": f.sha256, "size": f.size, "path": f.rel, "folder": p.folder, "on_conflict": p.o.OnConflict, "content_type": contentType(f.rel), "shared": p.o.Shared}
		if tags := splitTags(p.o.Tags); len(tags) > 0 {
			one["tags"] = tags
		}
		body = append(body, one)
	}
	if len(made) == 0 {
		return rest, nil
	}
	var answer struct {
		Results []struct {
			Index int `json:"index"`
			Problem
		} `json:"results"`
	}
	if err := p.client.once(ctx, "POST", "/api/v1/files/known/create", map[string]any{"files": body}, &answer); err != nil {
		return nil, err
	}
	for _, result := range answer.Results {
		if result.Index < 0 || result.Index >= len(made) {
			return nil, errors.New("the server's answer is about files that were not sent")
		}
		f := made[result.Index]
		switch {
		case result.Status == http.StatusOK:
			p.o.Progress.Moved(f.size)
			p.done(f, "stored", nil)
		case result.Type == "urn:homeserver:unknown":
			rest = append(rest, f) // it was deleted just now
		default:
			p.done(f, "", &result.Problem)
		}
	}
	return rest, nil
}
