"""What a carrier of QUIC costs at least: one connection of ngtcp2 between the edge's place and the hub's, and no proxy."""

import json
import subprocess

from harness.topology import HUB_TUNNEL
from harness.wait import Failure
from suite import oneway
from suite.cores import MEASURED_CORE, MeasuredCore, pin
from suite.measurement import Measurement
from suite.settings import DATAGRAM_SIZES, MANY_FLOWS, MANY_SESSIONS, WINDOWS

PORT = 8450
LONGEST_END = 20  # seconds beyond its time


class BareLoop:
    """quicloop at both ends, which count their own processors' time from the end of the handshake on."""

    measures = ("throughput", "datagrams", "oneway")
    processes = ()

    def __init__(self, world, _settings):
        self._world = world

    def start(self):
        pass

    def stop(self):
        pass

    def measure_throughput(self, bench):
        """As many streams as others have flows, from the edge's place."""
        found = Measurement()
        for streams in (1, MANY_FLOWS):
            name = f"up.{streams}"
            client, server = self._run(found, name, "streams", bench.settings.seconds, streams)
            found.metrics[f"throughput.{name}"] = server["bytes"] * 8 / 1e6 / max(server["seconds"], 1e-9)
            found.metrics[f"processor.{name}"] = _processor(client, server) * 1e9 / max(server["bytes"], 1)
        return found

    def measure_datagrams(self, bench):
        """There and back, as many under way as of many sessions: a connection knows none."""
        found = Measurement()
        for size in DATAGRAM_SIZES:
            name = f"{MANY_SESSIONS}.{size}"
            client, server = self._run(found, name, "load", bench.settings.seconds, size, WINDOWS[MANY_SESSIONS])
            found.metrics[f"datagrams.{name}"] = client["datagrams"] / client["seconds"]
            found.metrics[f"datagrams.processor.{name}"] = _processor(client, server) * 1e6 / max(client["datagrams"], 1)
        return found

    def measure_oneway(self, bench):
        """To a sink, both ends on one core: at the rates that others are offered, and as many as it may send."""
        found = Measurement()
        for size in oneway.SIZES:
            for rate in (*oneway.OFFERED, None):
                with MeasuredCore(self._world, []) as core:
                    before = core.seconds()
                    client, server = self._run(found, f"oneway.{size}.{rate}", "push", bench.settings.seconds, size,
                                               *([rate] if rate else []), serves="swallow", core=MEASURED_CORE)
                    used = core.seconds() - before + _processor(client, server)
                oneway.keep(found, size, rate, came=server["datagrams"], seconds=server["seconds"], used=used,
                            packets=client["packets"])
        return found

    def _run(self, found, name, command, *arguments, serves="serve", core=None):
        """(report of the client, report of the server)"""
        world, address = self._world, f"{HUB_TUNNEL}:{PORT}"
        program = world.programs.quicloop
        server = world.processes.start("loop-hub", [program, serves, address], world.hub, stdout=subprocess.PIPE,
                                       must_live=False)
        try:
            _line(server)  # it is ready
            client = world.processes.start("loop-edge", [program, command, address, *map(str, arguments)], world.edge,
                                           stdout=subprocess.PIPE, must_live=False)
            if core is not None:
                pin(server.pid, core)
                pin(client.pid, core)
            reports = _line(client), _line(server)
            for process in (client, server):
                process.wait(LONGEST_END)
        finally:
            server.kill()
        for end, report in zip(("client", "server"), reports):
            found.keep(f"{name}.{end}", report)
        return reports


def _line(process):
    line = process.popen.stdout.readline()
    if not line:
        raise Failure(f"quicloop ended without a report: {process.output().strip()}")
    return json.loads(line)


def _processor(client, server):
    return client["processor_seconds"] + server["processor_seconds"]
