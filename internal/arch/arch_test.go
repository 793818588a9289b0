package arch

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxLines is the length no file may pass; about 250 is the aim.
const maxLines = 500

const module = "homeserver/"

// source is one parsed Go file of the house.
type source struct {
	path    string // relative to the repository's root, with slashes
	pkg     string // folder of the path
	test    bool
	file    *ast.File
	set     *token.FileSet
	imports []string
}

// platform is what rooms stand on; everything else directly under internal is a room.
var notRooms = []string{"app", "cli", "client", "config", "arch", "platform"}

// drivers may be imported by exactly one package each.
var drivers = map[string]string{
	"modernc.org/sqlite":               "internal/platform/sqldb",
	"github.com/jackc/pgx/v5":          "internal/platform/sqldb",
	"github.com/pressly/goose/v3":      "internal/platform/sqldb",
	"github.com/coder/websocket":       "internal/platform/httpd",
	"github.com/caddyserver/certmagic": "internal/platform/tlscert",
	"go.uber.org/zap":                  "internal/platform/tlscert",
	"github.com/shirou/gopsutil/v4":    "internal/monitor",
}

// shared lists what a room may import of another, with the reason. It is empty.
var shared = map[string]string{}

// mutable lists package variables that are assigned by the toolchain, with the reason.
var mutable = map[string]string{"cmd/homeserver/version": "stamped by the linker"}

func TestImportLaw(t *testing.T) {
	for _, s := range sources(t) {
		if s.test && (strings.HasPrefix(s.pkg, "test") || strings.HasPrefix(s.pkg, "bench")) {
			continue
		}
		for _, path := range s.imports {
			if reason := forbidden(s, path); reason != "" {
				t.Errorf("%s imports %s: %s", s.path, path, reason)
			}
		}
	}
}

// forbidden says why the file may not import path, or nothing.
func forbidden(s source, path string) string {
	outside := strings.HasPrefix(s.pkg, "test") || strings.HasPrefix(s.pkg, "bench") // they measure and fake what the house uses
	for driver, owner := range drivers {
		if !outside && (path == driver || strings.HasPrefix(path, driver+"/")) && s.pkg != owner && !strings.HasPrefix(s.pkg, owner+"/") && !s.test {
			return "this driver belongs to " + owner
		}
	}
	target, ours := strings.CutPrefix(path, module)
	if from := room(s.pkg); from != "" {
		base := filepath.Base(s.path)
		if path == "net/http" && !s.test && !strings.HasPrefix(base, "http") && !strings.HasPrefix(base, "ws") {
			return "in a room net/http appears only in http*.go and ws*.go"
		}
		if ours && !strings.HasPrefix(target, "internal/platform/") && room(target) != from && shared[from+" "+target] == "" {
			return "a room imports platform and its own sub-folders"
		}
		return ""
	}
	if !ours {
		return ""
	}
	allowed := map[string][]string{
		"cmd": {"internal/cli"}, "internal/cli": {"internal/app", "internal/config", "internal/client"}, "internal/client": {}, "internal/platform": {"internal/platform"}, "web": {}, "internal/arch": {},
	}
	switch area := area(s.pkg); area {
	case "internal/app":
		if strings.HasPrefix(target, "internal/cli") {
			return "app never imports cli"
		}
	case "internal/config":
		if room(target) == "" && !strings.HasPrefix(target, "internal/platform") {
			return "config imports rooms and platform, for their Config only"
		}
	case "test", "bench":
	default:
		if s.test && area == "internal/cli" {
			return ""
		}
		if !slices.ContainsFunc(allowed[area], func(p string) bool { return target == p || strings.HasPrefix(target, p+"/") }) {
			return "not allowed for " + area
		}
	}
	return ""
}

// room returns the room a package belongs to, or "".
func room(pkg string) string {
	rest, ok := strings.CutPrefix(pkg, "internal/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	if slices.Contains(notRooms, name) {
		return ""
	}
	return name
}

// area is the part of the house a package that is no room belongs to.
func area(pkg string) string {
	parts := strings.SplitN(pkg, "/", 3)
	if parts[0] == "internal" && len(parts) > 1 {
		return "internal/" + parts[1]
	}
	return parts[0]
}

