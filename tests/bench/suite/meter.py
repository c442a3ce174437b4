"""What processes and the kernel use, read from /proc."""

import contextlib
import os
import pathlib
import re
import resource

from harness.process import processor_seconds


class ProcessorMeter:
    """User and system time that processes use within a `with`: `seconds`, by name. Ended threads count too."""

    def __init__(self, processes):
        self._processes = processes

    def _read(self):
        return {process.name: processor_seconds(process.pid) for process in self._processes}

    def __enter__(self):
        self._before = self._read()
        return self

    def __exit__(self, *_):
        self.seconds = {name: after - self._before[name] for name, after in self._read().items()}

    def total(self):
        return sum(self.seconds.values())


class RunMeter:
    """Processor time within a `with`, wherever the kernel's part of a packet's way was charged.

    `run`: of these processes, of the load programs that ended, and of the kernel's threads for what had to wait, which
    serve the whole machine. `machine`: of everything."""

    def __init__(self, processes):
        self._pids = [process.pid for process in processes] + _softirq_threads()

    def _read(self):
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ended.ru_utime + ended.ru_stime + sum(map(processor_seconds, self._pids)), _machine_seconds()

    def __enter__(self):
        self._before = self._read()
        return self

    def __exit__(self, *_):
        self.run, self.machine = (after - before for after, before in zip(self._read(), self._before))


def _softirq_threads():
    """One for each core."""
    found = []
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):  # it ended
            if comm.read_text(encoding="utf-8", errors="replace").startswith("ksoftirqd/"):
                found.append(int(comm.parent.name))
    return found


def _machine_seconds():
    """Of all cores since they started: all that was neither idle nor stolen."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _, _, irq, softirq, *_ = map(int, stat.readline().split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def memory_of(processes):
    """{process: {"rss": bytes, "pss": bytes, "own": bytes}}; own: without the kernel's maps, files and libraries"""
    return {process.name: _rollup(process.pid) for process in processes}


def _rollup(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        found = dict(re.findall(r"^(Rss|Pss|Anonymous):\s+(\d+) kB", rollup.read(), re.MULTILINE))
    return {kind: int(found[field]) * 1024 for kind, field in (("rss", "Rss"), ("pss", "Pss"), ("own", "Anonymous"))}


def kernel_memory():
    """Bytes of the whole machine: slab (sockets and what belongs to them) and TCP's buffers."""
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        slab = int(re.search(r"^Slab:\s+(\d+) kB", meminfo.read(), re.MULTILINE)[1]) * 1024
    with open("/proc/net/sockstat", encoding="ascii") as sockstat:
        pages = int(re.search(r"^TCP:.* mem (\d+)", sockstat.read(), re.MULTILINE)[1])
    return {"slab": slab, "tcp_buffers": pages * 4096}
