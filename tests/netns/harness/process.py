"""Processes that a case starts: each is known by its pid, ended with the case, and looked at when it ends."""

import os
import re
import resource
import subprocess

from harness.wait import Failure, patient

REPORTS = re.compile(
    r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: |^F\d{4,8} |Check failed|"
    r"terminate called|a result was used that holds an error", re.MULTILINE)


class Process:
    """A running program with its output in a log. `must_live`: its end before end() fails the case."""

    def __init__(self, name, popen, log, must_live):
        self.name, self.popen, self.log, self.must_live = name, popen, log, must_live

    @property
    def pid(self):
        return self.popen.pid

    def output(self):
        return self.log.read_text(errors="replace")

    def check(self):
        """Fails when a process that must live has ended, or reported an error of its own."""
        if self.must_live and self.popen.poll() is not None:
            raise Failure(f"{self.name} ended unexpectedly with status {self.popen.returncode}")

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, deadline=10.0):
        """The exit status (negative: the signal)."""
        try:
            return self.popen.wait(patient(deadline))
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end within {patient(deadline):g} s") from None
        finally:
            if self.popen.returncode is not None:
                self.must_live = False

    def end(self, deadline=10.0):
        """Asks it to end and waits; kills it, and fails, if it does not."""
        self.must_live = False
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            return self.popen.wait(patient(deadline))
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.name} did not end within {patient(deadline):g} s after SIGTERM") from None

    def kill(self):
        self.must_live = False
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe is not None:
                pipe.close()

    def resident_bytes(self):
        """VmRSS."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))

    def report(self):
        """The first line that looks like a sanitizer's report or a fatal error, or nothing."""
        text = self.output()
        found = REPORTS.search(text)
        return text[found.start():].splitlines()[0] if found else None


class Processes:
    """All processes of one case."""

    def __init__(self, directory):
        self._directory = directory
        self._all = []

    def start(self, name, command, namespace=None, environment=None, stdin=subprocess.DEVNULL, stdout=None,
              nofile=None, must_live=True):
        """Starts `command`; standard error, and output unless asked for as a pipe, go to NAME.log. It dies with us."""
        log = self._directory / f"{name}.log"
        command = ["setpriv", "--pdeathsig", "KILL", *_inside(namespace), *map(str, command)]
        if nofile is not None:
            command = ["prlimit", f"--nofile={nofile}:{nofile}", *command]
        with open(log, "ab") as output:
            popen = subprocess.Popen(command, stdin=stdin, stdout=stdout or output, stderr=output,
                                     env=_environment(environment))
        process = Process(name, popen, log, must_live)
        self._all.append(process)
        return process

    def run(self, command, namespace=None, input_text=None, environment=None, deadline=30.0):
        """Runs a command to its end; returns subprocess.CompletedProcess with text."""
        try:
            return subprocess.run([*_inside(namespace), *map(str, command)], input=input_text, text=True,
                                  capture_output=True, timeout=patient(deadline), check=False,
                                  env=_environment(environment))
        except subprocess.TimeoutExpired:
            raise Failure(f"not done within {patient(deadline):g} s: {' '.join(map(str, command))}") from None

    def check(self):
        for process in self._all:
            process.check()

    def close(self):
        """Ends everything, last started first; returns what was wrong with it."""
        problems = []
        for process in reversed(self._all):
            try:
                process.check()
                process.end()
            except Failure as failure:
                problems.append(str(failure))
            process.kill()
            if report := process.report():
                problems.append(f"{process.name}: {report}")
        return problems

    def logs(self):
        return [(process.name, process.log) for process in self._all]


def _environment(extra):
    """Ours without what would configure a daemon or make it talk to the one who started us."""
    own = {key: value for key, value in os.environ.items()
           if not key.startswith("PENSTOCK_") and key != "NOTIFY_SOCKET"}
    return {**own, **(extra or {})}


def _inside(namespace):
    return ["nsenter", f"--net={namespace.path}"] if namespace else []


def allow_descriptors():
    """This process and its children may have as many descriptors as the machine lets them."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def processor_seconds(pid):
    """User and system time of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
