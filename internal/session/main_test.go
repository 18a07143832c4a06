// SPDX-License-Identifier: MPL-2.0

package session

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
)

// TestMain poisons recycled memory and wants every goroutine gone at the end.
func TestMain(m *testing.M) {
	pipe.Poison()
	before := runtime.NumGoroutine()
	code := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(code) // goroutines of its own
	}
	if stacks := left(before); code == 0 && stacks != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left:\n%s\n", stacks)
		code = 1
	}
	os.Exit(code)
}

// left waits until there are no more goroutines than before; it returns the stacks of the others.
func left(before int) string {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if runtime.NumGoroutine() <= before {
			return ""
		}
		if time.Now().After(end) {
			var b bytes.Buffer
			stacks := make([]byte, 1<<20)
			b.Write(stacks[:runtime.Stack(stacks, true)])
			return b.String()
		}
	}
}
