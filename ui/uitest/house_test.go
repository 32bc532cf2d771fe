package uitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

type listed struct {
	ImportPath   string
	Dir          string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Doc          string
	Name         string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,TestImports,XTestImports,Doc,Name", "./...")
	cmd.Dir = Root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var ps []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return ps
		} else if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
}

func room(path string) string {
	rest, ok := strings.CutPrefix(path, "dialtone/")
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(rest, "/")
	return first
}

// TestImportsRunOneWay keeps the order of the rooms: ui → conn → netconf and
// keys, which do not know each other; only ui knows that there is a screen.
func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	may := map[string]map[string]bool{
		"ui":      {"ui": true, "conn": true, "netconf": true, "keys": true},
		"conn":    {"conn": true, "netconf": true, "keys": true},
		"netconf": {"netconf": true},
		"keys":    {"keys": true},
		"":        {"ui": true, "conn": true, "netconf": true, "keys": true},
	}
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			if r := room(imp); r != "" && !may[room(p.ImportPath)][r] {
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
			if strings.Contains(imp, "charmbracelet") && room(p.ImportPath) != "ui" {
				t.Errorf("%s imports %s: only ui knows the screen", p.ImportPath, imp)
			}
			if room(p.ImportPath) == "netconf" && strings.Contains(strings.Split(imp, "/")[0], ".") && !strings.HasPrefix(imp, "github.com/antchfx/xpath") {
				t.Errorf("%s imports %s: netconf uses the standard library only", p.ImportPath, imp)
			}
			if imp == "testing" && !strings.HasSuffix(p.ImportPath, "test") && room(p.ImportPath) != "" && !strings.Contains(p.ImportPath, "conform") {
				t.Errorf("%s imports testing outside of its tests", p.ImportPath)
			}
			if strings.Contains(imp, "chroma/v2/lexers") || strings.Contains(imp, "chroma/v2/styles") {
				t.Errorf("%s imports %s, which costs 17 ms at every start", p.ImportPath, imp)
			}
		}
		if p.Doc == "" && p.Name != "main" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// TestPinsOfSlowModules keeps the two modules whose later versions are several
// times slower or cost tens of milliseconds at start.
func TestPinsOfSlowModules(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(filepath.Join(Root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"github.com/charmbracelet/x/ansi v0.11.6", "github.com/mattn/go-runewidth v0.0.19"} {
		if !strings.Contains(string(mod), want) {
			t.Errorf("go.mod has not %s", want)
		}
	}
}

// TestTopLevel keeps the top of the tree as people know it.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	may := map[string]bool{"main.go": true, "ui": true, "conn": true, "netconf": true, "keys": true, "go.mod": true, "go.sum": true,
		"README.md": true, "LICENSE": true, "docs": true}
	out, err := exec.Command("git", "-C", Root(t), "ls-files").Output()
	if err != nil {
		t.Skip("not a git checkout")
	}
	for _, f := range strings.Fields(string(out)) {
		top, _, _ := strings.Cut(f, "/")
		if !may[top] && !strings.HasPrefix(top, ".") {
			t.Errorf("%s stands at the top level", top)
		}
	}
}

// TestNoPromises keeps words out of the code that stand for work not done.
func TestNoPromises(t *testing.T) {
	t.Parallel()
	words := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b|: being written"|: not implemented"`)
	root := Root(t)
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "house_test.go") || strings.HasSuffix(path, ".pb.go") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(b), "\n") {
			if words.MatchString(line) {
				t.Errorf("%s:%d: %s", path, i+1, strings.TrimSpace(line))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNoInitFunctions keeps package initialisation out of the start.
func TestNoInitFunctions(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		fset := token.NewFileSet()
		entries, err := os.ReadDir(p.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") || strings.HasSuffix(e.Name(), ".pb.go") {
				continue
			}
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, e.Name()), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				if declName(d) == "init" {
					t.Errorf("%s has an init function", fset.Position(d.Pos()))
				}
			}
		}
	}
}

func declName(d ast.Decl) string {
	if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
		return f.Name.Name
	}
	return ""
}
