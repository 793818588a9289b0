// Package commandline uses the program as people do at a terminal: put, get, ls, rm and mv
// against a server, through networks that break.
package commandline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"homeserver/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

// desk is a server with a person at a terminal before it.
type desk struct {
	*server.Server
	t    *testing.T
	base string // where the person believes the server to be
}

func sit(t *testing.T, env map[string]string) *desk {
	t.Helper()
	if env == nil {
		env = map[string]string{}
	}
	env["PORT"] = strconv.Itoa(server.FreePort(t))
	d := &desk{Server: server.Start(t, server.Options{Env: env}), t: t}
	d.base = d.Base
	return d
}

// run runs a command and expects its exit code.
func (d *desk) run(code int, args ...string) (out, errOut string) {
	d.t.Helper()
	d.Setenv("HOMESERVER_URL", d.base)
	d.Setenv("HOMESERVER_TOKEN", server.Key)
	out, errOut, got := d.CLI(args...)
	if got != code {
		d.t.Fatalf("%s: got exit code %d, want %d:\n%s%s", strings.Join(args, " "), got, code, out, errOut)
	}
	return out, errOut
}

// random makes content.
func random(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	return data
}

// lay writes files below a folder.
func lay(t *testing.T, root string, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		at := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// found reads all files below a folder, and the folders in which there is nothing.
func found(t *testing.T, root string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, at)
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files[filepath.ToSlash(rel)], err = os.ReadFile(at)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// same compares two sets of files.
func same(t *testing.T, what string, got, want map[string][]byte) {
	t.Helper()
	if g, w := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(g, w) {
		t.Errorf("%s: got %q, want %q", what, g, w)
	}
	for name, content := range want {
		if !bytes.Equal(got[name], content) {
			t.Errorf("%s: %s: got %d bytes, not the %d that it holds", what, name, len(got[name]), len(content))
		}
	}
}

// TestThereAndBack sends a tree and fetches it again; the second time nothing is sent.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		d := sit(t, env)
		files := map[string][]byte{"a b/ü ÿ 日本.txt": []byte("names"), "a b/it's \"quoted\"; x=y %41.txt": []byte("quotes"), "empty": nil, "deep/er/and/deeper.bin": random(3 << 20), "twin 1": []byte("twin"), "twin 2": []byte("twin"), "large": random(5<<20 + 7)}
		for i := range 150 {
			files[fmt.Sprintf("many/%03d", i)] = fmt.Appendf(nil, "small file %d", i)
		}
		from := filepath.Join(t.TempDir(), "tree")
		lay(t, from, files)
		if err := os.MkdirAll(filepath.Join(from, "nothing", "here"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("large", filepath.Join(from, "link")); err != nil {
			t.Fatal(err)
		}
		out, errOut := d.run(0, "put", from, "household:archive")
		if !strings.Contains(out, "stored tree/a b/ü ÿ 日本.txt\n") || strings.Contains(out, "link") || !strings.Contains(errOut, fmt.Sprint(len(files), " stored")) || !strings.Contains(errOut, "1 links and other things that are no files were left out") {
			t.Errorf("got %s%s", out, errOut)
		}
		if _, errOut := d.run(0, "put", from, "household:archive"); !strings.Contains(errOut, fmt.Sprint("0 stored (0 B), ", len(files), " there already")) {
			t.Errorf("again: got %s", errOut)
		}
		to := t.TempDir()
		d.run(0, "get", "household:archive/tree", to)
		same(t, "fetched", found(t, filepath.Join(to, "tree")), files)
		if _, err := os.Stat(filepath.Join(to, "tree", "nothing", "here")); err != nil {
			t.Error(err)
		}
		if _, errOut := d.run(0, "get", "household:archive/tree", to); !strings.Contains(errOut, fmt.Sprint("0 fetched (0 B), ", len(files), " there already")) {
			t.Errorf("again: got %s", errOut)
		}
		d.listed("household:archive/tree", files)
		d.overwrites(from, to)
	})
}

// listed compares ls with files.
func (d *desk) listed(place string, files map[string][]byte) {
	d.t.Helper()
	out, _ := d.run(0, "ls", "-R", "--json", place)
	got := map[string]string{}
	for line := range strings.Lines(out) {
		var l struct {
			Path, Kind, SHA256 string
			Size               int64
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			d.t.Fatalf("%v in %q", err, line)
		}
		if l.Kind == "file" {
			got[l.Path] = l.SHA256
		}
	}
	want := map[string]string{}
	for name, content := range files {
		want[name] = server.Digest(content)
	}
	if !maps.Equal(got, want) {
		d.t.Errorf("ls: got %d files, not the %d that there are: %.500v, want %.500v", len(got), len(want), got, want)
	}
}

