"""Starting, being watched, and ending."""

import json
import os
import pwd
import signal
import socket

from harness.daemon import QUICK, Edge, Hub
from harness.runner import case
from harness.sockets import expect_echo, expect_end, expect_refused_flow, expect_reset, is_refused, receive
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_V4, HUB_TUNNEL
from harness.wait import expect, expect_equal, patient, until

ECHO = {"name": "echo", "ports": 7000, "target": BACKEND_V4}
LONG_DRAIN = {"node": {"drain": "60s"}}


@case(short=True)
def check_judges_the_file(world):
    hub = Hub(world, {"service": [{"name": "echo", "ports": [7000], "target": BACKEND_V4}]})
    done = hub.check_config()
    expect_equal(done.returncode, 0, f"status for a good file ({done.stderr})")
    for changes, key, line in (
            ({"service": [{"name": "echo", "ports": ["70000"], "target": BACKEND_V4}]}, "ports", "ports ="),
            ({"service": [{"name": "echo", "prts": [1], "ports": [1], "target": BACKEND_V4}]}, "prts", "prts ="),
            ({"flow": {"dial": "5 parsecs"}}, "flow.dial", "dial ="),
            ({"admin": {"http": "0.0.0.0:80"}}, "admin.http", "http =")):
        broken = Hub(world, changes)
        done = broken.check_config()
        expect_equal(done.returncode, 1, f"status for a wrong {key}")
        lines = broken.config_file.read_text().splitlines()
        number = 1 + next(n for n, text in enumerate(lines) if text.startswith(line))
        expect(f"{broken.config_file}:{number}" in done.stderr and key in done.stderr,
               f"the error begins with {broken.config_file}:{number} and names {key}: {done.stderr!r}")
    hub.config_file.write_text("[hub\n")
    done = world.processes.run(hub.command("--check"))
    expect(done.returncode == 1 and f"{hub.config_file}:1" in done.stderr, f"no TOML at all: {done.stderr!r}")


@case()
def flag_wins_over_environment_over_file(world):
    hub = Hub(world, {"node": {"log_level": "error"}})
    hub.write_config()
    environment = {"PENSTOCK_NODE__LOG_LEVEL": "warning"}
    hub.process = world.processes.start("hub", hub.command(), world.hub, environment)
    until(lambda: hub.ctl_result("status").returncode == 0, "the hub answers", alive=hub.process.check)
    expect_equal(hub.status()["log_level"], "warning", "the environment's value")
    hub.stop()
    command = hub.command("--set", "node.log_level=debug")
    hub.process = world.processes.start("hub", command, world.hub, environment)
    until(lambda: hub.ctl_result("status").returncode == 0, "the hub answers", alive=hub.process.check)
    expect_equal(hub.status()["log_level"], "debug", "the flag's value")
    hub.stop()
    done = hub.check_config("--set", "node.wrkers=3")
    expect(done.returncode == 1 and "wrkers" in done.stderr, f"a wrong key in a flag: {done.stderr!r}")


@case(short=True)
def an_address_that_is_not_ours(world):
    """One that cannot be listened on ends the start with a sentence, whatever is open by then."""
    hub = Hub(world, {"admin": {"http": "192.0.2.77:9180", "http_public": True}})
    expect_equal(hub.launch(must_live=False).process.wait(), 1, "status")
    expect("192.0.2.77:9180 (admin.http)" in hub.process.output(), f"it says where: {hub.process.output()}")


@case(short=True)
def a_log_of_warnings_tells_what_does_not_work(world):
    quiet = {"node": {"log_level": "warning"}}
    hub, edge = world.pair([ECHO], hub=quiet, edge={**quiet, "tunnel": {"handshake": "1s"}})
    hub.stop()
    for name in ("tunnel_down", "dial_failed"):
        until(lambda name=name: name in edge.process.output(), f"the log has {name}")
    expect("tunnel_down" not in hub.process.output(), "what ended because it was told to is no warning")


@case(short=True)
def sigterm_lets_flows_end(world):
    world.echo_backend(7000)
    hub, edge = world.pair([ECHO], hub=LONG_DRAIN, edge=LONG_DRAIN)
    client = world.connect(7000)
    expect_echo(client)
    edge.process.must_live = False
    edge.process.signal(signal.SIGTERM)
    until(lambda: is_refused(world.client, EDGE_V4, 7000), "a new connection is refused")
    expect_echo(client, b"still here" * 100_000)
    client.shutdown(socket.SHUT_WR)
    expect_end(client)
    expect_equal(edge.process.wait(), 0, "status of the edge, which ends once its last flow has")
    hub.await_event("edge_disconnected")
    hub.await_event("stream_closed", service="echo", reason="completed")


