"""What is measured: each peer takes the client's flows somewhere and hands them to flowload's servers."""

import json
import os

from harness.daemon import Edge, Hub
from harness.steered import by_kernel, problems_of_steering
from harness.topology import BACKEND_V4, EDGE_V4, HUB_TUNNEL
from harness.wait import expect, until
from suite import certificate
from suite.ends import FORWARD_PORTS
from suite.links import FAR_BACKEND, PLAIN_BACKEND
from suite.load import BULK_PORT, DATAGRAM_PORT, ECHO_PORT, ROUND_TRIP_PORT, SESSION_PORT, SESSION_PORTS
from suite.loop import BareLoop
from suite.redirect import BareRedirect
from suite.settings import CIPHER, CIPHERS, LINGERING, MANY_SESSIONS, SPARE_DESCRIPTORS, SPARE_FLOWS

TCP = ("memory", "throughput", "rate", "latency", "lossy")
LAST_SESSION_PORT = SESSION_PORT + SESSION_PORTS - 1
SINK_PORT = 7700     # at the backend, where a kernel program counts and drops
FORWARD_PORT = 7600  # the first at the backend that a kernel program stands in for
OFFERED = (50_000, 75_000, 100_000, 150_000, 200_000, 300_000)             # datagrams a second, to sockets
OFFERED_TO_PROGRAMS = (600_000, 1_000_000, 1_250_000, 1_500_000, 1_750_000, None)  # None: as fast as one core makes them

FORWARDS = {"plain": 200, "proxy": 220}  # from the pair's first port on; with a PROXY header in each datagram

HAPROXY_GLOBAL = f"""
global
  nbthread 1
  maxconn {{flow_limit}}
  ssl-default-bind-ciphersuites {CIPHER}
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-server-ciphersuites {CIPHER}
  ssl-default-server-options ssl-min-ver TLSv1.3
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
"""
HAPROXY_EDGE = """
listen {name}
  bind {address}:{port}
  server hub {hub}:{tunnel} ssl verify required ca-file {ca} verifyhost hub
"""
HAPROXY_HUB = """
listen {name}
  bind {hub}:{tunnel} ssl crt {both}
  server backend {backend}:{target}
"""
NGINX = """
load_module {module};
daemon off;
master_process off;
user root;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections {connections}; }}
stream {{
  server {{
    listen {edge}:{datagrams} udp rcvbuf=4m;
    proxy_pass {backend}:{datagrams};
  }}
  server {{
    listen {edge}:{first}-{last} udp;
    proxy_pass {backend}:$server_port;
    proxy_timeout {unreplied}s;
  }}
  server {{
    listen {edge}:{round_trip} udp;
    listen {edge}:{forward}-{last_forward} udp rcvbuf=4m;
    proxy_pass {far}:$server_port;
  }}
}}
"""


class Direct:
    """No proxy: the same three links, forwarded by the kernel."""

    measures = (*TCP, "datagrams", "roundtrip")
    roundtrip = f"{PLAIN_BACKEND}:{ROUND_TRIP_PORT}"
    echo, bulk = f"{BACKEND_V4}:{ECHO_PORT}", f"{BACKEND_V4}:{BULK_PORT}"
    datagrams = f"{BACKEND_V4}:{DATAGRAM_PORT}"
    processes = ()

    def __init__(self, world, _settings):
        pass

    def start(self):
        pass

    def stop(self):
        pass


