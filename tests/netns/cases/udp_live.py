"""Changes on a running system that carries UDP: only what changed is touched."""

import signal

from harness.datagrams import answers, ask, drain, dropped, expect_nothing, name_of
from harness.runner import case
from harness.sockets import expect_echo, is_refused
from harness.streams import Stream, refuses
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_V4, EDGE_V6
from harness.wait import expect_equal, until

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}


@case(short=True)
def ports_come_and_go_under_load(world):
    for port in (7000, 7001, 7005):
        world.udp_echo(port)
    hub, edge = world.pair([ECHO])
    stream = Stream(world.udp_client(7000))
    stream.await_more()
    added, stays = world.udp_client(7001), world.udp_client(7005)
    for _ in range(3):
        hub.ctl("ports", "add", "echo", "7001,7005-7010")
        until(lambda: answers(added) and answers(stays), "the new ports answer")
        stream.await_more()
        hub.ctl("ports", "remove", "echo", "7001")
        until(lambda: refuses(added), "the removed port refuses")
        drain(stays)
        ask(stays, b"the port beside it answers")
        stream.await_more()
        hub.ctl("ports", "remove", "echo", "7005-7010")
        until(lambda: refuses(stays), "the last removed port refuses")
    stream.end()
    for node in (hub, edge):
        until(lambda node=node: len(node.sessions()) == 1, f"one session at {node.name}")
        ends = {event["reason"] for event in node.events("session_closed")} - {"not_assigned"}
        expect_equal(ends, {"service_removed"}, f"how the others ended at {node.name}, but for those that began late")
    expect_equal(edge.sessions()[0]["to_client"]["datagrams"], stream.echoed, "datagrams of the stream")


@case(short=True)
def services_come_and_go(world):
    world.udp_echo(7000)
    world.udp_echo(7001)
    hub, edge = world.pair([ECHO])
    stays, comes = world.udp_client(7000), world.udp_client(7001)
    ask(stays, b"one")
    hub.add_service("comes", "7001", BACKEND_V4, protocol="udp")
    hub.await_ports("comes")
    for node in (hub, edge):
        until(lambda node=node: node.port_states("udp") == {("edge-1", "7000", "echo"): "listening",
                                                            ("edge-1", "7001", "comes"): "listening"},
              f"each service with its own port at {node.name}")
        expect_equal(node.port_states("tcp"), {}, f"TCP ports at {node.name}")
    ask(comes, b"two")
    hub.ctl("services", "remove", "comes")
    for node in (hub, edge):
        node.await_event("session_closed", service="comes", reason="service_removed")
        node.await_sessions(1)
    until(lambda: refuses(comes), "the removed service's port refuses")
    ask(stays, b"three")


@case()
def one_port_of_both_protocols(world):
    world.echo_backend(7000)
    world.udp_echo(7000)
    hub, edge = world.pair([{**ECHO, "protocol": "both"}])
    client, stream = world.udp_client(7000), world.connect(7000)
    ask(client, b"a datagram")
    expect_echo(stream)
    for node in (hub, edge):
        for protocol in ("tcp", "udp"):
            expect_equal(node.port_states(protocol), {("edge-1", "7000", "echo"): "listening"},
                         f"{protocol} ports at {node.name}")
    hub.ctl("services", "set", "echo", "--protocol", "udp")
    until(lambda: is_refused(world.client, EDGE_V4, 7000), "the TCP port refuses")
    ask(client, b"UDP goes on")
    expect_equal(len(edge.events("session_opened")), 1, "sessions opened")


@case()
def a_service_is_changed_in_place(world):
    world.udp_echo(7000)
    backend = world.udp_backend(7100)
    hub, edge = world.pair([ECHO])
    old = world.udp_client(7000)
    ask(old, b"the old target")
    hub.ctl("services", "set", "echo", "--target", f"{BACKEND_V4}:7100")
    hub.await_event("service_changed", service="echo")
    new = world.udp_client(7000, source=CLIENTS_V4[1])
    new.send(b"the new target")
    data, source = backend.recvfrom(100)
    expect_equal(data, b"the new target", "what the new target gets")
    backend.sendto(b"hello", source)
    expect_equal(new.recv(100), b"hello", "its answer")
    ask(old, b"the old target still")
    expect_equal(len(edge.events("session_closed")), 0, "sessions that ended")


@case(short=True)
def a_draining_service_keeps_its_sessions(world):
    world.udp_echo(7000)
    world.udp_echo(7001)
    hub, edge = world.pair([ECHO, {**ECHO, "name": "other", "ports": 7001}])
    old, new = world.udp_client(7000), world.udp_client(7000, source=CLIENTS_V4[1])
    ask(old, b"one")
    hub.ctl("drain", "echo")
    new.send(b"too late")
    hub.await_count("service_draining")
    edge.await_count("service_draining")
    expect_nothing(new)
    ask(old, b"two")
    ask(world.udp_client(7001), b"another service goes on")
    hub.ctl("drain", "echo", "--off")
    ask(new, b"welcome")


