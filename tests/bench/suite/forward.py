"""The measures of datagrams that packetload makes: how many a second come back to the client, all on one core."""

import contextlib
import time

from harness.topology import CLIENTS_V4
from suite.cores import LOAD_CORE, MEASURED_CORE, MeasuredCore
from suite.datagrams import judge
from suite.ends import FORWARD_PORTS, End
from suite.measurement import Measurement

HOT = 1000           # sessions that are in the processor's caches
FIRST_PORT = 20_000  # of the client
MAKING = 20_000      # a second, of the sessions that are made before the clock runs
TURNS = 3            # datagrams of each session until it is made: its client must have answered an answer
LONGEST = 120        # seconds that making all sessions may take
TOO_FAST = 0.7       # of the best rate so far: what is faster still will do no better
SIZE = 100           # bytes of a round trip


def forward(bench, peer):
    """The best rate, over several that are offered, without and with a PROXY header in each datagram."""
    found = Measurement()
    counts = {"hot": HOT, "many": bench.settings.sessions}
    for way, target in peer.forwards.items():
        peer.stop()
        peer.start()  # without the sessions of the last way
        with measured(bench, peer) as (core, sink):
            for kind, sessions in counts.items():
                if sessions <= peer.most_sessions:
                    _forward(bench, peer, found, f"{way}.{kind}", core, sink, target, load_of(sessions))
    return found


def _forward(bench, peer, found, name, core, sink, target, load):
    make_sessions(bench, found, name, target, **load)
    seen = found.raw[f"forward.{name}"] = _offer_all(bench, peer, core, sink, target, load)
    best = max(seen, key=lambda one: one["per_second"])
    found.metrics |= {f"forward.{name}": best["per_second"], f"forward.processor.{name}": best["processor"]}


def load_of(sessions):
    return {"sessions": sessions, "ports": FORWARD_PORTS, "sources": ",".join(CLIENTS_V4), "first_port": FIRST_PORT}


def make_sessions(bench, found, name, target, **load):
    with bench.load.flood(target, LONGEST, rate=MAKING, datagrams=TURNS * load["sessions"], **load) as flood:
        found.raw[f"made.{name}"] = flood.done()
    time.sleep(0.2)


@contextlib.contextmanager
def measured(bench, peer):
    """All but the load on one core, backends that reflect, and what counts at the client."""
    world = bench.world
    with contextlib.ExitStack() as stack:
        for device in ("hub", "edge"):
            stack.enter_context(End(world, world.backend, device, "reflect"))
        sink = stack.enter_context(End(world, world.client, "edge", "drop"))
        core = stack.enter_context(MeasuredCore(world, peer.processes, [(world.edge, "client")]))
        yield core, sink


def _offer_all(bench, peer, core, sink, target, load):
    """What became of each rate that the peer was offered."""
    seen = []
    for rate in peer.offered:
        seen.append(offer(bench, core, sink, target, load | ({"rate": rate} if rate else {})))
        if seen[-1]["per_second"] < TOO_FAST * max(one["per_second"] for one in seen):
            break
    return seen


def offer(bench, core, sink, target, load):
    """What comes back of one load: datagrams a second, and microseconds of the measured core for each."""
    before, used_before = sink.count(), core.seconds()
    with bench.load.flood(target, bench.settings.seconds, **load) as flood:
        flood.pin(LOAD_CORE)
        made = flood.done()
    time.sleep(0.05)
    came, used = sink.count() - before, core.seconds() - used_before
    return {"offered": made["per_second"], "sent": made["sent"], "of_sessions": made["of_sessions"], "came": came,
            "per_second": came / made["seconds"], "processor": used * 1e6 / max(came, 1)}


def roundtrip(bench, peer):
    """One datagram at a time, there and back, client, proxies and backend on one core."""
    found = Measurement()
    with MeasuredCore(bench.world, [bench.load.echoes["roundtrip"], *peer.processes]):
        with bench.load.start("udp-load", peer.roundtrip, bench.settings.seconds, window=1, size=SIZE) as client:
            client.pin(MEASURED_CORE)
            report = found.raw["roundtrip"] = client.done()
    judge(found, "roundtrip", report)
    found.metrics |= {"roundtrip.p50": report["p50_us"], "roundtrip.p99": report["p99_us"]}
    return found
