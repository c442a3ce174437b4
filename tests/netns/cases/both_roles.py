"""One node that is a hub and its own edge: both roles share the programs, the maps and the books."""

from harness.daemon import Edge
from harness.datagrams import ask
from harness.runner import case
from harness.sockets import expect_echo
from harness.steered import by_kernel, counted
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_V6, HUB_BACKEND, HUB_TUNNEL
from harness.wait import expect, expect_equal

HOME = "127.0.0.1:8443"


class Both(Edge):
    """Starts as a hub alone, gives itself a token, and starts again with both roles."""

    def __init__(self, world):
        super().__init__(world, None, {"hub": {"listen": [HOME], "public": HOME}}, name="both")
        self.start()
        token = self.ctl("edges", "add", "own").strip()
        self.stop()
        self.use_token(token)
        self.config["edge"] = {"token_file": self.token_file, "carrier": world.carrier}
        self.start()
        self.await_connected()


def reach_the_backend(world):
    """The hub's host, which runs no node here, is the router."""
    done = world.processes.run(["sysctl", "-w", "net.ipv4.ip_forward=1"], world.hub)
    expect_equal(done.returncode, 0, done.stderr)
    world.edge.ip("route", "add", f"{BACKEND_V4}/32", "via", HUB_TUNNEL)
    world.backend.ip("route", "add", "198.51.100.0/24", "via", HUB_BACKEND)
    world.udp_echo(7000)
    world.echo_backend(7000)


def check(node, clients):
    for turn in range(4):
        for client in clients:
            ask(client, b"datagram %d" % turn)
    rows = node.sessions()
    expect_equal(len(rows), 2 * len(clients), "sessions, one of each role for each client")


def ids_at_the_edge(node):
    """Ids of its edge's sessions, by client; those of its hub have a source."""
    return {row["client"]: row["id"] for row in node.sessions() if not row.get("source")}


@case(short=True)
def a_hub_and_its_own_edge(world):
    reach_the_backend(world)
    node = Both(world)
    node.ctl("services", "add", "echo", "--protocol", "both", "--ports", "7000", "--target", BACKEND_V4)
    node.await_ports("echo")
    clients = [world.udp_client(7000, source=source) for source in CLIENTS_V4[:3]] + [world.udp_client(7000, EDGE_V6)]
    check(node, clients)
    expect_echo(world.connect(7000))
    if by_kernel(node):
        expect(counted(node, "edge_xdp", "steered") >= 5 * len(clients), "edge_xdp steers clients and backends alike")


@case(kernel=True)
def it_starts_again(world):
    reach_the_backend(world)
    node = Both(world)
    node.ctl("services", "add", "echo", "--protocol", "udp", "--ports", "7000", "--target", BACKEND_V4)
    node.await_ports("echo")
    clients = [world.udp_client(7000, source=source) for source in CLIENTS_V4[:3]]
    check(node, clients)
    before = ids_at_the_edge(node)
    node.kill()
    node.start()
    node.await_connected()
    check(node, clients)
    expect_equal(ids_at_the_edge(node), before, "the edge's sessions")
