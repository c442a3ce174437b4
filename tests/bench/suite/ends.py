"""packetend as the bench uses it: what counts datagrams, drops them, turns them round or redirects them."""

import json
import subprocess

from harness.wait import Failure

FIRST_PORT, PORTS = 7400, 1100  # of all services that packetload sends to
FORWARD_PORTS = 16  # of one: an address has not ports enough for all sessions towards one port of a backend


class End:
    """One program on one device, within a `with`."""

    def __init__(self, world, namespace, device, act, *options):
        self._world, self._namespace = world, namespace
        self._name = f"packetend-{act}-{device}"
        self._command = [world.programs.packetend, f"--interface={device}", f"--act={act}", f"--first-port={FIRST_PORT}",
                         f"--ports={PORTS}", *options]

    def __enter__(self):
        self._process = self._world.processes.start(self._name, self._command, self._namespace, stdin=subprocess.PIPE,
                                                    stdout=subprocess.PIPE, must_live=False)
        self._read()
        return self

    def __exit__(self, *_):
        self._process.kill()

    def count(self):
        """Datagrams so far."""
        self._process.popen.stdin.write(b"\n")
        self._process.popen.stdin.flush()
        return self._read()

    def _read(self):
        line = self._process.popen.stdout.readline()
        if not line:
            self._process.wait()
            raise Failure(f"{self._name}: {self._process.output().strip()}")
        return json.loads(line)["datagrams"]
