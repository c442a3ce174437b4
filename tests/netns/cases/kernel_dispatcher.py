"""The edge's public interface has libxdp's dispatcher: our program runs beside the others in it."""

from harness.datagrams import answers, ask, dropped
from harness.runner import case
from harness.steered import counted, packets
from harness.topology import BACKEND_V4, CLIENTS_V4
from harness.wait import expect, expect_equal, until
from harness.xdp_tools import ANOTHER, DEVICE, FILTER, XdpTools, refuses_changes

ECHO = {"name": "echo", "protocol": "udp", "ports": "7000-7001", "target": BACKEND_V4}
ENTRY = "penstock_xdp"


def modes(node):
    return {each["name"]: each["mode"] for each in node.status()["steering"]["interfaces"]}


def names(tools):
    return [name for _, name, _ in tools.programs()]


def entry(tools):
    """The id of our entry; fails unless there is exactly one."""
    ours = [number for priority, name, number in tools.programs() if (priority, name) == (50, ENTRY)]
    expect_equal(len(ours), 1, f"entries of ours in {tools.programs()}")
    return ours[0]


def met(node):
    """Datagrams to our ports that edge_xdp met: one that meets it twice, or never, shows here."""
    counts = packets(node)
    return sum(counts.get(("edge_xdp", reason), 0) for reason in ("steered", "new_path", "forged"))


def filtered_pair(world):
    """A filter on the edge's interface, and nodes. Few sessions: emulated machines are slow to make room for more."""
    tools = XdpTools(world)
    tools.load_filter()
    world.udp_echo(7000)
    few = {"sessions": 1024, "sessions_per_source": 1024}
    hub, edge = world.pair([ECHO], hub={"steering": {"mode": "socket"}},
                           edge={"steering": {"mode": "auto"}, "limits": few})
    if refuses_changes():
        an_old_dispatcher_refuses(world, edge, tools)
        tools.use_newer_dispatcher()
        start(edge, tools)
        hub.await_ports("echo")
    return tools, hub, edge


def an_old_dispatcher_refuses(world, edge, tools):
    """Clients are served without it, and the other program stays as it was."""
    expect("dispatcher" not in modes(edge).get(DEVICE, ""), f"ours is not in it: {modes(edge)}")
    ask(world.udp_client(7000), b"all the same")
    expect("libxdp before 1.5.5" in doctor(world, edge, tools), "doctor says why")
    edge.stop()
    detach(world, edge, tools)
    expect_equal(names(tools), [FILTER], "programs in the dispatcher")


def doctor(world, edge, tools):
    command = [world.programs.penstockctl, "doctor", "--config", edge.config_file]
    return world.processes.run(command, world.edge, environment=tools.environment).stdout


def detach(world, edge, tools):
    done = world.processes.run([world.programs.penstockctl, "--socket", edge.socket, "detach", "--config",
                                edge.config_file], world.edge, environment=tools.environment)
    expect_equal((done.returncode, done.stderr), (0, ""), "detach")


def start(edge, tools):
    edge.start(environment=tools.environment).await_connected()


def both_see_packets(world, edge, tools):
    passed = tools.passed()
    clients = [world.udp_client(7000, source=CLIENTS_V4[n]) for n in range(2)]
    for n in range(10):
        for client in clients:
            ask(client, b"%d through both" % n)
    expect_equal(met(edge), 20, "datagrams that the edge's program met")
    expect(counted(edge, "edge_xdp", "steered") >= 18, "and steered")
    expect(counted(edge, "steer_out_xdp", "steered") >= 18, "whose answers left by the programs")
    expect(tools.passed() - passed >= 20, "datagrams that the filter passed on")
    tools.block_port(7001)
    expect(not answers(world.udp_client(7001)), "what the filter drops is answered by nobody")
    expect_equal(met(edge), 20, "and does not come to our program")
    return clients[0]


def a_killed_edge_finds_its_entry(edge, tools, client):
    """No datagram meets two of our programs, or none, while the edge starts anew."""
    before, ours, sent = sorted(row["id"] for row in edge.sessions()), entry(tools), met(edge)
    edge.kill()
    edge.launch(environment=tools.environment)
    while edge.ctl_result("status").returncode != 0:
        edge.process.check()
        client.send(b"while it starts")
        sent += 1
    expect_equal(met(edge), sent, "datagrams that the edge's program met")
    edge.await_connected()
    until(lambda: answers(client), "the client is answered again")
    expect_equal((sorted(row["id"] for row in edge.sessions()), entry(tools)), (before, ours), "sessions and entry")
    expect_equal(edge.status()["steering"]["complaints"], [], "complaints")


def others_come_and_go(edge, tools, client):
    sent = met(edge)
    for change, others in ((tools.load_another, [FILTER, ANOTHER]), (lambda: tools.unload(ANOTHER), [FILTER])):
        change()
        expect_equal(names(tools), [*others, ENTRY], "programs in the dispatcher")
        for n in range(5):
            ask(client, b"%d after a change" % n)
        sent += 5
        expect_equal(met(edge), sent, f"datagrams that ours met among {names(tools)}")


def an_entry_without_its_node_goes(world, edge, tools):
    """Its pins were removed: it passes everything, and the next start puts another in its place."""
    ours = entry(tools)
    edge.stop()
    world.processes.run(["rm", "-rf", edge.pins / edge.name])
    said = doctor(world, edge, tools)
    expect("dispatcher on client" in said and "with priority 50" in said, f"doctor says what will be: {said}")
    start(edge, tools)
    expect(entry(tools) != ours, "another entry")


@case(kernel=True, guest=True, timeout=120)
def ours_runs_beside_a_filter(world):
    tools, hub, edge = filtered_pair(world)
    expect_equal(modes(edge), {DEVICE: "dispatcher", "hub": "native"}, "interfaces of the edge")
    expect_equal(names(tools), [FILTER, ENTRY], "programs in the dispatcher")
    client = both_see_packets(world, edge, tools)
    expect_equal(dropped(hub, edge), {}, "datagrams dropped")
    expect("client (dispatcher)" in edge.ctl("status"), f"status says so: {edge.ctl('status')}")
    if not refuses_changes():  # else xdp-loader would have to be as new as the dispatcher
        others_come_and_go(edge, tools, client)
    a_killed_edge_finds_its_entry(edge, tools, client)
    an_entry_without_its_node_goes(world, edge, tools)
    edge.stop()
    expect_equal(names(tools), [FILTER, ENTRY], "the entry outlives the daemon")
    detach(world, edge, tools)
    expect_equal(names(tools), [FILTER], "programs after detach")
    passed = tools.passed()
    client.send(b"to nobody")
    until(lambda: tools.passed() > passed, "the filter works on")
