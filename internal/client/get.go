package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// partial is the ending of a file that has not arrived whole.
const partial = ".homeserver-part"

// GetOptions say how to fetch.
type GetOptions struct {
	To       string // a folder of this machine, made if need be
	Force    bool   // other content of the same name is overwritten
	Parallel int    // files at a time
	Progress Progress
}

// fetch is a file on its way to this machine.
type fetch struct {
	file File
	path string
	name string // for people
}

// getting is one Get.
type getting struct {
	client *Client
	o      GetOptions

	mu     sync.Mutex
	result Result
}

// Get fetches files, and folders with all that lies in them. Each file is written beside its
// place and takes it when it is whole and its digest is right; a fetch that was broken off goes
// on where it was. What is there with the same content is passed by.
func (c *Client) Get(ctx context.Context, from []Place, o GetOptions) (Result, error) {
	g := &getting{client: c, o: o}
	var all []fetch
	taken := map[string]bool{}
	add := func(rel string, f File) error {
		local, err := localPath(rel)
		if err != nil {
			return err
		}
		for n := 2; taken[strings.ToLower(local)]; n++ { // two files may bear one name on the server
			ext := filepath.Ext(local)
			local, err = localPath(fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(rel, ext), n, ext))
			if err != nil {
				return err
			}
		}
		taken[strings.ToLower(local)] = true
		all = append(all, fetch{f, filepath.Join(o.To, local), local})
		return nil
	}
	for _, p := range from {
		if err := g.plan(ctx, p, add); err != nil {
			return g.result, err
		}
	}
	var bytes int64
	for i := range all {
		bytes += all[i].file.Size
	}
	o.Progress.Found(len(all), bytes)
	each(o.Parallel, all, func(f fetch) {
		how, err := g.get(ctx, f)
		g.done(&f, how, err)
	})
	return g.result, ctx.Err()
}

// plan finds the files at a place.
func (g *getting) plan(ctx context.Context, p Place, add func(rel string, f File) error) error {
	found, err := g.client.Resolve(ctx, p)
	if err != nil {
		return err
	}
	if found.File != nil {
		return add(found.File.Name, *found.File)
	}
	return g.client.Walk(ctx, found.Folder.ID, found.Folder.Name, nil, func(rel string, f Found) error {
		if f.File != nil {
			return add(rel, *f.File)
		}
		local, err := localPath(rel)
		if err != nil {
			return err
		}
		return os.MkdirAll(filepath.Join(g.o.To, local), 0o755)
	})
}

// localPath is the path on this machine of one on the server, whose names it may not all take.
func localPath(rel string) (string, error) {
	local := filepath.FromSlash(rel)
	if !filepath.IsLocal(local) || path.Clean(rel) != rel || rel == "." {
		return "", fmt.Errorf("%q is no name for a file of this machine", rel)
	}
	return local, nil
}

func (g *getting) done(f *fetch, how string, err error) {
	g.mu.Lock()
	switch {
	case err != nil:
		g.result.Failed++
	case how == "skipped":
		g.result.Skipped++
	default:
		g.result.Done++
		g.result.Bytes += f.file.Size
	}
	g.mu.Unlock()
	g.o.Progress.Done(filepath.ToSlash(f.name), how, err)
}

// get fetches one file.
func (g *getting) get(ctx context.Context, f fetch) (how string, err error) {
	if there, err := os.Lstat(f.path); err == nil {
		same := there.Mode().IsRegular() && there.Size() == f.file.Size && g.same(ctx, f)
		if same {
			g.o.Progress.Moved(f.file.Size)
			return "skipped", nil
		}
		if !g.o.Force {
			return "", fmt.Errorf("%s is there already with other content; --force overwrites it", f.path)
		}
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return "", err
	}
	part, err := os.OpenFile(f.path+partial, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return "", err
	}
	defer part.Close()
	if err := g.fill(ctx, f, part); err != nil {
		return "", err
	}
	if err := errors.Join(part.Sync(), part.Close()); err != nil {
		return "", err
	}
	if !f.file.Modified.IsZero() {
		if err := os.Chtimes(f.path+partial, f.file.Modified, f.file.Modified); err != nil {
			return "", err
		}
	}
	return "fetched", os.Rename(f.path+partial, f.path)
}

// same reports whether the file on this machine holds what the server's does.
func (g *getting) same(ctx context.Context, f fetch) bool {
	local := source{path: f.path}
	return local.digest(ctx) == nil && local.sha256 == f.file.SHA256
}

// filling is a file that arrives.
type filling struct {
	g    *getting
	f    fetch
	part *os.File
	sum  hash.Hash
	at   int64 // how much is there
}

// fill receives the content, going on after what is there already.
func (g *getting) fill(ctx context.Context, f fetch, part *os.File) error {
	r := &filling{g: g, f: f, part: part, sum: sha256.New()}
	if err := r.before(ctx); err != nil {
		return err
	}
	pauses := newPauses()
	for r.at == 0 || r.at < f.file.Size {
		was := r.at
		err := r.receive(ctx)
		if err == nil && r.at < f.file.Size {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			break
		}
		if r.at > was {
			pauses.moved()
		}
		if !passing(err) || !pauses.wait(ctx) {
			return err
		}
	}
	if digest := hex.EncodeToString(r.sum.Sum(nil)); f.file.SHA256 != "" && digest != f.file.SHA256 {
		err := os.Remove(f.path + partial)
		return errors.Join(fmt.Errorf("what arrived has the digest %s, the file has %s; it was changed meanwhile, or damaged", digest, f.file.SHA256), err)
	}
	return nil
}

// before reads what an earlier fetch has left. Without a digest nobody could tell whether it
// belongs to the file.
func (r *filling) before(ctx context.Context) error {
	info, err := r.part.Stat()
	if err != nil {
		return err
	}
	if r.f.file.SHA256 == "" || info.Size() > r.f.file.Size {
		return r.restart()
	}
	r.at, err = io.Copy(r.sum, untilDone{ctx, r.part})
	r.g.o.Progress.Moved(r.at)
	return err
}

func (r *filling) restart() error {
	r.g.o.Progress.Moved(-r.at)
	r.at = 0
	r.sum.Reset()
	if err := r.part.Truncate(0); err != nil {
		return err
	}
	_, err := r.part.Seek(0, io.SeekStart)
	return err
}

// receive asks for the rest and takes what comes.
func (r *filling) receive(ctx context.Context) error {
	request, err := r.g.client.request(ctx, "GET", "/api/v1/files/"+url.PathEscape(r.f.file.ID)+"/download", nil)
	if err != nil {
		return err
	}
	if r.at > 0 {
		request.Header.Set("Range", "bytes="+strconv.FormatInt(r.at, 10)+"-")
		request.Header.Set("If-Range", `"`+r.f.file.SHA256+`"`)
	}
	answer, err := r.g.client.send(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK && r.at > 0 { // it has changed: all of it comes
		if err := r.restart(); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.MultiWriter(writing{r.part}, r.sum), &counted{r: untilDone{ctx, answer.Body}, moved: func(n int64) {
		r.at += n
		r.g.o.Progress.Moved(n)
	}})
	if err == nil && r.at > r.f.file.Size {
		err = &Problem{Status: http.StatusConflict, Detail: "The file became longer while it was being fetched."}
	}
	return err
}

// writing marks errors of this machine's disk.
type writing struct{ w io.Writer }

// Write implements io.Writer.
func (w writing) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	if err != nil {
		err = fmt.Errorf("%w: %w", errLocal, err)
	}
	return n, err
}
