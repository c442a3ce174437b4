"""A carrier made by hand: the edge's side of the tunnel protocol, for cases that must break it."""

import base64
import json
import secrets
import socket
import ssl
import struct

from harness.sockets import receive
from harness.topology import HUB_TUNNEL
from harness.wait import Failure, expect, expect_equal
from harness.world import TUNNEL_PORT

OPEN, DATA, CLOSE, DATA_BACK, CLOSE_BACK, CONFIG, PING, PONG = range(0x01, 0x09)
WINDOW_UPDATE, WINDOW_UPDATE_BACK = 0x09, 0x0A
UDP_OPEN, UDP_DATA, UDP_DATA_BACK, UDP_CLOSE = range(0x0B, 0x0F)
RESET, HELLO, CONFIG_RESULT, REPORT, GOAWAY, UDP_OPEN_ACK = range(0x0F, 0x15)
INITIAL_CREDIT = 16384
SESSION_BIT = 0x80000000  # of the id in UDP frames, in penstock mode
HEADER = struct.Struct(">IBI")


def read_token(text):
    """The token's JSON: keys h, p, e, s, k."""
    text = text.strip()
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def write_token(fields):
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


def frame(stream, kind, payload=b""):
    return HEADER.pack(stream, kind, len(payload)) + payload


def proxy_line(port, client="192.0.2.77", local="192.0.2.1", client_port=40000):
    return f"PROXY TCP4 {client} {local} {client_port} {port}\r\n".encode()


def proxy_v2(port, client="192.0.2.77", local="192.0.2.1", client_port=40000):
    """The header that opens a session."""
    addresses = socket.inet_aton(client) + socket.inet_aton(local) + struct.pack(">HH", client_port, port)
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x12" + struct.pack(">H", len(addresses)) + addresses


def session_opened(session, port, **client):
    """The frame; `client`: as of proxy_v2()."""
    return frame(SESSION_BIT | session, UDP_OPEN, proxy_v2(port, **client))


class Carrier:
    """A TLS connection to the hub's tunnel port. Checks no certificate: it is the hub that is tested."""

    def __init__(self, world, namespace=None, source=None, hub=HUB_TUNNEL):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        plain = (namespace or world.edge).connect(hub, TUNNEL_PORT, source)
        self.socket = world.keep(context.wrap_socket(plain))

    def say(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def answer(self):
        """The hub's line of JSON: an assignment or a refusal."""
        line = bytearray()
        while not line.endswith(b"\n"):
            piece = self.socket.recv(1)
            if not piece:
                raise Failure(f"the hub closed without a whole answer: {bytes(line)!r}")
            line += piece
        return json.loads(line)

    def log_in(self, token, hello=True, instance=None, index=0):
        """As the token's edge; `hello`: in penstock mode. `instance`: of an edge that has more carriers than this one,
        which is its `index`th. Returns the assignment."""
        fields = read_token(token)
        self.say(f"EDGE {fields['e']} {fields['s']}")
        assignment = self.answer()
        expect("listenPorts" in assignment, f"an assignment, not {assignment}")
        if hello:
            self.send(0, HELLO, json.dumps({
                "version": 1, "role": "edge", "dialer": True,
                "instance": str(instance or secrets.randbits(63)), "carrier": index, "carriers": index + 1,
                "features": assignment["penstock"]["features"], "software": "test"}).encode())
        return assignment

    def send(self, stream, kind, payload=b""):
        self.socket.sendall(frame(stream, kind, payload))

    def open(self, stream, port):
        self.send(stream, OPEN, proxy_line(port))

    def open_session(self, session, port, payload, **client):
        """A session and its first datagram."""
        self.socket.sendall(session_opened(session, port, **client) + frame(SESSION_BIT | session, UDP_DATA, payload))

    def expect_session_echo(self, session, port, **client):
        """A session of an echo service is opened, and answers."""
        self.open_session(session, port, b"a good session", **client)
        expect_equal(self.receive_kind(UDP_DATA_BACK, SESSION_BIT | session), b"a good session", "the session's echo")

    def expect_refused_session(self, session, reason):
        payload = self.receive_kind(RESET, SESSION_BIT | session)
        expect_equal(int.from_bytes(payload[:2], "big"), reason, f"reason in the RESET of session {session}")

    def receive(self):
        """(stream, kind, payload) of the next frame; PING is answered on the way."""
        while True:
            stream, kind, length = HEADER.unpack(receive(self.socket, HEADER.size))
            payload = receive(self.socket, length)
            if kind != PING:
                return stream, kind, payload
            self.send(0, PONG, payload)

    def receive_kind(self, kind, stream=None):
        """The next frame of that kind, passing over others."""
        while True:
            got_stream, got, payload = self.receive()
            if got == kind and stream in (None, got_stream):
                return payload

    def expect_cut(self):
        """The hub ends the connection; frames before that (CONFIG, PING, RESET, GOAWAY) are passed over."""
        try:
            while self.socket.recv(65536):
                pass
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            pass
        except TimeoutError:
            raise Failure("the hub keeps the carrier") from None
        self.socket.close()
