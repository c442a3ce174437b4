"""Firewalls between edge and hub that take UDP of the tunnel's port away, or TCP, and leave all else alone."""

from harness.wait import expect
from harness.world import TUNNEL_PORT

TABLE = "inet penstock_test"


class Firewall:
    """Rules of nftables in the namespaces of edge and hub; they go with the namespaces."""

    def __init__(self, world):
        self._world = world
        self._program, self._environment = world.programs.peer("nft")

    def block_on_the_way(self):
        """What either side sends is lost on the way, and nobody is told."""
        self._add(self._world.hub, "input", f"udp dport {TUNNEL_PORT} drop")
        self._add(self._world.edge, "input", f"udp sport {TUNNEL_PORT} drop")

    def block_at_the_edge(self):
        """The edge's own host refuses to send."""
        self._add(self._world.edge, "output", f"udp dport {TUNNEL_PORT} drop")

    def block_tcp(self):
        """The hub's host refuses what comes by TCP."""
        self._add(self._world.hub, "input", f"tcp dport {TUNNEL_PORT} reject with tcp reset")

    def masquerade(self, address, other):
        """The hub sees `other` where the edge sends from `address`; neither is told. Packets change where they arrive:
        of what leaves in runs that are yet to be cut, the kernel would not mend the checksums."""
        self._world.edge.ip("address", "add", f"{other}/32", "dev", "lo")  # so that the hub's packets for it are taken
        self._add(self._world.hub, "prerouting", f"ip saddr {address} udp dport {TUNNEL_PORT} ip saddr set {other}")
        self._add(self._world.edge, "prerouting", f"ip daddr {other} udp sport {TUNNEL_PORT} ip daddr set {address}")

    def mark_congestion(self):
        """What can bear a mark reaches the hub with one, as from a router that is full (RFC 3168)."""
        self._add(self._world.hub, "prerouting", f"udp dport {TUNNEL_PORT} ip ecn != not-ect ip ecn set ce")

    def lift(self):
        for space in (self._world.hub, self._world.edge):
            self._run(space, f"add table {TABLE}; delete table {TABLE}")

    def _add(self, space, hook, rule):
        self._run(space, f"add table {TABLE}; add chain {TABLE} {hook} {{ type filter hook {hook} priority 0; }}; "
                         f"add rule {TABLE} {hook} {rule}")

    def _run(self, space, commands):
        done = self._world.processes.run([self._program, commands], space, environment=self._environment)
        expect(done.returncode == 0, f"nft {commands}: {done.stderr}")
