"""What cases do with datagrams: ask, be answered, read PROXY v2 headers strictly, compare two nodes' books."""

import dataclasses
import ipaddress
import select
import struct

from harness.wait import Failure, expect, expect_equal, shorten, until

LARGEST = 65507
PROBE = b"are you there?"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V2_V4, V2_V6 = 28, 52  # bytes of a header


def ask(client, payload):
    """What comes back for a datagram: one, equal to it; late answers to probes of answers() may come before."""
    client.send(payload)
    try:
        while (answer := client.recv(65536)) == PROBE:
            pass
    except TimeoutError:
        raise Failure(f"no answer to a datagram of {len(payload)} bytes") from None
    if answer != payload:
        raise Failure(f"a datagram of {len(payload)} bytes came back as {len(answer)}: {shorten(answer)}")


def answers(client, payload=PROBE, patience=0.3):
    """Whether an echo service answers now; what came late before is passed over."""
    drain(client)
    try:
        client.send(payload)
        while select.select([client], [], [], patience)[0]:
            if client.recv(65536) == payload:
                return True
    except ConnectionRefusedError:
        pass
    return False


def drain(client):
    """Passes over what has come."""
    try:
        while select.select([client], [], [], 0)[0]:
            client.recv(65536)
    except ConnectionRefusedError:
        pass


def expect_nothing(client):
    """Nothing has come; the case has waited for what would have brought it."""
    if select.select([client], [], [], 0)[0]:
        raise Failure(f"came and was for somebody else: {shorten(client.recv(65536))}")


def name_of(address):
    """An address as daemons write it: ADDRESS:PORT or [ADDRESS]:PORT."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def port_of(name):
    return int(name.rsplit(":", 1)[1])


@dataclasses.dataclass
class ProxyHeader:
    """Who sent, and to what public address: each (host, port)."""
    client: tuple
    local: tuple


def split_proxy_v2(datagram):
    """(header, payload) of a datagram that begins with PROXY v2: command PROXY, UDP, addresses and nothing else."""
    expect(datagram[:12] == SIGNATURE, f"no PROXY v2 signature: {shorten(datagram[:60])}")
    expect(len(datagram) >= 16, f"half a PROXY v2 header: {shorten(datagram)}")
    version, family, length = struct.unpack(">BBH", datagram[12:16])
    expect_equal(version, 0x21, "version and command")
    expect(family in (0x12, 0x22), f"family and protocol 0x{family:02x}, where UDP is due")
    size = 4 if family == 0x12 else 16
    expect_equal(length, 2 * size + 4, "length in the PROXY v2 header")
    expect(len(datagram) >= 16 + length, "the whole header in one datagram")
    source, target = (str(ipaddress.ip_address(datagram[at:at + size])) for at in (16, 16 + size))
    ports = struct.unpack(">HH", datagram[16 + 2 * size:16 + length])
    return ProxyHeader((source, ports[0]), (target, ports[1])), datagram[16 + length:]


def row_of(node, service, hop):
    """That row of the ledger; all zeros where there is none yet."""
    rows = [row for row in node.ledger() if (row["service"], row["hop"]) == (service, hop)]
    return rows[0] if rows else {"received": 0, "sent": 0, "held": 0, "dropped": 0, "reasons": {}}


def dropped(*nodes):
    """{reason: datagrams} over all rows of the nodes."""
    sums = {}
    for node in nodes:
        for row in node.ledger():
            for reason, count in row["reasons"].items():
                sums[reason] = sums.get(reason, 0) + count
    return sums


def between(hub, direction):
    """(sent, received, missing) datagrams of edge-1 in that direction, as the hub knows it; or nothing yet."""
    rows = [row for row in hub.look("ledger")["between"]
            if (row["edge"], row["unit"], row["direction"]) == ("edge-1", "datagrams", direction)]
    return (rows[0]["sent"], rows[0]["received"], rows[0]["missing"]) if rows else None


def expect_all_arrived(hub, edge):
    """What one node sent into the tunnel the other received, service by service; and nothing was dropped."""
    ways = ((edge, "client_to_tunnel", hub, "tunnel_to_backend"), (hub, "backend_to_tunnel", edge, "tunnel_to_client"))
    for sender, out, receiver, into in ways:
        for service in {row["service"] for row in sender.ledger()}:
            def agreed(sender=sender, out=out, receiver=receiver, into=into, service=service):
                return row_of(sender, service, out)["sent"] == row_of(receiver, service, into)["received"]
            until(agreed, f"{receiver.name} received what {sender.name} sent of service {service!r}")
    expect_equal(dropped(hub, edge), {}, "datagrams dropped")
