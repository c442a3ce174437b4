"""One penstockd of a case: its configuration, its life, and penstockctl as the window into it."""

import json
import re
import signal
import subprocess

from harness.toml import merged, to_toml
from harness.wait import Failure, expect, until


# Of nodes whose peer is killed, or cut off: no system tells them of that over QUIC, so they have to notice silence.
QUICK = {"tunnel": {"ping": "500ms", "timeout": "3s"}}


class Refused(Exception):
    """penstockctl ended with another status than 0."""

    def __init__(self, status, message):
        super().__init__(f"penstockctl exit status {status}: {message}")
        self.status, self.message = status, message


class Daemon:
    """A node; its files lie in a folder of its own. Restarting it keeps them."""

    def __init__(self, world, name, namespace, config):
        self._world = world
        self.name, self.namespace = name, namespace
        self.directory = world.directory / name
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.config_file = self.directory / "penstock.toml"
        self.socket = self.directory / "admin.sock"
        self.access_log = self.directory / "access.log"
        self.pins = self.directory / "bpf"
        self.config = merged(self._defaults(), config)
        self.process = None
        self.wrapper = []  # a command that becomes the daemon
        world.nodes.append(self)

    def _defaults(self):
        return {
            "node": {"name": self.name, "workers": 2, "state_dir": self.directory / "state", "drain": "200ms",
                     "access_log": self.access_log},
            "admin": {"socket": self.socket},
            "steering": {"mode": self._world.steering, "pins": self.pins},
            "flow": {"unreplied": "90s"},  # a case may take longer than the 10 s of the daemon's own default
        }

    # --- life ---

    def write_config(self, changes=None):
        self.config = merged(self.config, changes or {})
        self.config_file.write_text(to_toml(self.config))

    def command(self, *arguments):
        return [*self.wrapper, self._world.programs.penstockd, "--config", self.config_file, *arguments]

    def launch(self, **options):
        """Starts the process and waits for nothing; options are those of Processes.start()."""
        self.write_config()
        self.process = self._world.processes.start(self.name, self.command(), self.namespace, **options)
        return self

    def start(self, **options):
        """Starts it and waits until it answers."""
        self.launch(**options)
        until(lambda: self.ctl_result("status").returncode == 0, f"{self.name} answers", alive=self.process.check)
        return self

    def check_config(self, *arguments):
        """`penstockd --check` on the configuration as it is: CompletedProcess."""
        self.write_config()
        return self._world.processes.run(self.command("--check", *arguments), self.namespace)

    def stop(self):
        """An orderly end; fails if the exit status is not 0."""
        status = self.process.end()
        expect(status == 0, f"{self.name} ended with status {status}")

    def kill(self):
        self.process.kill()

    def pause(self):
        self.process.signal(signal.SIGSTOP)

    def go_on(self):
        self.process.signal(signal.SIGCONT)

    def reload(self):
        """SIGHUP with the configuration as it was written; waits for its event."""
        seen = len(self.events("reloaded"))
        self.process.signal(signal.SIGHUP)
        return until(lambda: self.events("reloaded")[seen:], f"{self.name} reloaded")[-1]

    def forget_pins(self):
        """What is pinned goes with the filesystem that the node mounted."""
        if self.pins.is_mount():
            subprocess.run(["umount", "--lazy", self.pins], check=True)

    # --- penstockctl ---

    def ctl_result(self, *arguments, input_text=None):
        command = [self._world.programs.penstockctl, "--socket", self.socket, *arguments]
        return self._world.processes.run(command, input_text=input_text)

    def ctl(self, *arguments, input_text=None):
        """What penstockctl printed; Refused if it did not end with 0."""
        done = self.ctl_result(*arguments, input_text=input_text)
        if done.returncode != 0:
            raise Refused(done.returncode, done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def refusal(self, *arguments):
        """The message of a command that must be refused by the daemon."""
        try:
            printed = self.ctl(*arguments)
        except Refused as refused:
            expect(refused.status == 1, f"exit status 1, not: {refused}")
            return refused.message
        raise Failure(f"penstockctl {' '.join(map(str, arguments))} was not refused; it printed {printed!r}")

    def look(self, *arguments):
        """A noun as JSON."""
        text = self.ctl("--json", *arguments)
        try:
            return json.loads(text)
        except ValueError:
            raise Failure(f"penstockctl --json {' '.join(arguments)} printed no JSON: {text!r}") from None

    def status(self):
        return self.look("status")

    def count(self, reason):
        """How often `reason` was the end of something at this node."""
        return self.status()["reasons"].get(reason, 0)

    def events(self, name=None, **fields):
        """Kept events, oldest first: those called `name` whose fields have the given values."""
        kept = [json.loads(line) for line in self.ctl("--json", "events").splitlines() if line]
        return [event for event in kept if _matches(event, name, fields)]

    def await_event(self, name, deadline=10.0, **fields):
        """The latest such event, once there is one."""
        wanted = f"event {name} {fields} at {self.name}"
        return until(lambda: self.events(name, **fields), wanted, deadline, self._alive)[-1]

    def await_count(self, reason, at_least=1, deadline=10.0):
        until(lambda: self.count(reason) >= at_least, f"{at_least} x {reason} at {self.name}", deadline, self._alive)

    def flows(self, *arguments):
        return self.look("flows", "--limit", "1000", *arguments)["flows"]

    def await_flows(self, count, deadline=10.0):
        """Waits until exactly so many flows are open."""
        until(lambda: self.status()["flows"]["open"] == count, f"{count} open flows at {self.name}", deadline,
              self._alive)

    def sessions(self, *arguments):
        return self.look("sessions", "--limit", "100000", *arguments)["sessions"]

    def await_sessions(self, count, *arguments, deadline=10.0):
        """Waits until exactly so many sessions are open; returns them."""
        def reached():
            rows = self.sessions(*arguments)
            return len(rows) == count and (rows or True)
        return until(reached, f"{count} sessions {' '.join(arguments)} at {self.name}", deadline, self._alive)

    def ledger(self, unit="datagrams"):
        """The books' rows of datagrams or flows; Refused if any of the books does not balance."""
        return [row for row in self.look("ledger")["rows"] if row["unit"] == unit]

    def problems_of_books(self):
        """What is wrong with the ledger, once nothing is held any more; nothing where no daemon runs."""
        if self.process is None or self.process.popen.poll() is not None:
            return []
        try:
            until(lambda: not any(row["held"] for row in self.ledger()), f"{self.name} holds no datagram", 5.0)
        except (Failure, Refused) as problem:
            ended = self.process.popen.poll() is not None
            return [] if ended else [f"the ledger of {self.name}: {problem}\n{self.ctl_result('ledger').stdout}"]
        return []

    def problems_of_carriers(self):
        """Carriers of this edge that are up and not of what its configuration says, as sentences."""
        wanted = self.config.get("edge", {}).get("carrier")
        if wanted not in ("tls", "quic") or self.process is None or self.process.popen.poll() is not None:
            return []
        return [f"a carrier of {self.name} is not of {wanted}: {carrier}" for carrier in self.carriers()
                if carrier["up"] and carrier["kind"] != wanted]

    def carriers(self):
        """Those of all tunnels, with what `tunnels` shows of each."""
        return [carrier for tunnel in self.look("tunnels")["tunnels"] for carrier in tunnel["carriers"]]

    def port_states(self, protocol="tcp"):
        """{(edge, ports, service): state}"""
        return {(row["edge"], row["ports"], row["service"]): row["state"] for row in self.look("ports")["ports"]
                if row["protocol"] == protocol}

    def await_ports(self, service, state="listening", deadline=10.0):
        """Waits until all ports of a service, of both protocols, and at least one, are in that state."""
        def reached():
            states = [row["state"] for row in self.look("ports")["ports"] if row["service"] == service]
            return states and set(states) == {state}
        until(reached, f"ports of {service} are {state} at {self.name}", deadline, self._alive)

    def _alive(self):
        if self.process is not None:
            self.process.check()


class Hub(Daemon):
    """A node with the hub's role."""

    def __init__(self, world, config, name="hub"):
        listen = world.hub_addresses()
        super().__init__(world, name, world.hub, merged(
            {"hub": {"listen": listen, "public": listen[0]}}, config))

    def add_edge(self, edge_id="edge-1", *options):
        """The new edge's token."""
        return self.ctl("edges", "add", edge_id, *options).strip()

    def add_service(self, name, ports, target, **options):
        """options: protocol=, client=, proxy_v2=, edges=, max_flows=, max_flows_per_source=, idle=, udp_idle="""
        flags = [text for key, value in options.items() for text in (f"--{key.replace('_', '-')}", str(value))]
        self.ctl("services", "add", name, "--ports", ports, "--target", target, *flags)

    def service(self, name):
        rows = [row for row in self.look("services")["services"] if row["name"] == name]
        expect(len(rows) == 1, f"one service {name}, not {len(rows)}")
        return rows[0]

    def edge(self, edge_id="edge-1"):
        rows = [row for row in self.look("edges")["edges"] if row["id"] == edge_id]
        expect(len(rows) == 1, f"one edge {edge_id}, not {len(rows)}")
        return rows[0]


class Edge(Daemon):
    """A node with the edge's role, with a token or with the settings that `config` gives it instead."""

    def __init__(self, world, token, config, name="edge", namespace=None):
        self.token_file = world.directory / f"{name}.token"
        if token is not None:
            self.use_token(token)
            config = merged({"edge": {"token_file": self.token_file}}, config)
        if "edge" in config:  # never with a fallback, which would let TLS pass for QUIC
            config = merged({"edge": {"carrier": world.carrier}}, config)
        super().__init__(world, name, namespace or world.edge, config)

    def use_token(self, token):
        """What the next start reads."""
        self.token_file.touch(mode=0o600)
        self.token_file.write_text(token + "\n")

    def has_port(self, protocol, port):
        """Whether the edge has the port open now; protocol: "tcp" or "udp"."""
        text = self.status()["edge"]["udp_ports" if protocol == "udp" else "ports"]
        ranges = [part.partition("-") for part in text.split(",") if part != "none"]
        return any(int(first) <= port <= int(last or first) for first, _, last in ranges)

    def await_port(self, protocol, port, has=True):
        until(lambda: self.has_port(protocol, port) == has,
              f"{self.name} {'has' if has else 'has no'} {protocol} port {port}", alive=self._alive)

    def connected(self):
        edge = self.status()["edge"]
        return edge["connected"] and edge["carriers_up"] == edge["carriers_wanted"]

    def await_connected(self, deadline=15.0):
        until(self.connected, f"{self.name} is connected", deadline, self._alive)

    def carrier(self, index):
        """The row of that carrier, in use or down."""
        tunnel, = self.look("tunnels")["tunnels"]
        return next(row for row in tunnel["carriers"] if row["index"] == index)

    def cut_carrier(self, index):
        """Aborts the connection of a carrier that is up, and waits until the node has noticed."""
        carrier = self.carrier(index)
        expect(carrier["up"], f"carrier {index} of {self.name} is up before it is cut: {carrier}")
        seen = len(self.events("carrier_down", carrier=index))
        done = self._world.processes.run(["ss", "-HK", "src", carrier["local"], "dst", carrier["peer"]], self.namespace)
        expect(carrier["peer"] in done.stdout, f"ss aborted the connection of {carrier}: {done.stdout}{done.stderr}")
        until(lambda: len(self.events("carrier_down", carrier=index)) > seen, f"{self.name} notices", alive=self._alive)

    def last_error(self):
        return self.status()["edge"]["last_error"] or ""

    def await_last_error(self, pattern, deadline=10.0):
        return until(lambda: re.search(pattern, self.last_error()) and self.last_error(),
                     f"last_error of {self.name} says {pattern!r}", deadline, self._alive)


def _matches(event, name, fields):
    """Values are compared as text: numbers beyond 2^53 are strings in JSON."""
    return (name is None or event["event"] == name) and all(
        str(event.get(key)) == str(value) for key, value in fields.items())


def bytes_of(row):
    """(to the backend, to the client) of a flow, or of the event that closed it."""
    return int(row["to_backend"]), int(row["to_client"])
