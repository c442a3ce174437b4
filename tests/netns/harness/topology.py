"""Namespaces of our own and the links between them.

    client ────────────── edge ──────────── hub ────────────── backend
    192.0.2.10 ... .29    192.0.2.1         198.51.100.2       10.0.3.2
    2001:db8:1::10 ...    192.0.2.2         10.0.3.1           fd00:3::2
                          2001:db8:1::1     fd00:3::1
                          2001:db8:1::2
                          198.51.100.1
                                             │
                          edge2 ─────────────┘
                          198.51.101.1      198.51.101.2

Namespaces are named pst-PID-RANDOM-ROLE after the runner, so that a later run can remove what a killed one left.
"""

import contextlib
import ctypes
import os
import re
import secrets
import socket
import subprocess

from harness.wait import patient

CLIENTS_V4 = [f"192.0.2.{n}" for n in range(10, 30)]
CLIENTS_V6 = [f"2001:db8:1::{n}" for n in range(10, 14)]
EDGE_V4, EDGE_V6 = "192.0.2.1", "2001:db8:1::1"
EDGE_V4_SECOND, EDGE_V6_SECOND = "192.0.2.2", "2001:db8:1::2"
EDGE_TUNNEL, HUB_TUNNEL = "198.51.100.1", "198.51.100.2"
EDGE_OTHER = "198.51.100.11"  # a second source address beside the edge
EDGE2_TUNNEL, HUB_TUNNEL2 = "198.51.101.1", "198.51.101.2"
HUB_BACKEND, HUB_BACKEND_V6 = "10.0.3.1", "fd00:3::1"
BACKEND_V4, BACKEND_V6 = "10.0.3.2", "fd00:3::2"
BACKEND_SILENT = "10.0.3.99"  # packets to it leave the hub and nobody answers

LINKS = [("client", "edge"), ("edge", "hub"), ("edge2", "hub"), ("hub", "backend")]  # a device is called after its peer
ADDRESSES = {
    ("client", "edge"): [f"{a}/24" for a in CLIENTS_V4] + [f"{a}/64" for a in CLIENTS_V6],
    ("edge", "client"): [f"{EDGE_V4}/24", f"{EDGE_V4_SECOND}/24", f"{EDGE_V6}/64", f"{EDGE_V6_SECOND}/64"],
    ("edge", "hub"): [f"{EDGE_TUNNEL}/24", f"{EDGE_OTHER}/24"],
    ("edge2", "hub"): [f"{EDGE2_TUNNEL}/24"],
    ("hub", "edge"): [f"{HUB_TUNNEL}/24"],
    ("hub", "edge2"): [f"{HUB_TUNNEL2}/24"],
    ("hub", "backend"): [f"{HUB_BACKEND}/24", f"{HUB_BACKEND_V6}/64"],
    ("backend", "hub"): [f"{BACKEND_V4}/24", f"{BACKEND_V6}/64"],
}
CLONE_NEWNET = 0x40000000
SO_RCVBUFFORCE = 33  # Python's socket module does not name it
_libc = ctypes.CDLL(None, use_errno=True)


def ip(*arguments, batch=None):
    command = ["ip", *arguments] if batch is None else ["ip", *arguments, "-batch", "-"]
    done = subprocess.run(command, input=batch, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """One network namespace; sockets made here belong to it wherever they are used. Their timeouts are patient()."""

    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"

    @contextlib.contextmanager
    def enter(self):
        """The calling thread is in this namespace within the `with`."""
        with open("/proc/thread-self/ns/net", "rb") as back, open(self.path, "rb") as there:
            _setns(there)
            try:
                yield
            finally:
                _setns(back)

    def connect(self, host, port, source=None, timeout=10.0):
        with self.enter():
            return socket.create_connection((host, port), patient(timeout), (source, 0) if source else None)

    def listen(self, host, port, backlog=128):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with self.enter():
            listener = socket.create_server((host, port), family=family, backlog=backlog)
        listener.settimeout(patient(10.0))
        return listener

    def udp(self, host, port=0, peer=None, timeout=10.0):
        """A UDP socket bound to `host` (port 0: any), and connected to `peer` if there is one."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with self.enter():
            bound = socket.socket(family, socket.SOCK_DGRAM)
        bound.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        bound.bind((host, port))
        if peer is not None:
            bound.connect(peer)
        bound.settimeout(patient(timeout))
        return bound

    def link(self, device, state):
        """Sets a link "up" or "down"."""
        ip("-n", self.name, "link", "set", device, state)

    def ip(self, *arguments):
        return ip("-n", self.name, *arguments)


def _inside(space, *command):
    done = subprocess.run(["nsenter", f"--net={space.path}", *command], text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def _setns(file):
    if _libc.setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Topology:
    """Makes the namespaces of the picture above; close() removes them with all that is in them."""

    def __init__(self, for_programs=False):
        """`for_programs`: devices behave like real ones towards XDP programs (see _like_wires)."""
        roles = ["client", "edge", "edge2", "hub", "backend"]
        prefix = f"pst-{os.getpid()}-{secrets.token_hex(3)}"
        self.namespaces = {role: Namespace(f"{prefix}-{role}") for role in roles}
        try:
            ip(batch=self._links())
            for role in roles:
                ip("-n", self.namespaces[role].name, batch=self._addresses(role))
            if for_programs:
                self._like_wires()
        except BaseException:
            self.close()
            raise

    def _links(self):
        lines = [f"netns add {space.name}" for space in self.namespaces.values()]
        for a, b in LINKS:
            lines.append(f"link add {b} netns {self.namespaces[a].name} type veth "
                         f"peer name {a} netns {self.namespaces[b].name}")
        return "\n".join(lines) + "\n"

    def _addresses(self, role):
        lines = ["link set lo up"]
        for (owner, device), addresses in ADDRESSES.items():
            if owner == role:
                lines += [f"address add {a} dev {device}{' nodad' if ':' in a else ''}" for a in addresses]
                lines.append(f"link set {device} up")
        if role == "hub":
            lines.append(f"neigh add {BACKEND_SILENT} lladdr 02:00:00:00:00:99 dev backend nud permanent")
        return "\n".join(lines) + "\n"

    def _like_wires(self):
        """Whole checksums, which programs may then rewrite; and devices that take what programs redirect to them."""
        for a, b in LINKS:
            for owner, device in ((a, b), (b, a)):
                _inside(self.namespaces[owner], "ethtool", "-K", device, "tx", "off", "gro", "on")

    def damaged_datagrams(self):
        """Namespaces that got UDP datagrams with a wrong checksum, as sentences."""
        problems = []
        for role, space in self.namespaces.items():
            for line in _inside(space, "nstat", "-asz", "UdpInCsumErrors", "Udp6InCsumErrors").splitlines():
                name, _, rest = line.partition(" ")
                if name.endswith("InCsumErrors") and int(rest.split()[0]) > 0:
                    problems.append(f"{role} got {rest.split()[0]} datagrams with a wrong checksum ({name})")
        return problems

    def close(self):
        remove_namespaces(space.name for space in self.namespaces.values())


def remove_namespaces(names):
    lines = [f"netns delete {name}" for name in names if os.path.exists(f"/run/netns/{name}")]
    if lines:
        ip("-force", batch="\n".join(lines) + "\n")


def remove_leftovers():
    """Removes the namespaces of runners that no longer live."""
    names = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    ours = [(name, re.match(r"pst-(\d+)-", name)) for name in names]
    remove_namespaces(name for name, match in ours if match and not os.path.exists(f"/proc/{match[1]}"))
