"""Bulk that runs beside a case: bytes both ways on one flow until the case has seen enough, compared to the last."""

import hashlib
import secrets
import socket
import threading
import time

from harness.wait import Failure, expect, until

PIECE = 1 << 18
RATE = 16 << 20  # bytes a second and direction: what a busy machine carries without losses


class Bulk:
    """Sends from each end of a flow to the other, in threads of its own: at least `least` bytes, and until finish()."""

    def __init__(self, client, backend, least):
        self._least, self._enough, self._problem = least, threading.Event(), None
        self._sent, self._arrived = [0, 0], [0, 0]  # towards the backend, towards the client
        self._digests = [[hashlib.sha256(), hashlib.sha256()] for _ in range(2)]
        self._threads = [threading.Thread(target=self._guard, args=arguments, daemon=True) for arguments in (
            (self._send, client, 0), (self._receive, backend, 0), (self._send, backend, 1), (self._receive, client, 1))]
        for thread in self._threads:
            thread.start()

    def _guard(self, what, *arguments):
        try:
            what(*arguments)
        except (Failure, OSError) as problem:
            self._problem = self._problem or problem

    def _send(self, connection, way):
        while self._sent[way] < self._least or not self._enough.is_set():
            piece = secrets.token_bytes(PIECE)
            connection.sendall(piece)
            self._digests[way][0].update(piece)
            self._sent[way] += PIECE
            time.sleep(PIECE / RATE)
        connection.shutdown(socket.SHUT_WR)

    def _receive(self, connection, way):
        while piece := connection.recv(PIECE):
            self._digests[way][1].update(piece)
            self._arrived[way] += len(piece)

    def await_more(self, size=4 * PIECE, deadline=30.0):
        """So many more bytes have arrived both ways."""
        wanted = [count + size for count in self._arrived]
        until(lambda: self._problem or all(got >= due for got, due in zip(self._arrived, wanted)),
              f"{size} more bytes both ways", deadline)
        self._check()

    def finish(self, deadline=60.0):
        """Both directions end; fails unless every byte arrived as it was sent."""
        self._enough.set()
        until(lambda: self._problem or not any(thread.is_alive() for thread in self._threads),
              f"the end of both directions, after {self._least} bytes", deadline)
        self._check()
        for way, whither in enumerate(("to the backend", "to the client")):
            sent, arrived = (digest.hexdigest() for digest in self._digests[way])
            expect(sent == arrived, f"{self._sent[way]} bytes {whither}, byte for byte; {self._arrived[way]} arrived")

    def _check(self):
        expect(self._problem is None, f"the transfer broke at {self._arrived} of {self._sent}: {self._problem}")
