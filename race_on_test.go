// SPDX-License-Identifier: MPL-2.0

//go:build race

package zmq

const raceEnabled = true
