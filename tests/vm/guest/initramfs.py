"""The guest's first file system: a cpio archive in the "newc" format, which the kernel unpacks into memory."""

import pathlib
import stat

INIT = pathlib.Path(__file__).with_name("init")
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")  # others load from the host's files when asked for
FOLDERS = ("bin", "dev", "host", "layer", "lib", "modules", "proc", "root", "sys")


class Archive:
    """Files are added in the order in which they are to appear."""

    def __init__(self):
        self._parts = []
        self._entries = 0

    def folder(self, path):
        self._add(path, stat.S_IFDIR | 0o755, b"")

    def file(self, path, content, mode=0o644):
        self._add(path, stat.S_IFREG | mode, content)

    def link(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, str(target).encode())

    def console(self):
        """/dev/console, on which init's output appears."""
        self._add("dev/console", stat.S_IFCHR | 0o600, b"", device=(5, 1))

    def content(self):
        self._add("TRAILER!!!", 0, b"")
        return b"".join(self._parts)

    def _add(self, path, mode, content, device=(0, 0)):
        self._entries += 1
        name = path.encode() + b"\0"
        # inode, mode, owner, group, links, time, size, device of the file, device it is, length of the name, checksum
        fields = (self._entries, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name), 0)
        header = b"070701" + b"".join(b"%08x" % field for field in fields)
        self._parts += [_padded(header + name), _padded(content)]


def _padded(part):
    return part + bytes(-len(part) % 4)


def build(kernel, busybox, command):
    """The archive for one run of `command`, a line for the guest's shell."""
    archive = Archive()
    for folder in FOLDERS:
        archive.folder(folder)
    archive.console()
    archive.file("bin/busybox", busybox.read_bytes(), 0o755)
    archive.file("init", INIT.read_bytes(), 0o755)
    modules = kernel.modules(MODULES)
    for name, content in modules:
        archive.file(f"modules/{name}", content)
    archive.file("modules/order", "".join(f"{name}\n" for name, _ in modules).encode())
    archive.link("lib/modules", f"/host{kernel.modules_folder}")
    archive.link("sbin", "bin")  # the kernel calls /sbin/modprobe
    archive.file("command", command.encode())
    return archive.content()