// overwrites: other content becomes a version, and on this machine it takes --force.
func (d *desk) overwrites(from, to string) {
	d.t.Helper()
	lay(d.t, from, map[string][]byte{"twin 1": []byte("no twin any more")})
	d.run(0, "put", filepath.Join(from, "twin 1"), "household:archive/tree")
	if _, errOut := d.run(1, "get", "household:archive/tree/twin 1", filepath.Join(to, "tree")); !strings.Contains(errOut, "--force") {
		d.t.Errorf("got %s", errOut)
	}
	d.run(0, "get", "-f", "household:archive/tree/twin 1", filepath.Join(to, "tree"))
	if got, err := os.ReadFile(filepath.Join(to, "tree", "twin 1")); string(got) != "no twin any more" {
		d.t.Errorf("got %q, %v", got, err)
	}
	lay(d.t, from, map[string][]byte{"twin 1": []byte("and another")})
	if _, errOut := d.run(1, "put", "--on-conflict", "fail", filepath.Join(from, "twin 1"), "household:archive/tree"); !strings.Contains(errOut, "1 files were not transferred") {
		d.t.Errorf("got %s", errOut)
	}
}

// TestMoveAndRemove: mv and rm, and what they refuse.
func TestMoveAndRemove(t *testing.T) {
	t.Parallel()
	d := sit(t, nil)
	from := t.TempDir()
	files := map[string][]byte{"a": []byte("a"), "b": []byte("b"), "in/c": []byte("c")}
	for i := range 12 {
		files[fmt.Sprint("more/", i)] = fmt.Append(nil, i)
	}
	lay(t, from, files)
	d.run(0, "put", from+"/.", "x")
	d.run(0, "mv", "x/a", "x/b", "x/in")
	d.run(0, "mv", "x/in/a", "x/renamed")
	d.run(0, "mv", "x/in", "x/out")
	d.movesOnto(from)
	if out, _ := d.run(0, "ls", "-R", "x"); !strings.HasPrefix(out, "renamed\nmore/\n") || !strings.HasSuffix(out, "out/\nout/b\nout/c\n") {
		t.Errorf("got %s", out)
	}
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{1, []string{"mv", "x/nothing", "x/out"}, "no such file or folder"},
		{1, []string{"mv", "x/out", "x/out/deeper"}, "itself"},
		{1, []string{"mv", "x/out/b", "x/out/c"}, "already"},
		{1, []string{"rm", "x/out"}, "-r"},
		{1, []string{"rm", "x/nothing"}, "no such file or folder"},
		{1, []string{"rm", "-r", "x/more"}, "--confirm 12"},
		{2, []string{"mv", "x"}, "where to"},
		{1, []string{"get", "nothing"}, "no such file or folder"},
		{1, []string{"put", filepath.Join(from, "nothing"), "x"}, "no such file"},
		{1, []string{"put", os.DevNull, "x"}, "neither a file nor a folder"},
		{2, []string{"ls", "--url", "ftp://x"}, "not the address"},
		{1, []string{"ls", "--token", "wrong"}, "Sign in"},
		{1, []string{"ls", "nothing"}, "no such file or folder"},
	} {
		if _, errOut := d.run(c.code, c.args...); !strings.Contains(strings.ToLower(errOut), strings.ToLower(c.want)) {
			t.Errorf("%q: got %q, want %q in it", c.args, errOut, c.want)
		}
	}
	d.run(0, "rm", "x/renamed")
	d.run(0, "rm", "-r", "--confirm", "12", "x/more")
	if out, _ := d.run(0, "ls", "x"); out != "out/\n" {
		t.Errorf("got %q", out)
	}
	if out, _ := d.run(0, "ls", "-l", "x/out/b"); !strings.Contains(out, "1 B") {
		t.Errorf("got %q", out)
	}
	d.Setenv("HOMESERVER_URL", "")
	if _, errOut, code := d.CLI("ls"); code != 2 || !strings.Contains(errOut, "HOMESERVER_URL") {
		t.Errorf("got %d %s", code, errOut)
	}
}

// movesOnto: mv to a name that is taken replaces that file, and none that only bears the old name.
func (d *desk) movesOnto(from string) {
	d.t.Helper()
	d.run(0, "put", from+"/more/.", "onto")
	d.run(0, "put", filepath.Join(from, "a"), filepath.Join(from, "b"), "onto")
	d.run(0, "mv", "--on-conflict", "replace", "onto/a", "onto/b")
	d.run(0, "put", filepath.Join(from, "a"), filepath.Join(from, "b"), "onto/there")
	d.run(0, "mv", "onto/b", "onto/there/c") // there is a b there, too
	d.listed("onto/there", map[string][]byte{"a": []byte("a"), "b": []byte("b"), "c": []byte("a")})
	d.run(0, "mv", "--on-conflict", "replace", "onto/0", "onto/there/c")
	d.run(0, "mv", "onto/1", "onto/1") // it is there
	d.listed("onto/there", map[string][]byte{"a": []byte("a"), "b": []byte("b"), "c": []byte("0")})
	for _, in := range []string{"1", "2", "3"} { // together more than half of all there is
		d.run(0, "put", filepath.Join(from, "more"), "other/most/"+in)
	}
	d.run(0, "mv", "onto", "other/renamed")
	d.run(0, "put", filepath.Join(from, "a"), "other/small/most")
	if _, errOut := d.run(1, "mv", "--on-conflict", "replace", "other/small/most", "other"); !strings.Contains(errOut, "confirm=36") {
		d.t.Errorf("got %s", errOut)
	}
	d.run(0, "mv", "--on-conflict", "replace", "--confirm", "36", "other/small/most", "other")
	d.run(0, "rm", "-r", "-y", "--confirm", "100", "other")
}

