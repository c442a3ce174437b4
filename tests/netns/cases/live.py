"""Changes on a running system: only what changed is touched."""

import itertools
import json

from harness.daemon import Hub, Edge
from harness.peers import Iperf
from harness.runner import case
from harness.sockets import expect_echo, expect_refused_flow, expect_reset, is_refused
from harness.topology import BACKEND_V4, EDGE_V4
from harness.wait import expect, expect_equal, until

PROMPT = 1.0  # seconds within which a change must be seen at the edge


def declared(name, *ports, **more):
    return {"name": name, "ports": list(ports), "target": BACKEND_V4, **more}


def answers(world, port):
    """Whether the echo service behind a public port answers."""
    try:
        with world.client.connect(EDGE_V4, port, timeout=2.0) as connection:
            connection.sendall(b"x")
            return connection.recv(1) == b"x"
    except OSError:
        return False


@case()
def ports_come_and_go_under_load(world):
    iperf = Iperf(world)
    for port in (7000, 7001, 7005):
        world.echo_backend(port)
    hub, edge = world.pair([{"name": "iperf", "ports": Iperf.port, "target": BACKEND_V4},
                            {"name": "echo", "ports": 7000, "target": BACKEND_V4}])
    load = iperf.start(EDGE_V4, Iperf.port, "-t", "8", "-P", "2")
    until(lambda: int(hub.status()["bytes"]["to_backend"]) > 1 << 20, "iperf3 is running")
    hub.ctl("ports", "add", "echo", "7001,7005-7010")
    until(lambda: answers(world, 7001) and answers(world, 7005), "the new ports answer", PROMPT)
    hub.ctl("ports", "remove", "echo", "7001")
    until(lambda: is_refused(world.client, EDGE_V4, 7001), "the removed port refuses", PROMPT)
    expect_equal((answers(world, 7000), answers(world, 7005)), (True, True), "the ports that stayed answer")
    expect(load.popen.poll() is None, "iperf3 ran all the while")
    end = iperf.finish(load)
    expect(end["sum_received"]["bytes"] > 1 << 20, "iperf3's bytes arrived")
    reasons = {event["reason"] for event in edge.events("stream_closed", service="iperf")}
    expect(reasons <= {"completed", "backend_reset"}, f"iperf3 itself ended its flows: {reasons}")
    expect(edge.events("ports_changed"), "the edge told of its ports")


@case(short=True)
def services_come_and_go(world):
    world.echo_backend(7000)
    world.echo_backend(7001)
    hub, edge = world.pair([{"name": "stays", "ports": 7000, "target": BACKEND_V4}])
    stays = world.connect(7000)
    expect_echo(stays)
    hub.add_service("comes", "7001", BACKEND_V4)
    until(lambda: answers(world, 7001), "the new service answers", 5.0)
    for node in (hub, edge):
        until(lambda node=node: node.port_states() == {("edge-1", "7000", "stays"): "listening",
                                                       ("edge-1", "7001", "comes"): "listening"},
              f"each service with its own port at {node.name}")
    comes = world.connect(7001)
    expect_echo(comes)
    hub.await_flows(2)  # none of answers() is left
    removed = hub.look("services", "remove", "comes")
    expect_equal(removed["flows_closed"], 1, "flows closed with the service")
    expect_reset(comes)
    hub.await_event("stream_closed", service="comes", reason="service_removed")
    edge.await_count("service_removed")
    until(lambda: is_refused(world.client, EDGE_V4, 7001), "the removed service's port refuses")
    expect_echo(stays)
    for name in ("service_added", "service_removed"):
        hub.await_event(name, service="comes")


@case()
def a_service_is_changed_in_place(world):
    world.echo_backend(7000)
    listener = world.listen(7100)
    hub, _ = world.pair([{"name": "echo", "ports": 7000, "target": BACKEND_V4}])
    old = world.connect(7000)
    expect_echo(old)
    hub.ctl("services", "set", "echo", "--target", f"{BACKEND_V4}:7100")
    hub.await_event("service_changed", service="echo")
    client, backend = world.flow(7000, listener)
    client.sendall(b"new target")
    expect_equal(backend.recv(64), b"new target", "bytes at the new target")
    expect_echo(old)
    expect_equal(hub.service("echo")["target"], f"{BACKEND_V4}:7100", "the service's target")


