"""What bounds the use of UDP sessions: by source, service and in total, at either node; and the hub's sockets."""

from harness.datagrams import answers, ask, dropped, expect_nothing, name_of, port_of
from harness.runner import case
from harness.topology import BACKEND_V4, CLIENTS_V4, CLIENTS_V6, EDGE_V4, EDGE_V6
from harness.wait import expect, expect_equal, until

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}
SINK = {"name": "sink", "protocol": "udp", "ports": 7001, "target": BACKEND_V4}
SLOTS = 64
FULL = {"node": {"workers": 1}, "limits": {"sessions": SLOTS}}
FLOOD = 1500


def assured(client):
    """Makes the client's session an assured one, or asks through it again."""
    for n in range(2):
        ask(client, b"still here %d" % n)
    return client


@case(short=True)
def an_edge_with_more_workers_than_carriers(world):
    """Its hub takes no more: all clients go by those that there may be."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO], hub={"limits": {"carriers_per_tunnel": 1}}, edge={"node": {"workers": 2}})
    expect_equal(edge.status()["edge"]["carriers_wanted"], 1, "carriers that the edge wants")
    for number in range(32):
        ask(world.udp_client(7000), b"client %d" % number)
    expect_equal(hub.events("carrier_down"), [], "carriers that ended")


def refused(client, node, reason):
    """A datagram of a client that opens no session, for that reason."""
    before = node.count(reason)
    client.send(b"one more")
    node.await_count(reason, before + 1)
    expect_nothing(client)


@case(short=True)
def sessions_of_one_source(world):
    world.udp_echo(7000)
    _, edge = world.pair([{**ECHO, "udp_idle": "5s"}], edge={"limits": {"sessions_per_source": 5}})
    held = [assured(world.udp_client(7000)) for _ in range(5)]
    one_more = world.udp_client(7000)
    refused(one_more, edge, "limit_source")
    edge.await_event("limit_reached", reason="limit_source")
    assured(world.udp_client(7000, source=CLIENTS_V4[1]))
    for client in held:
        ask(client, b"go on")
    expect_equal(dropped(edge), {"limit_source": 1}, "what the edge dropped")
    edge.await_sessions(0)
    ask(one_more, b"there is room again")


@case()
def an_ipv6_source_is_a_whole_network(world):
    world.udp_echo(7000)
    _, edge = world.pair([ECHO], edge={"limits": {"sessions_per_source": 3}})
    held = [assured(world.udp_client(7000, EDGE_V6, source)) for source in CLIENTS_V6[:3]]
    refused(world.udp_client(7000, EDGE_V6, CLIENTS_V6[3]), edge, "limit_source")
    for client in held:
        ask(client, b"go on")


@case()
def sessions_of_one_service(world):
    world.udp_echo(7000)
    world.udp_echo(7001)
    hub, edge = world.pair([{**ECHO, "max_flows": 3}, SINK])
    held = [assured(world.udp_client(7000, source=CLIENTS_V4[n])) for n in range(3)]
    refused(world.udp_client(7000, source=CLIENTS_V4[4]), hub, "limit_service")
    edge.await_count("limit_service")
    ask(world.udp_client(7001), b"another service")
    for client in held:
        ask(client, b"go on")
    edge.await_sessions(3, "--service", "echo")


@case()
def sessions_of_one_source_in_a_service(world):
    world.udp_echo(7000)
    hub, edge = world.pair([{**ECHO, "max_flows_per_source": 2}])
    held = [assured(world.udp_client(7000)) for _ in range(2)]
    refused(world.udp_client(7000), hub, "limit_source")
    edge.await_count("limit_source")
    ask(world.udp_client(7000, source=CLIENTS_V4[1]), b"another source")
    for client in held:
        ask(client, b"go on")


def check_flood(world, full, hub, edge):
    """Sources that nobody answers push each other out, never those who are answered."""
    clients = [assured(world.udp_client(7000, source=CLIENTS_V4[n])) for n in range(10)]
    ids = {row["client"]: row["id"] for row in full.sessions("--state", "assured")}
    world.udp_many("flood", EDGE_V4, 7001, FLOOD)
    full.await_count("evicted", FLOOD // 2)
    for client in clients:
        assured(client)
    world.udp_many("flood", EDGE_V4, 7001, FLOOD)
    for client in clients:
        assured(client)
    expect_equal({row["client"]: row["id"] for row in full.sessions("--state", "assured")}, ids, "assured sessions")
    expect(len(full.sessions()) <= SLOTS, f"no more sessions than {SLOTS}")
    for node in (hub, edge):
        expect_equal({row["client"] for row in node.sessions("--service", "echo")},
                     {name_of(client.getsockname()) for client in clients}, f"sessions of those at {node.name}")


@case(short=True)
def a_flood_at_the_edge_ends_no_assured_session(world):
    world.udp_echo(7000)
    world.udp_backend(7001)
    hub, edge = world.pair([ECHO, SINK], edge=FULL)
    check_flood(world, edge, hub, edge)


@case()
def a_flood_at_the_hub_ends_no_assured_session(world):
    world.udp_echo(7000)
    world.udp_backend(7001)
    hub, edge = world.pair([ECHO, SINK], hub=FULL)
    check_flood(world, hub, hub, edge)


@case()
def a_table_full_of_assured_sessions(world):
    world.udp_echo(7000)
    _, edge = world.pair([{**ECHO, "udp_idle": "5s"}], edge={**FULL, "limits": {"sessions": 4}})
    held = [assured(world.udp_client(7000, source=CLIENTS_V4[n])) for n in range(4)]
    one_more = world.udp_client(7000, source=CLIENTS_V4[5])
    refused(one_more, edge, "limit_total")
    for client in held:
        ask(client, b"go on")
    expect_equal(edge.count("evicted"), 0, "sessions evicted")
    until(lambda: answers(one_more), "it gets a session once others have ended")


@case(short=True)
def the_hubs_sockets_are_used_up(world):
    """Towards one backend each session needs one of its own; another backend may use the same ones."""
    world.udp_echo(7000)
    world.udp_echo(7001)
    few = {"node": {"workers": 1}, "limits": {"backend_sockets": 4}, "flow": {"quarantine": "1s"}}
    hub, edge = world.pair([{**ECHO, "udp_idle": "5s"}, SINK], hub=few)
    held = [assured(world.udp_client(7000, source=CLIENTS_V4[n])) for n in range(4)]
    one_more = world.udp_client(7000, source=CLIENTS_V4[5])
    refused(one_more, hub, "no_backend_port")
    edge.await_count("no_backend_port")
    others = [assured(world.udp_client(7001, source=CLIENTS_V4[n])) for n in range(4)]
    expect_equal(sources_of(hub, "echo"), sources_of(hub, "sink"), "sources towards either backend")
    for client in held + others:
        ask(client, b"go on")
    until(lambda: answers(one_more), "a source that has rested is used again", 15.0)
    expect(sources_of(hub, "echo") <= sources_of(hub, "sink"), "there is no fifth source")


def sources_of(hub, service):
    return {port_of(row["source"]) for row in hub.sessions("--service", service)}


@case()
def a_source_rests_before_it_is_used_again(world):
    backend = world.udp_backend(7000)
    one = {"node": {"workers": 1}, "limits": {"backend_sockets": 1}, "flow": {"unreplied": "1s", "quarantine": "30s"}}
    hub, edge = world.pair([ECHO], hub=one, edge={"flow": {"unreplied": "1s"}})
    client = world.udp_client(7000)
    client.send(b"hello")
    _, source = backend.recvfrom(100)
    hub.await_event("session_closed", reason="unreplied")
    edge.await_sessions(0)
    other = world.udp_client(7000, source=CLIENTS_V4[1])
    refused(other, hub, "no_backend_port")
    backend.sendto(b"late", source)
    hub.await_count("stray")
    for one_of_both in (client, other):
        expect_nothing(one_of_both)
