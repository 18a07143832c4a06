// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// optionValue knows one field of Options: its text in libzmq's units, its bounds, its default.
// A reason that is not empty is what an OptionError will say.
type optionValue interface {
	parse(o *Options, text string) (reason string)
	format(o *Options) (text, reason string)
	check(o *Options) (value, reason string)
	fill(o *Options) // puts the default where zero stands for it
	same(a, b *Options) bool
	describe() (def, values string) // in libzmq's units
}

// number is a field that counts something, or a time. A plain amount is 1 to max; all other
// values are words: libzmq's number and the Go value that stands for it.
type number[T int | int64 | time.Duration] struct {
	at    func(*Options) *T
	def   T // what zero means
	max   T
	words []word[T]
}

// word is an amount with a meaning of its own. Where two share a value, the first is printed.
type word[T int | int64 | time.Duration] struct {
	number int64 // libzmq's
	value  T     // the field's
	means  string
}

// scale is how much of the field one of libzmq's units is: libzmq counts times in milliseconds.
func (n number[T]) scale() T {
	if n.isTime() {
		return T(time.Millisecond)
	}
	return 1
}

func (n number[T]) isTime() bool {
	_, ok := any(n.def).(time.Duration)
	return ok
}

func (n number[T]) parse(o *Options, text string) string {
	amount, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		d, err := time.ParseDuration(text)
		switch {
		case err != nil || d < 0 || !n.isTime():
			return n.takes()
		case d > 0:
			*n.at(o) = T(d)
			return ""
		}
		amount = 0 // "0s" is libzmq's 0, whatever that means here
	}
	for _, w := range n.words {
		if w.number == amount {
			*n.at(o) = w.value
			return ""
		}
	}
	if amount < 1 || amount > int64(n.max/n.scale()) {
		return n.takes()
	}
	*n.at(o) = T(amount) * n.scale()
	return ""
}

// format prints libzmq's number. A time that is no whole millisecond has none and is printed as
// Go prints it, so that parse gets back what was there.
func (n number[T]) format(o *Options) (text, reason string) {
	v := *n.at(o)
	if v == 0 {
		v = n.def
	}
	for _, w := range n.words {
		if w.value == v {
			return strconv.FormatInt(w.number, 10), ""
		}
	}
	if v%n.scale() != 0 {
		return time.Duration(v).String(), ""
	}
	return strconv.FormatInt(int64(v/n.scale()), 10), ""
}

func (n number[T]) check(o *Options) (value, reason string) {
	v := *n.at(o)
	if v >= 0 && v <= n.max {
		return "", ""
	}
	for _, w := range n.words {
		if w.value == v {
			return "", ""
		}
	}
	return fmt.Sprint(v), "in the struct it must be " + n.takesInGo()
}

func (n number[T]) fill(o *Options) {
	if p := n.at(o); *p == 0 {
		*p = n.def
	}
}

func (n number[T]) same(a, b *Options) bool { return sameText(n, a, b) }

func (n number[T]) describe() (def, values string) {
	def, _ = n.format(new(Options))
	values = "1 to " + strconv.FormatInt(int64(n.max/n.scale()), 10)
	if n.isTime() {
		values = `1 and more, or as "1.5s"`
	}
	for _, w := range n.words {
		values += fmt.Sprintf("; %d: %s", w.number, w.means)
	}
	return def, values
}

func (n number[T]) takes() string {
	_, values := n.describe()
	return "takes " + values
}

// takesInGo says in the struct's words what takes says in libzmq's.
func (n number[T]) takesInGo() string {
	texts := []string{"zero for the default"}
	for _, w := range n.words {
		switch {
		case w.value == -1 && !n.isTime():
			texts = append(texts, "Unlimited")
		case time.Duration(w.value) == Forever && n.isTime():
			texts = append(texts, "Forever")
		case time.Duration(w.value) == NoWait && n.isTime():
			texts = append(texts, "NoWait")
		}
	}
	if n.isTime() {
		return strings.Join(append(texts, "a positive time"), ", ")
	}
	return strings.Join(append(texts, fmt.Sprintf("1 to %d", n.max)), ", ")
}

// toggle is a field that is on or off.
type toggle struct{ at func(*Options) *bool }

func (f toggle) parse(o *Options, text string) string {
	on, err := strconv.ParseBool(text)
	if err != nil {
		return "takes 0 or 1"
	}
	*f.at(o) = on
	return ""
}

func (f toggle) format(o *Options) (text, reason string) {
	if *f.at(o) {
		return "1", ""
	}
	return "0", ""
}

func (f toggle) check(*Options) (value, reason string) { return "", "" }
func (f toggle) fill(*Options)                         {}
func (f toggle) same(a, b *Options) bool               { return sameText(f, a, b) }
func (f toggle) describe() (def, values string)        { return "0", "0 or 1" }

// goValue is a field that has no text: it can be given in the struct alone.
type goValue struct {
	equal func(a, b *Options) bool
	put   func(o *Options) // fill
	def   string
}

// noText answers whoever asks for such a field by name.
const noText = "is a Go value: give it in the Options of the constructor"

func (g goValue) parse(*Options, string) string         { return noText }
func (g goValue) format(*Options) (text, reason string) { return "", noText }
func (g goValue) check(*Options) (value, reason string) { return "", "" }
func (g goValue) fill(o *Options)                       { g.put(o) }
func (g goValue) same(a, b *Options) bool               { return g.equal(a, b) }
func (g goValue) describe() (def, values string)        { return g.def, "a Go value" }

// sameText compares by text, which is exact and knows that zero and the default are one.
func sameText(v optionValue, a, b *Options) bool {
	textA, _ := v.format(a)
	textB, _ := v.format(b)
	return textA == textB
}
