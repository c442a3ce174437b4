"""The machine and the programs that the numbers belong to."""

import datetime
import os
import platform
import re
import subprocess

from harness.programs import TOP


def describe(programs, names):
    return {
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "processor": _first(r"^model name\s*: (.*)$", "/proc/cpuinfo"),
        "cores": os.cpu_count(),
        "memory_kib": int(_first(r"^MemTotal:\s+(\d+)", "/proc/meminfo") or 0),
        "kernel": platform.release(),
        "system": _first(r'^PRETTY_NAME="?(.*?)"?$', "/etc/os-release"),
        "commit": _commit(),
        "versions": {name: programs.version(name) for name in names if name != "direct"},
    }


def _first(pattern, path):
    with open(path, encoding="utf-8") as file:
        found = re.search(pattern, file.read(), re.MULTILINE)
    return found[1] if found else ""


def _commit():
    """The tree that the benchmark belongs to; "+" when it was changed since."""
    command = ["git", "-c", f"safe.directory={TOP}", "-C", str(TOP), "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    return done.stdout.strip()
