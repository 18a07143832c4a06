#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Records what libzmq puts on the wire, for the tests that need no peer.

    python3 interop/record/record.py [internal/wire/testdata/golden]

Each scene is a libzmq socket on one side and, on the other, a plain TCP socket that plays just
enough ZMTP to make libzmq talk. What libzmq sends is cut into the greeting and frames, and written
as hex, one frame a line, so that a difference between two recordings can be read.
"""

import socket
import struct
import sys
from pathlib import Path

import zmq

GREETING = 64
DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "internal/wire/testdata/golden"
PATIENCE = 10  # seconds, for one read; loopback needs none of it

# Whom the plain side claims to be, so that libzmq accepts it.
PARTNER = {
    "PAIR": "PAIR", "PUB": "SUB", "SUB": "PUB", "REQ": "REP", "REP": "REQ", "DEALER": "ROUTER",
    "ROUTER": "DEALER", "PULL": "PUSH", "PUSH": "PULL", "XPUB": "XSUB", "XSUB": "XPUB",
}


def body(size):
    """The bytes 0, 1, 2 ... 250, 0, 1 ...: no power of two, so that a shifted body shows."""
    return bytes(i % 251 for i in range(size))


def frame(data, flags=0):
    """One ZMTP frame. 37/ZMTP, Framing."""
    if len(data) > 255:
        return bytes([flags | 2]) + struct.pack(">Q", len(data)) + data
    return bytes([flags, len(data)]) + data


def command(name, data=b""):
    return frame(bytes([len(name)]) + name + data, 4)


def ready(socket_type):
    """READY with the one property that libzmq looks at. 37/ZMTP, NULL Security Mechanism."""
    name, value = b"Socket-Type", socket_type.encode()
    return command(b"READY", bytes([len(name)]) + name + struct.pack(">I", len(value)) + value)


class Scene:
    """One libzmq socket, connected to a plain TCP socket of ours."""

    def __init__(self, socket_type, options=(), minor=1, mechanism=b"NULL", context=None):
        self.type = socket_type
        self.minor = minor
        self.mechanism = mechanism
        self.context = context or zmq.Context()
        self.zmq = self.context.socket(getattr(zmq, socket_type))
        self.zmq.linger = 0
        self.zmq.sndtimeo = self.zmq.rcvtimeo = PATIENCE * 1000
        for name, value in options:
            self.zmq.setsockopt(getattr(zmq, name), value)

    def __enter__(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(PATIENCE)
            self.zmq.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
            self.tcp, _ = listener.accept()
        self.tcp.settimeout(PATIENCE)
        self.tcp.sendall(b"\xff" + bytes(8) + b"\x7f" + bytes([3, self.minor])
                         + self.mechanism.ljust(20, b"\0") + bytes(32))
        self.greeting = self.read(GREETING)
        return self

    def __exit__(self, *_):
        self.tcp.close()
        self.zmq.close()
        self.context.term()

    def shake(self):
        """Exchanges READY and returns libzmq's."""
        self.tcp.sendall(ready(PARTNER[self.type]))
        return self.frame()

    def read(self, size):
        data = bytearray()
        while len(data) < size:
            more = self.tcp.recv(size - len(data))
            if not more:
                raise EOFError(f"{self.type}: libzmq hung up after {bytes(data).hex(' ')}")
            data += more
        return bytes(data)

    def frame(self):
        head = self.read(2)
        if head[0] & 2:
            head += self.read(7)
        size = head[1] if len(head) == 2 else struct.unpack(">Q", head[1:])[0]
        return head + self.read(size)

    def frames(self, count):
        return [self.frame() for _ in range(count)]


class Folder:
    def __init__(self, path):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.speaker = f"libzmq {zmq.zmq_version()}"

    def write(self, name, caption, pieces):
        """One file: a caption, then each piece (a greeting or a frame) as lines of hex."""
        lines = [f"# {self.speaker} sent: {caption}"]
        for piece in pieces:
            text = piece.hex(" ")
            lines += [text[i:i + 96].rstrip() for i in range(0, len(text), 96)]
            lines.append("")
        (self.path / f"{name}.hex").write_text("\n".join(lines).rstrip() + "\n")
        print(name)


