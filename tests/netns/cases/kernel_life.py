"""The programs outlive the daemon, and leave when they are told to."""

import json
import os
import pwd

from harness.daemon import Edge, Hub
from harness.datagrams import answers, ask, row_of
from harness.runner import case
from harness.sockets import expect_echo
from harness.steered import counted
from harness.streams import refuses
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_V6
from harness.wait import Failure, expect, expect_equal, until

ECHO = {"name": "echo", "protocol": "udp", "ports": 7000, "target": BACKEND_V4}


def facts(world, namespace):
    """What the kernel has in a namespace: links, addresses, routes, programs; without what counts or ages."""
    def of(*command):
        done = world.processes.run(command, namespace)
        expect(done.returncode == 0, f"{' '.join(command)}: {done.stderr}")
        return json.loads(done.stdout or "[]")
    until(lambda: not any("NO-CARRIER" in link["flags"] for link in of("ip", "-json", "link")), "all links are up")
    links = [{key: link.get(key) for key in ("ifname", "mtu", "flags", "address", "xdp")}
             for link in of("ip", "-json", "link")]
    addresses = [(link["ifname"], sorted(each["local"] for each in link["addr_info"]))
                 for link in of("ip", "-json", "address")]
    routes = sorted(json.dumps(route, sort_keys=True) for family in ("-4", "-6")
                    for route in of("ip", "-json", family, "route", "show", "table", "all")
                    if not route["dst"].startswith("fe80"))  # those come when the kernel is sure of the address
    return {"links": links, "addresses": addresses, "routes": routes, "programs": of("bpftool", "-j", "net")}


def assured(world):
    """Clients of an echo service, each with an assured session."""
    clients = [world.udp_client(7000, source=CLIENTS_V4[n]) for n in range(4)] + [world.udp_client(7000, EDGE_V6)]
    for client in clients:
        for n in range(3):
            ask(client, b"%d before" % n)
    return clients


def ids(node):
    return {row["client"]: (row["id"], row["state"]) for row in node.sessions()}


def sources(node):
    return {row["client"]: (row["source"], row["id"]) for row in node.sessions()}


def keep_sending(clients, count=20):
    for n in range(count):
        for client in clients:
            client.send(b"nobody listens %d" % n)


@case(kernel=True, short=True)
def a_killed_edge_adopts_its_sessions(world):
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    clients = assured(world)
    before, there = ids(edge), ids(hub)
    for _ in range(2):
        steered = counted(edge, "edge_xdp", "steered")
        keep_sending(clients, 3)
        edge.kill()
        keep_sending(clients)
        edge.start().await_connected()
        for client in clients:
            until(lambda client=client: answers(client), f"{client.getsockname()} is answered again")
        expect_equal(ids(edge), before, "sessions at the edge")
        expect_equal(ids(hub), there, "sessions at the hub")
        expect_equal(edge.status()["steering"]["complaints"], [], "complaints")
        expect(counted(edge, "edge_xdp", "steered") > steered, "the programs steered on")
        newcomer = world.udp_client(7000, source=CLIENTS_V4[9])
        for n in range(2):
            ask(newcomer, b"a session after that %d" % n)
        before, there = ids(edge), ids(hub)
        clients.append(newcomer)


@case(kernel=True, short=True)
def a_hub_that_ends_adopts_its_sessions(world):
    """Killed or told to end: backends go on seeing the same senders."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    clients = assured(world)
    before, there = ids(edge), sources(hub)
    for end in (hub.kill, hub.stop):
        keep_sending(clients, 3)
        end()
        keep_sending(clients)
        hub.start()
        edge.await_connected(20)
        for client in clients:
            until(lambda client=client: answers(client), f"{client.getsockname()} is answered again")
        expect_equal({client: number for client, (number, _) in ids(edge).items()},
                     {client: number for client, (number, _) in before.items()}, "ids at the edge")
        expect_equal(sources(hub), there, "sources and ids at the hub")
        expect_equal({row["service"] for row in hub.sessions()}, {"echo"}, "services of the hub's sessions")
        expect_equal(hub.status()["steering"]["complaints"], [], "complaints")
        newcomer = world.udp_client(7000, source=CLIENTS_V4[len(clients) + 5])
        ask(newcomer, b"a session after that")
        clients.append(newcomer)
        before, there = ids(edge), sources(hub)


@case(kernel=True)
def what_was_left_of_another_edge_ends(world):
    """The edge came back as another instance: its sessions are not those of before."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    clients = assured(world)
    there = sources(hub)
    hub.kill()
    edge.stop()
    detach(world, edge)
    hub.start()
    expect_equal({client for client, _ in sources(hub).items()}, set(there), "sessions that wait for their edge")
    edge.start().await_connected()
    until(lambda: not hub.sessions(), "they are gone")
    for client in clients:
        until(lambda client=client: answers(client), f"{client.getsockname()} is answered again")
    expect(not set(sources(hub).values()) & set(there.values()), "and neither ids nor sources came back")


