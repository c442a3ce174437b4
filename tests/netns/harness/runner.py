"""Finds the cases, runs some of them at a time, and says what became of each."""

import contextlib
import dataclasses
import importlib
import pathlib
import pkgutil
import signal
import time
import traceback

import cases
from harness import side_by_side
from harness.wait import Failure
from harness.world import World

LOG_LINES = 60


@dataclasses.dataclass
class Case:
    name: str
    run: object      # called with a World
    short: bool      # belongs to the short run, for slow builds of the daemon
    timeout: int     # seconds
    kernel: bool     # its nodes are steered by the kernel, whatever the runner's default
    carrier: str     # "tls" or "quic" if its tunnels are made of that, whatever the runner's default; or None
    guest: bool      # builds on what the vm tier's kernels have and others may lack
    first_line: int


_registered = []


def case(short=False, timeout=60, kernel=False, guest=False, carrier=None):
    """Marks a function as a case; its module and name are the case's name."""
    def register(function):
        module = function.__module__.rsplit(".", 1)[-1]
        _registered.append(Case(f"{module}.{function.__name__}", function, short, timeout, kernel, carrier, guest,
                                function.__code__.co_firstlineno))
        return function
    return register


def find_cases(patterns, short, guest=False):
    """Those whose name contains any of the patterns, or all without patterns; `guest`: those for guests as well."""
    for module in pkgutil.iter_modules(cases.__path__):
        importlib.import_module(f"cases.{module.name}")
    chosen = [c for c in _registered
              if (c.short or not short) and (guest or not c.guest)
              and (not patterns or any(pattern in c.name for pattern in patterns))]
    return sorted(chosen, key=lambda c: (c.name.split(".")[0], c.first_line))


@dataclasses.dataclass
class Outcome:
    problems: list
    logs: str        # what the case's processes printed, if it failed
    seconds: float


def run_all(chosen, programs, jobs=1):
    """Runs the cases, `jobs` at a time, and names those that failed once more at the end; returns (passed, failed)."""
    passed, failures = 0, []
    for index, outcome in side_by_side.run(lambda i: run_case(chosen[i], programs), len(chosen), jobs):
        name = chosen[index].name
        if isinstance(outcome, side_by_side.Lost):
            outcome = Outcome([f"the process that ran it ended with status {outcome.status}"], "", 0)
        print(f"{'FAILED' if outcome.problems else 'ok'} {name} {outcome.seconds:.1f}s", flush=True)
        if outcome.problems:
            failures.append(f"FAILED {name}: {outcome.problems[0]}")
            print("\n".join("    " + problem.replace("\n", "\n    ") for problem in outcome.problems))
            print(outcome.logs, end="", flush=True)
        else:
            passed += 1
    print("\n".join(failures), end="\n" if failures else "")
    return passed, len(failures)


def run_case(one, programs):
    """The outcome of one case; nothing of it is left."""
    began = time.monotonic()
    problems, world = run_one(one, programs)
    logs = last_lines(world) if problems and world is not None else ""
    if world is not None:
        world.remove_files()
    return Outcome(problems, logs, time.monotonic() - began)


def run_one(one, programs):
    """(problems, world)"""
    problems = []
    world = None
    try:
        with time_limit(one.timeout):
            world = World(programs, "kernel" if one.kernel else programs.steering, one.carrier or programs.carrier)
            one.run(world)
            problems += world.check_books()
    except Failure as failure:
        problems.append(f"{failure}\n{where(failure)}")
    except Exception:  # a case that breaks is a failed case, whatever the kind
        problems.append(traceback.format_exc().rstrip())
    except BaseException:  # we are being ended
        if world is not None:
            world.close()
            world.remove_files()
        raise
    if world is not None:
        problems += world.close()
    return problems, world


def where(failure):
    """The lines of the case that led to the failure."""
    frames = [frame for frame in traceback.extract_tb(failure.__traceback__) if "cases/" in frame.filename]
    return "\n".join(f"  {pathlib.Path(frame.filename).name}:{frame.lineno}: {frame.line}" for frame in frames)


@contextlib.contextmanager
def time_limit(seconds):
    def expired(_number, _frame):
        raise Failure(f"took more than {seconds} s")
    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def last_lines(world):
    """Of each log of the case."""
    text = ""
    for name, log in world.processes.logs():
        lines = log.read_text(errors="replace").splitlines()
        if lines:
            text += f"    --- log of {name}, the last {min(len(lines), LOG_LINES)} of {len(lines)} lines\n"
            text += "".join(f"    | {line}\n" for line in lines[-LOG_LINES:])
    return text