@case(short=True)
def a_port_that_cannot_be_had_is_reported(world):
    taken = world.keep(world.edge.listen("0.0.0.0", 9000))
    world.echo_backend(9002)
    hub, edge = world.pair()
    hub.add_service("web", "22,9000,9002", BACKEND_V4)
    states = {("edge-1", port, "web"): state
              for port, state in (("22", "failed"), ("9000", "failed"), ("9002", "listening"))}
    for node in (hub, edge):
        until(lambda node=node: node.port_states() == states, f"the states of the ports at {node.name}")
        reasons = {row["ports"]: row["reason"] for row in node.look("ports")["ports"]}
        expect_equal((reasons["22"], reasons["9000"]), ("port_denied", "port_in_use"), f"reasons at {node.name}")
    for port, reason in (("22", "port_denied"), ("9000", "port_in_use")):
        edge.await_event("port_failed", ports=port, reason=reason)
    expect_equal(hub.edge()["ports_failed"], 2, "ports failed in the list of edges")
    expect(answers(world, 9002), "the port that could be had answers")
    with world.client.connect(EDGE_V4, 9000) as connection:
        taken.accept()[0].close()
        expect_equal(connection.recv(1), b"", "the other program still has its port")


@case()
def an_edge_serves_only_the_ports_it_allows(world):
    world.echo_backend(7000)
    hub = Hub(world, {}).start()
    hub.add_service("both", "7000,8000", BACKEND_V4)
    edge = Edge(world, hub.add_edge(), {"edge": {"ports": {"allow": ["7000-7999"], "deny": [7500]}}}).start()
    states = {("edge-1", "7000", "both"): "listening", ("edge-1", "8000", "both"): "failed"}
    until(lambda: hub.port_states() == states, "the states of the ports")
    edge.await_event("port_failed", ports="8000", reason="port_denied")
    expect(is_refused(world.client, EDGE_V4, 8000), "the port that is not allowed refuses")


@case()
def a_draining_service_keeps_its_flows(world):
    world.echo_backend(7000)
    world.echo_backend(7001)
    hub, edge = world.pair([{"name": "echo", "ports": 7000, "target": BACKEND_V4},
                            {"name": "other", "ports": 7001, "target": BACKEND_V4}])
    old = world.connect(7000)
    expect_echo(old)
    hub.ctl("drain", "echo")
    expect_refused_flow(lambda: world.connect(7000))
    hub.await_count("service_draining")
    expect_echo(old)
    expect(answers(world, 7001), "another service goes on")
    hub.ctl("drain", "echo", "--off")
    expect_echo(world.connect(7000))
    edge.await_count("service_draining")


@case()
def a_draining_node_takes_no_new_flow(world):
    world.echo_backend(7000)
    world.echo_backend(7001)
    hub, edge = world.pair([{"name": "echo", "ports": "7000-7001", "target": BACKEND_V4}])
    old, denied = world.connect(7000), world.connect(7001)
    expect_echo(old)
    expect_echo(denied)
    edge.ctl("drain")
    edge.await_event("draining")
    until(lambda: is_refused(world.client, EDGE_V4, 7000), "a draining edge refuses new connections")
    edge.write_config({"edge": {"ports": {"deny": [7001]}}})
    edge.reload()
    expect_reset(denied)
    expect(is_refused(world.client, EDGE_V4, 7000), "it refuses them after a reload too")
    expect_echo(old)
    status = edge.status()
    expect_equal((status["draining"], status["ready"]), (True, False), "draining and ready")
    expect_equal(hub.status()["draining"], False, "the hub does not drain")


