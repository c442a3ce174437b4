"""Peers that speak the published protocol only: a separate program, written from its description."""

import subprocess

from harness.carrier import read_token
from harness.certificates import make_certificates
from harness.daemon import Edge
from harness.programs import PYTHON, TOP
from harness.topology import BACKEND_V4, EDGE_V4, HUB_TUNNEL
from harness.wait import expect
from harness.world import TUNNEL_PORT

PEER = TOP / "tests/support/legacy_peer.py"
HUB = f"{HUB_TUNNEL}:{TUNNEL_PORT}"
SECRET = "a-secret-of-the-old-days"


class LegacyPeer:
    """The running program."""

    def __init__(self, process):
        self._process = process

    def say(self, line):
        """An order to a hub."""
        self._process.popen.stdin.write(line.encode() + b"\n")
        self._process.popen.stdin.flush()

    def output(self):
        return self._process.output()

    def check(self):
        """Fails if the peer was sent what the published protocol does not have."""
        expect("violation" not in self.output(), f"the peer found nothing to complain about: {self.output()[-500:]}")
        self._process.check()


def legacy_edge(world, token, *options):
    """An edge that dials our hub."""
    fields = read_token(token)
    return LegacyPeer(world.processes.start("legacy-edge", [
        PYTHON, PEER, "edge", "--hub", HUB, "--id", fields["e"], f"--secret={fields['s']}", "--listen-host", EDGE_V4,
        *options], world.edge))


def edge_at_legacy_hub(world, *options, config=None):
    """(a hub that listens, an edge of ours that knows how to dial it and is not started yet)"""
    ca, certificate, key = make_certificates(world)
    peer = LegacyPeer(world.processes.start("legacy-hub", [
        PYTHON, PEER, "hub", "--listen", HUB, "--cert", certificate, "--key", key, "--id", "edge-1", "--secret", SECRET,
        "--target-host", BACKEND_V4, *options], world.hub, stdin=subprocess.PIPE))
    world.await_listener(world.hub, TUNNEL_PORT)
    secret = world.directory / "secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET + "\n")
    return peer, Edge(world, None, {**(config or {}), "edge": {
        "hub": HUB, "id": "edge-1", "secret_file": secret, "ca_file": ca, "hub_name": "hub.example.test"}})
