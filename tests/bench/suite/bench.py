"""One run: the network, the peers that stand in it side by side, and the rounds."""

import contextlib
import os
import sys
import time

from harness import topology
from harness.daemon import Refused
from harness.topology import EDGE_TUNNEL, EDGE_V4, HUB_BACKEND, HUB_TUNNEL
from harness.wait import Failure
from harness.world import World
from suite import links
from suite.links import BACKEND_NET, CLIENT_NET, TUNNEL_NET
from suite.load import Load
from suite.measurement import Measurement
from suite.measures import MEASURES, WITHOUT_PEERS, WITH_WIRES
from suite.peers import PEERS

LOG_LINES = 20


class Bench:
    """Owns everything of a run; `results` grows by one dictionary for each measure, peer and round."""

    def __init__(self, settings, programs):
        self.settings = settings
        self.results = []
        topology.remove_leftovers()
        self.world = World(programs, "kernel" if settings.wires else "socket")
        self.load = None
        self._peers = {}

    def start(self, names):
        if "lossy" in self.settings.measures:
            _ = self.world.programs.linkem  # missed before anything is measured
        self._prepare_network()
        self.load = Load(self.world, self.settings.descriptors - 100)
        for name in names:
            if not set(PEERS[name].measures) & set(self.settings.measures):
                continue
            self._peers[name] = PEERS[name](self.world, self.settings)
            if is_alone(self._peers[name]):
                continue
            try:
                self._peers[name].start()
            except (Failure, Refused):
                self._show_logs(name)
                raise
        if not self._peers:
            raise Failure(f"no peer can do {', '.join(self.settings.measures)}")

    def _prepare_network(self):
        """Forwarding for the bare path, and enough ports for many short flows."""
        world = self.world
        links.add(world, self.settings.wires)
        world.client.ip("route", "add", BACKEND_NET, "via", EDGE_V4)
        world.edge.ip("route", "add", BACKEND_NET, "via", HUB_TUNNEL)
        world.hub.ip("route", "add", CLIENT_NET, "via", EDGE_TUNNEL)
        for net in (CLIENT_NET, TUNNEL_NET):  # a single proxy stands at the edge and reaches the backend from there
            world.backend.ip("route", "add", net, "via", HUB_BACKEND)
        for namespace in (world.client, world.edge, world.hub, world.backend):
            _set(namespace, "net/ipv4/ip_forward", "1")
            _set(namespace, "net/ipv4/ip_local_port_range", "10000 65535")
            _set(namespace, "net/ipv4/tcp_tw_reuse", "1")
            _set_congestion(namespace, self.settings.congestion)

    def run(self):
        """Every round takes each measure at all peers that know it, the next round in the opposite order."""
        for number in range(self.settings.rounds):
            order = list(self._peers.items())[:: -1 if number % 2 else 1]
            for measure in self.settings.measures:
                for name, peer in order:
                    if measure in peer.measures and (self.settings.wires or measure not in WITH_WIRES):
                        self._measure(number, measure, name, peer)

    def _measure(self, number, measure, name, peer):
        load = os.getloadavg()[0]
        began = time.monotonic()
        try:
            with contextlib.nullcontext() if measure in WITHOUT_PEERS else _standing(peer):
                own = getattr(peer, f"measure_{measure}", None)  # of a peer that brings its own load
                found = own(self) if own else MEASURES[measure](self, peer)
                self.world.processes.check()
        except (Failure, Refused, OSError) as failure:  # OSError: what /proc says of a process that is gone
            found = Measurement()
            found.failures.append(str(failure))
            self._show_logs(name)
        took = time.monotonic() - began
        print(f"  round {number + 1} of {self.settings.rounds}: {measure:<10} {name:<9} {took:5.1f} s",
              file=sys.stderr, flush=True)
        self.results.append({"round": number + 1, "measure": measure, "peer": name, "machine_load": load,
                             "metrics": found.metrics, "failures": found.failures, "raw": found.raw})

    def _show_logs(self, peer):
        """The last lines of a peer's processes: the files go with the run."""
        for name, log in self.world.processes.logs():
            if name.startswith(peer):
                for line in log.read_text(errors="replace").splitlines()[-LOG_LINES:]:
                    print(f"    {name} | {line}", file=sys.stderr)

    def close(self):
        for problem in self.world.close():
            print(f"note: at the end: {problem}", file=sys.stderr)
        self.world.remove_files()


def is_alone(peer):
    """Whether it may stand only while it is measured."""
    return getattr(peer, "alone", False)


@contextlib.contextmanager
def _standing(peer):
    """The peer runs within the `with`."""
    if not is_alone(peer):
        yield
        return
    try:
        peer.start()
        yield
    finally:
        peer.stop()


def _set_congestion(namespace, name):
    try:
        _set(namespace, "net/ipv4/tcp_congestion_control", name)
    except OSError as problem:
        with open("/proc/sys/net/ipv4/tcp_allowed_congestion_control", encoding="ascii") as file:
            raise Failure(f"no congestion control '{name}' in namespaces ({problem.strerror}); --congestion can be "
                          f"one of: {', '.join(file.read().split())}") from None


def _set(namespace, key, value):
    with namespace.enter(), open(f"/proc/sys/{key}", "w", encoding="ascii") as file:
        file.write(value)
