// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"fmt"
	"strings"
	"testing"
)

const optionsHead = `# Options

This page is made from the table in optiontable.go; ` + "`go test -run OptionsDoc . -update`" + ` writes it anew.

In Go an option is a field of ` + "`zmq.Options`" + `. A zero field is the default. ` + "`zmq.Unlimited`" + ` (-1) stands for no limit,
` + "`zmq.Forever`" + ` (-1) for a time without limit, ` + "`zmq.NoWait`" + ` (-2) for no time at all.

By name, with ` + "`Options.Set`" + ` and ` + "`Get`" + `, a socket's ` + "`SetOption`" + ` and ` + "`Option`" + `, and the command's ` + "`--option`" + `, ZeroMQ's own numbers
and units hold: ` + "`SNDHWM`" + ` 0 is no limit, ` + "`LINGER`" + ` 0 is no time. A name may be written in any case and with ` + "`ZMQ_`" + ` before it; a
time may also be written as Go does: ` + "`30s`" + `, ` + "`1.5ms`" + `. Defaults and values below are ZeroMQ's numbers.

`

// TestOptionsDoc holds docs/options.md to the table.
func TestOptionsDoc(t *testing.T) {
	var page strings.Builder
	page.WriteString(optionsHead)
	page.WriteString("| option | libzmq's number | field | unit | default | values | sockets | a change takes effect | |\n")
	page.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for i := range optionTable {
		row := &optionTable[i]
		number, def, values := "none", "", ""
		if row.number != 0 {
			number = fmt.Sprint(row.number)
		}
		if row.value != nil {
			def, values = row.value.describe()
		}
		cells := []string{row.name, number, row.field, row.unit, def, values, row.typeList(), string(row.live), row.doc}
		fmt.Fprintf(&page, "| %s |\n", strings.Join(cells, " | "))
	}
	page.WriteString("\nlibzmq's other options are refused with `ErrNotSupported`:\n")
	page.WriteString(strings.Join(notHere, ", ") + ".\n")
	golden(t, "options.md", page.String())
}
