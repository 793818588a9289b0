// Package resume sends resumable uploads to the real program through a network that does
// everything wrong, and kills and restarts the program meanwhile. In the end every upload is one
// file with the bytes it should have.
package resume

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // as the protocol names it
	"crypto/sha1" //nolint:gosec // as the protocol names it
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"homeserver/test/server"
)

func TestMain(m *testing.M) { server.Main(m) }

const (
	// clients send at the same time, uploadsEach one after the other.
	clients     = 4
	uploadsEach = 6
	// largest is the size of the largest upload, in bytes.
	largest = 3 << 20
	// deathEvery is how many requests come between two deaths of the server: enough for each client
	// to get on, however slow the machine is.
	deathEvery = 60
)

// trial is a server behind a bad network.
type trial struct {
	*server.Server
	t       *testing.T
	network *server.Meddler
	random  *random
}

// random is a source for several goroutines.
type random struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (r *random) n(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.r.IntN(n)
}

func (r *random) content(n int) []byte {
	data := make([]byte, n)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range data {
		data[i] = byte(r.r.Uint32())
	}
	return data
}

// begin starts a server on a port that stays the same, and the network in front of it.
func begin(t *testing.T, env map[string]string, plan func(r *random, request *http.Request) server.Fault) *trial {
	t.Helper()
	env["PORT"] = strconv.Itoa(server.FreePort(t))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	tr := &trial{Server: server.Start(t, server.Options{Env: env}), t: t, random: &random{r: rand.New(rand.NewPCG(seed, 0))}}
	base := tr.Base
	tr.network = server.NewMeddler(t, tr.Client, func() string { return base }, func(request *http.Request) (server.Fault, int) {
		after := 0
		if request.ContentLength > 0 {
			after = tr.random.n(int(request.ContentLength))
		}
		return plan(tr.random, request), after
	})
	return tr
}

// check downloads what uploads became: each one file, with its bytes.
func (tr *trial) check(contents map[string][]byte) {
	tr.t.Helper()
	list := tr.ListFiles(tr.t, "")
	seen := map[string]int{}
	for _, file := range list.Files {
		content, mine := contents[file.Filename]
		if !mine {
			tr.t.Errorf("a file %q that nobody sent", file.Filename)
			continue
		}
		seen[file.Filename]++
		if file.SHA256 == nil || *file.SHA256 != server.Digest(content) {
			tr.t.Errorf("%s: got digest %v, want %s", file.Filename, file.SHA256, server.Digest(content))
		}
		if got := tr.Download(tr.t, file.ID).Body; !bytes.Equal(got, content) {
			tr.t.Errorf("%s: got %d bytes, not the %d that were sent", file.Filename, len(got), len(content))
		}
	}
	for name := range contents {
		if seen[name] != 1 {
			tr.t.Errorf("%s is there %d times, want once", name, seen[name])
		}
	}
}

// ended stops the server and has it look at itself.
func (tr *trial) ended() {
	tr.t.Helper()
	tr.Stop()
	if out, errOut, code := tr.CLI("check"); code != 0 {
		tr.t.Errorf("check: exit code %d\n%s%s", code, out, errOut)
	}
}

// checksums says how a piece's checksum is made.
func checksums() map[string]func() hash.Hash {
	return map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "md5": md5.New}
}

// send sends one upload in a way of its own and returns what it became.
func (tr *trial) send(name string, content []byte) {
	through := tr.network.Client
	header := http.Header{"Upload-Metadata": {server.Metadata("filename", name, "sha256", server.Digest(content))}}
	var u *server.Resumable
	switch tr.random.n(4) {
	case 0: // the length comes with the last piece
		header.Set("Upload-Defer-Length", "1")
		u = through.NewResumable(tr.t, content, header)
		u.Piece = tr.pieces(content, true)
	case 1: // in parts, sent at the same time
		tr.sendParts(name, content)
		return
	default:
		u = through.NewResumable(tr.t, content, header)
		u.Piece = tr.pieces(content, false)
	}
	u.Finish(tr.t)
	if u.FileID == "" {
		tr.t.Errorf("%s was acknowledged whole and is no file", name)
	}
}

