"""Who may be an edge, and which hub an edge trusts."""

import re

from harness.carrier import GOAWAY, PING, PONG, Carrier, read_token, write_token
from harness.certificates import make_certificates
from harness.daemon import Edge, Hub
from harness.peers import s_server
from harness.runner import case
from harness.sockets import expect_echo, expect_reset
from harness.topology import BACKEND_V4, EDGE_OTHER, HUB_TUNNEL, HUB_TUNNEL2
from harness.wait import expect, expect_equal, until
from harness.world import TUNNEL_PORT

RAW = {"name": "raw", "ports": 7000, "target": BACKEND_V4}
HUB = f"{HUB_TUNNEL}:{TUNNEL_PORT}"
# For a node in a namespace where the programs of another one still are.
ANY_STEERING = {"steering": {"mode": "auto"}}


def secret_file(world, token):
    return write_secret(world, read_token(token)["s"])


def write_secret(world, secret):
    path = world.directory / "secret"
    path.touch(mode=0o600)
    path.write_text(secret + "\n")
    return path


@case(short=True)
def a_wrong_secret_is_refused(world):
    hub = Hub(world, {}).start()
    fields = read_token(hub.add_edge())
    edge = Edge(world, write_token({**fields, "s": "x" * len(fields["s"])}), {}).start()
    refused = hub.await_event("auth_failed")
    expect_equal(refused["edge"], "edge-1", "the edge in the event")
    expect(fields["s"] not in str(refused) and "x" * 16 not in str(refused), "no secret in the event")
    edge.await_last_error("auth_failed|secret")
    hub.await_count("auth_failed", 2, deadline=20)  # it goes on trying, ever more slowly
    expect_equal(edge.status()["edge"]["connected"], False, "connected")
    ready = edge.status()
    expect(not ready["ready"] and ready["why"], f"the edge is not ready and says why: {ready['why']}")
    expect_equal(hub.edge()["connected"], False, "connected at the hub")


@case(short=True, carrier="tls")
def a_hub_with_another_key_never_sees_the_secret(world):
    hub = Hub(world, {}).start()
    fields = read_token(hub.add_edge())
    hub.stop()
    _, certificate, key = make_certificates(world)
    fake = s_server(world, HUB, certificate, key)
    edge = Edge(world, write_token(fields), {}).start()
    edge.await_event("dial_failed", reason="pin_mismatch")
    edge.await_last_error("its key [A-Za-z0-9_-]{43} is none of the pinned ones")
    expect("EDGE" not in fake.output() and fields["s"] not in fake.output(), f"what it was told: {fake.output()!r}")
    edge.stop()

    credulous = Edge(world, None, {"edge": {
        "hub": HUB, "id": "edge-1", "secret_file": secret_file(world, write_token(fields)),
        "insecure_accept_any_hub": True}, **ANY_STEERING}, name="credulous").start()
    until(lambda: f"EDGE edge-1 {fields['s']}" in fake.output(), "the other hub hears what it would have heard")
    expect_equal(credulous.status()["edge"]["connected"], False, "connected to a hub that says nothing")


@case()
def an_edge_needs_a_reason_to_trust(world):
    hub = Hub(world, {}).start()
    token = hub.add_edge()
    edge = Edge(world, None, {"edge": {"hub": HUB, "id": "edge-1", "secret_file": secret_file(world, token)}})
    done = edge.check_config()
    expect_equal(done.returncode, 1, f"status of --check ({done.stderr})")
    for word in ("edge.pins", "ca_file"):
        expect(word in done.stderr, f"the error names {word}: {done.stderr}")
    no_pin = {key: value for key, value in read_token(token).items() if key != "k"}
    unpinned = Edge(world, write_token(no_pin), {}, name="unpinned").launch(must_live=False)
    expect(unpinned.process.wait() > 0, "an edge whose token has no pins does not start")
    expect("pin" in unpinned.process.output(), f"it says why: {unpinned.process.output()}")


