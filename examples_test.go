// SPDX-License-Identifier: MPL-2.0

package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gzmq/zmq"
)

// One side pushes tasks, the other one pulls them. Which of them binds does not matter, and nor does
// which of them comes first.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	pull, err := zmq.NewPull(zmq.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer pull.Close()
	endpoint, err := pull.Bind("tcp://127.0.0.1:*")
	if err != nil {
		log.Fatal(err)
	}

	push, err := zmq.NewPush(zmq.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer push.Close()
	if err := push.Connect(endpoint); err != nil {
		log.Fatal(err)
	}
	if err := push.Send(ctx, []byte("task 1"), []byte("in two parts")); err != nil {
		log.Fatal(err)
	}

	task, err := pull.Recv(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for i, part := range task.Parts() {
		fmt.Printf("part %d: %s\n", i, part)
	}
	// Output:
	// part 0: task 1
	// part 1: in two parts
}

// Request sends, waits for the reply, and tries again as it is told to.
func ExampleReq_Request() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	rep, err := zmq.NewRep(zmq.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer rep.Close()
	endpoint, err := rep.Bind("tcp://127.0.0.1:*")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for request, err := range rep.Messages(ctx) {
			if err != nil {
				return // the socket was closed
			}
			rep.Send(ctx, []byte("hello, "), request.Bytes())
		}
	}()

	req, err := zmq.NewReq(zmq.Options{RequestTimeout: time.Second, RequestRetries: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer req.Close()
	if err := req.Connect(endpoint); err != nil {
		log.Fatal(err)
	}
	reply, err := req.Request(ctx, []byte("world"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s%s\n", reply.Part(0), reply.Part(1))
	// Output: hello, world
}

// Messages receives until the first error, which is the last pair of the loop.
func ExamplePull_Messages() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	own := zmq.NewContext(zmq.ContextOptions{}) // whose inproc names nobody else sees
	pull, err := zmq.NewPull(zmq.Options{Context: own})
	if err != nil {
		log.Fatal(err)
	}
	push, err := zmq.NewPush(zmq.Options{Context: own})
	if err != nil {
		log.Fatal(err)
	}
	if err := push.Connect("inproc://results"); err != nil { // before it is bound
		log.Fatal(err)
	}
	for n := range 3 {
		if err := push.Send(ctx, fmt.Append(nil, "result ", n)); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := pull.Bind("inproc://results"); err != nil {
		log.Fatal(err)
	}

	for result, err := range pull.Messages(ctx) {
		if err != nil {
			fmt.Println("the end:", errors.Is(err, zmq.ErrTerm))
			break
		}
		fmt.Printf("%s\n", result.Bytes())
		if string(result.Bytes()) == "result 2" {
			own.Shutdown()
		}
	}
	if err := own.Term(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// result 0
	// result 1
	// result 2
	// the end: true
}

// RecvInto reuses the memory of its message, so that a loop allocates nothing. Clone keeps one.
func ExamplePull_RecvInto() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	own := zmq.NewContext(zmq.ContextOptions{})
	defer own.Term(ctx)
	pull, err := zmq.NewPull(zmq.Options{Context: own})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := pull.Bind("inproc://samples"); err != nil {
		log.Fatal(err)
	}
	push, err := zmq.NewPush(zmq.Options{Context: own})
	if err != nil {
		log.Fatal(err)
	}
	if err := push.Connect("inproc://samples"); err != nil {
		log.Fatal(err)
	}
	for _, sample := range []string{"3", "9", "4"} {
		if err := push.Send(ctx, []byte(sample)); err != nil {
			log.Fatal(err)
		}
	}

	var sample, largest zmq.Message
	for range 3 {
		if err := pull.RecvInto(ctx, &sample); err != nil {
			log.Fatal(err)
		}
		if string(sample.Bytes()) > string(largest.Bytes()) {
			largest = sample.Clone()
		}
	}
	fmt.Printf("%s\n", largest.Bytes())
	// Output: 9
}

// Close waits for what was accepted, at most LINGER, and says if it had to drop something.
func ExamplePush_Close() {
	push, err := zmq.NewPush(zmq.Options{Linger: 10 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	if err := push.Connect("inproc://nobody-is-there"); err != nil {
		log.Fatal(err)
	}
	if err := push.TrySend([]byte("to nobody")); err != nil {
		log.Fatal(err)
	}
	if err := push.Close(); errors.Is(err, zmq.ErrUnsent) {
		fmt.Println("not everything was sent")
	}
	// Output: not everything was sent
}
