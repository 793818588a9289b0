package sqldbtest

import (
	"bufio"
	"bytes"
	"context"
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
	"sync"
	"time"

	"homeserver/internal/platform/sqldb"
)

const (
	startTimeout = 60 * time.Second      // a busy machine with two cores and a dozen test processes
	lookInterval = 10 * time.Millisecond // how often the server's state file is read
	startTries   = 5                     // a free port may be taken between finding and using it

	// Orders for the supervising shell.
	orderInit  = "init"
	orderStart = "start"
	orderStop  = "stop"
	orderCrash = "crash"
)

// What the servers are started with. Small, so that a dozen fit beside each other; without
// fsync, since a test survives its processes but not its machine.
const (
	commonSettings  = "shared_buffers=16MB max_connections=60 fsync=off max_wal_size=256MB autovacuum_max_workers=1 max_parallel_workers=0 jit=off logging_collector=off"
	quickSettings   = commonSettings + " synchronous_commit=off full_page_writes=off"
	durableSettings = commonSettings + " synchronous_commit=on full_page_writes=on"
)

// supervise obeys orders from its pipe and answers each with a line. When the pipe closes,
// because the test process is gone, it stops the server and removes everything.
const supervise = `bin=$1; dir=$2; shift 2; pid=
end() { if [ -n "$pid" ]; then kill "-$1" $pid; wait $pid; pid=; fi; }
while read order port; do
	case $order in
	init) "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions >"$dir/log" 2>&1 </dev/null ;;
	start) "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses=127.0.0.1 -c "port=$port" "$@" >"$dir/log" 2>&1 </dev/null & pid=$! ;;
	stop) end INT ;;
	crash) end QUIT ;;
	esac
	echo $?
done
end INT
rm -rf "$dir"`

// server is one PostgreSQL cluster in a temporary directory.
type server struct {
	dir     string // short, because a socket's path may have 107 characters
	port    int
	shell   *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader

	admin func() (*sqldb.DB, error) // opened once: connecting costs more than most of its statements
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
	s := &server{dir: dir}
	s.admin = sync.OnceValues(func() (*sqldb.DB, error) { return open(s.url("postgres")) })
	if err := errors.Join(giveAway(dir), s.startShell(bin, settings)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.create(); err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// startShell starts the supervisor, before there is anything to leave behind.
func (s *server) startShell(bin, settings string) error {
	args := []string{"-c", supervise, "sh", bin, s.dir}
	for setting := range strings.FieldsSeq(settings) {
		args = append(args, "-c", setting)
	}
	// The end of the pipe ends it, not a context: it outlives the process to clean up.
	cmd := exec.CommandContext(context.Background(), "sh", args...)
	cmd.Dir = s.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "PG") }), "LC_ALL=C", "TZ=UTC")
	asUnprivileged(cmd)
	ownGroup(cmd)
	orders, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.shell, s.orders, s.answers = cmd, orders, bufio.NewReader(answers)
	return nil
}

// order tells the shell what to do and waits until it is done.
func (s *server) order(order string) error {
	if _, err := fmt.Fprintln(s.orders, order, s.port); err != nil {
		return fmt.Errorf("%s PostgreSQL: %w", order, err)
	}
	answer, err := s.answers.ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s PostgreSQL: %w", order, err)
	}
	if code := strings.TrimSpace(answer); order == orderInit && code != "0" {
		return fmt.Errorf("initdb ended with %s:\n%s", code, s.log())
	}
	return nil
}

// create makes the cluster and starts it on a free port.
func (s *server) create() error {
	if err := s.order(orderInit); err != nil {
		return err
	}
	// Everybody is let in from this machine, but for one user with whom passwords are tested.
	const rules = "host all guarded all scram-sha-256\nlocal all all trust\nhost all all all trust\n"
	if err := os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(rules), 0o600); err != nil {
		return fmt.Errorf("write pg_hba.conf: %w", err)
	}
	for try := 1; ; try++ {
		var err error
		if s.port, err = freePort(); err == nil {
			err = s.start()
		}
		if err == nil || try == startTries {
			return err
		}
	}
}

// start starts the server and waits until it takes connections.
func (s *server) start() error {
	if err := s.order(orderStart); err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		return errors.Join(err, s.order(orderStop))
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

// remove ends the server and its shell, which removes the files.
func (s *server) remove() {
	s.orders.Close()
	_, _ = io.Copy(io.Discard, s.answers) // until the shell is done
	_ = s.shell.Wait()                    // its exit code is rm's, and the directory tells that better
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

func (s *server) url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

func (s *server) log() string {
	log, _ := os.ReadFile(filepath.Join(s.dir, "log")) // only ever shown with another error
	return string(log)
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
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
