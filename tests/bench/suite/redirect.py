"""The floor of what kernel programs can do with a datagram: they send it on, without a look."""

import contextlib

from harness.topology import EDGE_V4
from suite.ends import End
from suite.links import mac

PORT = 7700


class BareRedirect:
    """Programs at the edge's place that redirect between client and backend, with addresses as they are."""

    measures = ("forward",)
    forwards = {"plain": f"{EDGE_V4}:{PORT}"}
    offered = (1_000_000, 1_500_000, 1_750_000, 2_000_000, 2_500_000, None)
    processes = ()
    alone = True

    def __init__(self, world, settings):
        self._world = world
        self.most_sessions = settings.sessions
        self._programs = contextlib.ExitStack()

    def start(self):
        world = self._world
        for device, out, peer in (("client", "backend", (world.backend, "edge")), ("backend", "client", (world.client, "edge"))):
            self._programs.enter_context(End(world, world.edge, device, "redirect", f"--out={out}",
                                             f"--next-mac={mac(*peer)}", f"--own-mac={mac(world.edge, out)}"))

    def stop(self):
        self._programs.close()
