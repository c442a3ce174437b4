"""What is measured: each peer takes the client's flows somewhere and hands them to flowload's servers."""

from harness.daemon import Edge, Hub
from harness.topology import BACKEND_V4, EDGE_V4, HUB_TUNNEL
from harness.wait import expect
from suite import certificate
from suite.load import BULK_PORT, ECHO_PORT
from suite.settings import CIPHER

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


class Direct:
    """No proxy: the same three links, forwarded by the kernel."""

    echo, bulk = f"{BACKEND_V4}:{ECHO_PORT}", f"{BACKEND_V4}:{BULK_PORT}"
    processes = ()

    def __init__(self, world, _settings):
        pass

    def start(self):
        pass

    def stop(self):
        pass


class HAProxyPair:
    """Two HAProxy with one thread each and TLS 1.3 between them, a connection for each flow; defaults otherwise."""

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


class PenstockPair:
    """A hub and an edge with one worker each and one carrier between them."""

    services = (("echo", 7201, ECHO_PORT), ("bulk", 7202, BULK_PORT))  # name, public, backend
    echo, bulk = f"{EDGE_V4}:7201", f"{EDGE_V4}:7202"

    def __init__(self, world, settings):
        limits = {"flows": settings.flow_limit, "flows_per_source": settings.flow_limit}
        self._node = {"node": {"workers": 1, "access_log": None}, "limits": limits}
        self._services = [{"name": name, "ports": [port], "target": f"{BACKEND_V4}:{target}", "client": "none"}
                          for name, port, target in self.services]
        self._world = world
        self._hub = self._edge = None
        self.processes = ()

    def start(self):
        if self._hub is None:
            self._hub = Hub(self._world, {**self._node, "service": self._services}, name="penstock-hub").start()
            token = self._hub.add_edge("bench")
            self._edge = Edge(self._world, token, {**self._node, "edge": {"carriers": 1}}, name="penstock-edge")
        else:
            self._hub.start()
        self._edge.start().await_connected()
        for name, _, _ in self.services:
            self._hub.await_ports(name)
        self._check_cipher()
        self.processes = (self._edge.process, self._hub.process)

    def stop(self):
        self._edge.stop()
        self._hub.stop()

    def _check_cipher(self):
        carriers = [carrier for tunnel in self._edge.look("tunnels")["tunnels"] for carrier in tunnel["carriers"]]
        ciphers = sorted({carrier["cipher"] for carrier in carriers})
        expect(len(carriers) == 1 and ciphers == [CIPHER],
               f"unequal: penstock has {len(carriers)} carriers with {ciphers}, HAProxy uses {CIPHER}")


PEERS = {"direct": Direct, "haproxy": HAProxyPair, "penstock": PenstockPair}
