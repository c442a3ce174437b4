#!/usr/bin/python3
"""A peer of the published tunnel protocol, for tests of legacy mode.

It knows nothing of Penstock: text handshake, frames 0x01 to 0x0e over TLS, PROXY v1 and v2, the published windows.
What the peer must not send ends the program with exit code 1 and a line that begins with "violation:". Every event is
one line on stdout.

  legacy_peer.py edge --hub HOST:PORT --id ID --secret S --listen-host ADDR
  legacy_peer.py hub --listen HOST:PORT --cert F --key F --id ID --secret S --ports 7001,7002 --target-host H
                     [--udp-ports 7001,7003]

The hub connects streams to the target, and answers datagrams itself: each comes back behind "CLIENT-ADDRESS PORT ". It
reads lines from stdin: "ports 7001,7003" assigns other TCP ports, "udp-ports 7001" other UDP ports, "udp-close" ends
all UDP flows. The edge dials again when the tunnel is lost, the hub waits for the next edge; SIGTERM and SIGINT end
either in order.
"""

import argparse
import asyncio
import hmac
import json
import random
import re
import signal
import ssl
import sys
import threading
from typing import NamedTuple

from legacy_flow import IDLE_S, EdgeFlows, HubFlows
from legacy_tunnel import CONFIG, MAX_LINE, OPEN, PING, Tunnel, Violation, parse_proxy_line, proxy_line, say

HANDSHAKE_S = 10


class Refused(Exception):
    """The hub does not take us."""


def ports_of(text):
    return [int(port) for port in text.split(",") if port]


class EdgeTunnel(Tunnel):
    """The edge's end: listeners of the assigned ports, and a stream for each client."""

    def __init__(self, reader, writer, options, ports):
        super().__init__(True, reader, writer, options.ping_interval)
        self.listen_host = options.listen_host
        self.ports = ports
        self.listeners = {}
        self.flows = EdgeFlows(self, options.listen_host, options.udp_idle)

    async def start(self):
        self.tasks.create_task(self.flows.expire())
        await self.open_ports(self.ports)

    async def on_config(self, payload):
        await self.open_ports(parse_assignment(payload))

    async def open_ports(self, ports):
        await self.listen(ports.tcp)
        await self.flows.listen(ports.udp)

    async def listen(self, ports):
        for port in set(self.listeners) - set(ports):
            self.listeners.pop(port).close()
        for port in ports:
            if port in self.listeners:
                continue
            try:
                self.listeners[port] = await asyncio.start_server(
                    self.accept, self.listen_host, port, backlog=1024)
            except OSError as error:
                say(f"port {port} failed {error.strerror}")
        say("ports " + " ".join(str(port) for port in sorted(self.listeners)))

    def accept(self, reader, writer):
        number = self.highest + 1
        client, local = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
        self.send(number, OPEN, proxy_line(client, local))
        self.begin(number, lambda stream: self.carry(stream, reader, writer))
        say(f"stream {number} open client {client[0]} {client[1]} port {local[1]}")

    def stop(self):
        for listener in self.listeners.values():
            listener.close()
        self.flows.stop()


class HubTunnel(Tunnel):
    """The hub's end: a connection to the target for each stream."""

    def __init__(self, reader, writer, options, ports):
        super().__init__(False, reader, writer, options.ping_interval)
        self.target_host = options.target_host
        self.ever_assigned = set()
        self.flows = HubFlows(self)
        self.allow(ports)

    async def start(self):
        self.tasks.create_task(self.send_pings())

    def stop(self):
        """Nothing of the hub's own: what it started ends with the tasks."""

    async def send_pings(self):
        while True:
            await asyncio.sleep(self.ping_interval)
            self.send(0, PING)

    def allow(self, ports):
        self.ever_assigned |= set(ports.tcp)  # an OPEN may cross the CONFIG that takes its port away
        self.flows.allow(ports.udp)

    def assign(self, ports):
        self.allow(ports)
        self.send(0, CONFIG, assignment_of(ports))

    def on_open(self, number, payload):
        port = parse_proxy_line(payload)
        if number in self.streams:
            raise Violation(f"OPEN of stream {number}, which is open")
        if port not in self.ever_assigned:
            raise Violation(f"OPEN of stream {number} for port {port}, which was never assigned")
        say(f"stream {number} open {payload.decode().strip()}")
        self.begin(number, lambda stream: self.connect(stream, port, payload))

    async def connect(self, stream, port, line):
        try:
            reader, writer = await asyncio.open_connection(self.target_host, port)
        except OSError as error:
            say(f"stream {stream.number} failed {error.strerror}")
            self.send(stream.number, self.close)
            await self.from_peer(stream, None)
            return
        writer.write(line)
        await self.carry(stream, reader, writer)


# -- handshake -------------------------------------------------------------------------------------------------


class Ports(NamedTuple):
    """What a hub assigns."""

    tcp: list
    udp: list


def assignment_of(ports):
    return json.dumps({"listenPorts": ports.tcp, "listenPortsUdp": ports.udp, "stunIntervalSecs": 300}).encode()


