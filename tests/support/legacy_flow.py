"""UDP flows of the published protocol, on top of legacy_tunnel.py; see legacy_peer.py.

Flows have ids of their own, from 1 as streams have theirs: the type of a frame tells the two apart.
"""

import asyncio
import ipaddress
import struct
import time

from legacy_tunnel import UDP_CLOSE, UDP_DATA, UDP_DATA_BACK, UDP_OPEN, Violation, say

SIGNATURE = bytes.fromhex("0D0A0D0A000D0A515549540A")
PREFIX = struct.Struct(">12sBBH")
PROXY = 0x21
FAMILIES = {0x12: (ipaddress.IPv4Address, 4), 0x22: (ipaddress.IPv6Address, 16)}
IDLE_S = 60


def proxy_header(client, local):
    """The PROXY v2 header for two addresses as sockets name them, without their zones."""
    source, destination = (ipaddress.ip_address(end[0].partition("%")[0]) for end in (client, local))
    addresses = source.packed + destination.packed + struct.pack(">HH", client[1], local[1])
    return PREFIX.pack(SIGNATURE, PROXY, 0x12 if source.version == 4 else 0x22, len(addresses)) + addresses


def parse_proxy_header(header):
    """The client's address and port, and the local port."""
    signature, command, family, length = PREFIX.unpack_from(header)
    if signature != SIGNATURE or command != PROXY or family not in FAMILIES:
        raise Violation(f"UDP_OPEN is not a PROXY v2 header for datagrams: {header.hex()}")
    kind, size = FAMILIES[family]
    if length != 2 * size + 4 or len(header) != PREFIX.size + length:
        raise Violation(f"UDP_OPEN has a header of the wrong length: {header.hex()}")
    client = kind(header[PREFIX.size:PREFIX.size + size])
    client_port, local_port = struct.unpack(">HH", header[-4:])
    return str(client), client_port, local_port


class EdgeFlows:
    """The edge's end: a socket for each assigned port, and a flow for each client."""

    def __init__(self, tunnel, listen_host, idle_s):
        self.tunnel = tunnel
        self.listen_host = listen_host
        self.idle_s = idle_s
        self.sockets = {}     # by port
        self.numbers = {}     # by port and client
        self.flows = {}       # by number: [port, client, when it was last used]
        self.highest = 0

    async def listen(self, ports):
        for port in set(self.sockets) - set(ports):
            self.sockets.pop(port).close()
        for port in set(ports) - set(self.sockets):
            try:
                self.sockets[port], _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda port=port: Receiver(self, port), (self.listen_host, port))
            except OSError as error:
                say(f"udp port {port} failed {error.strerror}")
        say(" ".join(["udp ports", *(str(port) for port in sorted(self.sockets))]))

    def from_client(self, port, client, datagram):
        number = self.numbers.get((port, client))
        if number is None:
            self.highest = number = self.highest + 1
            self.numbers[port, client] = number
            self.flows[number] = [port, client, 0.0]
            self.tunnel.send(number, UDP_OPEN, proxy_header(client, (self.listen_host, port)))
            say(f"flow {number} open client {client[0]} {client[1]} port {port}")
        self.flows[number][2] = time.monotonic()
        self.tunnel.send(number, UDP_DATA, datagram)

    def on_frame(self, number, kind, payload):
        if number > self.highest and kind != UDP_CLOSE:
            raise Violation(f"a datagram for flow {number}, which was never opened")
        if number not in self.flows:
            return  # on its way when the flow ended
        if kind == UDP_CLOSE:
            return self.forget(number)
        flow = self.flows[number]
        flow[2] = time.monotonic()
        if flow[0] in self.sockets:
            self.sockets[flow[0]].sendto(payload, flow[1])

    async def expire(self):
        while True:
            await asyncio.sleep(self.idle_s / 4)
            for number, (_, _, used) in list(self.flows.items()):
                if time.monotonic() - used >= self.idle_s:
                    self.tunnel.send(number, UDP_CLOSE)
                    self.forget(number)

    def forget(self, number):
        port, client, _ = self.flows.pop(number)
        del self.numbers[port, client]
        say(f"flow {number} closed")

    def stop(self):
        for socket in self.sockets.values():
            socket.close()


class Receiver(asyncio.DatagramProtocol):
    """Hands the datagrams of one port to the flows."""

    def __init__(self, flows, port):
        self.flows = flows
        self.port = port

    def datagram_received(self, data, addr):
        self.flows.from_client(self.port, addr[:2], data)


class HubFlows:
    """The hub's end: each datagram comes back behind the client's address and port, as "192.0.2.1 40000 "."""

    def __init__(self, tunnel):
        self.tunnel = tunnel
        self.ever_assigned = set()
        self.ever_opened = set()
        self.clients = {}     # of open flows, by number

    def allow(self, ports):
        self.ever_assigned |= set(ports)  # a UDP_OPEN may cross the CONFIG that takes its port away

    def on_frame(self, number, kind, payload):
        if kind == UDP_OPEN:
            return self.on_open(number, payload)
        if number not in self.ever_opened and kind != UDP_CLOSE:
            raise Violation(f"a datagram for flow {number}, which was never opened")
        if number not in self.clients:
            return  # on its way when the flow ended
        if kind == UDP_CLOSE:
            del self.clients[number]
            say(f"flow {number} closed")
        else:
            self.tunnel.send(number, UDP_DATA_BACK, "{} {} ".format(*self.clients[number]).encode() + payload)

    def on_open(self, number, header):
        address, client_port, port = parse_proxy_header(header)
        if number in self.clients:
            raise Violation(f"UDP_OPEN of flow {number}, which is open")
        if port not in self.ever_assigned:
            raise Violation(f"UDP_OPEN of flow {number} for port {port}, which was never assigned")
        self.ever_opened.add(number)
        self.clients[number] = (address, client_port)
        say(f"flow {number} open client {address} {client_port} port {port}")

    def close_all(self):
        for number in list(self.clients):
            del self.clients[number]
            self.tunnel.send(number, UDP_CLOSE)
            say(f"flow {number} closed")
