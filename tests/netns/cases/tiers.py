"""Flows that send much for long stand behind the others, until they are calm."""

import secrets

from harness.datagrams import name_of
from harness.runner import case
from harness.sockets import receive
from harness.streams import Load
from harness.topology import BACKEND_V4
from harness.wait import expect_equal, until

RAW = {"name": "raw", "ports": 7000, "target": BACKEND_V4}
EAGER = {"tunnel": {"sustained_rate": "256KiB", "sustained_after": "1s"}}
PIECE = secrets.token_bytes(1 << 16)


def tier_of(node, client):
    flow, = node.flows("--client", name_of(client.getsockname()))
    return flow["tier"]


@case(short=True)
def bulk_is_sustained_until_it_is_calm(world):
    listener = world.listen(7000)
    hub, edge = world.pair([RAW], hub=EAGER, edge=EAGER)
    busy, busy_end = world.flow(7000, listener, timeout=30.0)
    quiet, quiet_end = world.flow(7000, listener)

    def upload(_):
        busy.sendall(PIECE)
        expect_equal(receive(busy_end, len(PIECE)), PIECE, "a piece at the backend")

    bulk = Load(upload)
    until(lambda: tier_of(edge, busy) == "sustained", "the edge finds that it sends much for long")
    expect_equal((tier_of(edge, quiet), tier_of(hub, busy)), ("data", "data"), "of those that send nothing")
    for n in range(10):
        quiet.sendall(b"passes %d" % n)
        expect_equal(receive(quiet_end, len(b"passes 0")), b"passes %d" % n, "what passes meanwhile")
    expect_equal(tier_of(edge, busy), "sustained", "tier while it goes on")
    bulk.end(1)
    until(lambda: tier_of(edge, busy) == "data", "the edge finds that it is calm")
