"""One guest: boots a kernel, runs one command in it, and passes on what it prints."""

import dataclasses
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

from guest import initramfs
from guest.kernel import TOP, Missing

EMULATOR = TOP / "build/emulator/root"
BOOT_SECONDS = 90
MEMORY_MIB = 2048
# The guest's processors in turns: with a thread each, Debian 12's qemu now and then runs a breakpoint after the
# kernel, which patches its own code with them, has taken it away again: "Oops: int3".
ACCELERATOR = "tcg,thread=single"
PROCESSORS = 2
POLL_SECONDS = 0.05
CONSOLE_LINES = 100

FAULT = re.compile(r"(BUG: |Oops|Kernel panic)[^\n]*")  # its first word about what went wrong


class GuestFailure(Exception):
    """The guest did not get so far as to say how its command ended."""


class TimedOut(Exception):
    """The command was not done within its time."""


@dataclasses.dataclass
class Outcome:
    status: int          # the command's exit status
    boot_seconds: float  # until the command began
    run_seconds: float   # until it ended


class Machine:
    """Runs a command in a guest of its own; qemu dies with this process."""

    def __init__(self, kernel):
        self._kernel = kernel
        self._qemu, self._environment = _find_qemu()

    def run(self, command, timeout, output=sys.stdout.buffer):
        """Runs `command`, a list of words, in the current folder; `timeout` in seconds counts from its beginning."""
        line = f"cd {shlex.quote(os.getcwd())} && exec {shlex.join(command)}"
        with tempfile.TemporaryDirectory(prefix="penstock-vm-") as folder:
            run = _Run(pathlib.Path(folder), output)
            run.initramfs.write_bytes(initramfs.build(self._kernel, _find_busybox(), line))
            with run.said.open("wb") as said:
                process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self._command(run)], stdout=said,
                                           stdin=subprocess.DEVNULL, stderr=said, env=self._environment)
            try:
                return run.watch(process, timeout)
            finally:
                process.kill()
                process.wait()

    def _command(self, run):
        serials = (run.console, run.printed, run.told)
        return [
            self._qemu, "-L", EMULATOR / "usr/share/qemu", "-L", EMULATOR / "usr/share/seabios",
            "-machine", "pc", "-accel", ACCELERATOR, "-cpu", "max", "-smp", str(PROCESSORS),
            "-m", str(MEMORY_MIB), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", self._kernel.image, "-initrd", run.initramfs, "-append", "console=ttyS0 quiet panic=-1 oops=panic",
            "-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
            *(word for path in serials for word in ("-serial", f"file:{path}")),
        ]


class _Run:
    """The files of one run, and what has been read of them."""

    def __init__(self, folder, output):
        self.initramfs = folder / "initramfs"
        self.console, self.printed, self.told = (folder / name for name in ("console", "printed", "told"))
        self.said = folder / "qemu"
        self._output = output
        self._passed_on = 0

    def watch(self, process, timeout):
        began = time.monotonic()
        up = self._wait(process, "up", began + BOOT_SECONDS)
        if up is None:
            raise GuestFailure(self._why(process, f"did not come up within {BOOT_SECONDS} s"))
        status = self._wait(process, "status", up + timeout)
        if status is None:
            if process.poll() is None:
                raise TimedOut(f"not done within {timeout:g} s")
            raise GuestFailure(self._why(process, "ended under its command"))
        return Outcome(int(self._word("status")), up - began, status - up)

    def _wait(self, process, word, end):
        """The time at which the guest told `word`; nothing if qemu ended before, or `end` came."""
        while True:
            ended = process.poll() is not None  # looked at first: what it told before it ended counts
            self._pass_on()
            if self._word(word) is not None:
                self._pass_on()
                return time.monotonic()
            if ended or time.monotonic() > end:
                return None
            time.sleep(POLL_SECONDS)

    def _word(self, word):
        """What follows `word` in a whole line that the guest told us, if it did."""
        for line in _text(self.told).split("\n")[:-1]:
            if line.split(" ")[0] == word:
                return line.removeprefix(word).strip()
        return None

    def _pass_on(self):
        if not self.printed.exists():
            return
        with self.printed.open("rb") as printed:
            printed.seek(self._passed_on)
            shutil.copyfileobj(printed, self._output)
            self._passed_on = printed.tell()
        self._output.flush()

    def _why(self, process, otherwise):
        console = _text(self.console) + _text(self.said)
        if "Kernel panic" in console:
            what = "panicked, " + FAULT.search(console).group()
        elif process.poll() is None:
            what = otherwise
        else:
            what = f"ended without a word (qemu's status {process.returncode})"
        lines = console.splitlines()[-CONSOLE_LINES:]
        return "\n    | ".join([f"the guest {what}; the end of its console:", *lines])


def _text(path):
    return path.read_text(errors="replace") if path.exists() else ""


def _find_qemu():
    """(program, environment)"""
    unpacked = EMULATOR / "usr/bin/qemu-system-x86_64"
    if not unpacked.exists():
        raise Missing(f"there is no {unpacked}: run tools/test --tier vm once")
    libraries = [EMULATOR / "usr/lib/x86_64-linux-gnu", EMULATOR / "lib/x86_64-linux-gnu"]
    return unpacked, {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
                      "QEMU_MODULE_DIR": str(libraries[0] / "qemu")}


def _find_busybox():
    busybox = EMULATOR / "bin/busybox"
    if not busybox.exists():
        raise Missing(f"there is no {busybox}: run tools/test --tier vm once")
    return busybox
