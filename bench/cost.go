package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	// watcherCPU and watcherMemory are what watching the machine may cost, with nobody looking.
	watcherCPU    = 0.003
	watcherMemory = 15 << 20
	// describedCores make the described machine's figures about two hundred.
	describedCores = 32
	// scrapeEvery is how often node_exporter is asked: as often as ours samples.
	scrapeEvery = 2 * time.Second
)

// peer is a program that does the same work, measured over the same time.
type peer struct {
	name string
	*process
	before, used time.Duration
	memory       int64
}

// cost measures the monitoring room alone, and beside it, in the same minutes, whatever of
// netdata, glances and node_exporter is installed.
func cost(ctx context.Context, b *bench) ([]row, error) {
	length := 10 * time.Minute
	if b.quick {
		length = 30 * time.Second
	}
	watcher := filepath.Join(b.dir, "watcher")
	if err := b.build(ctx, watcher, "./bench/watcher"); err != nil {
		return nil, err
	}
	root, err := describeTree(filepath.Join(b.dir, "tree"))
	if err != nil {
		return nil, err
	}
	var all []*peer
	defer func() {
		for _, p := range all {
			p.stop()
		}
	}()
	for _, w := range []struct{ name, root string }{{"this machine", "/"}, {"a described machine", root}} {
		p, err := b.startPeer(ctx, w.name, watcher, func(addr, dir string) ([]string, bool) {
			return []string{"-listen", addr, "-root", w.root, "-dir", dir}, true
		})
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	others := b.startOthers(ctx)
	all = append(all, others...)
	for _, p := range others {
		if p.name == "node_exporter" {
			scraping, stop := context.WithCancel(ctx)
			defer stop()
			go p.scrape(scraping)
		}
	}
	if err := pause(ctx, settle); err != nil {
		return nil, err
	}
	b.say("cost: watching %d programs for %s", len(all), length)
	for _, p := range all {
		p.before = p.treeCPU()
	}
	if err := pause(ctx, length); err != nil {
		return nil, err
	}
	var rows []row
	for _, p := range all {
		p.used, p.memory = p.treeCPU()-p.before, p.treeMemory()
		share := p.used.Seconds() / length.Seconds()
		r := row{what: p.name, ours: fmt.Sprintf("%.3f %% of a core, %s", share*100, mebibytes(p.memory))}
		if len(rows) < 2 {
			r.what = fmt.Sprintf("monitoring alone, %s of %s figures, %s", p.name, p.series(), length)
			r.target, r.verdict = fmt.Sprintf("< %.1f %%, < %s", watcherCPU*100, mebibytes(watcherMemory)), judge(share < watcherCPU && p.memory < watcherMemory)
		} else {
			r.what, r.reference, r.ours = "  beside it", p.name+" "+r.ours, ""
			r.ratio = all[0].used.Seconds() / p.used.Seconds()
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// startPeer starts a program with a directory of its own.
func (b *bench) startPeer(ctx context.Context, name, binary string, args func(addr, dir string) (flags []string, listens bool)) (*peer, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "peer-*")
	if err != nil {
		return nil, err
	}
	flags, listens := args(addr, dir)
	if !listens {
		addr = ""
	}
	p, err := startProcess(ctx, addr, filepath.Join(dir, "log"), os.Environ(), binary, flags...)
	if err != nil {
		return nil, err
	}
	return &peer{name: name, process: p}, nil
}

// startOthers starts what is installed of the others; what is not is said.
func (b *bench) startOthers(ctx context.Context) (list []*peer) {
	for _, other := range []struct {
		name, binary string
		args         func(addr, dir string) (flags []string, listens bool)
	}{
		{"node_exporter", "prometheus-node-exporter", func(addr, _ string) ([]string, bool) { return []string{"--web.listen-address=" + addr}, true }},
		{"netdata", "netdata", netdataArgs},
		{"glances", "glances", func(_, dir string) ([]string, bool) {
			return []string{"-q", "-t", "2", "--export", "csv", "--export-csv-file", filepath.Join(dir, "glances.csv"), "--disable-check-update"}, false
		}},
	} {
		binary, err := exec.LookPath(other.binary)
		if err != nil {
			b.say("%s is not installed: its line is missing (apt-get install %s)", other.name, other.binary)
			continue
		}
		p, err := b.startPeer(ctx, other.name, binary, other.args)
		if err != nil {
			b.say("%s: %v", other.name, err)
			continue
		}
		list = append(list, p)
	}
	return list
}

// netdataArgs runs netdata in the foreground, out of a directory of its own.
func netdataArgs(addr, dir string) (flags []string, listens bool) {
	_, port, _ := net.SplitHostPort(addr)
	config := fmt.Sprintf("[global]\n run as user = %s\n[directories]\n cache = %[2]s/cache\n lib = %[2]s/lib\n log = %[2]s\n[web]\n bind to = 127.0.0.1\n[registry]\n enabled = no\n", os.Getenv("USER"), dir)
	file := filepath.Join(dir, "netdata.conf")
	for _, sub := range []string{"cache", "lib"} {
		_ = os.Mkdir(filepath.Join(dir, sub), 0o700) // netdata says so itself where it is missing
	}
	_ = os.WriteFile(file, []byte(config), 0o600)
	return []string{"-D", "-c", file, "-p", port, "-P", filepath.Join(dir, "pid")}, true
}

// scrape asks a Prometheus exporter as a Prometheus server would.
func (p *peer) scrape(ctx context.Context) {
	for pause(ctx, scrapeEvery) == nil {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			continue
		}
		fmt.Fprintf(conn, "GET /metrics HTTP/1.0\r\nHost: %s\r\n\r\n", p.addr)
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
	}
}

// series is what a watcher answers.
func (p *peer) series() string {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		return "?"
	}
	defer conn.Close()
	text, _ := io.ReadAll(conn)
	return strings.TrimSpace(string(text))
}

// tree is the process ids of a program and of all it started.
func (p *peer) tree() []int {
	parents := map[int]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields := statFields(pid); len(fields) > 1 {
			parents[pid], _ = strconv.Atoi(fields[1])
		}
	}
	list := []int{p.cmd.Process.Pid}
	for pid := range parents {
		for up := parents[pid]; up > 1; up = parents[up] {
			if up == p.cmd.Process.Pid {
				list = append(list, pid)
				break
			}
		}
	}
	return list
}

