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
    workers = []
    try:
        workers += [_Worker(task) for _ in range(min(jobs, count))]
        busy = {worker.pipe: worker for worker in workers if worker.begin(waiting)}
        while busy:
            for pipe in wait(list(busy)):
                worker = busy[pipe]
                number, result = worker.number, worker.result()
                if isinstance(result, Lost):
                    worker = _Worker(task)
                    workers.append(worker)
                del busy[pipe]
                if worker.begin(waiting):
                    busy[worker.pipe] = worker
                yield number, result
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process that does one task after another, as their numbers come through a pipe."""

    def __init__(self, task):
        self.number = None
        self.pipe, theirs = _fork.Pipe()
        self._process = _fork.Process(target=_serve, args=(task, theirs, self.pipe))
        self._process.start()
        theirs.close()

    def begin(self, waiting):
        """Hands it the next number; False without one."""
        self.number = next(waiting, None)
        if self.number is not None:
            self.pipe.send(self.number)
        return self.number is not None

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
