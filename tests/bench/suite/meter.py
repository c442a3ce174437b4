"""What processes and the kernel use, read from /proc."""

import re

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


def memory_of(processes):
    """{process: {"rss": bytes, "pss": bytes}}"""
    return {process.name: _rollup(process.pid) for process in processes}


def _rollup(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        found = dict(re.findall(r"^(Rss|Pss):\s+(\d+) kB", rollup.read(), re.MULTILINE))
    return {"rss": int(found["Rss"]) * 1024, "pss": int(found["Pss"]) * 1024}


def kernel_memory():
    """Bytes of the whole machine: slab (sockets and what belongs to them) and TCP's buffers."""
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        slab = int(re.search(r"^Slab:\s+(\d+) kB", meminfo.read(), re.MULTILINE)[1]) * 1024
    with open("/proc/net/sockstat", encoding="ascii") as sockstat:
        pages = int(re.search(r"^TCP:.* mem (\d+)", sockstat.read(), re.MULTILINE)[1])
    return {"slab": slab, "tcp_buffers": pages * 4096}
