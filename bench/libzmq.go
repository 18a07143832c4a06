// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sources are the C programs. They travel inside the binary, so that bench runs from any folder.
//
//go:embed c
var sources embed.FS

// libzmqSide starts the C programs that buildLibzmq made.
type libzmqSide struct {
	dir     string
	version string // libzmq's own
}

// buildLibzmq compiles the C programs into dir and asks one for libzmq's version.
func buildLibzmq(ctx context.Context, dir string) (libzmqSide, error) {
	s := libzmqSide{dir: dir}
	files, err := fs.Sub(sources, "c")
	if err != nil {
		return s, err
	}
	from := filepath.Join(dir, "src")
	if err := os.CopyFS(from, files); err != nil {
		return s, err
	}
	for _, pattern := range []string{thr, lat} {
		program, _ := s.command(pattern)
		source := filepath.Join(from, pattern+".c")
		cmd := exec.CommandContext(ctx, "gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra",
			"-o", program, source, "-lzmq", "-lpthread")
		if text, err := cmd.CombinedOutput(); err != nil {
			return s, fmt.Errorf("libzmq's side does not compile (on Debian: apt-get install gcc libc6-dev libzmq3-dev): %w\n%s", err, text)
		}
	}
	program, _ := s.command(thr)
	version, err := exec.CommandContext(ctx, program, "version").Output()
	if err != nil {
		return s, fmt.Errorf("libzmq's side does not run: %w", err)
	}
	s.version = strings.TrimSpace(string(version))
	return s, nil
}

func (libzmqSide) name() string { return "libzmq" }

func (s libzmqSide) command(pattern string) (string, []string) {
	return filepath.Join(s.dir, pattern), nil
}
