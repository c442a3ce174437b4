"""All that one case has: namespaces, processes, a folder, and the way to a running hub and edge."""

import contextlib
import json
import pathlib
import shutil
import tempfile

from harness import topology
from harness.daemon import Edge, Hub
from harness.process import Processes
from harness.programs import HARNESS, PYTHON
from harness.steered import problems_of_steering
from harness.topology import BACKEND_V4, CLIENTS_V4, CLIENTS_V6, EDGE_V4, HUB_TUNNEL, HUB_TUNNEL2
from harness.wait import expect_equal, patient, until

TUNNEL_PORT = 8443


class World:
    """Made for each case and closed after it; the attributes `client`, `edge`, ... are its namespaces."""

    def __init__(self, programs, steering=None, carrier=None):
        """`steering`, `carrier`: those of nodes that do not say; by default those of `programs`."""
        self.programs, self.steering = programs, steering or programs.steering
        self.carrier = carrier or programs.carrier
        self._topology = topology.Topology(for_programs=self.steering != "socket")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="penstock-netns-"))
        self.processes = Processes(self.directory)
        self._sockets = contextlib.ExitStack()
        self.nodes = []  # every Daemon of the case
        spaces = self._topology.namespaces
        self.client, self.edge, self.edge2 = spaces["client"], spaces["edge"], spaces["edge2"]
        self.hub, self.backend = spaces["hub"], spaces["backend"]

    def hub_addresses(self):
        return [f"{HUB_TUNNEL}:{TUNNEL_PORT}", f"{HUB_TUNNEL2}:{TUNNEL_PORT}"]

    # --- nodes ---

    def pair(self, services=(), hub=None, edge=None):
        """A running hub with services (dictionaries for Hub.add_service) and a connected edge that listens on them."""
        hub = Hub(self, hub or {}).start()
        for service in services:
            hub.add_service(**service)
        edge = Edge(self, hub.add_edge(), edge or {}).start()
        edge.await_connected()
        for service in services:
            hub.await_ports(service["name"])
        return hub, edge

    # --- sockets ---

    def keep(self, thing):
        """Closes it with the case."""
        return self._sockets.enter_context(contextlib.closing(thing))

    def connect(self, port, host=EDGE_V4, source=None, timeout=10.0):
        """A client's connection to a public port."""
        return self.keep(self.client.connect(host, port, source, timeout))

    def listen(self, port, host=BACKEND_V4, backlog=128):
        """A backend of the test itself: the listener, for accept()."""
        return self.keep(self.backend.listen(host, port, backlog))

    def accept(self, listener, timeout=10.0):
        connection, _ = listener.accept()
        connection.settimeout(patient(timeout))
        return self.keep(connection)

    def flow(self, port, listener, **options):
        """A connection from the client to a public port, and its other end at the backend."""
        client = self.connect(port, **options)
        return client, self.accept(listener)

    def udp_client(self, port, host=EDGE_V4, source=None, timeout=10.0):
        """A client's UDP socket that sends to a public port, and takes answers from there alone."""
        source = source or (CLIENTS_V6[0] if ":" in host else CLIENTS_V4[0])
        return self.keep(self.client.udp(source, peer=(host, port), timeout=timeout))

    def udp_backend(self, port, host=BACKEND_V4, timeout=10.0):
        """A UDP backend of the test itself, for recvfrom() and sendto()."""
        return self.keep(self.backend.udp(host, port, timeout=timeout))

    # --- programs of the test ---

    def echo_backend(self, port, host=BACKEND_V4, namespace=None):
        """Echoes every connection, in the backend's namespace or another one."""
        space = namespace or self.backend
        process = self.processes.start(f"echo-{port}", [PYTHON, HARNESS / "many.py", "echo", host, port], space)
        self.await_listener(space, port)
        return process

    def udp_echo(self, port, host=BACKEND_V4, namespace=None):
        """Echoes every datagram, in the backend's namespace or another one."""
        space = namespace or self.backend
        process = self.processes.start(
            f"udp-echo-{port}", [PYTHON, HARNESS / "udp_many.py", "echo", host, port], space)
        self.await_bound(space, port)
        return process

    def udp_many(self, what, host, port, count, *options):
        """Many clients from all IPv4 addresses, by udp_many.py's `ask` or `flood`; fails unless all did."""
        done = self.processes.run(
            [PYTHON, HARNESS / "udp_many.py", what, host, port, count, *options, *CLIENTS_V4], self.client)
        expect_equal((done.returncode, done.stdout.split()[-1:]), (0, [str(count)]), f"{what} by many: {done.stderr}")

    def spoof(self, port, count, rate):
        """A flood of datagrams to a public port from false addresses, while it runs: the process."""
        return self.processes.start("spoof", [PYTHON, HARNESS / "udp_many.py", "spoof", EDGE_V4, port, count, rate],
                                    self.client, must_live=False)

    def flood(self, target, seconds, *options, **how):
        """packetload from the client's link to an address of the edge, while it runs: the process."""
        link = json.loads(self.edge.ip("-json", "link", "show", "dev", "client"))[0]
        command = [self.programs.packetload, "--interface=edge", f"--mac={link['address']}", f"--connect={target}",
                   f"--seconds={seconds}", *options]
        return self.processes.start("packetload", command, self.client, must_live=False, **how)

    def await_listener(self, namespace, port):
        """Waits until somebody listens on a TCP port there."""
        command = ["ss", "-Hltn", f"sport = :{port}"]
        until(lambda: self.processes.run(command, namespace).stdout, f"a listener on port {port}",
              alive=self.processes.check)

    def is_bound(self, namespace, port):
        """Whether somebody has a UDP port there."""
        return bool(self.processes.run(["ss", "-Hlun", f"sport = :{port}"], namespace).stdout)

    def await_bound(self, namespace, port, bound=True):
        until(lambda: self.is_bound(namespace, port) == bound, f"UDP port {port} is {'' if bound else 'not '}bound",
              alive=self.processes.check)

    # --- the end ---

    def check_books(self):
        """Of every node that still runs: its ledger, whether the kernel steered, and what its carriers are of; returns
        what is wrong."""
        return [problem for node in self.nodes
                for problem in node.problems_of_books() + problems_of_steering(node) + node.problems_of_carriers()]

    def close(self):
        """Ends all; returns what was wrong with how it ended."""
        self._sockets.close()
        problems = self.processes.close()
        problems += self._topology.damaged_datagrams()
        self._topology.close()
        for node in self.nodes:
            node.forget_pins()
        return problems

    def remove_files(self):
        shutil.rmtree(self.directory, ignore_errors=True)
