"""Programs that others wrote and that speak UDP: dnsdist, dig, dnsperf, coturn's server and client."""

import re

from harness.topology import (BACKEND_V4, BACKEND_V6, CLIENTS_V4, CLIENTS_V6, EDGE_V4, EDGE_V6, HUB_BACKEND,
                              HUB_BACKEND_V6)
from harness.wait import expect, expect_equal, until

# Answers by itself: with the client's address as the PROXY header tells it. Nobody else may send one.
DNSDIST = """
{locals}
setSecurityPollSuffix("")
setACL({{"0.0.0.0/0", "::/0"}})
setProxyProtocolACL({{{proxies}}})
addAction(AllRule(), LogAction("{log}", false, true, false, false))
addAction(AllRule(), LuaAction(function(question)
  return DNSAction.Spoof, question.remoteaddr:toString()
end))
"""


class Dnsdist:
    """dnsdist over UDP and TCP, by default in the backend namespace: needs a PROXY v2 header."""

    port = 53

    def __init__(self, world, namespace=None, hosts=(BACKEND_V4, BACKEND_V6), proxies=(HUB_BACKEND, HUB_BACKEND_V6)):
        """Listens on `hosts`, and takes headers from the networks `proxies`."""
        self._log = world.directory / "dnsdist-queries.log"
        config = world.directory / "dnsdist.conf"
        binds = [f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}" for host in hosts]
        config.write_text(DNSDIST.format(
            locals="\n".join(f'{"addLocal" if n else "setLocal"}("{bind}")' for n, bind in enumerate(binds)),
            proxies=", ".join(f'"{proxy}"' for proxy in proxies), log=self._log))
        space = namespace or world.backend
        program, environment = world.programs.peer("dnsdist")
        self.process = world.processes.start(
            "dnsdist", [program, "--supervised", "--disable-syslog", "-C", config], space, environment)
        world.await_listener(space, self.port)

    def clients(self):
        """Who asked, as its log has it: [ADDRESS:PORT or [ADDRESS]:PORT]"""
        return re.findall(r"Packet from (\S+) for", self._log.read_text()) if self._log.exists() else []


class Coturn:
    """coturn in the backend namespace: tells those who ask by STUN what address they come from."""

    port = 3478

    def __init__(self, world):
        self._world = world
        program, environment = world.programs.peer("turnserver")
        self.process = world.processes.start("turnserver", [
            program, "-n", "--no-auth", f"--listening-ip={BACKEND_V4}", f"--relay-ip={BACKEND_V4}", "-p", self.port,
            "--no-tls", "--no-dtls", "--no-cli", "--log-file=stdout", "--simple-log",
            f"--pidfile={world.directory}/turnserver.pid", f"--userdb={world.directory}/turndb"],
            world.backend, environment)
        world.await_bound(world.backend, self.port)

    def ask(self, host, port):
        """The reflexive address that a client is told, through a public port."""
        program, environment = self._world.programs.peer("turnutils_stunclient")
        done = self._world.processes.run([program, "-p", port, host], self._world.client, environment=environment)
        found = re.findall(r"UDP reflexive addr: (\S+)", done.stdout)
        expect(found, f"turnutils_stunclient is told an address: {done.stdout}{done.stderr}")
        return found[-1]


def dig(world, host, port, source, *options):
    """What a name stands for, asked once from ADDRESS#PORT: the answers' text."""
    program, environment = world.programs.peer("dig")
    done = world.processes.run([program, f"@{host}", "-p", port, "-b", source, "+short", "+tries=1", "+timeout=20",
                                "+noedns", *options, "who.example.test"], world.client, environment=environment)
    expect(done.returncode == 0, f"dig ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout.strip()



def dig_by_every_way(world, ports):
    """Asks for the client's address through each public port, from a client of each family, by UDP and by TCP; fails
    unless each is told its own. Returns the clients as dnsdist logs them."""
    clients = []
    for public, source in ((EDGE_V4, CLIENTS_V4[3]), (EDGE_V6, CLIENTS_V6[2])):
        kind = "AAAA" if ":" in source else "A"
        name = f"[{source}]" if ":" in source else source
        for port in ports:
            for local_port, options in ((40000 + port, []), (50000 + port, ["+tcp"])):
                answer = dig(world, public, port, f"{source}#{local_port}", *options, "-t", kind)
                expect_equal(answer, source, f"whom dnsdist answers through port {port} {options}")
                clients.append(f"{name}:{local_port}")
    return clients


def dnsperf(world, host, port, source, clients, queries):
    """(sent, completed): a bounded load, from as many ports as clients."""
    names = world.directory / "names"
    names.write_text("".join(f"host-{n}.example.test A\n" for n in range(100)))
    program, environment = world.programs.peer("dnsperf")
    done = world.processes.run(
        [program, "-s", host, "-p", port, "-a", source, "-d", names, "-c", clients, "-T", 2, "-n", queries // 100,
         "-t", 10, "-q", 100], world.client, environment=environment, deadline=60)
    expect(done.returncode == 0, f"dnsperf ended with {done.returncode}: {done.stderr}")
    counts = [re.search(rf"Queries {word}: +(\d+)", done.stdout) for word in ("sent", "completed")]
    expect(all(counts), f"dnsperf's report: {done.stdout}")
    return tuple(int(count[1]) for count in counts)


def buffer_errors(world, namespace):
    """Datagrams that the system threw away there for want of room in a socket's buffer."""
    lines = world.processes.run(["cat", "/proc/net/snmp", "/proc/net/snmp6"], namespace).stdout.splitlines()
    names, values = (line.split() for line in lines if line.startswith("Udp:"))
    v6 = next(int(line.split()[1]) for line in lines if line.startswith("Udp6RcvbufErrors"))
    return int(values[names.index("RcvbufErrors")]) + v6


def await_clients(dnsdist, count):
    return until(lambda: len(dnsdist.clients()) >= count and dnsdist.clients(), f"{count} queries in dnsdist's log")
