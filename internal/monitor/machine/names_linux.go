package machine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"homeserver/internal/monitor/metric"
)

// Names reads what the machine is called, for Prometheus, when it asks.
type Names struct {
	root      string
	uname, os *RawSeries
	version   *RawSeries
	number    float64
	said      string
}

// NewNames makes the reader of the tree under root.
func NewNames(root string, _ *metric.Registry) *Names { return &Names{root: root} }

// Read reads the files.
func (n *Names) Read() error {
	text := func(name string) string { return readText(filepath.Join(n.root, name)) }
	kernel := func(name string) string { return text("proc/sys/kernel/" + name) }
	release := map[string]string{}
	for _, file := range []string{"etc/os-release", "usr/lib/os-release"} {
		for line := range strings.Lines(text(file)) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
				release[key] = strings.Trim(value, `"'`)
			}
		}
		if len(release) > 0 {
			break
		}
	}
	var own unix.Utsname // only the kind of machine, which is in no file of older kernels
	if err := unix.Uname(&own); err != nil {
		return fmt.Errorf("uname: %w", err)
	}
	said := fmt.Sprint(kernel("hostname"), kernel("osrelease"), release)
	if said == n.said {
		return nil // the names of before are the same
	}
	n.said = said
	n.uname = raw("node_uname_info", Gauge, "Labeled system information as provided by the uname system call.", "sysname", kernel("ostype"), "release", kernel("osrelease"),
		"version", kernel("version"), "machine", string(own.Machine[:max(bytes.IndexByte(own.Machine[:], 0), 0)]), "nodename", kernel("hostname"), "domainname", kernel("domainname"))
	n.os = raw("node_os_info", Gauge, "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, pretty_name, variant, variant_id, version, version_codename, version_id.", "build_id", release["BUILD_ID"], "id", release["ID"], "id_like", release["ID_LIKE"],
		"image_id", release["IMAGE_ID"], "image_version", release["IMAGE_VERSION"], "name", release["NAME"], "pretty_name", release["PRETTY_NAME"], "variant", release["VARIANT"],
		"variant_id", release["VARIANT_ID"], "version", release["VERSION"], "version_codename", release["VERSION_CODENAME"], "version_id", release["VERSION_ID"])
	major, err := strconv.ParseFloat(release["VERSION_ID"], 64)
	n.version, n.number = nil, major
	if err == nil {
		n.version = raw("node_os_version", Gauge, "Metric containing the major.minor part of the OS version.", "id", release["ID"], "id_like", release["ID_LIKE"], "name", release["NAME"])
	}
	return nil
}

// Emit says what was read.
func (n *Names) Emit(to *Batch) {
	if n.uname == nil {
		return
	}
	to.AddRaw(n.uname, 1)
	to.AddRaw(n.os, 1)
	if n.version != nil {
		to.AddRaw(n.version, n.number)
	}
}

// Server reads what this program uses itself.
type Server struct {
	root                            string
	clock                           interval
	stat                            procFile
	cpu                             meter
	resident, virtual               float64
	files                           float64
	percent, memory                 *Series
	rawCPU, rawResident, rawVirtual *RawSeries
	rawFiles                        *RawSeries
}

// NewServer makes the reader of the tree under root.
func NewServer(root string, metrics *metric.Registry) *Server {
	s := &Server{root: root, stat: procFile{path: filepath.Join(root, "proc/self/stat")},
		rawCPU:      raw("process_cpu_seconds_total", Counter, "Total user and system CPU time spent in seconds."),
		rawResident: raw("process_resident_memory_bytes", Gauge, "Resident memory size in bytes."),
		rawVirtual:  raw("process_virtual_memory_bytes", Gauge, "Virtual memory size in bytes."),
		rawFiles:    raw("process_open_fds", Gauge, "Number of open file descriptors."),
	}
	s.percent = series(metrics, metric.ServerCPUPercent, "", "", s.rawCPU)
	s.memory = series(metrics, metric.ServerMemoryBytes, "", "", s.rawResident)
	return s
}

// Close lets go of the file.
func (s *Server) Close() { s.stat.close() }

// The places of sizes in /proc/<pid>/stat after the name, as statUser's.
const statVirtual = 20

// Read reads the files.
func (s *Server) Read() error {
	text, err := s.stat.all()
	if err != nil {
		return err
	}
	rest := text[bytes.LastIndexByte(text, ')')+1:]
	var fields [statFields]uint64
	for i := range fields {
		var field []byte
		field, rest = nextField(rest)
		if len(field) == 0 {
			return fmt.Errorf("%s is too short", s.stat.path)
		}
		fields[i], _ = number(field) // the state is a letter, and what may be negative is not needed
	}
	s.cpu.set(fields[statUser] + fields[statSystem])
	s.resident, s.virtual = float64(fields[statRSS])*pageSize, float64(fields[statVirtual])
	s.files = 0
	if open, err := os.ReadDir(filepath.Join(s.root, "proc/self/fd")); err == nil {
		s.files = float64(len(open))
	}
	s.clock.step()
	return nil
}

// Emit says what was read.
func (s *Server) Emit(to *Batch) {
	if !s.clock.known() {
		return
	}
	to.AddRaw(s.rawCPU, float64(s.cpu.now)/ticksPerSecond)
	to.AddRaw(s.rawResident, s.resident)
	to.AddRaw(s.rawVirtual, s.virtual)
	to.AddRaw(s.rawFiles, s.files)
	to.Add(s.percent, s.cpu.per(s.clock.seconds())/ticksPerSecond*100)
	to.Add(s.memory, s.resident)
}
