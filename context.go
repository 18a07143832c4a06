// SPDX-License-Identifier: MPL-2.0

package zmq

// Context holds inproc names and the sockets that Term ends.
type Context struct{ _ [0]func() }
