"""The measures. Each takes the bench and a peer and returns {metric: number} and the raw reports behind it."""

import time

from harness.wait import Failure
from suite import datagrams, forward, kernel, lossy, oneway, steering
from suite.load import all_sources
from suite.measurement import Measurement
from suite.meter import ProcessorMeter, kernel_memory, memory_of
from suite.settings import LOAD_FLOWS, MANY_FLOWS

DIRECTIONS = ("up", "down")
WARM_UP = 0.5  # seconds of load before the first ping
CONCURRENT = 16


def memory(bench, peer):
    """What an idle flow costs, from a fresh start: the proxies' own memory and, of the whole machine, the kernel's."""
    found = Measurement()
    peer.stop()
    peer.start()
    before, kernel_before = memory_of(peer.processes), kernel_memory()
    flows = bench.settings.idle_flows
    with bench.load.start("hold", peer.echo, 2, flows=flows, sources=all_sources()) as client:
        opened = found.keep("opened", client.next_report())
        time.sleep(1)
        after, kernel_after = memory_of(peer.processes), kernel_memory()
        found.keep("held", client.done())
    open_flows = max(opened["alive"], 1)
    for kind in ("rss", "pss"):
        grown = {name: (after[name][kind] - before[name][kind]) / open_flows for name in after}
        if grown:
            found.metrics[f"memory.{kind}"] = sum(grown.values())
            found.metrics |= {f"memory.{kind}.{name.rsplit('-', 1)[1]}": value for name, value in grown.items()}
    found.metrics["memory.kernel"] = sum(kernel_after[k] - kernel_before[k] for k in kernel_after) / open_flows
    found.raw |= {"before": before, "after": after, "kernel_before": kernel_before, "kernel_after": kernel_after}
    return found


def throughput(bench, peer):
    """Saturated flows, and the processors' time that a gigabyte takes."""
    found = Measurement()
    for flows in (1, MANY_FLOWS):
        for direction in DIRECTIONS:
            name = f"{direction}.{flows}"
            with ProcessorMeter(peer.processes) as meter:
                report = found.keep(name, bench.load.run("bulk", peer.bulk, bench.settings.seconds, flows=flows,
                                                         direction=direction))
            found.raw[f"processor.{name}"] = meter.seconds
            found.metrics[f"throughput.{name}"] = report[f"mbit_{direction}"]
            if peer.processes:
                gigabytes = (report["bytes_up"] + report["bytes_down"]) / 1e9
                found.metrics[f"processor.{name}"] = meter.total() / max(gigabytes, 1e-9)
    return found


def rate(bench, peer):
    """New flows a second: one after the other, and several at once."""
    found = Measurement()
    for concurrency in (1, CONCURRENT):
        with ProcessorMeter(peer.processes) as meter:
            report = found.keep(f"rate.{concurrency}", bench.load.run(
                "rate", peer.echo, bench.settings.seconds, concurrency=concurrency, sources=all_sources()))
        found.raw[f"processor.{concurrency}"] = meter.seconds
        found.metrics[f"rate.{concurrency}"] = report["per_second"]
        if peer.processes:
            found.metrics[f"rate.processor.{concurrency}"] = meter.total() * 1e6 / max(report["flows"], 1)
    return found


def latency(bench, peer):
    """Round trips of one byte: alone, beside saturated flows, and beside flows paced to half of what those reached."""
    found = Measurement()
    _keep_ping(found, "idle", bench.load.run("ping", peer.echo, bench.settings.seconds))
    for direction in DIRECTIONS:
        saturated = _ping_beside(bench, peer, found, f"saturated.{direction}", direction=direction)
        half = max(int(saturated[f"mbit_{direction}"] / 2), 1)
        _ping_beside(bench, peer, found, f"half.{direction}", direction=direction, rate_total=half)
    return found


def _ping_beside(bench, peer, found, name, **options):
    """Pings while bulk flows run; returns the report of those."""
    seconds = bench.settings.seconds
    with bench.load.start("bulk", peer.bulk, seconds + 3, flows=LOAD_FLOWS, **options) as bulk:
        bulk.next_report()  # the load begins
        time.sleep(WARM_UP)
        ping = bench.load.run("ping", peer.echo, seconds)
        if not bulk.running():
            raise Failure(f"{name}: the load ended before the pings did")
        report = found.keep(f"load.{name}", bulk.done())
    _keep_ping(found, name, ping)
    found.metrics[f"load.{name}"] = report["mbit_up"] + report["mbit_down"]
    return report


def _keep_ping(found, name, report):
    found.keep(f"ping.{name}", report)
    for percentile in ("p50", "p99"):
        found.metrics[f"latency.{name}.{percentile}"] = report[f"{percentile}_us"]


MEASURES = {"memory": memory, "throughput": throughput, "rate": rate, "latency": latency, "lossy": lossy.lossy,
            "datagrams": datagrams.datagrams, "sessions": datagrams.sessions, "forward": forward.forward,
            "roundtrip": forward.roundtrip, "steering": steering.steering, "oneway": oneway.oneway, "guard": kernel.guard, "maps": kernel.maps}
WITH_WIRES = ("forward", "steering", "oneway")  # programs rewrite packets in these, whatever the peer
WITHOUT_PEERS = ("steering",)         # one stands in for it