// pieces sends pieces of any size, with and without checksums, some of them wrong.
func (tr *trial) pieces(content []byte, deferred bool) func(offset, left int) (int, http.Header) {
	return func(offset, left int) (int, http.Header) {
		n, header := 1+tr.random.n(left), http.Header{}
		if tr.random.n(3) == 0 {
			n = left
		}
		if deferred {
			header.Set("Upload-Length", strconv.Itoa(len(content)))
		}
		for algorithm, make := range checksums() {
			if tr.random.n(3) > 0 {
				continue
			}
			sum := make()
			sum.Write(content[offset : offset+n])
			digest := sum.Sum(nil)
			if tr.random.n(8) == 0 {
				digest[0] ^= 1
			}
			header.Set("Upload-Checksum", algorithm+" "+base64.StdEncoding.EncodeToString(digest))
			break
		}
		return n, header
	}
}

// sendParts sends an upload in parts and has them put together.
func (tr *trial) sendParts(name string, content []byte) {
	through := tr.network.Client
	n := 1 + tr.random.n(4)
	parts := make([]*server.Resumable, n)
	var all sync.WaitGroup
	for i := range n {
		piece := content[i*len(content)/n : (i+1)*len(content)/n]
		all.Go(func() {
			parts[i] = through.NewResumable(tr.t, piece, http.Header{"Upload-Concat": {"partial"}})
			parts[i].Piece = tr.pieces(piece, false)
			parts[i].Finish(tr.t)
		})
	}
	all.Wait()
	var addresses []string
	for _, part := range parts {
		addresses = append(addresses, part.Location)
	}
	whole := through.NewResumable(tr.t, content, http.Header{
		"Upload-Concat": {"final;" + strings.Join(addresses, " ")}, "Upload-Length": {"0"},
		"Upload-Metadata": {server.Metadata("filename", name, "sha256", server.Digest(content))}})
	if whole.FileID == "" {
		tr.t.Errorf("%s was put together and is no file", name)
	}
}

// load has clients upload until each has sent its number.
func (tr *trial) load() map[string][]byte {
	contents := map[string][]byte{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for i := range uploadsEach {
				size := 1 + tr.random.n(largest)
				if tr.random.n(4) == 0 {
					size = 1 + tr.random.n(100)
				}
				name, content := fmt.Sprintf("upload %d %d.bin", client, i), tr.random.content(size)
				mu.Lock()
				contents[name] = content
				mu.Unlock()
				tr.send(name, content)
			}
		})
	}
	all.Wait()
	return contents
}

// TestBadNetwork: a third of all requests meet a fault.
func TestBadNetwork(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		tr := begin(t, env, func(r *random, request *http.Request) server.Fault {
			switch {
			case request.Method == http.MethodPatch && r.n(3) == 0:
				return server.Fault(r.n(int(server.Faults)))
			case strings.HasPrefix(request.Header.Get("Upload-Concat"), "final;") && r.n(2) == 0:
				return []server.Fault{server.CutAnswer, server.Duplicate}[r.n(2)]
			}
			return server.Pass
		})
		tr.check(tr.load())
		tr.ended()
		tr.network.Over(t)
		for fault, n := range tr.network.Count {
			if n == 0 {
				t.Errorf("fault %d never happened", fault)
			}
		}
		t.Logf("faults: %v", tr.network.Count)
	})
}

// TestRestarts: the server dies again and again, by SIGKILL and by SIGTERM, under uploads over a bad network.
func TestRestarts(t *testing.T) {
	t.Parallel()
	server.OnEach(t, func(t *testing.T, env map[string]string) {
		var requests atomic.Int64
		die, stopped := make(chan struct{}, 1), make(chan int)
		tr := begin(t, env, func(r *random, request *http.Request) server.Fault {
			if requests.Add(1)%deathEvery == 0 {
				select {
				case die <- struct{}{}:
				default: // it is dying already
				}
			}
			if request.Method == http.MethodPatch && r.n(8) == 0 {
				return server.Fault(r.n(int(server.Faults)))
			}
			return server.Pass
		})
		go func() {
			deaths := 0
			for range die {
				if deaths++; deaths%3 == 0 {
					tr.Stop()
				} else {
					tr.Kill()
				}
				tr.Start()
			}
			stopped <- deaths
		}()
		contents := tr.load()
		tr.network.Over(t)
		close(die)
		t.Logf("%d deaths, faults: %v", <-stopped, tr.network.Count)
		tr.check(contents)
		tr.ended()
	})
}
