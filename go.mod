module github.com/gzmq/zmq

go 1.26