class HAProxyPair:
    """Two HAProxy with one thread each and TLS 1.3 between them, a connection for each flow; defaults otherwise."""

    measures = TCP  # it forwards no UDP
    services = (("echo", 7101, 8441, ECHO_PORT), ("bulk", 7102, 8442, BULK_PORT))  # name, public, tunnel, backend
    echo, bulk = f"{EDGE_V4}:7101", f"{EDGE_V4}:7102"

    def __init__(self, world, settings):
        self._world, self._settings = world, settings
        self._certificate, self._both = certificate.make(world)
        self.processes = ()

    def start(self):
        hub = self._start("haproxy-hub", HAPROXY_HUB, self._world.hub, 8442)
        edge = self._start("haproxy-edge", HAPROXY_EDGE, self._world.edge, 7102)
        self.processes = (edge, hub)

    def stop(self):
        for process in self.processes:
            process.kill()

    def _start(self, name, section, namespace, last_port):
        config = self._world.directory / f"{name}.cfg"
        config.write_text(HAPROXY_GLOBAL.format(flow_limit=self._settings.flow_limit) + "".join(
            section.format(name=service, address=EDGE_V4, port=port, hub=HUB_TUNNEL, tunnel=tunnel,
                           backend=BACKEND_V4, target=target, ca=self._certificate, both=self._both)
            for service, port, tunnel, target in self.services))
        program, environment = self._world.programs.haproxy
        process = self._world.processes.start(name, [program, "-f", config, "-db"], namespace, environment)
        self._world.await_listener(namespace, last_port)
        return process


class NginxHop:
    """One nginx with one worker at the edge's place, its UDP straight to the backend; a socket for each session."""

    measures = ("datagrams", "sessions", "forward", "roundtrip")
    datagrams, sessions, roundtrip = (f"{EDGE_V4}:{port}" for port in (DATAGRAM_PORT, SESSION_PORT, ROUND_TRIP_PORT))
    forwards, offered = {"plain": f"{EDGE_V4}:{FORWARD_PORT}"}, OFFERED

    def __init__(self, world, settings):
        self._world = world
        self.most_sessions = settings.descriptors - SPARE_DESCRIPTORS
        directory = world.directory / "nginx"
        directory.mkdir()
        self._config = directory / "nginx.conf"
        self._config.write_text(NGINX.format(
            module=world.programs.nginx_stream, directory=directory, connections=2 * settings.descriptors, edge=EDGE_V4,
            backend=BACKEND_V4, datagrams=DATAGRAM_PORT, first=SESSION_PORT, last=LAST_SESSION_PORT,
            unreplied=settings.unreplied, far=FAR_BACKEND, round_trip=ROUND_TRIP_PORT, forward=FORWARD_PORT,
            last_forward=FORWARD_PORT + FORWARD_PORTS - 1))
        self.processes = ()

    def start(self):
        program, environment = self._world.programs.nginx
        process = self._world.processes.start(
            "nginx-edge", [program, "-p", self._config.parent, "-c", self._config, "-e", "stderr"], self._world.edge,
            environment)
        bound = ["ss", "-Hlun", f"sport = :{LAST_SESSION_PORT}"]
        until(lambda: self._world.processes.run(bound, self._world.edge).stdout, "nginx's UDP ports", alive=process.check)
        self._descriptors = len(os.listdir(f"/proc/{process.pid}/fd"))
        self.processes = (process,)

    def stop(self):
        for process in self.processes:
            process.kill()

    def held_sessions(self):
        """Each has a descriptor."""
        return len(os.listdir(f"/proc/{self.processes[0].pid}/fd")) - self._descriptors


