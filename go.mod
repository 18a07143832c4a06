module github.com/gzmq/zmq

go 1.26

require (
	github.com/urfave/cli/v3 v3.14.0
	golang.org/x/sys v0.46.0
	golang.org/x/term v0.44.0
)
