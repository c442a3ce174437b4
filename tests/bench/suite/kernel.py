"""The measures of the kernel's data plane alone: what its guard is worth, and what its maps take."""

from harness.wait import until
from suite import forward
from suite.datagrams import FIRST_PORT, judge
from suite.load import all_sources
from suite.measurement import Measurement
from suite.settings import MOST_SESSIONS

FLOODING = "100.64.0.0/10"  # where the flood claims to come from
RATE, SESSIONS = 10_000, 100  # of the datagrams that must get through
FLOODS = {"bounded": {"rate": 500_000}, "full": {}}  # full: as fast as one core makes them
MANY, STRANGERS = 100_000, 10  # a second that get through, and of the flood for each of them
FLOOD_LEAD = 2  # seconds that the flood lasts longer than what must get through


def guard(bench, peer):
    """Datagrams of sessions at a steady pace: alone, and beside floods from a network that is blocked."""
    found = Measurement()
    seconds = bench.settings.seconds
    load = {"sessions": SESSIONS, "sources": all_sources(), "first_port": FIRST_PORT}
    found.raw["made"] = bench.load.run("udp-load", peer.datagrams, seconds, datagrams=2 * SESSIONS, window=1, **load)
    _keep(found, "calm", bench.load.run("udp-load", peer.datagrams, seconds, rate=RATE, **load))
    peer.guard("block", FLOODING)
    for name, limit in FLOODS.items():
        _beside_flood(bench, peer, found, name, limit, load)
    _many_beside_flood(bench, peer, found)
    return found


def _many_beside_flood(bench, peer, found):
    """Sessions that programs forward alone, and strangers after each of their datagrams, of one packetload."""
    target, load = peer.forwards["plain"], forward.load_of(forward.HOT)
    with forward.measured(bench, peer) as (core, sink):
        forward.make_sessions(bench, found, "guard", target, **load)
        for name, strangers in (("calm", 0), ("flood", STRANGERS)):
            flood = {"strangers": strangers, "random_sources": FLOODING} if strangers else {}
            seen = forward.offer(bench, core, sink, target, load | flood | {"rate": MANY * (1 + strangers)})
            found.raw[f"guard.many.{name}"] = seen
            found.metrics |= {f"guard.many.{name}": 100 * seen["came"] / max(seen["of_sessions"], 1),
                              f"guard.many.sent.{name}": seen["offered"]}


def _beside_flood(bench, peer, found, name, limit, load):
    seconds, dropped_before = bench.settings.seconds, peer.guard_dropped()
    with bench.load.flood(peer.datagrams, seconds + FLOOD_LEAD, random_sources=FLOODING, **limit) as flood:
        until(lambda: peer.guard_dropped() > dropped_before, "the flood")
        _keep(found, name, bench.load.run("udp-load", peer.datagrams, seconds, rate=RATE, **load))
        made = found.raw[f"packetload.{name}"] = flood.done()
    dropped = found.raw[f"dropped.{name}"] = peer.guard_dropped() - dropped_before
    found.metrics |= {f"guard.sent.{name}": made["per_second"], f"guard.dropped.{name}": dropped / made["seconds"]}
    if not limit:  # else it is busy with waiting too
        found.metrics[f"guard.processor.{name}"] = made["processor"] * 1e6 / max(made["sent"], 1)
    if dropped > made["sent"]:
        found.failures.append(f"guard.{name}: {dropped} datagrams were dropped of {made['sent']} that were blocked")


def _keep(found, name, report):
    """Losses are what is measured."""
    found.raw[f"datagrams.{name}"] = report
    judge(found, f"guard.{name}", report, losses_count=False)
    found.metrics |= {f"guard.delivered.{name}": 100 * report["answered"] / max(report["sent"], 1),
                      f"guard.p99.{name}": report["p99_us"]}


def maps(_bench, peer):
    """Memory of an edge's maps, which are as large as its limit of sessions from the start."""
    found = Measurement()
    found.raw["maps"] = sizes = peer.maps_of_edge(MOST_SESSIONS)
    total = sum(sizes.values())
    found.metrics |= {"maps.total": total, "maps.per_session": total / MOST_SESSIONS}
    for name in ("pst_paths", "pst_sessions"):
        found.metrics[f"maps.{name}"] = sizes[name]
    return found
