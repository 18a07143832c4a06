// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// These tests hold the house together: who may import whom, in which order the root's files
// stand, what the public API is. docs/api.txt and docs/options.md are written anew with
//
//	go test -run 'API|OptionsDoc' . -update
var update = flag.Bool("update", false, "write docs/api.txt and docs/options.md anew")

// module is what the import paths of this house begin with.
const module = "github.com/gzmq/zmq"

// room is what a package may import besides the standard library.
type room struct {
	house  []string // packages of this module
	others []string // prefixes of other modules' packages
	never  []string // packages of the standard library that it must do without
}

var extended = []string{"golang.org/x/"}

// rooms is the import table of DESIGN.md, with paths relative to the module.
var rooms = map[string]room{
	".": {house: []string{"internal/session", "internal/route", "internal/security", "internal/pipe", "internal/wire"}, others: extended},
	"internal/session": {house: []string{"internal/engine", "internal/transport", "internal/security", "internal/pipe",
		"internal/wire", "internal/uring"}, others: extended},
	"internal/engine":                {house: []string{"internal/wire", "internal/security", "internal/pipe"}, others: extended},
	"internal/route":                 {house: []string{"internal/pipe", "internal/trie"}},
	"internal/transport":             {house: []string{"internal/wire"}, others: extended},
	"internal/security":              {house: []string{"internal/wire"}, others: extended},
	"internal/pipe":                  {house: []string{"internal/wire"}},
	"internal/wire":                  {never: []string{"net", "time", "sync"}},
	"internal/trie":                  {},
	"internal/uring":                 {others: []string{"golang.org/x/sys/"}},
	"internal/simnet":                {},
	"internal/security/securitytest": {house: []string{"internal/security", "internal/wire"}},
	"cmd":                            {house: []string{".", "cmd"}, others: []string{""}},
	"examples":                       {house: []string{"."}},
}

// testOnly are packages that nothing but tests may import; cmd is imported by nobody.
var testOnly = []string{"internal/simnet", "internal/security/securitytest"}

// roomOf finds a package's row; all below cmd and examples is one room each.
func roomOf(path string) (room, bool) {
	top, _, _ := strings.Cut(path, "/")
	if top == "cmd" || top == "examples" {
		path = top
	}
	r, ok := rooms[path]
	return r, ok
}

// refusal says why a package must not import another; empty: it may.
func refusal(from, imported string, isTest bool) string {
	if to, ok := inHouse(imported); ok {
		switch {
		case strings.HasPrefix(to, "cmd/") && !strings.HasPrefix(from, "cmd/"):
			return "nothing imports the command"
		case isTest:
			return ""
		case slices.Contains(testOnly, to):
			return "only tests import it"
		}
		r, _ := roomOf(from)
		top, _, _ := strings.Cut(to, "/")
		if !slices.Contains(r.house, to) && !(top == "cmd" && slices.Contains(r.house, top)) {
			return "it does not stand behind this room's arrow"
		}
		return ""
	}
	if isTest {
		return ""
	}
	r, _ := roomOf(from)
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") {
		if slices.Contains(r.never, first) {
			return "this room does without it"
		}
		return ""
	}
	if !slices.ContainsFunc(r.others, func(prefix string) bool { return strings.HasPrefix(imported, prefix) }) {
		return "this room has no such dependency"
	}
	return ""
}

// inHouse makes an import path relative to the module.
func inHouse(path string) (relative string, ok bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// listed is what go list says of a package. IgnoredGoFiles are those of other systems.
type listed struct {
	ImportPath, Dir, Export           string
	GoFiles, CgoFiles, IgnoredGoFiles []string
	TestGoFiles, XTestGoFiles         []string
}

// goList runs go list over the module; the arguments say how, and what.
func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", append([]string{"list", "-e"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		packages = append(packages, p)
	}
}

