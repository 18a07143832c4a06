// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestSmoke(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, ep := range []string{"tcp://127.0.0.1:0", "ipc://*", "inproc://x"} {
		c := NewContext(ContextOptions{})
		pull, err := NewPull(Options{Context: c})
		if err != nil {
			t.Fatal(err)
		}
		push, _ := NewPush(Options{Context: c})
		bound, err := pull.Bind(ep)
		if err != nil {
			t.Fatal(err)
		}
		if err := push.Connect(bound); err != nil {
			t.Fatal(err)
		}
		go func() {
			for i := range 10000 {
				if err := push.Send(ctx, []byte(fmt.Sprint(i)), make([]byte, i%300)); err != nil {
					t.Error(err)
					return
				}
			}
			big := make([]byte, 3<<20)
			push.Send(ctx, []byte("x"), big, []byte("y"), big[:70000])
		}()
		var m Message
		for i := range 10000 {
			if err := pull.RecvInto(ctx, &m); err != nil {
				t.Fatal(ep, i, err)
			}
			if string(m.Part(0)) != fmt.Sprint(i) || len(m.Part(1)) != i%300 {
				t.Fatal(ep, i, string(m.Part(0)), len(m.Part(1)))
			}
		}
		if err := pull.RecvInto(ctx, &m); err != nil || m.Len() != 4 || len(m.Part(1)) != 3<<20 || len(m.Part(3)) != 70000 {
			t.Fatal(err, m.Len())
		}
		if err := push.Close(); err != nil {
			t.Fatal(err)
		}
		if err := pull.Close(); err != nil {
			t.Fatal(err)
		}
		rep, _ := NewRep(Options{Context: c})
		req, _ := NewReq(Options{Context: c})
		bound, err = rep.Bind(ep)
		if err != nil {
			t.Fatal(err)
		}
		req.Connect(bound)
		go func() {
			for {
				m, err := rep.Recv(ctx)
				if err != nil {
					return
				}
				rep.SendMessage(ctx, &m)
			}
		}()
		start := time.Now()
		for i := range 5000 {
			m, err := req.Request(ctx, []byte(fmt.Sprint(i)))
			if err != nil || string(m.Bytes()) != fmt.Sprint(i) {
				t.Fatal(ep, i, err)
			}
		}
		t.Log(ep, time.Since(start)/5000)
		req.Close()
		rep.Close()
	}
}
