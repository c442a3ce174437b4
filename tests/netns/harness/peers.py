"""Programs that others wrote, as backends and clients: nginx, HAProxy, iperf3, curl, socat."""

import hashlib
import json
import secrets
import signal

from harness.topology import BACKEND_V4, BACKEND_V6
from harness.wait import expect, patient, until

NGINX = """
daemon off;
user root;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  log_format seen '$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr '
                  '$proxy_protocol_server_port $remote_addr $request_method $uri $status $body_bytes_sent';
  access_log {directory}/access.log seen;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  client_max_body_size 0;
  sendfile on;
  server {{
    listen {v4}:{proxied} proxy_protocol backlog=4096;
    listen [{v6}]:{proxied} proxy_protocol;
    listen {v4}:{plain} backlog=4096;
    root {directory}/files;
    location = /who {{
      default_type text/plain;
      return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port\\n";
    }}
    location /upload/ {{ dav_methods PUT; }}
  }}
}}
"""

HAPROXY = """
global
  log stdout format raw local0
defaults
  mode http
  log global
  log-format "seen %ci %cp %HU %ST"
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend who
  bind {v4}:{port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]\\n"
"""


class Nginx:
    """nginx in the backend namespace: PROXY headers needed on `proxied`, none on `plain`; /who tells what it saw."""

    proxied, plain = 8080, 8081

    def __init__(self, world):
        self.directory = world.directory / "nginx"
        self.files = self.directory / "files"
        (self.files / "upload").mkdir(parents=True)
        config = self.directory / "nginx.conf"
        config.write_text(NGINX.format(directory=self.directory, v4=BACKEND_V4, v6=BACKEND_V6,
                                       proxied=self.proxied, plain=self.plain))
        program, environment = world.programs.peer("nginx")
        self.process = world.processes.start(
            "nginx", [program, "-p", self.directory, "-c", config, "-e", "stderr"], world.backend, environment)
        world.await_listener(world.backend, self.plain)

    def add_file(self, name, size):
        """A file of random bytes; returns its SHA-256."""
        data = secrets.token_bytes(size)
        (self.files / name).write_bytes(data)
        return hashlib.sha256(data).hexdigest()

    def log(self):
        """Rows of the access log: what nginx saw of each request that ended."""
        path = self.directory / "access.log"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


class HAProxy:
    """HAProxy in the backend namespace: needs a PROXY header and answers with the addresses in it."""

    port = 9090

    def __init__(self, world):
        config = world.directory / "haproxy.cfg"
        config.write_text(HAPROXY.format(v4=BACKEND_V4, port=self.port))
        program, environment = world.programs.peer("haproxy")
        self.process = world.processes.start("haproxy", [program, "-f", config, "-db"], world.backend, environment)
        world.await_listener(world.backend, self.port)

    def log(self):
        return [line.split() for line in self.process.output().splitlines() if line.startswith("seen ")]


class Iperf:
    """iperf3's server in the backend namespace, and runs of its client."""

    port = 5201

    def __init__(self, world):
        self._world, self._server = world, None
        self.program, _ = world.programs.peer("iperf3")

    def start(self, host, port, *options):
        """A client that runs on; finish() waits for it."""
        self._serve()
        name = f"iperf3-{secrets.token_hex(2)}"
        command = [self.program, "-c", host, "-p", port, "-J", *options]
        return self._world.processes.start(name, command, self._world.client, must_live=False)

    def _serve(self):
        """A new server for each run: one that has just served closes its listener for a moment."""
        if self._server is not None:
            self._server.end()
        self._server = self._world.processes.start(
            "iperf3-server", [self.program, "-s", "-B", BACKEND_V4, "-p", self.port], self._world.backend)
        self._world.await_listener(self._world.backend, self.port)

    def finish(self, process, deadline=60.0):
        """The end of its JSON report; fails if the client failed."""
        status = process.wait(deadline)
        report = json.loads(process.output())
        expect(status == 0 and "error" not in report, f"iperf3 failed: {report.get('error', status)}")
        return report["end"]


def curl(world, url, *options, source=None, deadline=60.0):
    """Runs curl from the client namespace; returns what it wrote to standard output. Fails if curl does."""
    interface = ["--interface", source] if source else []
    done = world.processes.run(["curl", "--silent", "--show-error", "--fail", "--max-time", int(patient(deadline)),
                                *interface, *options, url], world.client, deadline=deadline + 5)
    expect(done.returncode == 0, f"curl {url} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def s_server(world, address, certificate, key):
    """openssl s_server in the hub namespace: prints on its standard output whatever a peer sends within TLS."""
    program, environment = world.programs.peer("openssl")
    process = world.processes.start(
        "s_server", [program, "s_server", "-quiet", "-accept", address, "-cert", certificate, "-key", key],
        world.hub, environment, stdin=-1)
    world.await_listener(world.hub, int(address.rsplit(":", 1)[1]))
    return process


def interrupt(process):
    """Ends a program that stops on Ctrl-C, and waits."""
    process.signal(signal.SIGINT)
    process.wait()


def await_log_rows(peer, count):
    """The peer's log once it has so many rows."""
    return until(lambda: len(peer.log()) >= count and peer.log(), f"{count} rows in the log of {type(peer).__name__}")
