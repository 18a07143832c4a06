#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""One libzmq socket, driven by lines on standard input: the pyzmq peer of the interop tests.

Each line is a command, each gets one line back: "ok", perhaps with a value, or "error" and why.
peer.c understands the same commands; interop.go says what they mean and how bodies are made.
"""

import sys

import zmq
from zmq.utils.monitor import recv_monitor_message

PATIENCE = 60_000  # milliseconds, after which a call that hangs becomes an error
WHEEL = bytes(range(256)) * (4 * 1024 * 1024 // 256 + 2)
EVENT_WANTED = zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED


def body(number, part, size):
    turn = (number + part) & 255
    head = number.to_bytes(4, "big")[:size]
    return head + WHEEL[turn + len(head):turn + size]


def message(number, size, parts, hops):
    envelope = [b"hop%d" % i for i in range(hops)] + [b""] if hops >= 0 else []
    return envelope + [body(number, part, size) for part in range(parts)]


def check(got, number, size, parts, hops):
    want = message(number, size, parts, hops)
    if got == want:
        return
    if len(got) != len(want):
        raise ValueError(f"message {number}: {len(got)} parts, want {len(want)}")
    for part, (have, should) in enumerate(zip(got, want)):
        if have != should:
            raise ValueError(f"message {number}, part {part}: {len(have)} bytes {have[:16].hex()}..., "
                             f"want {len(should)} bytes {should[:16].hex()}...")


class Peer:
    def __init__(self):
        self.context = zmq.Context()

    def socket(self, name, *options):
        self.type = getattr(zmq, name)
        self.zmq = self.context.socket(self.type)
        self.zmq.sndtimeo = self.zmq.rcvtimeo = self.zmq.linger = PATIENCE
        for option in options:
            key, value = option.split("=")
            self.zmq.setsockopt(getattr(zmq, key), int(value))
        self.monitor = self.zmq.get_monitor_socket(EVENT_WANTED)
        self.monitor.rcvtimeo = PATIENCE

    def bind(self, endpoint):
        self.zmq.bind(endpoint)
        return self.zmq.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()

    def connect(self, endpoint):
        self.zmq.connect(endpoint)

    def send(self, first, count, *shape):
        for number in range(first, first + count):
            self.zmq.send_multipart(message(number, *shape))

    def recv(self, first, count, *shape):
        for number in range(first, first + count):
            check(self.zmq.recv_multipart(), number, *shape)

    def request(self, first, count, *shape):
        for number in range(first, first + count):
            self.zmq.send_multipart(message(number, *shape))
            check(self.zmq.recv_multipart(), number, *shape)

    def reply(self, first, count, *shape):
        for number in range(first, first + count):
            got = self.zmq.recv_multipart()
            check(got[1:] if self.type == zmq.ROUTER else got, number, *shape)
            self.zmq.send_multipart(got)

    def drain(self, last, *shape):
        number = count = 0
        while number < last:
            got = self.zmq.recv_multipart()
            before, number = number, int.from_bytes(got[0][:4], "big")
            check(got, number, *shape)
            if number <= before:
                raise ValueError(f"message {number} came after message {before}")
            count += 1
        return count

    def wait(self, event):
        while recv_monitor_message(self.monitor)["event"] != event:
            pass

    def close(self):
        self.zmq.disable_monitor()
        self.monitor.close()
        self.zmq.close()
        self.context.term()


def main():
    peer = Peer()
    for line in sys.stdin:
        verb, *words = line.split()
        if verb not in ("socket", "bind", "connect"):
            words = [int(word) for word in words]
        try:
            answer = getattr(peer, verb)(*words)
            print("ok" if answer is None else f"ok {answer}", flush=True)
        except Exception as error:  # whatever it is, the test wants to read it
            print(f"error {type(error).__name__}: {error}".replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
