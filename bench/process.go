package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// startLimit is how long a server may take until it answers.
	startLimit = 30 * time.Second
	// stopLimit is how long a server may take to end before it is killed.
	stopLimit = 15 * time.Second
	// ticksPerSecond is USER_HZ, which is 100 on every Linux that Go runs on.
	ticksPerSecond = 100
)

// process is a server this run started.
type process struct {
	cmd    *exec.Cmd
	addr   string
	ended  chan struct{}
	err    error
	output string // file of its standard output and error
}

// startProcess starts a server that listens on addr and waits until it accepts connections; one
// without an address is not waited for.
func startProcess(ctx context.Context, addr, output string, env []string, binary string, args ...string) (*process, error) {
	log, err := os.OpenFile(output, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(binary, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	p := &process{cmd: cmd, addr: addr, ended: make(chan struct{}), output: output}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	deadline := time.Now().Add(startLimit)
	for addr != "" {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			return p, nil
		}
		select {
		case <-p.ended:
			return nil, fmt.Errorf("%s ended at once: %w\n%s", binary, p.err, p.tail())
		case <-ctx.Done():
			p.stop()
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.stop()
			return nil, fmt.Errorf("%s does not listen on %s after %s\n%s", binary, addr, startLimit, p.tail())
		}
	}
	return p, nil
}

// tail is the end of the process's log.
func (p *process) tail() string {
	const shown = 2000
	text, err := os.ReadFile(p.output)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-shown):])
}

// stop ends the process, politely first.
func (p *process) stop() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

func (p *process) proc(name string) string {
	return "/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/" + name
}

// resident returns the resident set now and its peak since the last resetPeak, in bytes; zeros
// where the system does not tell.
func (p *process) resident() (now, peak int64) {
	text, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kilobytes, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "VmRSS:":
			now = kilobytes << 10
		case "VmHWM:":
			peak = kilobytes << 10
		}
	}
	return now, peak
}

// resetPeak makes the kernel forget the peak of the resident set (proc_pid_clear_refs(5)).
func (p *process) resetPeak() { _ = os.WriteFile(p.proc("clear_refs"), []byte("5"), 0) }

// growth runs work and returns by how many bytes the process's resident set grew beyond what
// it was before, and its peak.
func (p *process) growth(work func() error) (grew, peak int64, err error) {
	p.resetPeak()
	before, _ := p.resident()
	err = work()
	_, peak = p.resident()
	return max(0, peak-before), peak, err
}

// cpu returns the processor time the process has used.
func (p *process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	// The name in parentheses may hold anything; what follows it is fields 3 and on.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("processor time: unexpected /proc/PID/stat")
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond, nil
}

// freeAddress returns an address of this machine that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