class PenstockPair:
    """A hub and an edge with one worker each and one carrier between them; their sockets carry all datagrams."""

    name, steering, carrier, congestion = "penstock", "socket", "tls", "bbr"
    hub_interfaces = ()  # that kernel programs are attached to, or all
    measures = (*TCP, "datagrams", "sessions", "forward", "roundtrip", "steering", "oneway")
    first_port, tunnel_port = 7200, 8443
    way, far, offered, direct_to = "tunnel", BACKEND_V4, OFFERED, ()

    def __init__(self, world, settings):
        self.most_sessions = settings.sessions
        sockets = -(-settings.session_limit // SESSION_PORTS) + SPARE_FLOWS
        limits = {"flows": settings.flow_limit, "flows_per_source": settings.flow_limit,
                  "sessions": settings.session_limit, "sessions_per_source": settings.session_limit,
                  "backend_sockets": max(sockets, LINGERING * MANY_SESSIONS + SPARE_FLOWS)}
        self._node = {"node": {"workers": 1, "access_log": None}, "limits": limits, "steering": {"mode": self.steering},
                      "tunnel": {"congestion": self.congestion}, "flow": {"unreplied": f"{settings.unreplied}s"},
                      "guard": {"new_source_rate": 0}}  # twenty addresses stand for all clients
        self._services = self._make_services()
        self.echo, self.bulk, self.datagrams, self.sessions = (
            f"{EDGE_V4}:{self.first_port + offset}" for offset in (1, 2, 3, 100))
        self.roundtrip, self.oneway = (f"{EDGE_V4}:{self.first_port + offset}" for offset in (4, 5))
        self.forwards = {name: f"{EDGE_V4}:{self.first_port + offset}" for name, offset in FORWARDS.items()}
        self._world = world
        self._hub = self._edge = None
        self.processes = ()

    def _make_services(self):
        first, last = self.first_port + 100, self.first_port + 100 + SESSION_PORTS - 1
        udp = {"protocol": "udp", "client": "none"}
        return [*({"name": name, "ports": [self.first_port + offset], "target": f"{BACKEND_V4}:{target}", "client": "none"}
                  for name, offset, target in (("echo", 1, ECHO_PORT), ("bulk", 2, BULK_PORT))),
                {**udp, "name": "datagrams", "ports": [self.first_port + 3], "target": f"{BACKEND_V4}:{DATAGRAM_PORT}"},
                {**udp, "name": "oneway", "ports": [self.first_port + 5], "target": f"{BACKEND_V4}:{SINK_PORT}"},
                {**udp, "name": "sessions", "ports": [f"{first}-{last}"], "target": f"{BACKEND_V4}:{SESSION_PORT}+"},
                *self._make_far_services(udp)]

    def _make_far_services(self, udp):
        """Those that kernel programs may forward alone."""
        far = {**udp, "way": self.way}
        services = [{**far, "name": "roundtrip", "ports": [self.first_port + 4], "target": f"{self.far}:{ROUND_TRIP_PORT}"}]
        for name, offset in FORWARDS.items():
            first = self.first_port + offset
            services.append({**far, "name": f"forward-{name}", "ports": [f"{first}-{first + FORWARD_PORTS - 1}"],
                             "target": f"{self.far}:{FORWARD_PORT}+", "client": "proxy-v2" if name == "proxy" else "none"})
        return services

    def start(self):
        if self._hub is None:
            listen = f"{HUB_TUNNEL}:{self.tunnel_port}"
            steering = {**self._node["steering"], "interfaces": [*self.hub_interfaces]}
            self._hub = Hub(self._world, {**self._node, "steering": steering, "service": self._services,
                                          "hub": {"listen": [listen], "public": listen}}, name=f"{self.name}-hub")
        self._hub.start()
        if self._edge is None:
            token = self._hub.add_edge("bench")
            self._edge = Edge(self._world, token, {**self._node, "edge": {
                "carrier": self.carrier, "carriers": 1, "direct_to": [*self.direct_to]}},
                              name=f"{self.name}-edge")
        self._edge.start().await_connected()
        for service in self._services:
            self._hub.await_ports(service["name"])
        self._check_cipher()
        self.processes = (self._edge.process, self._hub.process)

    def stop(self):
        self._edge.stop()
        self._hub.stop()

    def held_sessions(self):
        """Of both nodes: when one has forgotten a session the other may still hold it."""
        return max(self._sessions_of(node) for node in (self._edge, self._hub))

    def _sessions_of(self, node):
        done = self._world.processes.run(["curl", "--silent", "--show-error", "--fail", "--unix-socket", node.socket,
                                          "http://localhost/v1/sessions?limit=1"])
        expect(done.returncode == 0, f"no sessions of {node.name}: {done.stderr.strip()}")
        return json.loads(done.stdout)["total"]

    def tunnel_packets(self):
        """Of QUIC that the edge sent so far."""
        return sum(carrier["quic"]["sent_packets"] for tunnel in self._edge.look("tunnels")["tunnels"]
                   for carrier in tunnel["carriers"] if "quic" in carrier)

    def problems(self):
        """What is wrong with the way that the datagrams went."""
        return [problem for node in (self._edge, self._hub) for problem in problems_of_steering(node)]

    def _check_cipher(self):
        carriers = [carrier for tunnel in self._edge.look("tunnels")["tunnels"] for carrier in tunnel["carriers"]]
        kinds = [carrier["kind"] for carrier in carriers]
        expect(kinds == [self.carrier], f"the carriers are {kinds}, wanted is one of {self.carrier}")
        ciphers = sorted({carrier["cipher"] for carrier in carriers})
        expect(len(carriers) == 1 and ciphers == [CIPHERS[self.carrier]],
               f"unequal: penstock has {len(carriers)} carriers with {ciphers}, HAProxy uses {CIPHER}")


class QuicPair(PenstockPair):
    """The same over QUIC."""

    name, carrier = "quic", "quic"
    measures = (*TCP, "datagrams", "oneway")
    first_port, tunnel_port = 9200, 8445


class QuicCubicPair(QuicPair):
    """The same with another congestion control, which takes every loss for a full link."""

    name, congestion = "quic-cubic", "cubic"
    measures = ("lossy",)
    first_port, tunnel_port = 8600, 8447
    alone = True


class QuicRenoPair(QuicCubicPair):
    """The same."""

    name, congestion = "quic-reno", "reno"


class KernelPair(PenstockPair):
    """The same with kernel programs before the sockets. It stands only while it is measured: programs see every packet."""

    name, steering = "kernel", "kernel"
    measures = ("datagrams", "sessions", "forward", "roundtrip", "steering", "oneway", "guard", "maps")
    first_port, tunnel_port = 8200, 8444
    hub_interfaces = ("backend",)  # a program on the tunnel's link costs that link its runs of packets
    way, far, offered, direct_to = "direct", FAR_BACKEND, OFFERED_TO_PROGRAMS, (f"{FAR_BACKEND}/32",)
    alone = True

    def start(self):
        super().start()
        for node in (self._edge, self._hub):
            expect(by_kernel(node), f"{node.name} is not steered by the kernel")

    def stop(self):
        """With its programs: what is pinned would stay attached."""
        for node in (self._edge, self._hub):
            if node is not None and node.process is not None:
                node.kill()
                node.forget_pins()

    def maps_of_edge(self, sessions):
        """{map: bytes of memory} of an edge that may hold so many sessions."""
        limits = self._edge.config["limits"]
        self._edge.kill()
        self._edge.forget_pins()
        self._edge.write_config({"limits": {"sessions": sessions}, "edge": {"direct_to": []}})
        self._edge.start().await_connected()
        found = {}
        for pin in sorted(self._edge.pins.rglob("*")):
            done = self._world.processes.run(["bpftool", "--json", "map", "show", "pinned", pin])
            if done.returncode == 0:  # links and programs are pinned there too
                shown = json.loads(done.stdout)
                found[shown["name"]] = shown["bytes_memlock"]
        self._edge.config["limits"], self._edge.config["edge"]["direct_to"] = limits, [*self.direct_to]
        return found

    def guard(self, *arguments):
        """penstockctl at the edge."""
        self._edge.ctl("guard", *arguments)

    def guard_dropped(self):
        """Datagrams that the edge's rules stopped so far."""
        return self._edge.look("guard")["dropped"]["blocked"]["packets"]


class KernelQuicPair(KernelPair):
    """The same over QUIC."""

    name, carrier = "kernel-quic", "quic"
    measures = ("datagrams", "oneway")
    first_port, tunnel_port = 9600, 8446


PEERS = {"direct": Direct, "redirect": BareRedirect, "haproxy": HAProxyPair, "nginx": NginxHop, "penstock": PenstockPair,
         "loop": BareLoop, "quic": QuicPair, "quic-cubic": QuicCubicPair, "quic-reno": QuicRenoPair, "kernel": KernelPair,
         "kernel-quic": KernelQuicPair}
ON_WIRES = ("redirect", "kernel", "kernel-quic")  # these want links that behave like wires, which the others then have as well
