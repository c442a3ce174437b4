"""Interfaces that take no XDP program of ours: programs on TC stand there instead."""

import json
import secrets

from cases.direct import PERMITTED, Chatter, backend_of, exchange, packets, service, settle
from cases.kernel_life import detach, facts
from harness.datagrams import ask, expect_all_arrived, expect_nothing, name_of
from harness.harmless import attach_harmless_program
from harness.runner import case
from harness.steered import LEFT, await_packets, counted
from harness.topology import BACKEND_V4, CLIENTS_V4, CLIENTS_V6, EDGE_V4, EDGE_V6
from harness.tun_wire import TunWire
from harness.wait import expect, expect_equal

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}
FAR_V4, NEAR_V4 = "10.9.0.2", "10.9.0.1"  # ends of a wire without Ethernet


def modes(node):
    return {each["name"]: each["mode"] for each in node.status()["steering"]["interfaces"]}


def on_tc(world, namespace):
    """What is in the namespace's clsact qdiscs: {device: programs}."""
    def of(*command):
        done = world.processes.run(command, namespace)
        expect_equal(done.returncode, 0, f"{command}: {done.stderr}")
        return done.stdout
    qdiscs = [each["dev"] for each in json.loads(of("tc", "-json", "qdisc", "show")) if each["kind"] == "clsact"]
    return {device: [each["options"]["bpf_name"].split(":[")[0] for each in
                     json.loads(of("tc", "-json", "filter", "show", "dev", device, "ingress"))
                     if "bpf_name" in each.get("options", {})] for device in qdiscs}


@case(kernel=True, short=True)
def an_edge_serves_tunnels_beside_another_program(world):
    """Also where the operator names the interface, and asks for the kernel."""
    attach_harmless_program(world, world.edge, "client", "xdpdrv")
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO], edge={"steering": {"mode": "kernel", "interfaces": ["client", "hub"]}})
    expect_equal(modes(edge), {"client": "tc", "hub": "native"}, "interfaces of the edge")
    expect_equal(edge.status()["steering"]["complaints"], [], "complaints")
    for public, source in ((EDGE_V4, CLIENTS_V4[0]), (EDGE_V6, CLIENTS_V6[0])):
        client = world.udp_client(7000, public, source)
        for size in (1, 1200, 1472, 9000):
            ask(client, secrets.token_bytes(size))
    expect(counted(edge, "edge_tc", "to_socket") >= 3, "the filter left datagrams of sessions to sockets")
    expect(counted(edge, "edge_tc", "new_path") >= 2, "and the first of each")
    expect_equal(counted(edge, "edge_xdp", "steered"), 0, "datagrams steered by edge_xdp")
    done = world.processes.run([world.programs.penstockctl, "doctor", "--config", edge.config_file], world.edge)
    expect("tc on client, native on hub" in done.stdout, f"doctor: {done.stdout}")
    expect_all_arrived(hub, edge)


@case(kernel=True, short=True)
def a_hub_serves_tunnels_beside_another_program(world):
    attach_harmless_program(world, world.hub, "backend")
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO], hub={"steering": {"mode": "auto"}})
    expect_equal(modes(hub)["backend"], "tc", "interfaces of the hub")
    for n in range(3):
        client = world.udp_client(7000, source=CLIENTS_V4[n])
        for size in (1, 1200, 9000):
            ask(client, secrets.token_bytes(size))
    expect(counted(hub, "hub_tc", "to_socket") >= 6, "the filter left answers to sockets")
    expect_all_arrived(hub, edge)


@case(kernel=True, short=True)
def the_guard_stands_before_it(world):
    attach_harmless_program(world, world.edge, "client")
    world.udp_echo(7000)
    limits = {"source_rate": 100, "source_burst": 20}
    _, edge = world.pair([ECHO], edge={"guard": limits})
    client, fast = world.udp_client(7000), world.udp_client(7000, source=CLIENTS_V4[1])
    for one in (client, fast):
        ask(one, b"before")
    edge.ctl("guard", "block", CLIENTS_V4[0])
    for _ in range(5):
        client.send(b"blocked")
    await_packets(edge, "edge_tc", "blocked", 5)
    expect_nothing(client)
    for n in range(300):
        fast.send(b"faster than its limit %d" % n)
    await_packets(edge, "edge_tc", "rate_source", 100)
    dropped = edge.look("guard")["dropped"]
    expect_equal(dropped["blocked"]["packets"], 5, "blocked")
    expect(dropped["rate_source"]["packets"] >= 100, f"dropped beyond the limit: {dropped}")
    edge.ctl("guard", "remove", CLIENTS_V4[0])
    ask(client, b"after")


