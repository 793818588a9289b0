package resume

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"homeserver/test/server"
)

// nodeTimeout is how long a run of tus-js-client may take.
const nodeTimeout = 3 * time.Minute

// died is the exit code of a client that was told to die.
const died = 3

// jsFile is what tus-js-client is to upload, and how.
type jsFile struct {
	Name         string `json:"name"`
	Path         string `json:"path"`
	RelativePath string `json:"relativePath,omitempty"`
	ChunkSize    int    `json:"chunkSize,omitempty"`
	Parallel     int    `json:"parallel,omitempty"`
	During       bool   `json:"during,omitempty"` // bytes come with the creation
	DieAt        int    `json:"dieAt,omitempty"`  // the program ends after so many bytes
}

// jsResult is what became of it.
type jsResult struct {
	Name, ID, Error string
	Resumed         bool
}

// tusJS runs tus-js-client and returns what it says of each file, and its exit code.
func tusJS(t *testing.T, c *server.Client, memory string, files []jsFile) (map[string]jsResult, int) {
	t.Helper()
	root, err := server.Root()
	if err != nil {
		t.Fatal(err)
	}
	order, err := json.Marshal(map[string]any{"web": filepath.Join(root, "web"), "base": c.Base, "key": c.Key, "memory": memory, "files": files})
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	node := exec.Command("node", filepath.Join("testdata", "client.mjs"))
	node.Stdin, node.Stdout, node.Stderr = bytes.NewReader(order), &out, &errOut
	if err := node.Start(); err != nil {
		t.Fatalf("node, which runs tus-js-client: %v", err)
	}
	late := time.AfterFunc(nodeTimeout, func() { _ = node.Process.Kill() })
	defer late.Stop()
	var exit *exec.ExitError
	if err := node.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	code := node.ProcessState.ExitCode()
	if code != 0 && code != died {
		t.Fatalf("tus-js-client (installed by npm ci in web): exit code %d\n%s%s", code, out.Bytes(), errOut.Bytes())
	}
	results := map[string]jsResult{}
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		var r jsResult
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%v in %q", err, lines.Text())
		}
		results[r.Name] = r
	}
	return results, code
}

// write makes a file of content.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), strings.ReplaceAll(name, "/", "_"))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTusJSClient: the client that pages use, in each of its ways but one, over a bad network and a
// restart of the server. In Node it ends an upload of unknown length with a request that never
// ends; those are sent by the clients of TestBadNetwork.
func TestTusJSClient(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		var requests atomic.Int64
		half := make(chan struct{})
		tr := begin(t, env, func(r *random, request *http.Request) server.Fault {
			if requests.Add(1) == 20 {
				close(half)
			}
			if request.Method == http.MethodPatch && r.n(4) == 0 {
				return server.Fault(r.n(int(server.Faults)))
			}
			return server.Pass
		})
		contents := map[string][]byte{}
		var files []jsFile
		for _, f := range []jsFile{
			{Name: "at once"}, {Name: "in chunks", ChunkSize: 200_000}, {Name: "in parts", Parallel: 3}, {Name: "in parts and chunks", Parallel: 2, ChunkSize: 300_000},
			{Name: "with the creation", During: true, ChunkSize: 400_000}, {Name: "empty"},
		} {
			if f.Name != "empty" {
				contents[f.Name] = tr.random.content(1_500_000)
			} else {
				contents[f.Name] = nil
			}
			f.Path = write(t, f.Name, contents[f.Name])
			files = append(files, f)
		}
		restarted := make(chan struct{})
		go func() {
			defer close(restarted)
			<-half
			tr.Kill()
			tr.Start()
		}()
		results, _ := tusJS(t, tr.network.Client, filepath.Join(t.TempDir(), "urls"), files)
		<-restarted
		for _, f := range files {
			if r := results[f.Name]; r.Error != "" || r.ID == "" {
				t.Errorf("%s: got %+v, want a file", f.Name, r)
			}
		}
		tr.network.Over(t)
		t.Logf("faults: %v", tr.network.Count)
		tr.check(contents)
		tr.ended()
	})
}

// TestTusJSReload: the page is closed in the middle, and another goes on where it was.
func TestTusJSReload(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		tr := begin(t, env, func(*random, *http.Request) server.Fault { return server.Pass })
		content := tr.random.content(4 << 20)
		file := jsFile{Name: "reloaded", Path: write(t, "reloaded", content), ChunkSize: 512 << 10, DieAt: 2 << 20}
		memory := filepath.Join(t.TempDir(), "urls")
		if _, code := tusJS(t, tr.Client, memory, []jsFile{file}); code != died {
			t.Fatalf("got exit code %d, want %d", code, died)
		}
		var list struct {
			Uploads []struct {
				Filename     string
				Size, Offset int64
			}
		}
		tr.Get(t, server.Uploads).Expect(t, 200).Decode(t, &list)
		if len(list.Uploads) != 1 || list.Uploads[0].Filename != "reloaded" || list.Uploads[0].Size != 4<<20 || list.Uploads[0].Offset == 0 {
			t.Errorf("got %+v of what is unfinished", list.Uploads)
		}
		file.DieAt = 0
		results, _ := tusJS(t, tr.Client, memory, []jsFile{file})
		if r := results["reloaded"]; !r.Resumed || r.ID == "" {
			t.Errorf("got %+v, want it resumed", r)
		}
		tr.check(map[string][]byte{"reloaded": content})
		tr.ended()
	})
}
