"""A Debian kernel that tools/test unpacked into build/kernels/VERSION."""

import lzma
import pathlib

TOP = pathlib.Path(__file__).resolve().parents[3]
KERNELS = TOP / "build/kernels"
VERSIONS = ("6.1", "6.12")


class Missing(Exception):
    """A program, kernel or module that is not there."""


class Kernel:
    """Its image and its modules."""

    def __init__(self, version):
        self.version = version
        self._folder = KERNELS / version
        self.image = self._only("boot/vmlinuz-*")
        self.release = self.image.name.removeprefix("vmlinuz-")
        self.modules_folder = self._only("lib/modules") # what holds RELEASE/

    def _only(self, pattern):
        found = sorted(self._folder.glob(pattern))
        if not found:
            raise Missing(f"there is no {self._folder}/{pattern}: run tools/test --tier vm once")
        return found[-1]

    def modules(self, names):
        """[(file name, content)] of the modules and of those that they need, in the order in which they load.
        What is built into the kernel is left out."""
        folder = self.modules_folder / self.release
        needs = self._dependencies(folder / "modules.dep")
        builtin = {_name(line) for line in (folder / "modules.builtin").read_text("ascii").splitlines()}
        ordered = []
        for name in names:
            if name in needs:
                ordered += [path for path in needs[name] if path not in ordered]
            elif name not in builtin:
                raise Missing(f"kernel {self.release} has no module {name}")
        return [(f"{_name(path)}.ko", _content(folder / path)) for path in ordered]

    @staticmethod
    def _dependencies(index):
        """Module -> paths of what it needs, and its own, in loading order."""
        lines = [line.split(":", 1) for line in index.read_text("ascii").splitlines()]
        return {_name(path): [*reversed(needed.split()), path] for path, needed in lines}


def _name(path):
    return pathlib.PurePath(path).name.split(".")[0].replace("-", "_")


def _content(path):
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
