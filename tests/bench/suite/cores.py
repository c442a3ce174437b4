"""Which core does what: load on the first one, what is measured on the last."""

import contextlib
import os
import pathlib

from harness.wait import expect

LOAD_CORE, MEASURED_CORE = 0, os.cpu_count() - 1
URGENT = -20     # niceness: whatever else the machine does waits
MOMENT = 50_000  # ns


def pin(pid, core):
    """All threads of a process, and those that they start later."""
    for thread in _threads(pid):
        os.sched_setaffinity(thread, {core})
        os.setpriority(os.PRIO_PROCESS, thread, URGENT)


def _unpin(pid):
    for thread in _threads(pid):
        os.sched_setaffinity(thread, range(os.cpu_count()))
        os.setpriority(os.PRIO_PROCESS, thread, 0)


def _set_urgency(niceness):
    """Of our whole session, where the kernel shares out cores among sessions first."""
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/self/autogroup").write_text(f"{niceness}\n", encoding="ascii")


def _threads(pid):
    return [int(thread) for thread in os.listdir(f"/proc/{pid}/task")]


class MeasuredCore:
    """Within a `with`, processes and the polling of links are on the measured core; seconds() is what they used.

    A link's polling is everything that the kernel does with a packet from its arrival there to its end: in a socket, or
    in the queue of another polled link. It comes before all else on its core, as an interrupt would, and takes what
    arrived within a moment together, as network cards do."""

    def __init__(self, world, processes, links=(), load_links=()):
        """`links` and `load_links`: (namespace, device) whose packets come from the other core; those of the load are
        polled on the load's core."""
        self._world = world
        self._links = [*((link, MEASURED_CORE) for link in links), *((link, LOAD_CORE) for link in load_links)]
        self._pids = [process.pid for process in processes]
        self._polling = []

    def __enter__(self):
        _set_urgency(URGENT)
        for pid in self._pids:
            pin(pid, MEASURED_CORE)
        for link, core in self._links:
            before = _polling_threads()
            self._poll_by_threads(*link, True)
            threads = _polling_threads() - before
            expect(threads, f"threads that poll {link[1]}")
            for pid in threads:
                os.sched_setaffinity(pid, {core})
                os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
            self._polling += threads if core == MEASURED_CORE else ()
        return self

    def __exit__(self, *_):
        _set_urgency(0)
        for link, _ in self._links:
            self._poll_by_threads(*link, False)
        for pid in self._pids:
            with contextlib.suppress(OSError):  # it ended
                _unpin(pid)

    def _poll_by_threads(self, namespace, device, on):
        """/sys shows the links of one namespace."""
        settings = {"threaded": 1, "napi_defer_hard_irqs": 2, "gro_flush_timeout": MOMENT}
        lines = [f"echo {value if on else 0} > /sys/class/net/{device}/{name}" for name, value in settings.items()]
        done = self._world.processes.run(["ip", "netns", "exec", namespace.name, "sh", "-ec", "\n".join(lines)])
        expect(done.returncode == 0, f"threads for {device}: {done.stderr.strip()}")

    def seconds(self):
        """So far, with what the kernel put off on that core."""
        return sum(_run_seconds(pid) for pid in [*self._pids, *self._polling, _softirq_thread()])


def _run_seconds(pid):
    """Of all its threads, in the scheduler's nanoseconds."""
    total = 0
    for thread in _threads(pid):
        with contextlib.suppress(OSError):
            total += int(pathlib.Path(f"/proc/{pid}/task/{thread}/schedstat").read_text(encoding="ascii").split()[0])
    return total / 1e9


def _threads_called(prefix):
    found = set()
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):  # it ended
            if comm.read_text(encoding="utf-8", errors="replace").startswith(prefix):
                found.add(int(comm.parent.name))
    return found


def _polling_threads():
    return _threads_called("napi/")


def _softirq_thread():
    return next(iter(_threads_called(f"ksoftirqd/{MEASURED_CORE}\n")))
