"""All that one case has: namespaces, processes, a folder, and the way to a running hub and edge."""

import contextlib
import pathlib
import shutil
import tempfile

from harness import topology
from harness.daemon import Edge, Hub
from harness.process import Processes
from harness.programs import HARNESS, PYTHON
from harness.topology import BACKEND_V4, EDGE_V4, HUB_TUNNEL, HUB_TUNNEL2
from harness.wait import until

TUNNEL_PORT = 8443


class World:
    """Made for each case and closed after it; the attributes `client`, `edge`, ... are its namespaces."""

    def __init__(self, programs):
        self.programs = programs
        self._topology = topology.Topology()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="penstock-netns-"))
        self.processes = Processes(self.directory)
        self._sockets = contextlib.ExitStack()
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
        connection.settimeout(timeout)
        return self.keep(connection)

    def flow(self, port, listener, **options):
        """A connection from the client to a public port, and its other end at the backend."""
        client = self.connect(port, **options)
        return client, self.accept(listener)

    # --- programs of the test ---

    def echo_backend(self, port, host=BACKEND_V4):
        process = self.processes.start(f"echo-{port}", [PYTHON, HARNESS / "many.py", "echo", host, port], self.backend)
        self.await_listener(self.backend, port)
        return process

    def await_listener(self, namespace, port):
        """Waits until somebody listens on a TCP port there."""
        command = ["ss", "-Hltn", f"sport = :{port}"]
        until(lambda: self.processes.run(command, namespace).stdout, f"a listener on port {port}",
              alive=self.processes.check)

    # --- the end ---

    def close(self):
        """Ends all; returns what was wrong with how it ended."""
        self._sockets.close()
        problems = self.processes.close()
        self._topology.close()
        return problems

    def remove_files(self):
        shutil.rmtree(self.directory, ignore_errors=True)
