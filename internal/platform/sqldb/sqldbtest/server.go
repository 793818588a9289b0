package sqldbtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	startTimeout = 60 * time.Second      // a busy machine with two cores and a dozen test processes
	lookInterval = 10 * time.Millisecond // how often the server's state file is read
	startTries   = 5                     // a free port may be taken between finding and using it

	// Words for the supervising shell; silence (the end of the pipe) means: stop and remove everything.
	wordKeep  = "keep"
	wordCrash = "crash"
)

// What the servers are started with. Small, so that a dozen fit beside each other; without
// fsync, since a test survives its processes but not its machine.
const (
	commonSettings  = "shared_buffers=16MB max_connections=60 fsync=off max_wal_size=256MB autovacuum_max_workers=1 max_parallel_workers=0 jit=off logging_collector=off"
	quickSettings   = commonSettings + " synchronous_commit=off full_page_writes=off"
	durableSettings = commonSettings + " synchronous_commit=on full_page_writes=on"
)

// supervise runs the server ($1 directory, $2... command) until it is told a word or its pipe
// closes because the test process is gone.
const supervise = `dir=$1; shift
"$@" >>"$dir/log" 2>&1 </dev/null &
pid=$!
read word
case "$word" in crash) kill -QUIT $pid ;; *) kill -INT $pid ;; esac
wait $pid
[ -n "$word" ] || rm -rf "$dir"`

// server is one PostgreSQL cluster in a temporary directory.
type server struct {
	bin      string // directory of the programs
	dir      string // short, because a socket's path may have 107 characters
	port     int
	settings string

	shell *exec.Cmd
	pipe  io.WriteCloser
}

// newServer makes a cluster and starts it.
func newServer(settings string) (*server, error) {
	bin, err := findPrograms()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "hspg")
	if err != nil {
		return nil, fmt.Errorf("make a directory for PostgreSQL: %w", err)
	}
	s := &server{bin: bin, dir: dir, settings: settings}
	if err := s.create(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	for try := 1; ; try++ {
		if s.port, err = freePort(); err == nil {
			err = s.start()
		}
		if err == nil {
			return s, nil
		}
		if try == startTries {
			s.remove()
			return nil, err
		}
	}
}

// create runs initdb.
func (s *server) create() error {
	if err := giveAway(s.dir); err != nil {
		return err
	}
	cmd := s.command(filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	// Everybody is let in from this machine, but for one user with whom passwords are tested.
	const rules = "host all guarded all scram-sha-256\nlocal all all trust\nhost all all all trust\n"
	if err := os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(rules), 0o600); err != nil {
		return fmt.Errorf("write pg_hba.conf: %w", err)
	}
	return nil
}

// start starts the server and waits until it takes connections.
func (s *server) start() error {
	args := []string{"-c", supervise, "sh", s.dir, filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.dir,
		"-c", "listen_addresses=127.0.0.1", "-c", "port=" + strconv.Itoa(s.port)}
	for setting := range strings.FieldsSeq(s.settings) {
		args = append(args, "-c", setting)
	}
	s.shell = s.command("sh", args...)
	ownGroup(s.shell)
	pipe, err := s.shell.StdinPipe()
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.pipe = pipe
	if err := s.shell.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := s.ready(); err != nil {
		s.stop(wordKeep)
		return err
	}
	return nil
}

// ready waits for the line "ready" in the server's state file.
func (s *server) ready() error {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); <-tick.C {
		state, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
		lines := bytes.Split(state, []byte("\n"))
		if err == nil && len(lines) > 7 && string(bytes.TrimSpace(lines[7])) == "ready" && string(lines[3]) == strconv.Itoa(s.port) {
			return nil
		}
		if log := s.log(); strings.Contains(log, "could not create any TCP/IP sockets") || strings.Contains(log, "FATAL:  could not") {
			return fmt.Errorf("PostgreSQL does not start:\n%s", log)
		}
	}
	return fmt.Errorf("PostgreSQL is not ready after %s:\n%s", startTimeout, s.log())
}

// stop ends the server with a word for its shell and waits until it is gone.
func (s *server) stop(word string) {
	if s.shell == nil {
		return
	}
	if word != "" {
		_, _ = io.WriteString(s.pipe, word+"\n") // a shell that is gone already needs no word
	}
	s.pipe.Close()
	_ = s.shell.Wait() // the exit code is the server's, which was told to die
	s.shell = nil
	_ = os.Remove(filepath.Join(s.dir, "log"))
}

// remove ends the server and removes its files.
func (s *server) remove() {
	s.stop("")
	_ = os.RemoveAll(s.dir)
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

func (s *server) url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

func (s *server) log() string {
	log, _ := os.ReadFile(filepath.Join(s.dir, "log")) // only ever shown with another error
	return string(log)
}

// command prepares a program to run as a user PostgreSQL accepts.
func (s *server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "PG") }), "LC_ALL=C", "TZ=UTC")
	asUnprivileged(cmd)
	return cmd
}

// findPrograms returns the directory with initdb and postgres: Debian's newest, or the PATH's.
func findPrograms() (string, error) {
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
	slices.SortFunc(candidates, func(a, b string) int { return version(b) - version(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		candidates = append(candidates, path)
	}
	for _, c := range candidates {
		if _, err := os.Stat(filepath.Join(filepath.Dir(c), "postgres")); err == nil {
			return filepath.Dir(c), nil
		}
	}
	return "", errors.New("PostgreSQL's programs initdb and postgres are not installed; the tests need them: apt-get install postgresql")
}

func version(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb)))) // 0 sorts last
	return n
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