@case()
def a_ca_and_a_name_are_enough(world):
    world.echo_backend(7000)
    ca, certificate, key = make_certificates(world)
    hub = Hub(world, {"hub": {"certificate": certificate, "key": key}}).start()
    hub.add_service(**RAW)
    trust = {"hub": HUB, "id": "edge-1", "secret_file": secret_file(world, hub.add_edge()), "ca_file": ca}
    wrong = Edge(world, None, {"edge": {**trust, "hub_name": "other.example.test"}}, name="wrong-name").start()
    wrong.await_event("dial_failed", reason="tls_failed")
    wrong.await_last_error("name|certificate|verify")
    wrong.stop()
    expect_equal(hub.edge()["connected"], False, "connected under a wrong name")

    right = Edge(world, None, {"edge": {**trust, "hub_name": "hub.example.test"}, **ANY_STEERING},
                 name="right-name").start()
    right.await_connected()
    hub.await_ports("raw")
    expect_echo(world.connect(7000))


@case(short=True)
def a_removed_edge_is_cut_at_once(world):
    listener = world.listen(7000)
    hub, edge = world.pair([RAW])
    client, backend = world.flow(7000, listener)
    removed = hub.look("edges", "remove", "edge-1")
    expect_equal(removed["flows_closed"], 1, "flows closed")
    expect_reset(client)
    expect_reset(backend)
    hub.await_event("edge_removed", edge="edge-1")
    edge.await_event("carrier_down", reason="edge_removed")
    expect_equal(hub.look("edges")["edges"], [], "edges left")
    hub.await_count("auth_failed", deadline=40)  # when it comes again


@case()
def a_rotated_token_works_and_ends_the_old_one(world):
    hub, edge = world.pair([RAW])
    old = edge.token_file.read_text()
    new = hub.ctl("edges", "rotate", "edge-1").strip()
    expect(read_token(new)["s"] != read_token(old)["s"], "another secret")
    expect_equal(hub.edge()["rotating"], True, "rotating")
    expect_equal(edge.connected(), True, "the running edge stays connected")

    edge.stop()
    edge.start().await_connected()  # with the old one, which is good until the new one is used
    expect_equal(hub.count("auth_failed"), 0, "refusals while both secrets are good")
    edge.stop()
    edge.use_token(new)
    edge.start().await_connected()
    until(lambda: hub.edge()["rotating"] is False, "the rotation is over")
    edge.stop()

    edge.use_token(old)
    edge.start()
    hub.await_event("auth_failed", edge="edge-1")
    edge.await_last_error("auth_failed|secret")
    expect(len(hub.events("edge_rotated", edge="edge-1")) == 1, "one edge_rotated event")


@case(short=True)
def failures_are_limited_by_source(world):
    hub = Hub(world, {"limits": {"auth_failures_per_minute": 3}}).start()
    token = hub.add_edge()
    answers = []
    for secret in ("a" * 32, "b" * 32, "c" * 32, "d" * 32, read_token(token)["s"]):
        carrier = Carrier(world, source=EDGE_OTHER)
        carrier.say(f"EDGE edge-1 {secret}")
        answers.append(carrier.answer().get("error"))
    expect_equal(answers, ["auth_failed"] * 3 + ["auth_rate"] * 2, "the hub's answers")
    hub.await_count("auth_failed", 3)
    hub.await_count("auth_rate", 2)
    Edge(world, token, {}).start().await_connected()  # from another source


@case()
def secrets_of_the_operators_own(world):
    """Imported by penstockctl or declared in the file: at least 16 bytes, and never shown."""
    secret = "an imported secret".replace(" ", "-")
    path = write_secret(world, secret)
    hub = Hub(world, {"hub": {"edges": [{"id": "declared", "secret_file": path}]}}).start()
    expect_equal(read_token(hub.add_edge("imported", "--secret-file", path))["s"], secret, "the imported edge's secret")
    for name in ("declared", "imported"):
        carrier = Carrier(world)
        carrier.say(f"EDGE {name} {secret}")
        expect("listenPorts" in carrier.answer(), f"{name} is let in")
    line = hub.config_file.read_text().splitlines().index("[[hub.edges]]") + 1
    message = hub.refusal("edges", "remove", "declared")
    expect(any(f"{hub.config_file}:{n}" in message for n in (line, line + 1)), f"it names file and line: {message}")
    write_secret(world, "too-short")
    expect("16" in hub.refusal("edges", "add", "short", "--secret-file", path), "a short secret is refused")
    for text in (hub.process.output(), hub.ctl("--json", "events"), hub.ctl("--json", "edges")):
        expect(secret not in text, "the secret is not shown")