@case()
def a_draining_edge_takes_no_new_session(world):
    world.udp_echo(7000)
    _, edge = world.pair([ECHO])
    old, new = world.udp_client(7000), world.udp_client(7000, source=CLIENTS_V4[1])
    ask(old, b"one")
    edge.ctl("drain")
    edge.await_event("draining")
    new.send(b"too late")
    edge.await_count("draining")
    expect_nothing(new)
    ask(old, b"two")
    expect_equal(dropped(edge), {"draining": 1}, "what the edge dropped")


@case(short=True)
def sigterm_ends_sessions_in_the_end(world):
    """No UDP session tells when it is over: a drain waits its time for those that are in use, and no longer.

    What the kernel steers waits for the next process: only who has no session yet is refused.
    """
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    client = world.udp_client(7000)
    ask(client, b"one")
    edge.process.must_live = False
    edge.process.signal(signal.SIGTERM)
    expect_equal(edge.process.wait(), 0, "status of the edge")
    stranger = world.udp_client(7000, source=CLIENTS_V4[1])
    until(lambda: refuses(stranger), "its port refuses")
    if world.steering == "socket":
        until(lambda: refuses(client), "it refuses an old session")
    else:
        expect_equal(refuses(client) or refuses(client), False, "whether it refuses an old session")
    hub.await_event("edge_disconnected")


@case()
def the_hub_is_restarted_in_order(world):
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    client = world.udp_client(7000)
    ask(client, b"one")
    row, = edge.sessions()
    hub.stop()
    edge.await_event("tunnel_down")
    hub.start()
    edge.await_connected()
    until(lambda: answers(client), "the client is answered again")
    expect_equal([row["client"] for row in edge.sessions()], [row["client"]], "sessions at the edge")


@case(short=True)
def a_port_of_another_program(world):
    """It is never taken, is reported, and is taken once it is free; TCP of the same number is another matter."""
    taken = world.keep(world.edge.udp("0.0.0.0", 9000))
    world.udp_echo(9000)
    world.udp_echo(9002)
    world.echo_backend(9000)
    hub, edge = world.pair()
    hub.add_service("web", "22,9000,9002", BACKEND_V4, protocol="both")
    udp = {("edge-1", port, "web"): state
           for port, state in (("22", "failed"), ("9000", "failed"), ("9002", "listening"))}
    for node in (hub, edge):
        until(lambda node=node: node.port_states("udp") == udp, f"the states of UDP ports at {node.name}")
        rows = [row for row in node.look("ports")["ports"] if row["protocol"] == "udp"]
        reasons = {row["ports"]: row["reason"] for row in rows}
        expect_equal((reasons["22"], reasons["9000"]), ("port_denied", "port_in_use"), f"reasons at {node.name}")
    ask(world.udp_client(9002), b"the port that could be had")
    expect_echo(world.connect(9000))
    client = world.udp_client(9000)
    client.send(b"for the other program")
    expect_equal(taken.recvfrom(100), (b"for the other program", client.getsockname()), "the other program's datagram")
    taken.close()
    until(lambda: listens(hub, 9000), "the edge takes the port that has become free", 30.0)
    ask(client, b"now it is ours")
    ask(world.udp_client(9000, EDGE_V6), b"over IPv6 too")


def listens(node, port):
    return any(state == "listening" and covers(ports, port)
               for (_, ports, _), state in node.port_states("udp").items())


def covers(ports, port):
    """Whether "80" or "80-90" has the port."""
    first, _, last = ports.partition("-")
    return int(first) <= port <= int(last or first)


@case()
def reload_changes_what_differs(world):
    for port in (7000, 7001, 7003):
        world.udp_echo(port)

    def declared(name, *ports):
        return {"name": name, "protocol": "udp", "ports": list(ports), "target": BACKEND_V4}

    hub, edge = world.pair(hub={"service": [declared("stays", 7000), declared("goes", 7001)]})
    hub.await_ports("stays")
    hub.await_ports("goes")
    stays, goes = world.udp_client(7000), world.udp_client(7001)
    ask(stays, b"one")
    ask(goes, b"two")
    hub.write_config({"service": [declared("stays", 7000, 7003)]})
    hub.reload()
    edge.await_event("session_closed", service="goes", reason="service_removed")
    ask(stays, b"three")
    comes = world.udp_client(7003)
    until(lambda: answers(comes), "the new port answers")
    row, = edge.sessions("--client", name_of(stays.getsockname()))
    expect_equal(row["to_client"]["datagrams"], 2, "datagrams of the session that stayed")
