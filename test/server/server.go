// Package server runs the real program as a process for black-box tests: built once, started
// on a free port of 127.0.0.1 in a directory of its own, watched until it is ready, stopped,
// killed and started again on the same data.
//
// It knows nothing of the program's inside: only its environment, its log and its HTTP surface.
package server

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// Key is the API_KEY of servers started here, unless their environment says otherwise.
	Key = "black-box-test-key-0123456789"
	// Version is their APP_VERSION.
	Version = "1.2.3-test"
	// readyTimeout is how long a start may take on a machine that runs other tests beside it.
	readyTimeout = 60 * time.Second
	// stopTimeout is how long the end may take; the server grants requests 20 s.
	stopTimeout = 30 * time.Second
	// cliTimeout is how long a command other than serve may take.
	cliTimeout = time.Minute
	// pollEvery is how often a condition outside this process is looked at.
	pollEvery = 10 * time.Millisecond
	// logShown is how much of the log a failed test prints, in bytes.
	logShown = 6 << 10
)

// Options say how to start a server. The zero value is a server on SQLite with an API key.
type Options struct {
	Env  map[string]string // over the defaults; an empty value removes one
	Tags string            // build tags
	Dir  string            // home of data and log; empty for a new temporary directory
	Wrap []string          // a command that executes the server in its place, as env(1) does
}

// Server is one server process, or several after each other on the same data.
type Server struct {
	*Client
	Dir string

	t       testing.TB
	binary  string
	wrap    []string
	env     map[string]string
	logPath string
	logFrom int64 // where the log of the present process begins
	process *exec.Cmd
	exited  chan struct{}
}

// New prepares a server without starting it.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	temporary := filepath.Join(o.Dir, "tmp")
	if err := os.MkdirAll(temporary, 0o700); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": o.Dir, "TMPDIR": temporary,
		"HOST": "127.0.0.1", "PORT": "0", "API_KEY": Key, "APP_VERSION": Version,
		"DATA_DIR": filepath.Join(o.Dir, "data"),
	}
	if err := os.MkdirAll(env["DATA_DIR"], 0o700); err != nil {
		t.Fatal(err)
	}
	maps.Copy(env, o.Env)
	s := &Server{t: t, Dir: o.Dir, binary: Binary(t, o.Tags), wrap: o.Wrap, env: env, logPath: filepath.Join(o.Dir, "server.log")}
	s.Client = NewClient("", env["API_KEY"])
	if env["AUTH"] == "none" {
		s.Key = ""
	}
	t.Cleanup(s.end)
	return s
}

// Start starts a server and waits until it is ready.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := New(t, o)
	s.Start()
	return s
}

// Start starts the process and waits until it is ready.
func (s *Server) Start() {
	s.t.Helper()
	s.Launch()
	s.WaitReady(readyTimeout)
}

// Launch starts the process and waits for nothing.
func (s *Server) Launch() {
	s.t.Helper()
	log, err := os.OpenFile(s.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	if s.logFrom, err = log.Seek(0, 2); err != nil {
		s.t.Fatal(err)
	}
	s.process = s.command("serve")
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("starting the server: %v", err)
	}
	s.exited = make(chan struct{})
	go func(p *exec.Cmd, exited chan struct{}) {
		_ = p.Wait() // how it ended is in ProcessState
		close(exited)
	}(s.process, s.exited)
}

func (s *Server) command(args ...string) *exec.Cmd {
	line := append(slices.Clone(s.wrap), append([]string{s.binary}, args...)...)
	command := exec.Command(line[0], line[1:]...)
	command.Dir = s.Dir
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		if value := s.env[name]; value != "" {
			command.Env = append(command.Env, name+"="+value)
		}
	}
	command.SysProcAttr = diesWithTest()
	return command
}

// CLI runs another command of the program on the same settings and data.
func (s *Server) CLI(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	var out, errOut bytes.Buffer
	command := s.command(args...)
	command.Stdout, command.Stderr = &out, &errOut
	if err := command.Start(); err != nil {
		s.t.Fatalf("homeserver %s: %v", strings.Join(args, " "), err)
	}
	// A command that hangs is asked what it is doing.
	hangs := time.AfterFunc(cliTimeout, func() { _ = command.Process.Signal(syscall.SIGQUIT) })
	err := command.Wait()
	if !hangs.Stop() {
		s.t.Fatalf("homeserver %s did not end in %v:\n%s", strings.Join(args, " "), cliTimeout, errOut.Bytes())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("homeserver %s: %v", strings.Join(args, " "), err)
	}
	return out.String(), errOut.String(), command.ProcessState.ExitCode()
}

// Setenv changes a setting for the next start; an empty value removes it.
func (s *Server) Setenv(name, value string) { s.env[name] = value }

