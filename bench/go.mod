module github.com/gzmq/zmq/bench

go 1.26.0

require github.com/gzmq/zmq v0.0.0

replace github.com/gzmq/zmq => ../