def parse_assignment(line):
    """The ports that the hub assigns."""
    try:
        assignment = json.loads(line)
    except ValueError as error:
        raise Violation(f"the hub's settings are not JSON: {error}") from error
    if not isinstance(assignment, dict):
        raise Violation("the hub's settings are not an object")
    if "listenPorts" not in assignment and "error" in assignment:
        raise Refused(line.decode().strip())
    ports = Ports(assignment.get("listenPorts"), assignment.get("listenPortsUdp", []))
    for key, value in zip(("listenPorts", "listenPortsUdp"), ports):
        if not isinstance(value, list) or not all(type(port) is int and 0 < port < 65536 for port in value):
            raise Violation(f"{key} is not a list of ports: {value!r}")
    if type(assignment.get("stunIntervalSecs", 300)) is not int:
        raise Violation("stunIntervalSecs is not an integer")
    return ports


class Edge:
    """Dials the hub, again and again."""

    def __init__(self, options):
        self.options = options
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.tls.check_hostname = False
        self.tls.verify_mode = ssl.CERT_NONE

    async def run(self):
        wait = 1.0
        while True:
            try:
                await self.connect()
                wait = 1.0
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
                say(f"cannot connect {error}")
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(wait * 2, 30.0)

    async def connect(self):
        """One tunnel, from dialling to its end."""
        async with asyncio.timeout(HANDSHAKE_S):
            reader, writer, line = await self.shake_hands()
        ports = parse_assignment(line)
        say("connected")
        tunnel = EdgeTunnel(reader, writer, self.options, ports)
        try:
            await tunnel.run()
        finally:
            say("disconnected")

    async def shake_hands(self):
        host, _, port = self.options.hub.rpartition(":")
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=self.tls, limit=MAX_LINE)
        writer.write(f"EDGE {self.options.id} {self.options.secret}\n".encode())
        return reader, writer, await reader.readuntil(b"\n")


class Hub:
    """Waits for the edge; one at a time."""

    def __init__(self, options):
        self.options = options
        self.ports = Ports(options.ports, options.udp_ports)
        self.tunnel = None
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(options.cert, options.key)

    async def run(self):
        self.failed = asyncio.get_running_loop().create_future()
        host, _, port = self.options.listen.rpartition(":")
        async with await asyncio.start_server(self.accept, host.strip("[]"), int(port), ssl=self.tls):
            say("listening")
            threading.Thread(target=self.read_commands, args=[asyncio.get_running_loop()], daemon=True).start()
            await self.failed

    def read_commands(self, loop):
        for line in sys.stdin:
            word, _, ports = line.strip().partition(" ")
            loop.call_soon_threadsafe(self.command, word, ports_of(ports))

    def command(self, word, ports):
        if word == "ports":
            self.assign(self.ports._replace(tcp=ports))
        elif word == "udp-ports":
            self.assign(self.ports._replace(udp=ports))
        elif word == "udp-close" and self.tunnel is not None:
            self.tunnel.flows.close_all()

    def assign(self, ports):
        self.ports = ports
        if self.tunnel is not None:
            self.tunnel.assign(ports)

    async def accept(self, reader, writer):
        try:
            await self.serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
            say(f"handshake failed {error}")
        except Exception as error:  # to where run() waits
            if not self.failed.done():
                self.failed.set_exception(error)
        finally:
            writer.transport.abort()

    async def serve(self, reader, writer):
        async with asyncio.timeout(HANDSHAKE_S):
            line = await reader.readuntil(b"\n")
        match = re.fullmatch(rb"EDGE ([^ \n]+) ([^ \n]+)\n", line)
        if match is None:
            raise Violation("the EDGE line is not three words")
        wanted = f"{self.options.id} {self.options.secret}".encode()
        if not hmac.compare_digest(match[1] + b" " + match[2], wanted):
            say("refused credentials")
            return
        if self.tunnel is not None:
            say("refused second connection")
            return
        writer.write(assignment_of(self.ports) + b"\n")
        say(f"connected {self.options.id}")
        self.tunnel = HubTunnel(reader, writer, self.options, self.ports)
        try:
            await self.tunnel.run()
        finally:
            self.tunnel = None
            say("disconnected")


# -- the program -----------------------------------------------------------------------------------------------


def parse_options():
    parser = argparse.ArgumentParser(description="a peer of the published tunnel protocol")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--id", required=True)
    common.add_argument("--secret", required=True)
    common.add_argument("--ping-interval", type=float, default=15.0, help="seconds")
    roles = parser.add_subparsers(dest="role", required=True)
    edge = roles.add_parser("edge", parents=[common])
    edge.add_argument("--hub", required=True, metavar="HOST:PORT")
    edge.add_argument("--listen-host", required=True, metavar="ADDR")
    edge.add_argument("--udp-idle", type=float, default=IDLE_S, help="seconds after which a silent flow ends")
    hub = roles.add_parser("hub", parents=[common])
    hub.add_argument("--listen", required=True, metavar="HOST:PORT")
    hub.add_argument("--cert", required=True)
    hub.add_argument("--key", required=True)
    hub.add_argument("--ports", required=True, type=ports_of, metavar="PORT,...")
    hub.add_argument("--udp-ports", default=[], type=ports_of, metavar="PORT,...")
    hub.add_argument("--target-host", required=True)
    return parser.parse_args()


async def run(options):
    task = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await (Edge(options) if options.role == "edge" else Hub(options)).run()


def main():
    try:
        asyncio.run(run(parse_options()))
    except asyncio.CancelledError:
        return 0
    except Exception as error:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if not isinstance(error, (Violation, Refused)):
            raise
        say(f"{'violation' if isinstance(error, Violation) else 'refused'}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
