"""Where the programs are: ours in a build folder, peers installed or unpacked into build/peers."""

import os
import pathlib
import shutil

TOP = pathlib.Path(__file__).resolve().parents[3]
HARNESS = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"


class MissingProgram(Exception):
    pass


class Programs:
    """Paths of programs, looked up when first asked for."""

    def __init__(self, daemon_dir, peers, steering="socket", carrier="quic", tools_dir=None):
        """`tools_dir`: where those of ours are that are not penstockd, if elsewhere."""
        self.steering, self.carrier = steering, carrier  # of nodes that a case does not configure otherwise
        self._tools, self._peers = pathlib.Path(tools_dir or daemon_dir), pathlib.Path(peers)
        self.penstockd = _runnable(pathlib.Path(daemon_dir) / "penstockd")
        self.penstockctl = self._ours("penstockctl")

    def _ours(self, name):
        return _runnable(self._tools / name)

    @property
    def packetload(self):
        """Which few cases need."""
        return self._ours("packetload")

    @property
    def quic_client(self):
        """The same."""
        return self._ours("quic_client")

    def peer(self, name):
        """(path, environment) of a program that others wrote."""
        installed = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if installed:
            return installed, {}
        folders = (self._peers / "root/usr/sbin", self._peers / "root/usr/bin")
        unpacked = [folder / name for folder in folders if (folder / name).exists()]
        if not unpacked:
            raise MissingProgram(f"{name} is neither installed nor in {self._peers}: run tools/test once")
        libraries = sorted({str(path.parent) for path in (self._peers / "root/usr/lib").glob("*/*.so*")})
        return unpacked[0], {"LD_LIBRARY_PATH": ":".join(libraries)}


def _runnable(program):
    if not os.access(program, os.X_OK):
        raise MissingProgram(f"there is no {program}: build it first")
    return program