@case(kernel=True, short=True)
def direct_sessions_stay_in_the_kernel(world):
    """In by TC, out by XDP's answer: with a generic program on the interface, only TC can send by it."""
    attach_harmless_program(world, world.edge, "client")
    backend = backend_of(world)
    _, edge = world.pair([service()], edge=PERMITTED)
    for public, source in ((EDGE_V4, CLIENTS_V4[0]), (EDGE_V6, CLIENTS_V6[0])):
        client = world.udp_client(7000, public, source)
        settle(client, backend)
        before, looked_up = packets(edge, "edge_tc"), packets(edge, "sk_lookup")
        left = counted(edge, "leave_tc", "forwarded")
        for size in (0, 1, 200, 1400) * 5:
            exchange(client, backend, secrets.token_bytes(size))
        if public == EDGE_V4:  # IPv6 clients of an IPv4 backend need other headers, which TC does not write
            expect_equal(packets(edge, "edge_tc")["forwarded"] - before["forwarded"], 20, "forwarded by edge_tc")
            expect_equal(packets(edge, "sk_lookup"), looked_up, "datagrams that came to sockets")
        else:
            expect(packets(edge, "edge_tc")["to_socket"] >= 20, "left to sockets")
        expect_equal(counted(edge, "leave_tc", "forwarded") - left, 20, "answers that leave_tc took from edge_xdp")
    row, = edge.sessions("--client", name_of(client.getsockname()))
    expect_equal(row["way"], "direct", "its way")


@case(kernel=True)
def direct_sessions_with_a_header_go_by_sockets(world):
    attach_harmless_program(world, world.edge, "client", "xdpdrv")
    backend = backend_of(world)
    _, edge = world.pair([service(client="proxy-v2")], edge=PERMITTED)
    client = world.udp_client(7000)
    header = client.getsockname(), (EDGE_V4, 7000)
    settle(client, backend, header)
    before = counted(edge, "edge_xdp", "forwarded")
    for size in (0, 1, 1200):
        exchange(client, backend, secrets.token_bytes(size), header)
    expect(counted(edge, "edge_tc", "to_socket") >= 3, "left to the session's socket")
    expect_equal(counted(edge, "edge_xdp", "forwarded") - before, 3, "answers that edge_xdp forwarded")


@case(kernel=True, short=True)
def a_killed_edge_loses_nothing(world):
    attach_harmless_program(world, world.edge, "client", "xdpdrv")
    backend = backend_of(world)
    hub, edge = world.pair([service()], edge=PERMITTED)
    client = world.udp_client(7000)
    settle(client, backend)
    chatter = Chatter(client, backend)
    chatter.start()
    chatter.more(200, "exchanges")
    edge.kill()
    chatter.more(500, "exchanges while no daemon runs")
    edge.start()
    edge.await_connected()
    hub.await_ports("echo")
    chatter.more(500, "exchanges after the restart")
    chatter.end()
    expect_equal((chatter.lost, len(chatter.sources)), (0, 1), "datagrams lost, and sources seen")
    expect_equal(modes(edge), {"client": "tc", "hub": "native"}, "interfaces after the restart")
    expect_equal(on_tc(world, world.edge), {"client": ["edge_tc"]}, "filters: one, as before")


@case(kernel=True, short=True)
def detach_leaves_what_was_there(world):
    """Ours goes with the qdisc that we made; where somebody else has filters, theirs stays with its qdisc."""
    attach_harmless_program(world, world.edge, "client")
    attach_harmless_program(world, world.edge, "hub")
    world.processes.run(["tc", "qdisc", "add", "dev", "hub", "clsact"], world.edge)
    world.processes.run(["tc", "filter", "add", "dev", "hub", "ingress", "prio", "49", "matchall", "action", "pass"],
                        world.edge)
    before = facts(world, world.edge), on_tc(world, world.edge)
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    ask(world.udp_client(7000), b"hello")
    expect_equal(on_tc(world, world.edge), {"client": ["edge_tc"], "hub": ["edge_tc"]}, "filters")
    edge.stop()
    detach(world, edge)
    expect_equal((facts(world, world.edge), on_tc(world, world.edge)), before, "the host")
    edge.start().await_connected()
    hub.await_ports("echo")
    ask(world.udp_client(7000, source=CLIENTS_V4[5]), b"from the beginning")


