"""An edge over QUIC, made by hand: what tests/support/quic_client.cc is told to say, for cases that break the rules."""

import json
import secrets

from harness.carrier import HELLO, frame, read_token
from harness.topology import HUB_TUNNEL2
from harness.wait import until
from harness.world import TUNNEL_PORT


class QuicClient:
    """One connection to the hub from beside the edges. Checks no certificate: it is the hub that is tested."""

    def __init__(self, world, name, *actions):
        """`actions`: those that the program knows, in their order."""
        command = [world.programs.quic_client, f"{HUB_TUNNEL2}:{TUNNEL_PORT}", *actions]
        self._process = world.processes.start(name, command, world.edge2, must_live=False)

    def said(self):
        """What happened to it so far, a line each."""
        return self._process.output()

    def await_said(self, text, deadline=10.0):
        until(lambda: text in self.said(), f"the client prints {text!r}, of {self.said()[-300:]!r}", deadline)

    def await_end(self, deadline=10.0):
        """All that it printed, once its connection has ended."""
        self._process.wait(deadline)
        return self.said()


def control(*pieces):
    """The action: bytes on the control stream."""
    return f"control:{b''.join(pieces).hex()}"


def stream(data):
    return f"stream:{data.hex()}"


def edge_line(edge, secret):
    return control(f"EDGE {edge} {secret}\n".encode())


def log_in(token):
    """Actions of an edge that comes up as it should."""
    fields = read_token(token)
    hello = json.dumps({"version": 1, "role": "edge", "dialer": True, "instance": str(secrets.randbits(63)),
                        "carrier": 0, "carriers": 1, "features": [], "software": "test"})
    return edge_line(fields["e"], fields["s"]), "answer", control(frame(0, HELLO, hello.encode()))