@case(kernel=True)
def what_a_hub_left_goes_on_to_the_same_backend_only(world):
    world.udp_echo(7000)
    world.udp_echo(7001)
    declared = {**ECHO, "ports": [7000]}
    hub, edge = world.pair(hub={"service": [declared]})
    hub.await_ports("echo")
    client = world.udp_client(7000)
    for n in range(3):
        ask(client, b"%d before" % n)
    there = sources(hub)
    hub.kill()
    hub.config["service"] = [{**declared, "target": f"{BACKEND_V4}:7001"}]
    hub.start()
    edge.await_connected(20)
    until(lambda: answers(client), "the client is answered again")
    rows = hub.sessions()
    expect_equal([row["backend"] for row in rows], [f"{BACKEND_V4}:7001"], "where its session goes")
    expect(not set(sources(hub).values()) & set(there.values()), "by a source and an id of its own")
    expect_equal(len(hub.events("session_closed", reason="replaced")), 1, "the session of before ended")


@case(kernel=True)
def without_a_daemon_a_tcp_port_refuses(world):
    world.echo_backend(7000)
    world.udp_echo(7000)
    _, edge = world.pair([{**ECHO, "protocol": "both"}])
    expect_echo(world.connect(7000))
    edge.kill()
    for _ in range(3):
        try:
            world.connect(7000, timeout=2.0)
        except ConnectionRefusedError:
            continue
        except TimeoutError:
            raise Failure("the port hangs") from None
        raise Failure("somebody listens")
    stranger = world.udp_client(7000)
    until(lambda: refuses(stranger), "a client without a session is refused")
    edge.start().await_connected()
    until(lambda: edge.has_port("tcp", 7000), "the port is open again")
    expect_echo(world.connect(7000))


@case(kernel=True)
def rules_and_limits_hold_without_a_daemon(world):
    world.udp_echo(7000)
    _, edge = world.pair([ECHO], edge={"guard": {"source_rate": 100, "source_burst": 20}})
    blocked, fast = world.udp_client(7000), world.udp_client(7000, source=CLIENTS_V4[1])
    for client in (blocked, fast):
        ask(client, b"before")
    edge.ctl("guard", "block", CLIENTS_V4[0])
    edge.kill()
    for n in range(300):
        fast.send(b"faster than its limit %d" % n)
    for n in range(7):
        blocked.send(b"blocked %d" % n)
    edge.start().await_connected()
    dropped = edge.look("guard")["dropped"]
    expect_equal(dropped["blocked"]["packets"], 7, "blocked while no daemon ran")
    expect(dropped["rate_source"]["packets"] > 100, f"dropped beyond the limit: {dropped}")
    expect(not answers(blocked), "the rule still holds")
    until(lambda: answers(fast), "the other is answered")
    since = edge.look("guard")["dropped"]["blocked"]["packets"] - 7
    expect_equal(row_of(edge, "echo", "client_to_tunnel")["reasons"]["blocked"], since, "blocked since this daemon runs")
    expect_equal(edge.look("guard")["rules"], [{"prefix": CLIENTS_V4[0], "action": "block"}], "rules")


@case(kernel=True)
def other_limits_at_the_next_start(world):
    """Maps of another size: what they held is given up, and all begins anew."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    assured(world)
    edge.stop()
    edge.write_config({"limits": {"sessions": 64}})
    edge.start().await_connected()
    hub.await_ports("echo")
    expect_equal(edge.sessions(), [], "sessions")
    for n in range(3):
        ask(world.udp_client(7000, source=CLIENTS_V4[n]), b"anew %d" % n)
    expect_equal(len(edge.sessions()), 3, "sessions")


@case(kernel=True)
def fewer_carriers_at_the_next_start(world):
    """Sessions of a worker that has none any more go by another one's."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    clients = [world.udp_client(7000, source=CLIENTS_V4[n % 4]) for n in range(12)]
    for client in clients:
        ask(client, b"before")
    edge.stop()
    edge.write_config({"edge": {"carriers": 1}})
    edge.start().await_connected()
    hub.await_ports("echo")
    for client in clients:
        until(lambda client=client: answers(client), f"{client.getsockname()} is answered")