@case(short=True)
def a_refused_reload_removes_no_edge(world):
    """What the file says of edges is taken over with what it says of services, or not at all."""
    path = write_secret(world, "a-secret-of-the-file")
    hub = Hub(world, {"hub": {"edges": [{"id": "declared", "secret_file": path}]}}).start()
    hub.add_service(name="added", ports=7000, target=BACKEND_V4)
    carrier = Carrier(world)
    carrier.say("EDGE declared a-secret-of-the-file")
    expect("listenPorts" in carrier.answer(), "it is let in")
    contends = {"name": "other", "ports": [7000], "target": BACKEND_V4}
    hub.write_config({"hub": {"edges": None}, "service": [contends]})
    expect("added" in hub.refusal("reload"), "the services contend for a port")
    expect_equal([edge["id"] for edge in hub.look("edges")["edges"]], ["declared"], "edges after a refused reload")
    hub.write_config({"service": [{**contends, "ports": [7001]}]})
    expect("edge 'declared' removed" in hub.ctl("reload"), "it says which edge is gone")
    expect_equal(hub.look("edges")["edges"], [], "edges")
    carrier.expect_cut()


@case()
def an_unknown_edge_is_answered_like_a_wrong_secret(world):
    hub = Hub(world, {}).start()
    hub.add_edge()
    answers = []
    for name in ("edge-1", "nobody"):
        carrier = Carrier(world)
        carrier.say(f"EDGE {name} {'z' * 43}")
        answers.append(carrier.answer())
    expect_equal(answers[0], answers[1], "answers to a wrong secret and to an unknown edge")


@case(short=True)
def more_carriers_than_a_tunnel_may_have(world):
    """An edge that dials them all the same is told why there will be none."""
    hub, _ = world.pair([RAW], hub={"limits": {"carriers_per_tunnel": 1}})
    token = hub.add_edge("edge-2")
    first, second = Carrier(world, source=EDGE_OTHER), Carrier(world, source=EDGE_OTHER)
    expect_equal(first.log_in(token, instance=77)["penstock"]["carriers"], 1, "carriers that the hub speaks of")
    hub.await_event("carrier_up", edge="edge-2")  # they are on workers of their own, which do not wait for each other
    second.log_in(token, instance=77, index=1)
    expect(b"as many carriers as it may" in second.receive_kind(GOAWAY), "the hub says why it wants no second one")
    second.expect_cut()
    hub.await_event("carrier_down", edge="edge-2", reason="carrier_limit")
    first.send(0, PING, bytes(8))
    first.receive_kind(PONG)


@case()
def two_edges_with_one_token(world):
    """The newer instance replaces the older; the third time in ten minutes is worth a warning."""
    hub, edge = world.pair([RAW])
    token = {**read_token(edge.token_file.read_text()), "h": HUB_TUNNEL2}
    other = Edge(world, write_token(token), {}, name="other", namespace=world.edge2)
    for newer, older in ((other, edge), (edge, other), (other, edge)):
        expect_equal(hub.events("edge_contested"), [], "no warning yet")
        if newer.process is not None:
            newer.stop()
        newer.start().await_connected()
        older.await_event("carrier_down", reason="replaced")
        older.await_last_error("replaced|another")
        until(lambda older=older: not older.status()["edge"]["connected"], "none of its carriers is left")
        rows = [edge["address"] for edge in hub.look("edges")["edges"]]
        expect_equal(len(rows), 1, "rows for one edge id")
    hub.await_event("edge_contested", edge="edge-1")
    expect(re.match(r"198\.51\.101\.1:", hub.edge()["address"]), f"the newest is connected: {hub.edge()['address']}")