// address is where the log says that the server listens.
var address = regexp.MustCompile(`msg="HomeServer is ready" url="?(https?)://[^" ]*:(\d+)`)

// WaitListening waits until the process listens and notes its address.
func (s *Server) WaitListening(timeout time.Duration) {
	s.t.Helper()
	s.wait(timeout, "to listen", func() error {
		match := address.FindStringSubmatch(s.Log())
		if match == nil {
			return errors.New("its log names no address")
		}
		if base := match[1] + "://127.0.0.1:" + match[2]; base != s.Base { // or clients at work on it would race
			s.Base = base
		}
		return nil
	})
}

// WaitReady waits until /health/ready answers 200.
func (s *Server) WaitReady(timeout time.Duration) {
	s.t.Helper()
	s.WaitListening(timeout)
	s.wait(timeout, "to be ready", func() error {
		answer, err := s.Try("GET", "/health/ready", nil, nil)
		if err != nil {
			return err
		}
		if answer.Status != 200 {
			return fmt.Errorf("/health/ready: %d %s", answer.Status, answer.Body)
		}
		return nil
	})
}

func (s *Server) wait(timeout time.Duration, what string, condition func() error) {
	s.t.Helper()
	Eventually(s.t, timeout, "the server "+what, func() error {
		select {
		case <-s.exited:
			s.t.Fatalf("the server ended while it was expected %s: %v\n%s", what, s.process.ProcessState, tail(s.Log()))
		default:
		}
		return condition()
	})
}

// Eventually looks at a condition outside this process again and again until it holds.
func Eventually(t testing.TB, timeout time.Duration, what string, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s: %v", timeout, what, err)
		}
		<-ticker.C
	}
}

// PID is the process id.
func (s *Server) PID() int { return s.process.Process.Pid }

// Exited is closed when the process has ended.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// WaitExit waits for the process to end by itself and returns its exit code; -1 means that a
// signal ended it.
func (s *Server) WaitExit(timeout time.Duration) int {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(timeout):
		s.t.Fatalf("the server still runs after %v\n%s", timeout, tail(s.Log()))
	}
	return s.process.ProcessState.ExitCode()
}

// Stop asks the process to end (SIGTERM) and expects exit code 0.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatalf("SIGTERM: %v", err)
	}
	if code := s.WaitExit(stopTimeout); code != 0 {
		s.t.Errorf("after SIGTERM: got exit code %d, want 0\n%s", code, tail(s.Log()))
	}
	s.CloseIdle()
}

// Kill ends the process with SIGKILL.
func (s *Server) Kill() {
	s.t.Helper()
	_ = s.process.Process.Kill() // it may have ended already
	s.WaitExit(stopTimeout)
	s.CloseIdle()
}

// end is the cleanup: nothing started here outlives its test.
func (s *Server) end() {
	if s.process != nil {
		if s.t.Failed() {
			s.dump()
		}
		_ = s.process.Process.Kill() // it may have ended already
		<-s.exited
		s.CloseIdle()
		if s.t.Failed() {
			s.t.Logf("end of the server's log:\n%s", tail(s.Log()))
		}
	}
}

// dumpTime is how long a process may take to write down what each goroutine does.
const dumpTime = 3 * time.Second

// dump keeps the whole log of a failed test in the directory that HOMESERVER_KEEP names, with
// what every goroutine of the server was doing at the end.
func (s *Server) dump() {
	dir := os.Getenv("HOMESERVER_KEEP")
	if dir == "" {
		return
	}
	_ = s.process.Process.Signal(syscall.SIGQUIT) // it may have ended already
	select {
	case <-s.exited:
	case <-time.After(dumpTime):
	}
	name := filepath.Join(dir, strings.ReplaceAll(s.t.Name(), "/", "_")+fmt.Sprintf("-%d.log", s.PID()))
	if err := os.WriteFile(name, []byte(s.Log()), 0o600); err != nil {
		s.t.Logf("keeping the log: %v", err)
	}
}

// Log is what the present process has written.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.logPath)
	if err != nil || int64(len(text)) < s.logFrom {
		return ""
	}
	return string(text[s.logFrom:])
}

func tail(log string) string {
	if len(log) > logShown {
		return "..." + log[len(log)-logShown:]
	}
	return log
}

// StoragePath is the directory of the files' content.
func (s *Server) StoragePath() string {
	if path := s.env["STORAGE_PATH"]; path != "" {
		return path
	}
	return filepath.Join(s.env["DATA_DIR"], "storage")
}

// Signal sends SIGTERM and waits for nothing.
func (s *Server) Signal(t testing.TB) {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("SIGTERM: %v", err)
	}
}
