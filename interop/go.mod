module github.com/gzmq/zmq/interop

go 1.26

require github.com/gzmq/zmq v0.0.0

replace github.com/gzmq/zmq => ../
