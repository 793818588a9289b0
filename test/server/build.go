package server

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	// The binary is built by a child process, which Go's test cache does not see. This import
	// makes the cached result of every black-box test depend on the server's code.
	_ "homeserver/internal/cli"
)

// binaries builds each flavour of the program at most once in a test process.
type binaries struct {
	mu    sync.Mutex
	dir   string
	built map[string]string
}

// shared is this process's builds. Its content is guarded by its lock.
var shared = &binaries{built: map[string]string{}}

// side is how many tests run beside each other. They mostly wait, for processes, disks and
// the next tick, so this is more than a small machine has cores.
const side = "6"

// Main runs a package's tests and removes what was built for them. Every black-box package
// calls it from TestMain.
func Main(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", side) // a number is a number
	}
	code := m.Run()
	shared.mu.Lock()
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	shared.mu.Unlock()
	os.Exit(code)
}

// Binary returns the path of the real program, built with the given tags (comma-separated,
// empty for none). HOMESERVER_BINARY names one that is built already, for runs without tags;
// HOMESERVER_BINARIES names a directory with all of them, as `make test` builds them once for
// every package; HOMESERVER_RACE=1 builds them with the race detector, whatever is there.
func Binary(t testing.TB, tags string) string {
	t.Helper()
	if ready := os.Getenv("HOMESERVER_BINARY"); ready != "" && tags == "" {
		return ready
	}
	if ready := os.Getenv("HOMESERVER_BINARIES"); ready != "" && os.Getenv("HOMESERVER_RACE") == "" {
		return filepath.Join(ready, name(tags))
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if path, ok := shared.built[tags]; ok {
		return path
	}
	path, err := shared.build(tags)
	if err != nil {
		t.Fatalf("building the server: %v", err)
	}
	shared.built[tags] = path
	return path
}

// name is a flavour's file name.
func name(tags string) string {
	if tags == "" {
		return "homeserver"
	}
	return "homeserver-" + strings.ReplaceAll(tags, ",", "-")
}

func (b *binaries) build(tags string) (string, error) {
	if b.dir == "" {
		dir, err := os.MkdirTemp("", "homeserver-test-")
		if err != nil {
			return "", err
		}
		b.dir = dir
	}
	root, err := Root()
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.dir, name(tags))
	// Without the tables for debuggers, which nobody here reads, a link takes half the time.
	args := []string{"build", "-ldflags=-s -w", "-o", path, "-tags", tags}
	if os.Getenv("HOMESERVER_RACE") != "" {
		args = append(args, "-race")
	}
	command := exec.Command("go", append(args, "./cmd/homeserver")...)
	command.Dir = root
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, output)
	}
	return path, nil
}

// Root is the repository's root: the directory of go.mod above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = parent
	}
}
