"""The measure of steering alone: steering_echo sends datagrams back by the steering that a node would use."""

import json
import subprocess

from harness.topology import EDGE_V4
from harness.wait import expect
from suite.cores import MeasuredCore
from suite.datagrams import FIRST_PORT, judge
from suite.ends import End
from suite.forward import make_sessions, offer
from suite.load import all_sources
from suite.measurement import Measurement
from suite.settings import DATAGRAM_SIZES, MANY_SESSIONS, MIXED

PORT = 7480
RATE = 150_000  # a second: what a core takes by sockets too
FEWER_SESSIONS, WINDOW = 50, 500  # so that each has several datagrams under way


def steering(bench, peer):
    """Microseconds of one core for a datagram in and out again, and whether order within a session stays."""
    found = Measurement()
    target, load = f"{EDGE_V4}:{PORT}", {"sessions": MANY_SESSIONS, "sources": all_sources(), "first_port": FIRST_PORT}
    with _Echo(bench, peer.steering) as echo:
        with End(bench.world, bench.world.client, "edge", "drop") as sink:
            links = {"links": [(bench.world.edge, "client")], "load_links": [(bench.world.client, "edge")]}
            with MeasuredCore(bench.world, [echo.process], **links) as core:
                make_sessions(bench, found, "steering", target, **load)
                for size in DATAGRAM_SIZES:
                    _keep(found, str(size), offer(bench, core, sink, target, load | {"rate": RATE, "size": size}))
                mixed = {"rate": RATE, "size": max(DATAGRAM_SIZES), "mixed": True}
                _keep(found, MIXED, offer(bench, core, sink, target, load | mixed))
        _judge_order(bench, found, target)
        found.raw["echo"] = echo.end()
    return found


def _keep(found, name, seen):
    found.raw[f"steering.{name}"] = seen
    found.metrics |= {f"steering.processor.{name}": seen["processor"],
                      f"steering.returned.{name}": 100 * seen["came"] / max(seen["sent"], 1)}


def _judge_order(bench, found, target):
    """By flowload, which knows each datagram: none to another session, none before one that was sent earlier."""
    report = found.raw["order"] = bench.load.run(
        "udp-load", target, bench.settings.seconds, sessions=FEWER_SESSIONS, window=WINDOW, size=max(DATAGRAM_SIZES),
        mixed=True, sources=all_sources())
    judge(found, "steering.order", report)
    if report["reordered"]:
        found.failures.append(f"steering.order: {report['reordered']} of {report['sent']} came before earlier ones")


class _Echo:
    """steering_echo in the edge's place, within a `with`."""

    def __init__(self, bench, mode):
        self._world = bench.world
        self._pins = bench.world.directory / "steering_echo"
        self._pins.mkdir(mode=0o700, exist_ok=True)
        self._command = [bench.world.programs.steering_echo, mode, f"0.0.0.0:{PORT}"]
        if mode == "kernel":
            self._command += ["client", self._pins / "echo"]

    def __enter__(self):
        self.process = self._world.processes.start("steering_echo", self._command, self._world.edge,
                                                   stdout=subprocess.PIPE)
        expect(self.process.popen.stdout.readline(), f"steering_echo: {self.process.output().strip()}")
        return self

    def end(self):
        """Its report."""
        self.process.end()
        return json.loads(self.process.popen.stdout.readline())

    def __exit__(self, *_):
        self.process.kill()
        if self._pins.is_mount():
            subprocess.run(["umount", "--lazy", self._pins], check=True)