@case(kernel=True)
def xdp_takes_over_when_the_other_program_is_gone(world):
    attach_harmless_program(world, world.edge, "client", "xdpdrv")
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    ask(world.udp_client(7000), b"by a filter")
    edge.stop()
    world.edge.ip("link", "set", "dev", "client", "xdpdrv", "off")
    edge.start().await_connected()
    hub.await_ports("echo")
    expect_equal(modes(edge), {"client": "native", "hub": "native"}, "interfaces")
    expect_equal(on_tc(world, world.edge), {}, "filters")
    client = world.udp_client(7000, source=CLIENTS_V4[1])
    for n in range(5):
        ask(client, b"steered %d" % n)
    expect(counted(edge, "edge_xdp", "steered") >= 4, "edge_xdp steers")


@case(kernel=True)
def anothers_filter_in_our_place_stays(world):
    attach_harmless_program(world, world.edge, "client")
    made = world.directory / "harmless.o"
    for command in (["tc", "qdisc", "add", "dev", "client", "clsact"],
                    ["tc", "filter", "add", "dev", "client", "ingress", "prio", "50", "handle", "0x505354", "bpf", "da",
                     "object-file", str(made), "section", "classifier"]):
        done = world.processes.run(command, world.edge)
        expect_equal(done.returncode, 0, f"{command}: {done.stderr}")
    world.udp_echo(7000)
    _, edge = world.pair([ECHO])
    complaints = edge.status()["steering"]["complaints"]
    expect(any(text.startswith("client:") and "filter" in text for text in complaints), f"complaints: {complaints}")
    expect_equal(on_tc(world, world.edge), {"client": ["harmless.o"]}, "filters")
    ask(world.udp_client(7000), b"by sockets")


@case(kernel=True, short=True, timeout=90)
def direct_by_a_device_without_ethernet(world):
    wire = TunWire("wire", world.edge, world.backend)
    try:
        expect_direct_by_bare_device(world, "wire")
    finally:
        wire.close()


def expect_direct_by_bare_device(world, device):
    """`device` joins edge and backend. With and without a header, from clients of both families."""
    world.edge.ip("address", "add", f"{NEAR_V4}/24", "dev", device)
    world.backend.ip("address", "add", f"{FAR_V4}/24", "dev", device)
    plain = service(target=f"{FAR_V4}:7001")
    _, edge = world.pair([plain, {**plain, "name": "headed", "ports": 7002, "client": "proxy-v2"}],
                           edge={"edge": {"direct_to": [f"{FAR_V4}/32"]},
                                 "steering": {"interfaces": ["client", "hub", device]}})
    expect_equal(modes(edge), {"client": "native", "hub": "native", device: "tc"}, "interfaces")
    backend = world.backend.udp(FAR_V4, 7001)
    for port, headed in ((7000, False), (7002, True)):
        for public, source in ((EDGE_V4, CLIENTS_V4[0]), (EDGE_V6, CLIENTS_V6[0])):
            client = world.udp_client(port, public, source)
            header = (client.getsockname()[:2], (public, port)) if headed else None
            settle(client, backend, header)
            expect_forwarded(edge, client, backend, header)
    backend.close()
    edge.stop()
    detach(world, edge)
    expect_equal(on_tc(world, world.edge), {}, "filters after detach")


def expect_forwarded(edge, client, backend, header):
    """Past userspace to the backend; and back, unless answers have to become IPv6. What sk_lookup counts tells nothing:
    WireGuard's GRO asks it too."""
    before = {name: packets(edge, name) for name in ("edge_xdp", "leave_tc", "edge_tc")}
    for size in (0, 1, 200, 1300):
        exchange(client, backend, secrets.token_bytes(size), header)

    def grown(program, *reasons):
        now = packets(edge, program)
        return sum(now.get(reason, 0) - before[program].get(reason, 0) for reason in reasons)
    left = ("to_socket", "new_path", *LEFT)
    left = tuple(reason for reason in left if reason != "ip_options")  # hosts' own MLD has some
    expect_equal((grown("edge_xdp", "forwarded"), grown("leave_tc", "forwarded")), (4, 4), "sent to the backend")
    expect_equal(grown("edge_xdp", *left), 0, "datagrams of the client that came to sockets")
    same_family = ":" not in client.getsockname()[0]
    expect_equal((grown("edge_tc", "forwarded"), grown("edge_tc", *left)), (4, 0) if same_family else (0, 4),
                 "answers that were forwarded, and that came to sockets")