@case(short=True)
def reload_changes_what_differs(world):
    for port in (7000, 7001, 7003):
        world.echo_backend(port)
    hub, edge = world.pair(hub={"service": [declared("stays", 7000), declared("goes", 7001)]})
    hub.await_ports("stays")
    hub.await_ports("goes")
    stays, goes = world.connect(7000), world.connect(7001)
    expect_echo(stays)
    expect_echo(goes)
    hub.write_config({"service": [declared("stays", 7000, 7003, max_flows=100)]})
    event = hub.reload()
    expect("stays" in json.dumps(event) and "goes" in json.dumps(event), f"the event names what changed: {event}")
    expect_reset(goes)
    hub.await_event("stream_closed", service="goes", reason="service_removed")
    expect_echo(stays)
    until(lambda: answers(world, 7003), "the new port answers", 5.0)
    expect_equal((hub.service("stays")["max_flows"], hub.service("stays")["origin"]), (100, "file"), "the service")
    expect_equal(edge.count("tunnel_lost"), 0, "flows lost with a carrier")


@case(short=True)
def a_bad_file_changes_nothing(world):
    world.echo_backend(7000)
    hub, _ = world.pair(hub={"service": [declared("echo", 7000)]})
    hub.await_ports("echo")
    hub.write_config({"service": [declared("echo", 7000, max_flws=3)]})
    message = hub.refusal("reload")
    expect(str(hub.config_file) in message and "max_flws" in message, f"the error names file and key: {message}")
    expect_echo(world.connect(7000))


@case()
def reload_says_what_needs_a_restart(world):
    hub, _ = world.pair()
    hub.write_config({"node": {"workers": 1, "log_level": "warning"}, "limits": {"handshakes": 77}})
    report = hub.look("reload")
    expect_equal(report["restart_needed"], ["node.workers"], "keys that need a restart")
    expect_equal(report["changed"], ["node.log_level changed", "limits.handshakes changed"], "keys that were taken")
    again = hub.look("reload")
    expect_equal(again["changed"], [], "what a second reload changes")
    expect_equal(hub.status()["log_level"], "warning", "the key that does not")


@case()
def what_the_file_declares_is_changed_in_the_file(world):
    hub, _ = world.pair(hub={"service": [declared("echo", 7000)]})
    lines = hub.config_file.read_text().splitlines()
    line = lines.index("[[service]]") + 1
    for command in (("services", "set", "echo", "--target", "10.0.3.9"), ("services", "remove", "echo"),
                    ("ports", "add", "echo", "7001")):
        message = hub.refusal(*command)
        expect(any(f"{hub.config_file}:{n}" in message for n in (line, line + 1)),
               f"{' '.join(command)}: the error names file and line {line}: {message}")
    expect_equal(hub.service("echo")["ports"], [7000], "ports of the service")


@case()
def overlaps_are_refused(world):
    hub, _ = world.pair([{"name": "one", "ports": "7000-7010", "target": BACKEND_V4}])
    message = hub.refusal("services", "add", "two", "--ports", "7005", "--target", BACKEND_V4)
    expect("one" in message and "7005" in message, f"the error names the other service and the port: {message}")
    expect_equal([row["name"] for row in hub.look("services")["services"]], ["one"], "services")


@case()
def events_are_followed(world):
    hub, edge = world.pair([{"name": "web", "ports": 7000, "target": BACKEND_V4}])
    command = [world.programs.penstockctl, "--socket", hub.socket, "--json", "events", "--follow"]
    follower = world.processes.start("follower", command, must_live=False)
    limits = itertools.count(1)

    def changed_and_seen():
        hub.ctl("services", "set", "web", "--max-flows", next(limits))
        return "service_changed" in follower.output()

    until(changed_and_seen, "a change is seen by the one who follows")
    follower.end()
    for line in follower.output().splitlines():
        event = json.loads(line)
        expect_equal((event["event"], event["service"]), ("service_changed", "web"), f"what is followed: {event}")
        expect(event["time"].endswith("Z"), f"an RFC 3339 time: {event}")
    expect(edge.events("tunnel_up") and edge.events("ports_assigned"), "the edge's own events")
    expect(hub.events("edge_connected", edge="edge-1"), "the hub's event of the edge")


@case()
def the_log_level_changes(world):
    hub, _ = world.pair()
    hub.ctl("log-level", "debug")
    expect_equal(hub.status()["log_level"], "debug", "log level")
    message = hub.refusal("log-level", "loud")
    expect("warning" in message and "debug" in message, f"the error names the levels there are: {message}")
