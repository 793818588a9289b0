package machine

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"homeserver/internal/monitor/metric"
)

// update writes the golden parts of the trees anew.
var update = flag.Bool("update", false, "write the golden output of the trees anew")

// anyMachine is the kind of machine that the tests run on, which is in no file.
var anyMachine = regexp.MustCompile(`machine="[^"]*"`)

// fake is a machine from a tree of testdata. A file 0/proc/stat of the archive is there from the
// start, 2/proc/stat takes its place at the third look; N/gone lists what is taken away, N/links
// lists symbolic links ("name -> target"). What is no file is answered by files as well: tools by
// tool/NAME, statfs by statfs (mount point, then blocks of 4 KiB: all, free, available, nodes and
// free ones), adjtimex by adjtimex (state, status, offset in nanoseconds).
type fake struct {
	t       *testing.T
	root    string
	archive *txtar.Archive
	readers []Question // those of the promised figures
	others  *Others
	scraped []Question // what only Prometheus is told; hardware.txtar has the rest of it
}

func openFake(t *testing.T, name string) *fake {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t, root: t.TempDir(), archive: archive}
	f.step(0)
	metrics := metric.New()
	f.readers = []Question{{"cpu", EveryTick, NewCPU(f.root, metrics)}, {"memory", EveryTick, NewMemory(f.root, metrics)}, {"load", EveryTick, NewLoad(f.root, metrics)},
		{"disks", EveryTick, NewDisks(f.root, metrics)}, {"network", EveryTick, NewNetwork(f.root, metrics)}}
	f.others = newOthers(f.root, metrics, system{f.tool, f.statfs, f.adjtimex}, func() {})
	f.scraped = []Question{{"sockets", EveryTick, NewSockets(f.root, metrics)}, {"names", EveryTick, NewNames(f.root, metrics)}}
	t.Cleanup(func() {
		for _, q := range append(f.questions(), f.scraped...) {
			if c, ok := q.Reader.(Closer); ok {
				c.Close()
			}
		}
	})
	return f
}

func (f *fake) questions() []Question {
	return append(slices.Clone(f.readers), f.others.Questions()...)
}

// step makes the machine look as at look n; false when there is none.
func (f *fake) step(n int) (there bool) {
	for _, file := range f.archive.Files {
		name, ours := strings.CutPrefix(file.Name, strconv.Itoa(n)+"/")
		if !ours {
			continue
		}
		there = true
		switch name {
		case "gone":
			for line := range strings.FieldsSeq(string(file.Data)) {
				f.must(os.RemoveAll(filepath.Join(f.root, line)))
			}
		case "links":
			for line := range strings.Lines(string(file.Data)) {
				from, to, _ := strings.Cut(strings.TrimSpace(line), " -> ")
				f.must(os.MkdirAll(filepath.Dir(filepath.Join(f.root, from)), 0o755))
				f.must(os.MkdirAll(filepath.Join(f.root, filepath.Dir(from), to), 0o755))
				f.must(os.Symlink(to, filepath.Join(f.root, from)))
			}
		default:
			path := filepath.Join(f.root, name)
			f.must(os.MkdirAll(filepath.Dir(path), 0o755))
			f.must(os.WriteFile(path, file.Data, 0o644)) // in place, as the kernel does
		}
	}
	return there
}

func (f *fake) must(err error) {
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) tool(name string, arguments ...string) ([]byte, error) {
	if name == "smartctl" {
		name += filepath.Base(arguments[len(arguments)-1])
	}
	out, err := os.ReadFile(filepath.Join(f.root, "tool", name))
	if err != nil {
		return nil, errors.Join(ErrUnsupported, err)
	}
	return out, nil
}

func (f *fake) statfs(path string, to *unix.Statfs_t) error {
	for line := range strings.Lines(readText(filepath.Join(f.root, "statfs"))) {
		var mount string
		st := unix.Statfs_t{Frsize: 4096}
		if _, err := fmt.Sscan(line, &mount, &st.Blocks, &st.Bfree, &st.Bavail, &st.Files, &st.Ffree); err != nil {
			f.t.Fatal(err)
		}
		if filepath.Join(f.root, unescapeOctal(mount)) == path {
			*to = st
			return nil
		}
	}
	return unix.EIO
}

