"""flowload as the bench uses it: servers in the backend namespace, clients in the client's."""

import json
import subprocess

from harness.topology import BACKEND_V4, CLIENTS_V4
from harness.wait import Failure, until
from suite.cores import pin

ECHO_PORT, BULK_PORT, DATAGRAM_PORT, ROUND_TRIP_PORT = 7001, 7002, 7003, 7004  # at the backend
SESSION_PORT, SESSION_PORTS = 7100, 100  # the first of so many: each socket of a proxy can serve a session on each
LONGEST_END = 120  # seconds that a client may take beyond its time to open, drain and end


class Load:
    """Starts flowload; every report comes back as a dictionary."""

    def __init__(self, world, most_flows):
        self._world = world
        self._count = 0
        self.echoes = {}  # of datagrams: processes by name
        for kind, port in (("echo", ECHO_PORT), ("bulk", BULK_PORT)):
            world.processes.start(f"{kind}-server", self._command(
                f"{kind}-server", listen=f"{BACKEND_V4}:{port}", max_flows=most_flows), world.backend)
            world.await_listener(world.backend, port)
        for name, host, port, ports in (("datagrams", BACKEND_V4, DATAGRAM_PORT, 1),
                                        ("sessions", BACKEND_V4, SESSION_PORT, SESSION_PORTS),
                                        ("roundtrip", "0.0.0.0", ROUND_TRIP_PORT, 1)):
            self._start_datagram_echo(name, host, port, ports)

    def _start_datagram_echo(self, name, host, port, ports):
        server = self.echoes[name] = self._world.processes.start(f"udp-echo-{name}", self._command(
            "udp-echo", listen=f"{host}:{port}", ports=ports), self._world.backend)
        until(lambda: "listening" in server.output(), f"udp-echo on port {port}", alive=server.check)

    def _command(self, command, **options):
        return [self._world.programs.flowload, command, *_flags(options)]

    def run(self, command, target, seconds, **options):
        """A client from its start to its last report."""
        with self.start(command, target, seconds, **options) as client:
            return client.done()

    def flood(self, target, seconds, **options):
        """packetload beside others, from the client's link on; to be used in a `with`."""
        return Client("packetload", self._world.flood(target, seconds, *_flags(options), stdout=subprocess.PIPE))

    def start(self, command, target, seconds, **options):
        """A client that runs beside others, to be used in a `with`."""
        self._count += 1
        process = self._world.processes.start(
            f"{command}-{self._count}", self._command(command, connect=target, seconds=seconds, **options),
            self._world.client, stdout=subprocess.PIPE, must_live=False)
        return Client(command, process)


def _flags(options):
    """True is an option without a value."""
    return [f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}") for name, value in options.items()]


def all_sources():
    """The client's addresses, so that no limit per source and no lack of ports shapes a result."""
    return ",".join(CLIENTS_V4)


class Client:
    """A running load, which bounds its own time."""

    def __init__(self, command, process):
        self._command, self._process = command, process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()

    def next_report(self):
        line = self._process.popen.stdout.readline()
        if not line:
            self._process.wait(LONGEST_END)
            raise Failure(f"{self._command} ended without a report: {self._process.output().strip()}")
        return json.loads(line)

    def pin(self, core):
        pin(self._process.pid, core)

    def running(self):
        return self._process.popen.poll() is None

    def done(self):
        """The last report; the client has ended."""
        while (report := self.next_report())["event"] != "done":
            pass
        self._process.wait(LONGEST_END)
        return report
