"""Links that lose, delay, double and reorder packets: the books balance, and bytes arrive as they were sent."""

import json
import secrets
import select
import threading
import time

from harness.datagrams import between, dropped, expect_all_arrived, row_of
from harness.runner import case
from harness.sockets import receive
from harness.steered import counted
from harness.topology import BACKEND_V4
from harness.wait import expect, expect_equal, until

ECHO = {"name": "echo", "protocol": "both", "ports": 7000, "target": BACKEND_V4}
FEW = {"sessions": 1024, "sessions_per_source": 1024}  # emulated machines are slow to make room for more
DATAGRAMS = 120
SIZES = (1, 100, 600, 1200)
SPACING = 0.003  # seconds: beside it the delay is long enough to reorder
STREAM = 150_000  # bytes


def spoil(world, namespace, device, *how):
    done = world.processes.run(["tc", "qdisc", "add", "dev", device, "root", "netem", "limit", 10_000, *how], namespace)
    expect_equal((done.returncode, done.stderr), (0, ""), f"netem on {device}")


def lost_on(world, namespace, device):
    done = world.processes.run(["tc", "-s", "-j", "qdisc", "show", "dev", device], namespace)
    return next(queue["drops"] for queue in json.loads(done.stdout) if queue["kind"] == "netem")


def spoil_links(world):
    """Loss between edge and hub; from clients to the edge doubled and reordered datagrams, and none lost."""
    for namespace, device in ((world.edge, "hub"), (world.hub, "edge")):
        spoil(world, namespace, device, "delay", "10ms", "2ms", "loss", "3%")
    spoil(world, world.client, "edge", "delay", "10ms", "5ms", "duplicate", "20%", "reorder", "30%")


def converse(client, enough):
    """Sends datagrams of many sizes, and waits until `enough` of them were answered; returns (what was sent, what has
    come back), in their order."""
    sent, back = [], []
    for n in range(DATAGRAMS):
        sent.append(n.to_bytes(4, "big") + secrets.token_bytes(SIZES[n % len(SIZES)]))
        client.send(sent[-1])
        time.sleep(SPACING)
        collect(client, back)
    until(lambda: len(set(collect(client, back)) & set(sent)) >= enough, f"an answer to {enough} datagrams", 20)
    expect(not set(back) - set(sent), "nothing came that was not sent")
    expect(list(dict.fromkeys(back)) != sent, "datagrams were reordered")
    return back


def collect(client, into):
    while select.select([client], [], [], 0)[0]:
        into.append(client.recv(65536))
    return into


def transfer(connection):
    """Bytes to an echo and back."""
    data = secrets.token_bytes(STREAM)
    sender = threading.Thread(target=connection.sendall, args=(data,), daemon=True)
    sender.start()
    expect(receive(connection, STREAM) == data, "what came back is what was sent")
    sender.join(10)


def expect_spoiled(world, edge):
    lost = [lost_on(world, *link) for link in ((world.edge, "hub"), (world.hub, "edge"))]
    expect(sum(lost) > 0, f"packets lost between edge and hub: {lost}")
    expect_equal(lost_on(world, world.client, "edge"), 0, "packets lost between client and edge")
    expect(counted(edge, "edge_xdp", "steered") > DATAGRAMS / 2, "edge_xdp steered")
    met = row_of(edge, "echo", "client_to_tunnel")["sent"]
    expect(met > DATAGRAMS, f"the edge met doubled datagrams: {met}")


def echo_pair(world):
    """Hub and edge, and an echo behind them, on spoiled links."""
    world.echo_backend(7000)
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO], hub={"steering": {"mode": "socket"}}, edge={"limits": FEW})
    spoil_links(world)
    return hub, edge


@case(kernel=True, guest=True, carrier="tls")
def tls_carries_all_through_loss(world):
    """TCP repeats what a link loses: each datagram that the edge met is answered."""
    hub, edge = echo_pair(world)
    client = world.udp_client(7000)
    back = converse(client, DATAGRAMS)
    expect_all_arrived(hub, edge)
    met = row_of(edge, "echo", "client_to_tunnel")["sent"]
    answered = row_of(edge, "echo", "tunnel_to_client")["sent"]
    until(lambda: len(collect(client, back)) >= answered, f"{answered} answers")
    expect_equal((len(back), met), (answered, answered), "answers that came, and datagrams that the edge took")
    transfer(world.connect(7000, timeout=30.0))
    expect_spoiled(world, edge)


def expect_known(hub, direction, sent_and_received):
    """The hub's account between the nodes agrees with the books of both."""
    def agreed():
        sent, received = sent_and_received()
        return between(hub, direction) == (sent, received, sent - received)
    until(agreed, f"the hub knows what is missing {direction}", 20)


@case(kernel=True, guest=True, carrier="quic")
def quic_knows_what_a_link_lost(world):
    """QUIC repeats the bytes of flows. Lost datagrams stay lost, and the hub counts them."""
    hub, edge = echo_pair(world)
    client = world.udp_client(7000)
    back = converse(client, DATAGRAMS // 2)
    expect_known(hub, "to_backend", lambda: (row_of(edge, "echo", "client_to_tunnel")["sent"],
                                             row_of(hub, "echo", "tunnel_to_backend")["received"]))
    expect_known(hub, "to_client", lambda: (row_of(hub, "echo", "backend_to_tunnel")["sent"],
                                            row_of(edge, "echo", "tunnel_to_client")["received"]))
    expect_equal(dropped(hub, edge), {}, "datagrams dropped by nodes")
    answered = row_of(edge, "echo", "tunnel_to_client")["sent"]
    until(lambda: len(collect(client, back)) >= answered, f"{answered} answers")
    expect_equal(len(back), answered, "answers that came")
    transfer(world.connect(7000, timeout=30.0))
    expect_spoiled(world, edge)
