"""Interfaces that take programs in generic mode only, those that are named, and what doctor says of a host."""

import json
import secrets

from harness.datagrams import ask, expect_all_arrived
from harness.runner import case
from harness.steered import counted
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_V6
from harness.wait import expect, expect_equal

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}


def modes(node):
    return {each["name"]: each["mode"] for each in node.status()["steering"]["interfaces"]}


@case(kernel=True, short=True)
def generic_where_packets_are_large(world):
    """A veth device with a peer of a large MTU takes no native program."""
    for namespace, device in ((world.client, "edge"), (world.edge, "client")):
        namespace.ip("link", "set", device, "mtu", "9000")
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    expect_equal(modes(edge), {"client": "generic", "hub": "native"}, "interfaces of the edge")
    clients = [world.udp_client(7000, source=CLIENTS_V4[n]) for n in range(3)] + [world.udp_client(7000, EDGE_V6)]
    for size in (1, 1200, 1472, 2900, 3000, 8000, 20_000):
        for client in clients:
            ask(client, secrets.token_bytes(size))
    expect(counted(edge, "edge_xdp", "steered") >= 8, "the generic program steered")
    expect(counted(edge, "steer_out_xdp", "steered") >= 8, "and answers left by the programs")
    expect_all_arrived(hub, edge)


@case(kernel=True)
def only_those_that_are_named(world):
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO], edge={"steering": {"interfaces": ["client"]}},
                           hub={"steering": {"interfaces": ["backend"]}})
    expect_equal((modes(edge), modes(hub)), ({"client": "native"}, {"backend": "native"}), "interfaces")
    client = world.udp_client(7000)
    for n in range(5):
        ask(client, b"steered %d" % n)
    expect_all_arrived(hub, edge)


@case(kernel=True)
def one_node_has_sockets(world):
    """Either one: the tunnel between them knows no difference."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO], hub={"steering": {"mode": "socket"}})
    client = world.udp_client(7000)
    for size in (1, 1200, 20_000):
        ask(client, secrets.token_bytes(size))
    expect_equal([node.status()["steering"]["mode"] for node in (hub, edge)], ["socket", "kernel"], "steering")
    expect_all_arrived(hub, edge)
    for node, mode in ((hub, "kernel"), (edge, "socket")):
        node.stop()
        node.write_config({"steering": {"mode": mode}})
        node.start()
    edge.await_connected()
    hub.await_ports("echo")
    other = world.udp_client(7000)
    for size in (1, 1200, 20_000):
        ask(other, secrets.token_bytes(size))
    expect_equal([node.status()["steering"]["mode"] for node in (hub, edge)], ["kernel", "socket"], "steering")
    expect(counted(hub, "steer_in_xdp", "steered") >= 2, "the hub's programs steered")


@case(kernel=True)
def an_interface_that_is_not_there(world):
    hub, edge = world.pair()
    edge.stop()
    edge.write_config({"steering": {"interfaces": ["client", "nowhere0"]}})
    expect_equal(edge.launch(must_live=False).process.wait(), 1, "status of the edge")
    expect("this host has no nowhere0" in edge.process.output(), "it says why")
    expect_equal(len(hub.events("edge_connected")), 1, "connections")


@case(kernel=True, short=True)
def doctor_looks_at_the_host(world):
    _, edge = world.pair([ECHO])
    for running in (True, False):
        if not running:
            edge.stop()
        command = [world.programs.penstockctl, "--json", "doctor", "--config", edge.config_file]
        done = world.processes.run(command, world.edge)
        told = json.loads(done.stdout)
        found = {row["name"]: row for row in told["findings"]}
        expect(done.returncode in (0, 1), f"status {done.returncode}: {done.stdout}")
        expect_equal(done.returncode, {"ok": 0, "warning": 1}[told["verdict"]], f"verdict and status: {told}")
        expect_equal(told["steering"], "kernel", f"what the daemon will do, running {running}: {told}")
        for name in ("kernel", "btf", "sk_lookup", "native xdp", "steering device", "pins"):
            expect_equal(found[name]["verdict"], "ok", f"finding {found.get(name)}")
    text = world.processes.run([world.programs.penstockctl, "doctor", "--config", edge.config_file], world.edge)
    expect("sk_lookup" in text.stdout and "kernel" in text.stdout, f"for people: {text.stdout}")


@case(kernel=True)
def doctor_names_what_must_be_changed(world):
    world.processes.run(["sysctl", "-qw", "net.ipv4.conf.client.rp_filter=1"], world.edge)
    _, edge = world.pair(edge={"steering": {"mode": "auto"}})
    steering = edge.status()["steering"]
    expect(any("rp_filter" in text for text in steering["complaints"]), f"the daemon complains: {steering}")
    done = world.processes.run([world.programs.penstockctl, "doctor", "--config", edge.config_file], world.edge)
    expect_equal(done.returncode, 1, f"status: {done.stdout}")
    expect("rp_filter=2" in done.stdout, f"doctor names the remedy: {done.stdout}")
    edge.stop()
    edge.write_config({"steering": {"mode": "kernel", "interfaces": ["client"]}})
    done = world.processes.run([world.programs.penstockctl, "doctor", "--config", edge.config_file], world.edge)
    expect_equal(done.returncode, 2, f"status where it cannot work as configured: {done.stdout}")
