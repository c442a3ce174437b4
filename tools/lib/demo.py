"""The demonstration behind tools/demo: clients' real addresses and bytes reach private servers through edge and hub.

Everything happens between network namespaces made here, with the harness of tests/netns; nothing is left behind.
"""

import argparse
import pathlib
import signal
import sys

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/netns"))

from harness import process, runner, topology
from harness.daemon import Edge, Hub
from harness.peers import Nginx, curl, sha256_of
from harness.programs import MissingProgram, Programs
from harness.topology import BACKEND_V4, CLIENTS_V4, EDGE_V4, HUB_TUNNEL
from harness.udp_peers import Dnsdist, dig
from harness.wait import Failure, expect_equal, until
from harness.world import TUNNEL_PORT, World

DOWNLOAD = 512 << 20


class Demo:
    """The steps in their order; each says in one line what it shows."""

    def __init__(self, world):
        self._world = world
        self._step = 0

    def run(self):
        self._say("Four hosts of our own (network namespaces): client, edge, hub, backend. Only the edge is public.")
        print(f"     client {CLIENTS_V4[0]} -- {EDGE_V4} edge -- {HUB_TUNNEL} hub -- {BACKEND_V4} backend")
        nginx = self._start_backend()
        hub, edge = self._start_nodes()
        self._publish(hub)
        self._show_address()
        self._download(nginx, hub)
        self._look_around(hub, edge)
        self._change_ports(hub)
        self._ask_dns(hub, edge)
        self._say("That was all; everything is removed again.")

    def _start_backend(self):
        self._say(f"nginx runs on the private backend; it expects a PROXY header on {BACKEND_V4}:{Nginx.proxied}.")
        return Nginx(self._world)

    def _start_nodes(self):
        self._say("The hub starts. It makes its key, and a token that lets one edge in and pins that key.")
        hub = Hub(self._world, {"node": {"workers": 0}}).start()
        self._command("hub", "penstockctl edges add edge-1 > edge-1.token")
        token = hub.add_edge("edge-1", "--hub", f"{HUB_TUNNEL}:{TUNNEL_PORT}")
        self._show(f"{token[:40]}... ({len(token)} characters)")
        self._say("The edge starts with that token, dials the hub, and is told which ports to open: none so far.")
        edge = Edge(self._world, token, {"node": {"workers": 0}}).start()
        edge.await_connected()
        self._show(edge.ctl("status"))
        return hub, edge

    def _publish(self, hub):
        self._say("A service: public port 80 of every edge leads to nginx, with the client's address in PROXY v2.")
        target = f"{BACKEND_V4}:{Nginx.proxied}"
        self._command("hub", f"penstockctl services add web --ports 80 --target {target} --client proxy-v2")
        hub.add_service("web", "80", target, client="proxy-v2")
        hub.await_ports("web")
        self._show(hub.ctl("ports"))

    def _show_address(self):
        self._say("The client asks; nginx answers with the address that it saw (nobody but the hub connects to nginx).")
        for source in CLIENTS_V4[:2]:
            self._command("client", f"curl --interface {source} http://{EDGE_V4}/who")
            answer = curl(self._world, f"http://{EDGE_V4}/who", source=source)
            self._show(answer)
            expect_equal(answer.split()[0], source, "the address that nginx saw")

    def _download(self, nginx, hub):
        self._say(f"A download of {DOWNLOAD >> 20} MiB of random bytes, compared by SHA-256.")
        digest = nginx.add_file("large", DOWNLOAD)
        target = self._world.directory / "large"
        self._command("client", f"curl -o large http://{EDGE_V4}/large && sha256sum large")
        speed = curl(self._world, f"http://{EDGE_V4}/large", "--output", target, "--write-out", "%{speed_download}")
        expect_equal(sha256_of(target), digest, "checksum of the download")
        self._show(f"{digest}  large, the same at both ends; {float(speed) * 8 / 1e9:.2f} Gbit/s")
        closed = hub.await_event("stream_closed", service="web")
        self._show(f"the hub counted {closed['to_client']} bytes to the client; the flow ended: {closed['reason']}")

    def _look_around(self, hub, edge):
        self._say("What the operator sees while a connection is open.")
        with self._world.client.connect(EDGE_V4, 80, CLIENTS_V4[2]):
            until(hub.flows, "the flow is open")
            for node, noun in ((hub, "status"), (hub, "flows"), (hub, "tunnels"), (edge, "status")):
                self._command(node.name, f"penstockctl {noun}")
                self._show(node.ctl(noun))

    def _change_ports(self, hub):
        self._say("Ports change on the running system: 8080 is added and answers, 80 goes and refuses.")
        for verb, port in (("add", "8080"), ("remove", "80")):
            self._command("hub", f"penstockctl ports {verb} web {port}")
            self._show(hub.ctl("ports", verb, "web", port))
        until(lambda: hub.port_states() == {("edge-1", "8080", "web"): "listening"}, "the edge listens on 8080 alone")
        self._command("client", f"curl http://{EDGE_V4}:8080/who")
        self._show(curl(self._world, f"http://{EDGE_V4}:8080/who"))
        self._command("client", f"curl http://{EDGE_V4}/who")
        self._show(self._world.processes.run(["curl", "-sS", f"http://{EDGE_V4}/who"], self._world.client).stderr)

    def _ask_dns(self, hub, edge):
        self._say("UDP: port 53 leads to dnsdist, which answers each question with the address that it comes from.")
        Dnsdist(self._world)
        target = f"{BACKEND_V4}:{Dnsdist.port}"
        self._command("hub", f"penstockctl services add dns --protocol udp --ports 53 --target {target} --client proxy-v2")
        hub.add_service("dns", "53", target, protocol="udp", client="proxy-v2")
        hub.await_ports("dns")
        for source in CLIENTS_V4[:2]:
            self._command("client", f"dig +short -b {source} @{EDGE_V4} who.example.test")
            answer = dig(self._world, EDGE_V4, 53, source)
            self._show(answer)
            expect_equal(answer, source, "the address that dnsdist saw")
        for node, noun in ((hub, "sessions"), (hub, "ledger"), (edge, "ledger"), *self._packets(edge)):
            self._command(node.name, f"penstockctl {noun}")
            self._show(node.ctl(noun))

    @staticmethod
    def _packets(edge):
        """Where this machine lets kernel programs steer."""
        return [(edge, "packets")] if edge.status()["steering"]["mode"] == "kernel" else []

    def _say(self, text):
        self._step += 1
        print(f"\n{self._step:2}.  {text}", flush=True)

    @staticmethod
    def _command(host, text):
        print(f"     {host}$ {text}", flush=True)

    @staticmethod
    def _show(text):
        for line in text.rstrip().splitlines():
            print(f"         {line}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--daemon-dir", default=TOP / "build/release")
    parser.add_argument("--peers", default=TOP / "build/peers")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    topology.remove_leftovers()
    process.allow_descriptors()
    try:
        world = World(Programs(arguments.daemon_dir, arguments.peers, "auto"))
    except MissingProgram as missing:
        sys.exit(str(missing))
    problems = []
    try:
        Demo(world).run()
    except Failure as failure:
        problems.append(str(failure))
    finally:
        problems += world.close()
        if problems:
            runner.show(problems, world)
        world.remove_files()
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
