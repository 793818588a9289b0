package server

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"testing"
)

// Companion runs another program beside the server until the test ends; its output is shown
// when the test has failed. env is over this process's own.
func Companion(t testing.TB, env []string, name string, args ...string) {
	t.Helper()
	var output bytes.Buffer
	command := exec.Command(name, args...)
	command.Env = append(os.Environ(), env...)
	command.Stdout, command.Stderr, command.SysProcAttr = &output, &output, diesWithTest()
	if err := command.Start(); err != nil {
		t.Fatalf("starting %s, which scripts/install-test-tools installs: %v", name, err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended already
		_ = command.Wait()         // killed
		if t.Failed() {
			t.Logf("output of %s:\n%s", name, tail(output.String()))
		}
	})
}

// FreePort is a port of 127.0.0.1 that nothing listens on, for programs that cannot say which
// they took.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
