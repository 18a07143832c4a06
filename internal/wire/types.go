// SPDX-License-Identifier: MPL-2.0

package wire

// TypeNumber returns libzmq's number of a socket type, which is also its code in a greeting of
// ZMTP 2.0, or -1 if there is no such type. The name is that of the Socket-Type property.
func TypeNumber(name string) int {
	for number, known := range [...]string{
		"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB",
		"STREAM", "SERVER", "CLIENT", "RADIO", "DISH", "GATHER", "SCATTER", "DGRAM", "PEER", "CHANNEL",
	} {
		if name == known {
			return number
		}
	}
	return -1
}

// Compatible reports whether sockets of the types a and b may talk to each other. STREAM and DGRAM
// do not speak ZMTP and have no peers here.
func Compatible(a, b string) bool {
	// 37/ZMTP, The Socket-Type Property
	switch a {
	case "PAIR", "PEER", "CHANNEL":
		return b == a
	case "PUB", "XPUB":
		return b == "SUB" || b == "XSUB"
	case "SUB", "XSUB":
		return b == "PUB" || b == "XPUB"
	case "REQ":
		return b == "REP" || b == "ROUTER"
	case "REP":
		return b == "REQ" || b == "DEALER"
	case "DEALER":
		return b == "REP" || b == "DEALER" || b == "ROUTER"
	case "ROUTER":
		return b == "REQ" || b == "DEALER" || b == "ROUTER"
	case "PUSH":
		return b == "PULL"
	case "PULL":
		return b == "PUSH"
	case "CLIENT":
		return b == "SERVER"
	case "SERVER":
		return b == "CLIENT"
	case "RADIO":
		return b == "DISH"
	case "DISH":
		return b == "RADIO"
	case "SCATTER":
		return b == "GATHER"
	case "GATHER":
		return b == "SCATTER"
	}
	return false
}
