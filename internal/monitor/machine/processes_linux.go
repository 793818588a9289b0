package machine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The fields of /proc/<pid>/stat after the name in parentheses, counted from 0 (proc_pid_stat(5)
// counts them from 3).
const (
	statState   = 0
	statParent  = 1
	statUser    = 11
	statSystem  = 12
	statThreads = 17
	statStart   = 19
	statRSS     = 21
	statFields  = 22
)

// longestCommand is how much of a command line is shown, in bytes.
const longestCommand = 1000

// Processes walks /proc. It is not a question: a walk costs tens of milliseconds where there are
// hundreds of processes, so it is made only for somebody who wants to see them.
type Processes struct {
	root  string
	users map[uint32]string
	read  time.Time // when users were read
}

// NewProcesses makes the reader of the tree under root.
func NewProcesses(root string) *Processes { return &Processes{root: root} }

// Look takes every process as it is now.
func (p *Processes) Look() (Look, error) {
	dir, err := os.Open(filepath.Join(p.root, "proc"))
	if err != nil {
		return Look{}, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return Look{}, fmt.Errorf("list %s: %w", dir.Name(), err)
	}
	p.readUsers()
	look := Look{At: time.Now(), processes: make(map[processID]Process, len(names))}
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if one, ok := p.process(pid); ok {
				look.processes[processID{pid, one.start}] = one
			}
		}
	}
	return look, nil
}

// process reads one; false when it has just ended.
func (p *Processes) process(pid int) (Process, bool) {
	dir := filepath.Join(p.root, "proc", strconv.Itoa(pid))
	text, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Process{}, false
	}
	// the name may hold blanks and parentheses: the last one closes it
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return Process{}, false
	}
	one := Process{PID: pid, Name: string(text[open+1 : end]), readBytes: unknown, writtenBytes: unknown}
	var fields [statFields][]byte
	rest := text[end+1:]
	for i := range fields {
		fields[i], rest = nextField(rest)
	}
	of := func(i int) uint64 { n, _ := number(fields[i]); return n }
	one.State, one.Parent, one.Threads = string(fields[statState]), int(of(statParent)), int(of(statThreads))
	one.cpu = float64(of(statUser)+of(statSystem)) / ticksPerSecond
	one.start, one.MemoryBytes = of(statStart), of(statRSS)*uint64(pageSize)
	if info, err := os.Stat(dir); err == nil {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok {
			one.User = p.user(owner.Uid)
		}
	}
	for line := range strings.Lines(readText(filepath.Join(dir, "io"))) { // one's own, or an administrator's
		key, v, _ := strings.Cut(strings.TrimSpace(line), ": ")
		n, err := strconv.ParseInt(v, 10, 64)
		switch {
		case err != nil:
		case key == "read_bytes":
			one.readBytes = n
		case key == "write_bytes":
			one.writtenBytes = n
		}
	}
	return one, true
}

// CommandLine is how a process was started; it may hold secrets. "" for threads of the kernel and
// what has ended.
func (p *Processes) CommandLine(pid int) string {
	text, err := os.ReadFile(filepath.Join(p.root, "proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return ""
	}
	text = text[:min(len(text), longestCommand)]
	return strings.ToValidUTF8(strings.TrimSpace(string(bytes.ReplaceAll(text, []byte{0}, []byte{' '}))), "\uFFFD")
}

// readUsers reads who is who, once a minute.
func (p *Processes) readUsers() {
	if p.users != nil && time.Since(p.read) < time.Minute {
		return
	}
	p.users, p.read = map[uint32]string{}, time.Now()
	for line := range strings.Lines(readText(filepath.Join(p.root, "etc/passwd"))) {
		fields := strings.Split(line, ":")
		if len(fields) > 2 {
			if id, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
				p.users[uint32(id)] = fields[0]
			}
		}
	}
}

func (p *Processes) user(id uint32) string {
	if name := p.users[id]; name != "" {
		return name
	}
	return strconv.FormatUint(uint64(id), 10)
}
