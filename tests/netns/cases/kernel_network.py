"""The network around a node changes while it steers."""

from harness.datagrams import answers, ask, expect_all_arrived
from harness.runner import case
from harness.steered import counted
from harness.topology import BACKEND_V4, BACKEND_V6, CLIENTS_V4, EDGE_V4, EDGE_V6
from harness.wait import expect_equal, until

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}


def expect_steered(node, program, talk):
    """`talk` is carried by the program, once it has learnt of what changed."""
    before = counted(node, program, "steered")

    def steers():
        talk()
        return counted(node, program, "steered") > before
    until(steers, f"{program} steers at {node.name}")


def exchange(client, backend):
    """Three datagrams to a backend of the test itself, each answered."""
    for n in range(3):
        client.send(b"%d" % n)
        payload, peer = backend.recvfrom(100)
        backend.sendto(payload, peer)
        expect_equal(client.recv(100), b"%d" % n, "what comes back")


@case(kernel=True, short=True)
def a_client_and_a_backend_get_other_mac_addresses(world):
    """They tell by ARP, and the programs' next hops follow what the system learns."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    client = world.udp_client(7000)
    for n in range(3):
        ask(client, b"before %d" % n)
    for namespace, device, mac in ((world.client, "edge", "02:00:00:00:01:01"), (world.backend, "hub",
                                                                                 "02:00:00:00:02:02")):
        world.processes.run(["sysctl", "-qw", f"net.ipv4.conf.{device}.arp_notify=1"], namespace)
        namespace.ip("link", "set", device, "address", mac)
        until(lambda: answers(client), f"it goes on once {device} has another address", 20.0)
        for n in range(3):
            ask(client, b"after %d" % n)
    expect_steered(edge, "steer_out_xdp", lambda: ask(client, b"by the programs"))
    expect_steered(hub, "steer_out_xdp", lambda: ask(client, b"by the programs"))
    for node in (hub, edge):
        expect_equal(len(node.events("session_opened")), 1, f"sessions opened at {node.name}")


@case(kernel=True)
def an_address_that_came_later_is_served(world):
    world.udp_echo(7000)
    world.echo_backend(7000)
    _, edge = world.pair([{**ECHO, "protocol": "both"}])
    world.edge.ip("address", "add", "192.0.2.3/24", "dev", "client")
    world.edge.ip("address", "add", "2001:db8:1::3/64", "dev", "client", "nodad")
    for public in ("192.0.2.3", "2001:db8:1::3"):
        client = world.udp_client(7000, public)
        until(lambda client=client: answers(client), f"{public} answers")
        expect_steered(edge, "edge_xdp", lambda client=client: ask(client, b"by the programs"))
        world.client.connect(public, 7000).close()
    world.edge.ip("address", "delete", "192.0.2.3/24", "dev", "client")
    ask(world.udp_client(7000), b"the others stay")


@case(kernel=True)
def a_link_goes_down_and_up(world):
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    clients = [world.udp_client(7000, source=CLIENTS_V4[n]) for n in range(3)]
    for client in clients:
        for n in range(2):
            ask(client, b"before %d" % n)
    ids = {row["client"]: row["id"] for row in edge.sessions()}
    for namespace, device in ((world.edge, "client"), (world.hub, "backend")):
        namespace.link(device, "down")
        for client in clients:
            client.send(b"into the void")
        namespace.link(device, "up")
        for client in clients:
            until(lambda client=client: answers(client), f"{client.getsockname()} is answered again", 20.0)
    expect_steered(edge, "edge_xdp", lambda: ask(clients[0], b"by the programs"))
    expect_steered(hub, "steer_in_xdp", lambda: ask(clients[0], b"by the programs"))
    expect_equal({row["client"]: row["id"] for row in edge.sessions()}, ids, "ids at the edge")


@case(kernel=True)
def both_families_on_both_sides(world):
    """An IPv4 client of an IPv6 backend, and all other pairs: the programs carry every one."""
    for port, backend in ((7004, BACKEND_V4), (7006, BACKEND_V6)):
        world.udp_echo(port, backend)
    hub, edge = world.pair([{**ECHO, "name": "v4", "ports": 7004},
                            {**ECHO, "name": "v6", "ports": 7006, "target": f"[{BACKEND_V6}]:7006"}])
    for public in (EDGE_V4, EDGE_V6):
        for port in (7004, 7006):
            client = world.udp_client(port, public)
            for n in range(3):
                ask(client, b"%d" % n)
            for node, program in ((edge, "edge_xdp"), (edge, "steer_out_xdp"), (hub, "steer_in_xdp"),
                                  (hub, "steer_out_xdp")):
                expect_steered(node, program, lambda client=client: ask(client, b"by the programs"))
    expect_all_arrived(hub, edge)


@case(kernel=True, timeout=120)
def next_hops_of_ended_sessions_are_free_again(world):
    """With 32 workers each has 63, and one serves all sessions of a carrier: the programs cannot reach the last
    backends before sessions with others have ended."""
    hosts = [f"10.0.3.{host}" for host in range(101, 171)]
    for host in hosts:
        world.backend.ip("address", "add", f"{host}/24", "dev", "hub")
    services = [{**ECHO, "name": f"echo-{n}", "ports": 7000 + n, "target": host, "udp_idle": "10s"}
                for n, host in enumerate(hosts)]
    hub, _ = world.pair(services, hub={"node": {"workers": 32}}, edge={"node": {"workers": 1}})
    pairs = [(world.udp_client(7000 + n), world.udp_backend(7000 + n, host)) for n, host in enumerate(hosts)]
    for pair in pairs:
        exchange(*pair)

    def steered(client, backend):
        """Of the datagrams of an exchange, how many the programs of the hub sent."""
        before = counted(hub, "steer_out_xdp", "steered")
        exchange(client, backend)
        return counted(hub, "steer_out_xdp", "steered") - before
    expect_equal(steered(*pairs[0]), 3, "datagrams by the programs to the first backend")
    expect_equal(steered(*pairs[-1]), 0, "datagrams by the programs to the last one, all next hops being taken")

    def reached():
        expect_equal(steered(*pairs[0]), 3, "datagrams by the programs in a session that goes on")
        return steered(*pairs[-1]) == 3
    until(reached, "the programs reach the last backend as well", 60.0)
    opened = [event for event in hub.events("session_opened") if event["service"] == "echo-0"]
    expect_equal(len(opened), 1, "sessions opened with the first backend")