// TestBadNetwork sends through a network that cuts, stalls, repeats and delays requests.
func TestBadNetwork(t *testing.T) {
	t.Parallel()
	d := sit(t, nil)
	base := d.Base
	var requests atomic.Int64
	network := server.NewMeddler(t, d.Client, func() string { return base }, func(r *http.Request) (server.Fault, int) {
		after := 0
		if r.ContentLength > 0 {
			after = rand.IntN(int(r.ContentLength))
		}
		faults := []server.Fault{server.Pass, server.CutRequest, server.Pass, server.CutAnswer, server.Duplicate}
		return faults[requests.Add(1)%int64(len(faults))], after
	})
	d.base = network.Base
	files := map[string][]byte{"large 1": random(4 << 20), "large 2": random(6 << 20), "twin a": []byte("twin"), "twin b": []byte("twin")}
	for i := range 40 {
		files[fmt.Sprintf("many/%03d", i)] = fmt.Appendf(nil, "small file %d", i)
	}
	from := t.TempDir()
	lay(t, from, files)
	d.run(0, "put", from+"/.", "there")
	d.base = base
	d.listed("there", files)
}

// TestInterruptedPut: the server is killed while a large file is on its way, and comes back.
func TestInterruptedPut(t *testing.T) {
	t.Parallel()
	d := sit(t, nil)
	base := d.Base
	killed := make(chan struct{})
	var once atomic.Bool
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch && once.CompareAndSwap(false, true) {
			half := r.ContentLength / 2
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(r.Body, half), after(func() {
				d.Kill()
				close(killed)
			})), r.Body}
		}
		relay(w, r, base)
	}))
	t.Cleanup(slow.Close)
	d.base = slow.URL
	files := map[string][]byte{"film": random(8 << 20)}
	from := t.TempDir()
	lay(t, from, files)
	back := make(chan struct{})
	go func() {
		<-killed
		d.Start()
		close(back)
	}()
	d.run(0, "put", filepath.Join(from, "film"))
	<-back
	d.base = base
	d.listed("", files)
}

// after runs fn when it is read, and is empty.
type after func()

func (f after) Read([]byte) (int, error) {
	f()
	return 0, io.ErrUnexpectedEOF
}

// relay passes a request on.
func relay(w http.ResponseWriter, r *http.Request, base string) {
	target, err := url.Parse(base)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	(&httputil.ReverseProxy{
		Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = target.Host },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}).ServeHTTP(w, r)
}

// TestInterruptedGet: the line breaks again and again while a file comes; what is there is not
// fetched again, and what lay there before is told from it by its digest.
func TestInterruptedGet(t *testing.T) {
	t.Parallel()
	d := sit(t, nil)
	base := d.Base
	var sent atomic.Int64
	breaking := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/download") {
			w = &leaky{ResponseWriter: w, left: 1 << 20, sent: &sent}
		}
		relay(w, r, base)
	}))
	t.Cleanup(breaking.Close)
	files := map[string][]byte{"film": random(7<<20 + 5)}
	from, to := t.TempDir(), t.TempDir()
	lay(t, from, files)
	d.run(0, "put", filepath.Join(from, "film"))
	d.base = breaking.URL
	d.run(0, "get", "film", to)
	same(t, "fetched", found(t, to), files)
	if total := sent.Load(); total > int64(len(files["film"]))+1<<20 {
		t.Errorf("%d bytes came for %d", total, len(files["film"]))
	}
	// Half of something else is left of an earlier fetch.
	other := t.TempDir()
	lay(t, other, map[string][]byte{"film.homeserver-part": random(3 << 20)})
	d.base = base
	if _, errOut := d.run(1, "get", "film", other); !strings.Contains(errOut, "digest") {
		t.Errorf("got %s", errOut)
	}
	d.run(0, "get", "film", other)
	same(t, "fetched anew", found(t, other), files)
}

// leaky is an answer that breaks off.
type leaky struct {
	http.ResponseWriter
	left int
	sent *atomic.Int64
}

func (l *leaky) Write(p []byte) (int, error) {
	if len(p) > l.left {
		panic(http.ErrAbortHandler)
	}
	l.left -= len(p)
	l.sent.Add(int64(len(p)))
	return l.ResponseWriter.Write(p)
}