def record_handshakes(folder):
    for socket_type in PARTNER:
        with Scene(socket_type) as scene:
            folder.write(f"handshake-{socket_type.lower()}", f"{socket_type}, greeting and READY",
                         [scene.greeting, scene.shake()])
    with Scene("DEALER", [("ROUTING_ID", b"alice")]) as scene:
        folder.write("handshake-dealer-identity", "DEALER with the routing id alice, greeting and READY",
                     [scene.greeting, scene.shake()])
    with Scene("PULL", [("PLAIN_SERVER", 1)], mechanism=b"PLAIN") as scene:
        folder.write("greeting-plain", "PULL as PLAIN server, greeting (as-server stays 0)", [scene.greeting])
    public, secret = zmq.curve_keypair()
    keys = [("CURVE_PUBLICKEY", public), ("CURVE_SECRETKEY", secret), ("CURVE_SERVERKEY", public)]
    with Scene("PUSH", keys, mechanism=b"CURVE") as scene:
        folder.write("greeting-curve", "PUSH as CURVE client, greeting", [scene.greeting])


def record_messages(folder):
    with Scene("PUSH") as scene:
        scene.shake()
        for size in (0, 1, 255, 256):
            scene.zmq.send(body(size))
            folder.write(f"frame-{size}", f"PUSH, a message of {size} bytes", [scene.frame()])
        for size in (65536, 70000):
            scene.zmq.send(body(size))
            sent = scene.frame()
            if sent[9:] != body(size):
                raise ValueError(f"{size} bytes came out changed")
            folder.write(f"frame-{size}", f"PUSH, a message of {size} bytes, here its header only", [sent[:9]])
        scene.zmq.send_multipart([b"first", b"", body(300), b"last"])
        folder.write("multipart", "PUSH, a message of four parts: first, nothing, 300 bytes, last", scene.frames(4))


def record_envelopes(folder):
    with Scene("REQ") as scene:
        scene.shake()
        scene.zmq.send(b"question")
        folder.write("req", "REQ, a request behind the empty delimiter", scene.frames(2))
    with Scene("REQ", [("REQ_CORRELATE", 1)]) as scene:
        scene.shake()
        scene.zmq.send(b"question")
        folder.write("req-correlate", "REQ with REQ_CORRELATE: request id, delimiter, request", scene.frames(3))
    with Scene("REP") as scene:
        scene.shake()
        scene.tcp.sendall(frame(b"hop", 1) + frame(b"", 1) + frame(b"question"))
        scene.zmq.recv()
        scene.zmq.send(b"answer")
        folder.write("rep", "REP, its reply behind the envelope of the request: hop, delimiter", scene.frames(3))


def record_heartbeats(folder):
    for ttl in (0, 2500):
        with Scene("PULL", [("HEARTBEAT_IVL", 20), ("HEARTBEAT_TTL", ttl)]) as scene:
            scene.shake()
            folder.write(f"ping-ttl-{ttl}", f"PULL with HEARTBEAT_TTL {ttl} ms, a PING", [scene.frame()])
    for name, context in (("pong", b""), ("pong-context", b"0123456789abcdef")):
        with Scene("PULL") as scene:
            scene.shake()
            scene.tcp.sendall(command(b"PING", b"\0\0" + context))
            folder.write(name, f"PULL, its answer to a PING with {len(context)} bytes of context", [scene.frame()])


def record_subscriptions(folder):
    for minor in (1, 0):
        with Scene("SUB", minor=minor) as scene:
            scene.shake()
            scene.zmq.subscribe(b"A")
            scene.zmq.subscribe(b"")
            scene.zmq.unsubscribe(b"A")
            folder.write(f"sub-3.{minor}", f"SUB to a 3.{minor} peer: subscribe A, subscribe all, cancel A",
                         scene.frames(3))


def record_error(folder):
    """A NULL server that a ZAP handler tells 400 says so in an ERROR. 27/ZAP, 37/ZMTP."""
    context = zmq.Context()
    with context.socket(zmq.REP) as handler:
        handler.linger = 0
        handler.rcvtimeo = PATIENCE * 1000
        handler.bind("inproc://zeromq.zap.01")
        with Scene("PULL", [("ZAP_DOMAIN", b"nobody")], context=context) as scene:
            scene.tcp.sendall(ready("PUSH"))
            request = handler.recv_multipart()
            handler.send_multipart([b"1.0", request[1], b"400", b"not you", b"", b""])
            handler.close()
            folder.write("error", "PULL whose ZAP handler answered 400, an ERROR", [scene.frame()])


def main():
    folder = Folder(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_FOLDER)
    record_handshakes(folder)
    record_messages(folder)
    record_envelopes(folder)
    record_heartbeats(folder)
    record_subscriptions(folder)
    record_error(folder)


if __name__ == "__main__":
    main()
