"""Waiting for conditions, never for time."""

import time


# Seconds between two looks at a condition. Each may be a process, and many cases look at a time: what is not true soon is
# looked at less and less often.
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.1

_stretch = 1


def be_patient(times):
    """All waits of this process may take so many times their time."""
    global _stretch
    _stretch = times


def patient(seconds):
    """How long to wait for what takes so many seconds at most where nothing else runs."""
    return seconds * _stretch


class Failure(Exception):
    """What a case expected and did not get."""


def until(condition, what, deadline=10.0, alive=None):
    """Polls until `condition()` is true, and returns its value; `alive()` may raise to end the wait early."""
    end = time.monotonic() + patient(deadline)
    last, pause = None, FIRST_PAUSE
    while True:
        last = condition()
        if last:
            return last
        if alive is not None:
            alive()
        if time.monotonic() > end:
            raise Failure(f"not within {patient(deadline):g} s: {what} (last: {last!r})")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def expect(fact, what):
    """An assertion that says what was expected."""
    if not fact:
        raise Failure(what)


def expect_equal(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: got {shorten(got)}, expected {shorten(wanted)}")


def shorten(value):
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}... ({len(text)} characters)"