// treeCPU is the processor time that a program and all it started used, thread by thread as the
// scheduler counts it (sched-stats(5)): the ticks of /proc/PID/stat miss what works for less than
// one, as a sampler does. What has ended meanwhile is not in it.
func (p *peer) treeCPU() (used time.Duration) {
	for _, pid := range p.tree() {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, thread := range threads {
			text, _ := os.ReadFile(thread)
			first, _, _ := strings.Cut(string(text), " ")
			n, _ := strconv.ParseInt(first, 10, 64)
			used += time.Duration(n)
		}
	}
	return used
}

// treeMemory is what a program and all it started keep in memory that is theirs alone or shared
// in equal parts (Pss).
func (p *peer) treeMemory() (bytes int64) {
	for _, pid := range p.tree() {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
				n, _ := strconv.ParseInt(fields[1], 10, 64)
				bytes += n << 10
			}
		}
	}
	return bytes
}

// statFields is what follows the name in /proc/PID/stat.
func statFields(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return strings.Fields(rest)
}

// describeTree writes /proc and /sys of a machine with many cores, so that its figures are about
// two hundred, out of this machine's own files.
func describeTree(root string) (string, error) {
	files := map[string]string{}
	for _, name := range []string{"proc/meminfo", "proc/loadavg", "proc/diskstats", "proc/net/dev", "proc/vmstat", "proc/pressure/cpu", "proc/pressure/memory", "proc/pressure/io",
		"proc/self/mountinfo", "proc/self/cgroup", "proc/sys/kernel/hostname", "proc/sys/kernel/osrelease"} {
		text, _ := os.ReadFile("/" + name) // what this machine has not, the described one has not
		files[name] = string(text)
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return "", err
	}
	var stat strings.Builder
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, " ")
		switch {
		case name == "cpu0":
			for i := range describedCores {
				fmt.Fprintf(&stat, "cpu%d %s", i, rest)
			}
		case strings.HasPrefix(name, "cpu") && name != "cpu":
		default:
			stat.WriteString(line)
		}
	}
	files["proc/stat"] = stat.String()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", err
		}
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				return "", err
			}
		}
	}
	return root, nil
}
