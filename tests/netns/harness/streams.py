"""Load that runs beside a case: datagrams one after another, connections one after another."""

import threading

from harness.datagrams import ask
from harness.sockets import expect_echo
from harness.wait import Failure, expect, until


class Load:
    """Does `one(number)` again and again in a thread of its own, until it is asked to end or one fails."""

    def __init__(self, one):
        self._one, self._stop = one, threading.Event()
        self.echoed, self._problem = 0, None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._stop.is_set():
                self._one(self.echoed)
                self.echoed += 1
        except (Failure, OSError) as problem:
            self._problem = problem

    def await_more(self, count=50):
        wanted = self.echoed + count
        until(lambda: self._problem or self.echoed >= wanted, f"{count} more echoes")
        expect(self._problem is None, f"the stream broke after {self.echoed} echoes: {self._problem}")

    def end(self, more=50):
        """Fails unless everything came back, and so much more."""
        self.await_more(more)
        self._stop.set()
        self._thread.join(15)
        expect(self._problem is None and not self._thread.is_alive(), f"the stream broke: {self._problem}")


class Stream(Load):
    """Datagrams through one port, each sent when the last one has come back."""

    def __init__(self, client):
        super().__init__(lambda number: ask(client, b"%d of a stream" % number))


class Connections(Load):
    """Connections from a namespace, each made when the last one has echoed."""

    def __init__(self, namespace, host, port):
        def one(number):
            with namespace.connect(host, port) as connection:
                expect_echo(connection, b"%d of many" % number)
        super().__init__(one)


def refuses(client):
    """Whether nobody has the port any more: the system says so."""
    try:
        client.send(b"is this port closed?")
        client.send(b"is it?")
    except ConnectionRefusedError:
        return True
    return False