func (f *fake) adjtimex(to *unix.Timex) (int, error) {
	var state int
	if _, err := fmt.Sscan(readText(filepath.Join(f.root, "adjtimex")), &state, &to.Status, &to.Offset); err != nil {
		return 0, unix.EPERM
	}
	return state, nil
}

// look asks everything once and writes down what was learnt.
func (f *fake) look(out *strings.Builder, withRaw bool) {
	var lines, raws []string
	asked := f.questions()
	if withRaw {
		asked = append(asked, f.scraped...)
	}
	for _, q := range asked {
		if err := q.Read(); err != nil {
			if !errors.Is(err, ErrUnsupported) {
				lines = append(lines, "! "+q.Name+": "+strings.ReplaceAll(err.Error(), f.root, ""))
			}
			continue
		}
		var b Batch
		q.Emit(&b)
		for i, r := range b.Readings {
			value := "gap"
			if !math.IsNaN(r.Value) {
				value = strconv.FormatFloat(math.Round(r.Value*1000)/1000, 'f', -1, 64)
			}
			if r.Title != "" {
				value += " (" + r.Title + ")"
			}
			lines = append(lines, r.Key()+" = "+value)
			// the trees' meminfo are short, and tell not all that figures of memory are made of
			if len(b.Origins[i].From) == 0 && q.Name != "memory" {
				f.t.Errorf("%s is made of nothing that is told", r.Key())
			}
			for _, from := range b.Origins[i].From {
				if _, ok := b.RawOf(from); !ok {
					f.t.Errorf("%s is made of %s{%s}, which is not told", r.Key(), from.Name, from.Labels)
				}
			}
		}
		for _, r := range b.Raw {
			raws = append(raws, anyMachine.ReplaceAllString(fmt.Sprintf("%s{%s} %v", r.Name, r.Labels, r.Value), `machine="any"`))
		}
	}
	slices.Sort(lines)
	slices.Sort(raws)
	if duplicates := len(raws) - len(slices.Compact(slices.Clone(raws))); duplicates > 0 {
		f.t.Errorf("%d raw values are told twice", duplicates)
	}
	if !withRaw {
		raws = nil
	}
	for _, line := range append(lines, raws...) {
		out.WriteString(line + "\n")
	}
}

// TestTrees: from whole /proc and /sys trees come exactly the figures of their golden part, look
// after look 2 s apart: containers, ZFS, NFS, NVMe twins, hot-plug, counters that begin anew, both
// versions of control groups. To renew them: go test ./internal/monitor/machine -update
func TestTrees(t *testing.T) {
	for _, name := range []string{"server", "cgroup1", "container"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := openFake(t, name)
				f.others.mounts.Emit(nil)
				var out strings.Builder
				for n := 0; n == 0 || f.step(n); n++ {
					if n == 0 { // which file systems there are is known from the second look on
						f.must(f.others.mounts.Read())
						f.others.mounts.Emit(nil)
					}
					fmt.Fprintf(&out, "# look %d\n", n)
					f.look(&out, n == 0)
					time.Sleep(2 * time.Second) // fake time
				}
				f.compare(name, out.String())
			})
		})
	}
}

// compare holds the output against the golden part of the archive.
func (f *fake) compare(name, got string) {
	f.t.Helper()
	if *update {
		f.archive.Files = slices.DeleteFunc(f.archive.Files, func(one txtar.File) bool { return one.Name == "golden" })
		f.archive.Files = append(f.archive.Files, txtar.File{Name: "golden", Data: []byte(got)})
		f.must(os.WriteFile(filepath.Join("testdata", name+".txtar"), txtar.Format(f.archive), 0o644))
		return
	}
	want := ""
	for _, one := range f.archive.Files {
		if one.Name == "golden" {
			want = string(one.Data)
		}
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		f.t.Errorf("want -, got +:\n%s", diff)
	}
}