func TestSQLTextOnlyInSQLFiles(t *testing.T) {
	statement := regexp.MustCompile(`(?s)^\s*(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s.+\sSET|DELETE\s+FROM|CREATE\s+TABLE|WITH\s.+\sAS\s*\()`)
	for _, s := range sources(t) {
		if room(s.pkg) == "" || s.test || strings.HasPrefix(filepath.Base(s.path), "sql") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && statement.MatchString(strings.Trim(lit.Value, "`\"")) {
				t.Errorf("%s: SQL text belongs in sql*.go", s.set.Position(lit.Pos()))
			}
			return true
		})
	}
}

func TestMeasures(t *testing.T) {
	for _, s := range sources(t) {
		if lines := lineCount(t, s.path); lines > maxLines {
			t.Errorf("%s has %d lines, more than %d: split it by noun", s.path, lines, maxLines)
		}
		switch filepath.Base(s.pkg) {
		case "utils", "util", "common", "helpers", "models":
			t.Errorf("%s: a package is named for what it is about, not %s", s.path, filepath.Base(s.pkg))
		}
		if s.test {
			continue
		}
		for _, decl := range s.file.Decls {
			checkDecl(t, s, decl)
		}
	}
}

// checkDecl enforces: no init, no mutable package variables, documented exported names.
func checkDecl(t *testing.T, s source, decl ast.Decl) {
	t.Helper()
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.Name == "init" && d.Recv == nil {
			t.Errorf("%s: no init functions", s.set.Position(d.Pos()))
		}
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			t.Errorf("%s: %s has no doc comment", s.set.Position(d.Pos()), d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
					t.Errorf("%s: %s has no doc comment", s.set.Position(spec.Pos()), spec.Name.Name)
				}
			case *ast.ValueSpec:
				if d.Tok == token.VAR {
					checkVar(t, s, spec, d)
				}
			}
		}
	}
}

// checkVar allows sentinels, guards, compiled patterns and embedded files: values that
// nothing assigns to after the start.
func checkVar(t *testing.T, s source, spec *ast.ValueSpec, d *ast.GenDecl) {
	t.Helper()
	embedded := d.Doc != nil && strings.Contains(docText(d), "go:embed")
	for i, name := range spec.Names {
		if name.Name == "_" || embedded || mutable[s.pkg+"/"+name.Name] != "" {
			continue
		}
		if assigned(s.file, name.Name) {
			t.Errorf("%s: package variable %s is assigned to: no mutable package variables", s.set.Position(name.Pos()), name.Name)
		}
		if i >= len(spec.Values) {
			t.Errorf("%s: package variable %s has no value: no mutable package variables", s.set.Position(name.Pos()), name.Name)
		}
	}
}

func docText(d *ast.GenDecl) string {
	var b strings.Builder
	for _, c := range d.Doc.List {
		b.WriteString(c.Text)
	}
	return b.String()
}

// assigned reports whether the file assigns to the package variable called name.
func assigned(file *ast.File, name string) bool {
	found := false
	ast.Inspect(file, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.ASSIGN {
			for _, left := range a.Lhs {
				if id, ok := left.(*ast.Ident); ok && id.Name == name && id.Obj != nil && id.Obj.Kind == ast.Var {
					if _, isSpec := id.Obj.Decl.(*ast.ValueSpec); isSpec && file.Scope.Lookup(name) == id.Obj {
						found = true
					}
				}
			}
		}
		return true
	})
	return found
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	switch typ := d.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		id, ok := typ.X.(*ast.Ident)
		return ok && id.IsExported()
	case *ast.Ident:
		return typ.IsExported()
	}
	return false
}

func TestPackagesAreDocumented(t *testing.T) {
	documented, seen := map[string]bool{}, map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		seen[s.pkg] = s.path
		documented[s.pkg] = documented[s.pkg] || s.file.Doc != nil
	}
	for pkg, path := range seen {
		if !documented[pkg] {
			t.Errorf("package %s (%s) has no package comment", pkg, path)
		}
	}
}

// sources parses every Go file of the repository.
func sources(t *testing.T) []source {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var all []source
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		s := source{path: rel, pkg: filepath.ToSlash(filepath.Dir(rel)), test: strings.HasSuffix(rel, "_test.go"), file: file, set: set}
		for _, spec := range file.Imports {
			s.imports = append(s.imports, strings.Trim(spec.Path.Value, `"`))
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func lineCount(t *testing.T, path string) int {
	t.Helper()
	file, err := os.Open(filepath.Join("../..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		lines++
	}
	return lines
}