// TestImports holds the table, for the files of every system.
func TestImports(t *testing.T) {
	packages := goList(t, "-json=ImportPath,Dir,GoFiles,CgoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles", "./...")
	if len(packages) == 0 {
		t.Fatal("go list names no package")
	}
	for _, p := range packages {
		from, ok := inHouse(p.ImportPath)
		if !ok {
			t.Errorf("%s is not of this module", p.ImportPath)
			continue
		}
		if _, ok := roomOf(from); !ok {
			t.Errorf("%s has no row in the import table", from)
			continue
		}
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles, p.TestGoFiles, p.XTestGoFiles) {
			path := filepath.Join(p.Dir, name)
			for _, imported := range importsOf(t, path) {
				if why := refusal(from, imported, strings.HasSuffix(name, "_test.go")); why != "" {
					t.Errorf("%s imports %s: %s", filepath.Join(from, name), imported, why)
				}
			}
		}
	}
}

func importsOf(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, imported)
	}
	return paths
}

// TestImportTable shows that the table refuses what it should.
func TestImportTable(t *testing.T) {
	tests := []struct {
		from, imported string
		isTest, ok     bool
	}{
		{".", module + "/internal/session", false, true},
		{".", module + "/internal/engine", false, false},
		{".", module + "/internal/transport", false, false},
		{".", module + "/internal/simnet", false, false},
		{".", module + "/internal/simnet", true, true},
		{".", "golang.org/x/sys/unix", false, true},
		{".", "github.com/spf13/cobra", false, false},
		{"internal/wire", "encoding/binary", false, true},
		{"internal/wire", "net", false, false},
		{"internal/wire", "net/netip", false, false},
		{"internal/wire", "sync/atomic", false, false},
		{"internal/wire", "time", true, true},
		{"internal/wire", module + "/internal/pipe", false, false},
		{"internal/route", module + "/internal/pipe", false, true},
		{"internal/route", module + "/internal/wire", false, false},
		{"internal/engine", module, false, false},
		{"internal/pipe", "golang.org/x/sys/unix", false, false},
		{"cmd/zmq", module, false, true},
		{"cmd/zmq", module + "/cmd/zmq/internal/line", false, true},
		{"cmd/zmq", module + "/internal/wire", false, false},
		{"cmd/zmq", "github.com/spf13/cobra", false, true},
		{"examples/push", module, false, true},
		{"examples/push", module + "/internal/wire", false, false},
		{"internal/session", module + "/cmd/zmq", true, false},
	}
	for _, test := range tests {
		if why := refusal(test.from, test.imported, test.isTest); (why == "") != test.ok {
			t.Errorf("%s imports %s (test: %v): %q", test.from, test.imported, test.isTest, why)
		}
	}
}

// TestEveryFile holds what is true of each file in the tree, whatever module it belongs to.
func TestEveryFile(t *testing.T) {
	const licence = "// SPDX-License-Identifier: MPL-2.0\n\n"
	// In two halves, so that this file passes itself.
	machine := []string{"/" + "work/", "/" + "root/"}
	kept := []string{".ci", ".github", "."}
	goFiles := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if strings.HasPrefix(entry.Name(), ".") && !slices.Contains(kept, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Ext(path) == ".go" {
			goFiles++
			// A checkout may have turned the ends of lines.
			if !bytes.HasPrefix(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte(licence)) {
				t.Errorf("%s does not begin with %q", path, licence)
			}
		}
		if bytes.IndexByte(text, 0) >= 0 {
			return nil // not a text: something built
		}
		for _, dir := range machine {
			if bytes.Contains(text, []byte(dir)) {
				t.Errorf("%s names a directory of one machine: %s", path, dir)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if goFiles == 0 {
		t.Error("no Go file found")
	}
}

// golden compares a file under docs with what it should say, or writes it.
func golden(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join("docs", name)
	if *update {
		if err := os.MkdirAll("docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with go test . -update", err)
	}
	gotLines := strings.Split(strings.ReplaceAll(string(got), "\r\n", "\n"), "\n")
	wantLines := strings.Split(want, "\n")
	for _, line := range wantLines {
		if !slices.Contains(gotLines, line) {
			t.Errorf("%s lacks      %s", path, line)
		}
	}
	for _, line := range gotLines {
		if !slices.Contains(wantLines, line) {
			t.Errorf("%s still says %s", path, line)
		}
	}
	if !t.Failed() && !slices.Equal(gotLines, wantLines) {
		t.Errorf("%s has its lines in another order", path)
	}
	if t.Failed() {
		t.Log("if that is meant: go test . -update")
	}
}
