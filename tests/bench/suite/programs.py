"""The programs that are measured and the one that measures, and what to say when one is missing."""

import pathlib
import subprocess

from harness.programs import MissingProgram, Programs


class BenchPrograms(Programs):
    """Like the netns tier's, but it can do without penstockd: then there is one peer less."""

    def __init__(self, build, peers):
        self.missing = {}  # peer -> why it cannot run
        try:
            super().__init__(build, peers)
        except MissingProgram as missing:
            self.penstockd = self.penstockctl = None
            self.missing["penstock"] = str(missing)
        self.flowload = self._ours("flowload")
        self._look_for_steering()
        try:
            _ = self.quicloop
        except MissingProgram as missing:
            self.missing["loop"] = str(missing)
        try:
            self.haproxy = self.peer("haproxy")
        except MissingProgram as missing:
            self.missing["haproxy"] = str(missing)
        try:
            self.nginx, self.nginx_stream = self.peer("nginx"), self._stream_module()
        except MissingProgram as missing:
            self.missing["nginx"] = str(missing)

    @property
    def packetend(self):
        return self._ours("packetend")

    @property
    def linkem(self):
        return self._ours("linkem")

    @property
    def quicloop(self):
        return self._ours("quicloop")

    @property
    def steering_echo(self):
        return self._ours("steering_echo")

    def _look_for_steering(self):
        """What the peer of the kernel's data plane needs besides."""
        try:
            _ = self.packetload, self.packetend, self.steering_echo
        except MissingProgram as missing:
            self.missing["redirect"] = self.missing["kernel"] = str(missing)
        try:
            _ = self.peer("bpftool")
        except MissingProgram as missing:
            self.missing["kernel"] = str(missing)
        if "penstock" in self.missing:
            self.missing["kernel"] = self.missing["quic"] = self.missing["penstock"]
            self.missing["quic-cubic"] = self.missing["quic-reno"] = self.missing["penstock"]
        if "kernel" in self.missing:
            self.missing["kernel-quic"] = self.missing["kernel"]

    def _stream_module(self):
        """nginx's part for UDP, which Debian packs apart."""
        folders = (pathlib.Path("/"), self._peers / "root")
        found = [path for folder in folders if (path := folder / "usr/lib/nginx/modules/ngx_stream_module.so").exists()]
        if not found:
            raise MissingProgram(f"libnginx-mod-stream is neither installed nor in {self._peers}: "
                                 "remove that folder and run tools/test once")
        return found[0]

    def available(self, names):
        """Those of the peers that can run; says why the others cannot."""
        for name in names:
            if name in self.missing:
                print(f"skipped: {name}: {self.missing[name]}", flush=True)
        can_run = [name for name in names if name not in self.missing]
        if not can_run:
            raise MissingProgram("nothing to measure")
        return can_run

    def version(self, name):
        """What the peer says about itself."""
        if name == "haproxy":
            program, environment = self.haproxy
            lines = _output([program, "-vv"], environment).splitlines()
            return "; ".join(line for line in lines if line.startswith(("HAProxy version", "Running on OpenSSL")))
        if name == "nginx":
            program, environment = self.nginx
            done = subprocess.run([program, "-v"], env=environment or None, text=True, capture_output=True, timeout=10,
                                  check=False)
            return done.stderr.strip()
        if name in ("penstock", "kernel", "quic", "quic-cubic", "quic-reno", "kernel-quic"):
            return _output([self.penstockd, "--version"], {}).strip()
        return ""


def _output(command, environment):
    done = subprocess.run(command, env=environment or None, text=True, capture_output=True, timeout=10, check=False)
    return done.stdout