@case(short=True)
def a_second_sigterm_ends_at_once(world):
    listener = world.listen(7000)
    hub, edge = world.pair([ECHO], hub=LONG_DRAIN, edge=LONG_DRAIN)
    client, backend = world.flow(7000, listener)
    hub.process.must_live = False
    hub.process.signal(signal.SIGTERM)
    until(lambda: hub.status()["draining"], "the hub drains")
    expect(hub.process.popen.poll() is None, "the hub waits for its flow")
    hub.process.signal(signal.SIGTERM)
    hub.process.wait()
    expect_reset(client)
    expect_reset(backend)
    edge.await_event("tunnel_down")


@case()
def a_draining_hub_tells_its_edges(world):
    world.echo_backend(7000)
    hub, edge = world.pair([ECHO], hub=LONG_DRAIN)
    client = world.connect(7000)
    expect_echo(client)
    hub.process.must_live = False
    hub.process.signal(signal.SIGTERM)
    hub.await_event("draining")
    expect_refused_flow(lambda: world.connect(7000))
    expect_echo(client)
    client.close()
    expect_equal(hub.process.wait(), 0, "status of the hub, which ends once its last flow has")
    edge.await_event("carrier_down")


@case(short=True)
def a_fatal_error_is_one_plain_sentence(world):
    hub = Hub(world, {"admin": {"socket": world.directory / "missing" / "admin.sock"}})
    hub.launch(must_live=False)
    status = hub.process.wait()
    expect(status > 0, f"an exit status that tells of failure, not {status}")
    lines = [line for line in hub.process.output().splitlines() if line]
    expect(lines and "missing/admin.sock" in lines[-1], f"the last line says what is wrong: {lines}")
    expect_equal([line for line in lines if "terminate" in line or "Aborted" in line], [], "signs of a crash")


@case(short=True)
def every_address_means_both_families(world):
    """[::] is the default; edges come over IPv4 here."""
    world.echo_backend(7000)
    hub, edge = world.pair([ECHO], hub={"hub": {"listen": ["[::]:8443"]}})
    expect_equal(hub.status()["hub"]["listen"], ["[::]:8443", "0.0.0.0:8443"], "where the hub listens")
    expect_echo(world.connect(7000))


@case()
def a_listener_that_is_taken_is_fatal_and_named(world):
    world.keep(world.hub.listen(HUB_TUNNEL, 8443))
    hub = Hub(world, {}).launch(must_live=False)
    expect(hub.process.wait() > 0, "an exit status that tells of failure")
    expect(f"{HUB_TUNNEL}:8443" in hub.process.output(), f"the address is named: {hub.process.output()!r}")


@case(short=True)
def probes_tell_of_life_and_readiness(world):
    http = {"admin": {"http": "127.0.0.1:9180"}}
    hub, edge = world.pair([ECHO], hub=http, edge={**http, **QUICK})
    for path, wanted in (("live", 200), ("ready", 200), ("metrics", 200), ("v1/status", 404), ("v1/edges", 404)):
        expect_equal(probe(world, world.edge, path)[0], wanted, f"status of /{path} over TCP")
    metrics = probe(world, world.edge, "metrics")[1]
    expect("# TYPE penstock_" in metrics and "penstock_flows" in metrics, "Prometheus' text with our names")
    hub.kill()
    edge.await_event("tunnel_down")
    until(lambda: probe(world, world.edge, "ready")[0] == 503, "not ready without a tunnel")
    answer = json.loads(probe(world, world.edge, "ready")[1])
    expect(answer["ready"] is False and answer["why"], f"/ready says why: {answer}")
    expect_equal(probe(world, world.edge, "live")[0], 200, "status of /live meanwhile")
    expect(edge.ctl("metrics").startswith("#"), "metrics through penstockctl")


def probe(world, namespace, path):
    """(status, body)"""
    done = world.processes.run(["curl", "--silent", "--max-time", "30", "--write-out", "\n%{http_code}",
                                f"http://127.0.0.1:9180/{path}"], namespace)
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), body


