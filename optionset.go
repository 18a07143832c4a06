// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"fmt"
	"strings"
)

// Set gives the option that libzmq calls name a value in libzmq's units and numbers: "SNDHWM",
// "ZMQ_SNDHWM" and "sndhwm" are one option, and its "0" is Unlimited. A time may also be written
// as "30s". The error is an *OptionError, and o is unchanged then.
func (o *Options) Set(name, value string) error { return setByName(o, name, value) }

// Get returns the value of an option as Set takes it. A zero field is its default, and a time
// that is no whole millisecond is printed as "1.5ms".
func (o *Options) Get(name string) (string, error) { return getByName(o, name) }

// setByName is Set; a socket's SetOption runs it on a copy.
func setByName(o *Options, name, value string) error {
	row, err := lookupOption(name, value)
	if err != nil {
		return err
	}
	if row.value == nil {
		return &OptionError{Name: row.name, Value: value, Reason: "can only be read, with Option of a socket"}
	}
	if reason := row.value.parse(o, value); reason != "" {
		return &OptionError{Name: row.name, Value: value, Reason: reason}
	}
	return nil
}

// getByName is Get. A socket answers its read-only names itself.
func getByName(o *Options, name string) (string, error) {
	row, err := lookupOption(name, "")
	if err != nil {
		return "", err
	}
	if row.value == nil {
		return "", &OptionError{Name: row.name, Reason: "is read from a socket, with Option"}
	}
	text, reason := row.value.format(o)
	if reason != "" {
		return "", &OptionError{Name: row.name, Reason: reason}
	}
	return text, nil
}

// validate refuses a value outside its range, and an option that sockets of type t do not have.
// A field that holds the default is never refused, so that the Options of one socket can make
// another of any type.
func (o *Options) validate(t SocketType) error {
	var unset Options
	for i := range optionTable {
		row := &optionTable[i]
		if row.value == nil {
			continue
		}
		if value, reason := row.value.check(o); reason != "" {
			return &OptionError{Name: row.name, Value: value, Reason: reason}
		}
		if !row.appliesTo(t) && !row.value.same(o, &unset) {
			text, _ := row.value.format(o)
			return &OptionError{Name: row.name, Value: text, kind: ErrNotSupported,
				Reason: fmt.Sprintf("a %s socket does not have it, only %s", t, row.typeList())}
		}
	}
	return nil
}

// effective is o with every default in its place. A zero that is left is a value: the system's
// buffer, no growth, no retries, off. The default Context is the constructor's to give.
func (o Options) effective() Options {
	for i := range optionTable {
		if value := optionTable[i].value; value != nil {
			value.fill(&o)
		}
	}
	return o
}

// changedNotLive refuses a change of what is fixed when a socket is made.
func changedNotLive(old, changed Options) error {
	for i := range optionTable {
		row := &optionTable[i]
		if row.live == whenMade && !row.value.same(&old, &changed) {
			return &OptionError{Name: row.name, kind: ErrNotSupported,
				Reason: "cannot change any more: give it to the constructor"}
		}
	}
	return nil
}

// typeList names the socket types that have the option.
func (r *optionRow) typeList() string {
	if r.types == nil {
		return "all"
	}
	names := make([]string, len(r.types))
	for i, t := range r.types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}
