package machine

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// told is a reader of raw values only, anew at each look. What Prometheus alone is told of is read
// this way: nothing is kept of it between two looks.
type told struct {
	root  string
	look  func(*told) error
	found []RawValue
}

// Read looks.
func (t *told) Read() error {
	t.found = nil // those before may have been published
	return t.look(t)
}

// Emit tells what was found.
func (t *told) Emit(to *Batch) { to.Raw = append(to.Raw, t.found...) }

// add tells a value; labels are pairs of name and value.
func (t *told) add(name string, kind RawType, help string, value float64, labels ...string) {
	t.found = append(t.found, RawValue{raw(name, kind, help, labels...), value})
}

// path is where a file of the tree is.
func (t *told) path(name string) string { return filepath.Join(t.root, name) }

// number reads a file that holds one number.
func (t *told) number(name string) (float64, bool) {
	n, err := strconv.ParseFloat(readText(t.path(name)), 64)
	return n, err == nil
}

// glob finds files of the tree by a pattern, under their names in it and in order.
func (t *told) glob(pattern string) []string {
	found, _ := filepath.Glob(t.path(pattern)) // the patterns are our own, and good
	for i, path := range found {
		found[i] = strings.TrimPrefix(strings.TrimPrefix(path, t.root), "/")
	}
	return found
}

// lines reads a file by lines of words.
func (t *told) lines(name string) ([][]string, error) {
	text, err := os.ReadFile(t.path(name))
	if err != nil {
		return nil, err
	}
	var list [][]string
	for line := range strings.Lines(string(text)) {
		list = append(list, strings.Fields(line))
	}
	return list, nil
}

// after is what follows a prefix in the last element of a path: 0 of cpu0.
func after(path, prefix string) string { return strings.TrimPrefix(filepath.Base(path), prefix) }