@case(kernel=True)
def pins_of_another_version(world):
    """It says how to go on, and that works."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    edge.stop()
    (edge.pins / edge.name / "v999").mkdir()
    expect_equal(edge.launch(must_live=False).process.wait(), 1, "status of the edge")
    expect("penstockctl detach" in edge.process.output(), "it says what to do")
    detach(world, edge)
    edge.start().await_connected()
    hub.await_ports("echo")
    ask(world.udp_client(7000), b"hello")


@case(kernel=True)
def an_interface_is_made_anew(world):
    """A link that is pinned for one that is gone holds nothing."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    ask(world.udp_client(7000), b"hello")
    edge.stop()
    world.edge.ip("link", "delete", "client")
    world.edge.ip("link", "add", "client", "type", "veth", "peer", "name", "edge", "netns", world.client.name)
    for namespace, device, address in ((world.edge, "client", "192.0.2.1/24"), (world.client, "edge", "192.0.2.10/24")):
        namespace.ip("address", "add", address, "dev", device)
        namespace.ip("link", "set", device, "up")
        world.processes.run(["ethtool", "-K", device, "tx", "off", "gro", "on"], namespace)
    edge.start().await_connected()
    hub.await_ports("echo")
    expect_equal(edge.status()["steering"]["complaints"], [], "complaints")
    client = world.udp_client(7000)
    for n in range(5):
        ask(client, b"through the new one %d" % n)
    expect(counted(edge, "edge_xdp", "steered") >= 4, "its program steers")


def detach(world, node):
    done = world.processes.run([world.programs.penstockctl, "--socket", node.socket, "detach", "--config",
                                node.config_file], node.namespace)
    expect_equal((done.returncode, done.stderr), (0, ""), f"detach of {node.name}")


@case(kernel=True, short=True)
def a_second_daemon_of_the_same_file(world):
    """It is refused before it has touched what the first has in the kernel."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    client = world.udp_client(7000)
    ask(client, b"before")
    for node in (edge, hub):
        done = world.processes.run(node.command(), node.namespace)
        expect_equal(done.returncode, 1, f"status of a second {node.name}")
        expect("another daemon has node.state_dir" in done.stderr, f"it says why: {done.stderr}")
    for n in range(3):
        ask(client, b"after %d" % n)
    ask(world.udp_client(7000, source=CLIENTS_V4[1]), b"a new one")


@case(kernel=True)
def in_the_place_of_another_node(world):
    """The programs of that one are in the way until they are taken off: the error says where and how."""
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    edge.stop()
    second = Edge(world, edge.token_file.read_text().strip(), {}, name="second")
    expect_equal(second.launch(must_live=False).process.wait(), 1, "status of the second")
    said = second.process.output()
    expect("penstock1: another program's XDP program is on the interface" in said, f"it says where: {said}")
    expect("penstockctl detach --config FILE" in said, f"it says what to do: {said}")
    detach(world, edge)
    second.start().await_connected()
    hub.await_ports("echo")
    ask(world.udp_client(7000), b"hello")


@case(kernel=True, short=True)
def detach_leaves_nothing(world):
    before = {space.name: facts(world, space) for space in (world.edge, world.hub)}
    world.udp_echo(7000)
    hub, edge = world.pair([ECHO])
    ask(world.udp_client(7000), b"hello")
    refused = world.processes.run([world.programs.penstockctl, "--socket", edge.socket, "detach", "--config",
                                   edge.config_file], world.edge)
    expect(refused.returncode == 1 and "daemon" in refused.stderr, f"refused while a daemon answers: {refused}")
    other = Edge(world, edge.token_file.read_text().strip(), {"steering": {"pins": edge.pins}}, name="other")
    other.write_config()
    refused = world.processes.run([world.programs.penstockctl, "--socket", other.socket, "detach", "--config",
                                   other.config_file], world.edge)
    expect(refused.returncode != 0 and "left nothing here; what is here is of edge" in refused.stderr,
           f"nothing is another node's to detach: {refused}")
    for node in (edge, hub):
        node.stop()
        expect(facts(world, node.namespace) != before[node.namespace.name], f"something of {node.name} is left")
        detach(world, node)
        expect(not (node.pins / node.name).exists(), f"pins of {node.name} are gone")
        now = facts(world, node.namespace)
        for what, was in before[node.namespace.name].items():
            expect_equal(now[what], was, f"{what} at {node.name}")
    hub.start()
    edge.start().await_connected()
    hub.await_ports("echo")
    ask(world.udp_client(7000, source=CLIENTS_V4[5]), b"from the beginning")


@case(kernel=True)
def root_is_given_up(world):
    """With node.user the daemon loads its programs, becomes that user, and then adds sessions, ports and rules."""
    world.directory.chmod(0o755)
    world.udp_echo(7000)
    user = pwd.getpwnam("nobody")
    hub = Hub(world, {}).start()
    hub.add_service("echo", "7000", BACKEND_V4, protocol="udp")
    edge = Edge(world, hub.add_edge(), {"node": {"user": "nobody"}})
    for path in (edge.directory, edge.token_file):
        os.chown(path, user.pw_uid, user.pw_gid)
    edge.start()
    edge.await_connected()
    hub.await_ports("echo")
    for n in range(4):
        client = world.udp_client(7000, source=CLIENTS_V4[n])
        for k in range(3):
            ask(client, b"%d of %d" % (k, n))
    expect(counted(edge, "edge_xdp", "steered") >= 8, "edge_xdp steers")
    edge.ctl("guard", "block", CLIENTS_V4[0])
    expect_equal(len(edge.look("guard")["rules"]), 1, "rules")
