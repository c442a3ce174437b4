"""Runs numbered tasks in several processes at once."""

import dataclasses
import multiprocessing
from multiprocessing.connection import wait

_fork = multiprocessing.get_context("fork")


@dataclasses.dataclass
class Lost:
    """What comes of a task whose process ended within it."""
    status: int  # negative: the signal


def run(task, count, jobs):
    """Calls task(0) ... task(count - 1), begun in this order, in up to `jobs` processes; yields (number, what it
    returned) as they end. Processes are ended, and waited for, when the caller goes on to something else."""
    waiting = iter(range(count))
    workers = [_Worker(task) for _ in range(min(jobs, count))]
    try:
        for worker in workers:
            worker.begin(waiting)
        while busy := [worker for worker in workers if worker.number is not None]:
            ready = wait([worker.pipe for worker in busy])
            for worker in (worker for worker in busy if worker.pipe in ready):
                number, result = worker.number, worker.result()
                if isinstance(result, Lost):
                    worker.start_again()
                worker.begin(waiting)
                yield number, result
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process that does one task after another, as their numbers come through a pipe."""

    def __init__(self, task):
        self.number = None  # of the task it works at
        self._task = task
        self._start()

    def _start(self):
        self.pipe, theirs = _fork.Pipe()
        self._process = _fork.Process(target=_serve, args=(self._task, theirs, self.pipe))
        self._process.start()
        theirs.close()

    def start_again(self):
        """After its process was lost."""
        self.pipe.close()
        self._start()

    def begin(self, waiting):
        """Hands it the next number, if there is one."""
        self.number = next(waiting, None)
        if self.number is not None:
            self.pipe.send(self.number)

    def result(self):
        try:
            return self.pipe.recv()
        except EOFError:
            self._process.join()
            return Lost(self._process.exitcode)

    def end(self):
        """One that works is told to end, and cleans up."""
        self.pipe.close()
        self._process.terminate()
        self._process.join()


def _serve(task, pipe, other_end):
    other_end.close()
    while True:
        try:
            number = pipe.recv()
        except EOFError:
            return
        pipe.send(task(number))
