// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"
)

// bashCompletion takes the place of the parser's own script, which needs the bash-completion package
// and runs what was typed through eval: a $(command) on the line would run at the press of TAB.
const bashCompletion = `# Completion of zmq for bash: source <(zmq completion bash)
_zmq_completion() {
  local current=${COMP_WORDS[COMP_CWORD]} word
  local words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
  [[ $current == -* ]] && words+=("$current")
  COMPREPLY=()
  while IFS=: read -r word _; do
    [[ -n $word && $word == "$current"* ]] && COMPREPLY+=("$word")
  done < <("$1" "${words[@]}" --generate-shell-completion 2>/dev/null)
}
complete -o bashdefault -o default -F _zmq_completion zmq
`

// configureCompletion shows the completion command: the parser hides it, but nobody finds what the
// help does not show.
func configureCompletion(c *cli.Command) {
	c.Hidden = false
	for _, shell := range c.Commands {
		if shell.Name == "bash" {
			shell.Action = func(_ context.Context, c *cli.Command) error {
				_, err := fmt.Fprint(c.Root().Writer, bashCompletion)
				return failed(err)
			}
		}
	}
}

// complete offers the values of a flag that has a fixed set of them, and commands and flags otherwise.
func complete(ctx context.Context, c *cli.Command) {
	last := ""
	if args := c.Args(); args.Present() {
		last = args.Slice()[args.Len()-1]
	}
	switch {
	case last == "--format":
		offer(c, formats[:])
	case last == "--transport":
		offer(c, transports[:])
	case len(c.Commands) == 0 && !strings.HasPrefix(last, "-"):
		var flags []string
		for _, flag := range c.VisibleFlags() {
			flags = append(flags, "--"+flag.Names()[0])
		}
		offer(c, flags)
	default:
		cli.DefaultCompleteWithFlags(ctx, c)
	}
}

// offer prints one word to a line, as the scripts want it.
func offer(c *cli.Command, words []string) {
	for _, word := range words {
		fmt.Fprintln(c.Root().Writer, word)
	}
}
