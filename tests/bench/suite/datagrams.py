"""The measures of UDP: datagrams there and back, and what many sessions take."""

import time

from harness.wait import until
from suite.load import SESSION_PORTS, all_sources
from suite.measurement import Measurement
from suite.meter import ProcessorMeter, RunMeter, kernel_memory, memory_of
from suite.settings import DATAGRAM_SIZES, FEW_SESSIONS, MANY_SESSIONS, MIXED, WINDOWS

FIRST_PORT = 20_000    # of the client: every load has the same sessions, which were made before the first
SESSION_WINDOW = 256   # sessions that are being made at once
MOST_LOST = 0.001      # more is a failure: the time that a lost one is waited for is not the proxy's speed
LONGEST = 300          # seconds that making all sessions may take
SESSION_MEMORY = ("rss", "pss", "own")
END_PATIENCE = 60      # seconds beyond their time until the sessions are gone


def datagrams(bench, peer):
    """Datagrams there and back in a closed loop: few or many sessions, three sizes and a mixture."""
    found = Measurement()
    for sessions in (FEW_SESSIONS, MANY_SESSIONS):
        load = {"sessions": sessions, "window": WINDOWS[sessions], "sources": all_sources(), "first_port": FIRST_PORT}
        found.raw[f"made.{sessions}"] = bench.load.run("udp-load", peer.datagrams, LONGEST, datagrams=2 * sessions, **load)
        for size in DATAGRAM_SIZES:
            _load(bench, peer, found, f"{sessions}.{size}", size=size, **load)
        _load(bench, peer, found, f"{sessions}.{MIXED}", size=max(DATAGRAM_SIZES), mixed=True, **load)
    if hasattr(peer, "problems"):
        found.failures += peer.problems()
    return found


def _load(bench, peer, found, name, **load):
    everybody = [*peer.processes, bench.load.echoes["datagrams"]]
    with ProcessorMeter(peer.processes) as meter, RunMeter(everybody) as whole:
        report = bench.load.run("udp-load", peer.datagrams, bench.settings.seconds, **load)
    found.raw[f"datagrams.{name}"] = report
    found.raw[f"processor.{name}"] = {**meter.seconds, "run": whole.run, "machine": whole.machine}
    judge(found, f"datagrams.{name}", report)
    found.metrics[f"datagrams.{name}"] = report["per_second"]
    for kind in ("run", "machine"):
        found.metrics[f"datagrams.{kind}.{name}"] = getattr(whole, kind) * 1e6 / max(report["answered"], 1)
    if not peer.processes:
        return
    per_datagram = {process: seconds * 1e6 / max(report["answered"], 1) for process, seconds in meter.seconds.items()}
    found.metrics[f"datagrams.processor.{name}"] = sum(per_datagram.values())
    for process, microseconds in per_datagram.items():
        found.metrics[f"datagrams.processor.{process.rsplit('-', 1)[1]}.{name}"] = microseconds


def judge(found, name, report, losses_count=True):
    """Failures of what flowload says about datagrams."""
    wrong = {key: report[key] for key in ("misrouted", "damaged", "duplicates") if report[key]}
    lost = report["lost"] - report["late"]  # a late one was kept waiting by the machine
    if losses_count and lost > MOST_LOST * report["sent"]:
        wrong["lost"] = f"{lost} of {report['sent']}"
    found.failures += [f"{name}: {count} {key}" for key, count in wrong.items()]


def sessions(bench, peer):
    """What a held session costs, from a fresh start, and what its end does: each is made by one datagram and its echo."""
    found = Measurement()
    peer.stop()
    peer.start()
    count = min(bench.settings.sessions, peer.most_sessions)
    before, kernel_before = memory_of(peer.processes), kernel_memory()
    with ProcessorMeter(peer.processes) as making:
        report = bench.load.run("udp-load", peer.sessions, LONGEST, sessions=count, datagrams=count, ports=SESSION_PORTS,
                                window=SESSION_WINDOW, sources=all_sources(), first_port=FIRST_PORT)
    made, held, kernel_held = max(report["answered"], 1), memory_of(peer.processes), kernel_memory()
    open_sessions = peer.held_sessions()
    with ProcessorMeter(peer.processes) as ending:
        time.sleep(bench.settings.unreplied + 2)  # unasked: looking at the sessions costs more than ending them
        until(lambda: peer.held_sessions() == 0, "the end of all sessions", bench.settings.unreplied + END_PATIENCE)
    time.sleep(1)
    after = memory_of(peer.processes)
    judge(found, "sessions", report)
    if open_sessions < made:
        found.failures.append(f"{open_sessions} of {made} sessions were left when the last was made")
    found.raw |= {"report": report, "before": before, "held": held, "after": after, "kernel_before": kernel_before,
                  "kernel_held": kernel_held, "making": making.seconds, "ending": ending.seconds, "open": open_sessions}
    found.metrics |= {"sessions.count": made, "sessions.rate": report["per_second"],
                      "sessions.processor.new": making.total() * 1e6 / made,
                      "sessions.processor.end": ending.total() * 1e6 / made,
                      "sessions.kernel": (kernel_held["slab"] - kernel_before["slab"]) / made}
    for moment, memory in (("held", held), ("after", after)):
        for kind in SESSION_MEMORY:
            _keep_growth(found, f"sessions.{moment}.{kind}", before, memory, kind, made)
    return found


def _keep_growth(found, name, before, memory, kind, made):
    grown = {process: (memory[process][kind] - before[process][kind]) / made for process in memory}
    found.metrics[name] = sum(grown.values())
    found.metrics |= {f"{name}.{process.rsplit('-', 1)[1]}": value for process, value in grown.items()}
