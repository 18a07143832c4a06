// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checked is the root package as the type checker sees it, without its tests.
type checked struct {
	fset  *token.FileSet
	files []*ast.File
	pkg   *types.Package
	info  *types.Info
}

// checkRoot type-checks the root. What it imports comes from the build cache, so that no other
// package is read from source.
func checkRoot(t *testing.T) checked {
	t.Helper()
	packages := goList(t, "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles", ".")
	exports := make(map[string]string)
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	root := packages[len(packages)-1] // go list names what is imported first
	c := checked{fset: token.NewFileSet(), info: &types.Info{Uses: make(map[*ast.Ident]types.Object)}}
	for _, name := range root.GoFiles {
		file, err := parser.ParseFile(c.fset, filepath.Join(root.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		c.files = append(c.files, file)
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	config := types.Config{Importer: importer.ForCompiler(c.fset, "gc", open)}
	var err error
	if c.pkg, err = config.Check(module, c.fset, c.files, c.info); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c checked) fileOf(pos token.Pos) string { return filepath.Base(c.fset.Position(pos).Filename) }

// uses is which file needs which other one, and one place where it does.
type uses map[string]map[string]string

func (u uses) add(from, to, example string) {
	if u[from] == nil {
		u[from] = make(map[string]string)
	}
	if _, ok := u[from][to]; !ok {
		u[from][to] = example
	}
}

// TestFilesFormNoCircle holds the order of the root's files: a file that uses what another one
// declares stands above it, and none stands above itself.
func TestFilesFormNoCircle(t *testing.T) {
	c := checkRoot(t)
	all := make(uses)
	for ident, object := range c.info.Uses {
		if object.Pkg() != c.pkg || !object.Pos().IsValid() {
			continue
		}
		from, to := c.fileOf(ident.Pos()), c.fileOf(object.Pos())
		if from != to {
			all.add(from, to, fmt.Sprintf("%s, line %d", object.Name(), c.fset.Position(ident.Pos()).Line))
		}
	}
	found := circle(all)
	for i, file := range found {
		next := found[(i+1)%len(found)]
		t.Errorf("in a circle: %s needs %s (%s)", file, next, all[file][next])
	}
}

// circle finds files that need each other in turn; nil: there are none.
func circle(all uses) []string {
	var path []string
	done := make(map[string]bool)
	var visit func(file string) []string
	visit = func(file string) []string {
		if i := slices.Index(path, file); i >= 0 {
			return slices.Clone(path[i:])
		}
		if done[file] {
			return nil
		}
		path = append(path, file)
		for _, next := range slices.Sorted(maps.Keys(all[file])) {
			if found := visit(next); found != nil {
				return found
			}
		}
		path = path[:len(path)-1]
		done[file] = true
		return nil
	}
	for _, file := range slices.Sorted(maps.Keys(all)) {
		if found := visit(file); found != nil {
			return found
		}
	}
	return nil
}

func TestCircle(t *testing.T) {
	tests := []struct {
		edges string // "ab" : a needs b
		want  string
	}{
		{"", ""},
		{"ab bc ac", ""},
		{"ab ba", "ab"},
		{"ab bc cd db ae", "bcd"},
		{"ab ac bd cd de", ""},
		{"xy yz zx ax", "xyz"},
	}
	for _, test := range tests {
		all := make(uses)
		for edge := range strings.FieldsSeq(test.edges) {
			all.add(edge[:1], edge[1:], "")
		}
		if got := strings.Join(circle(all), ""); got != test.want {
			t.Errorf("circle(%s) = %s, want %s", test.edges, got, test.want)
		}
	}
}

// TestAPI compares every exported name and signature with docs/api.txt, so that a change to the
// public API is seen in review.
func TestAPI(t *testing.T) {
	golden(t, "api.txt", apiText(checkRoot(t).pkg))
}

// apiText has one line for each exported name.
func apiText(pkg *types.Package) string {
	l := listing{pkg: pkg}
	for _, name := range pkg.Scope().Names() {
		object := pkg.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		switch object := object.(type) {
		case *types.Const:
			l.line("const %s %s = %s", name, l.text(object.Type()), object.Val().ExactString())
		case *types.TypeName:
			l.typeLines(object)
		case *types.Func:
			l.line("func %s%s", name, l.signature(object))
		default:
			l.line("var %s %s", name, l.text(object.Type()))
		}
	}
	slices.Sort(l.lines)
	return strings.Join(l.lines, "\n") + "\n"
}

// listing gathers the lines of apiText.
type listing struct {
	pkg   *types.Package
	lines []string
}

func (l *listing) line(format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// text is a type as a user of the package reads it.
func (l *listing) text(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == l.pkg {
			return ""
		}
		return p.Name()
	})
}

func (l *listing) signature(f *types.Func) string {
	return strings.TrimPrefix(l.text(f.Type()), "func")
}

// typeLines lists a type, its exported fields, and its methods, promoted ones included.
func (l *listing) typeLines(object *types.TypeName) {
	name := object.Name()
	if object.IsAlias() {
		l.line("type %s = %s", name, l.text(types.Unalias(object.Type())))
		return
	}
	switch under := object.Type().Underlying().(type) {
	case *types.Struct:
		l.line("type %s struct", name)
		for field := range under.Fields() {
			if field.Exported() {
				l.line("field %s.%s %s", name, field.Name(), l.text(field.Type()))
			}
		}
	case *types.Interface:
		sealed := ""
		for method := range under.Methods() {
			if !method.Exported() {
				sealed = ", sealed"
			}
		}
		l.line("type %s interface%s", name, sealed)
	default:
		l.line("type %s %s", name, l.text(under))
	}
	l.methodLines(object)
}

func (l *listing) methodLines(object *types.TypeName) {
	ofValue := types.NewMethodSet(object.Type())
	all := ofValue
	if !types.IsInterface(object.Type()) {
		all = types.NewMethodSet(types.NewPointer(object.Type()))
	}
	for selection := range all.Methods() {
		method := selection.Obj().(*types.Func)
		if !method.Exported() {
			continue
		}
		receiver := "*" + object.Name()
		if ofValue.Lookup(method.Pkg(), method.Name()) != nil {
			receiver = object.Name()
		}
		l.line("method (%s) %s%s", receiver, method.Name(), l.signature(method))
	}
}
