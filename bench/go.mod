module github.com/gzmq/zmq/bench

go 1.26.0

require github.com/gzmq/zmq v0.0.0

require golang.org/x/sys v0.46.0 // indirect

replace github.com/gzmq/zmq => ../
