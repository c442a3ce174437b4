"""The measure of datagrams one way, from the client to a sink at the backend, with all that carries them on one core."""

from suite.cores import MeasuredCore
from suite.datagrams import FIRST_PORT
from suite.ends import End
from suite.forward import make_sessions, offer
from suite.load import all_sources
from suite.measurement import Measurement

SIZES = (100, 1200)
SESSIONS = 1000
OFFERED = (25_000, 75_000)  # a second: a core that idles mostly, and one that is busy


def oneway(bench, peer):
    """Microseconds of one core for a datagram, and how many a packet has."""
    found = Measurement()
    load = {"sessions": SESSIONS, "sources": all_sources(), "first_port": FIRST_PORT}
    with End(bench.world, bench.world.backend, "hub", "drop") as sink:
        links = {"links": [(bench.world.edge, "client")], "load_links": [(bench.world.backend, "hub")]}
        with MeasuredCore(bench.world, peer.processes, **links) as core:
            make_sessions(bench, found, "oneway", peer.oneway, **load)
            for size in SIZES:
                for rate in OFFERED:
                    before = peer.tunnel_packets()
                    seen = offer(bench, core, sink, peer.oneway, load | {"size": size, "rate": rate})
                    found.raw[f"oneway.{size}.{rate}"] = seen
                    found.metrics[f"oneway.arrived.{size}.{rate}"] = 100 * seen["came"] / max(seen["sent"], 1)
                    keep(found, size, rate, seen["came"], bench.settings.seconds, seen["processor"] * seen["came"] / 1e6,
                         peer.tunnel_packets() - before)
    found.failures += peer.problems()
    return found


def keep(found, size, rate, came, seconds, used, packets):
    """`rate`: None where there was none. `used`: seconds of the core; `packets`: of QUIC, 0 where it is not."""
    name = f"{size}.{rate or 'most'}"
    found.metrics |= {f"oneway.{name}": came / max(seconds, 1e-9), f"oneway.processor.{name}": used * 1e6 / max(came, 1)}
    if packets:
        found.metrics[f"oneway.packed.{name}"] = came / packets