@case()
def the_tool_says_what_is_wrong(world):
    hub = Hub(world, {})
    expect_equal(hub.ctl_result("status").returncode, 3, "status without a daemon")
    expect(str(hub.socket) in hub.ctl_result("status").stderr, "the socket is named")
    hub.start()
    for command in (("frobnicate",), ("services", "add"), ("edges", "add"), ("ports", "add", "echo"),
                    ("services", "add", "x", "--prts", "1")):
        done = hub.ctl_result(*command)
        expect_equal((done.returncode, done.stdout), (2, ""), f"status and output of {' '.join(command)}")
        expect(done.stderr, f"{' '.join(command)} says what is wrong")
    expect("hub" in hub.ctl(), "no command shows the status")
    for command in (("services", "remove", "nosuch"), ("edges", "remove", "nosuch"), ("ports", "add", "nosuch", "80")):
        expect("nosuch" in hub.refusal(*command), f"{' '.join(command)} names what there is not")
    token = hub.add_edge("edge-9")
    decoded = hub.ctl("--json", "token", "decode", input_text=token + "\n")
    expect("edge-9" in decoded and HUB_TUNNEL in decoded, f"token decode shows what it is for: {decoded}")


@case()
def the_access_log_has_a_line_for_each_flow(world):
    listener = world.listen(7000)
    hub, edge = world.pair([ECHO])
    for source in CLIENTS_V4[:3]:
        client, backend = world.flow(7000, listener, source=source)
        client.sendall(b"12345")
        receive(backend, 5)
        client.close()
        backend.close()
    for node in (hub, edge):
        rows = until(lambda node=node: three_lines(node.access_log), f"three lines in the access log of {node.name}")
        expect_equal(sorted(row["client"].rsplit(":", 1)[0] for row in rows), CLIENTS_V4[:3], "clients")
        expect_equal([(row["service"], row["reason"], int(row["to_backend"]), int(row["to_client"])) for row in rows],
                     [("echo", "completed", 5, 0)] * 3, f"rows of {node.name}")


def three_lines(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return len(lines) == 3 and [json.loads(line) for line in lines]


@case(short=True)
def the_service_manager_is_told(world):
    path = world.directory / "notify"
    manager = world.keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    manager.bind(str(path))
    manager.settimeout(patient(10))
    hub = Hub(world, {}).launch(environment={"NOTIFY_SOCKET": str(path)})
    expect("READY=1" in manager.recv(4096).decode().splitlines(), "READY=1 comes first")
    expect_equal(hub.ctl_result("status").returncode, 0, "it answers once it says that it is ready")
    hub.process.must_live = False
    hub.process.signal(signal.SIGTERM)
    expect("STOPPING=1" in manager.recv(4096).decode().splitlines(), "STOPPING=1 at the end")
    expect_equal(hub.process.wait(), 0, "status")


@case()
def root_is_given_up(world):
    """With node.user the daemon takes its ports, becomes that user, and still opens low ports that come later."""
    world.directory.chmod(0o755)
    world.echo_backend(80)
    world.echo_backend(81)
    user = pwd.getpwnam("nobody")
    hub = Hub(world, {}).start()
    hub.add_service("low", "80", BACKEND_V4)
    edge = Edge(world, hub.add_edge(), {"node": {"user": "nobody"}})
    for path in (edge.directory, edge.token_file):
        os.chown(path, user.pw_uid, user.pw_gid)
    edge.start()
    edge.await_connected()
    hub.await_ports("low")
    with open(f"/proc/{edge.process.pid}/status", encoding="ascii") as status:
        ids = next(line.split()[1:] for line in status if line.startswith("Uid:"))
    expect_equal(set(ids), {str(user.pw_uid)}, "user ids of the process")
    expect_echo(world.connect(80))
    hub.ctl("ports", "add", "low", "81")
    hub.await_ports("low")
    expect_echo(world.connect(81))


@case()
def a_secret_that_others_may_read_is_refused(world):
    hub = Hub(world, {}).start()
    edge = Edge(world, hub.add_edge(), {})
    edge.token_file.chmod(0o644)
    edge.launch(must_live=False)
    expect(edge.process.wait() > 0, "an exit status that tells of failure")
    expect("edge.token_file" in edge.process.output() and "chmod 600" in edge.process.output(),
           f"it says which file and what mode: {edge.process.output()!r}")
