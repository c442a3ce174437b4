"""A program, not a module: echoes every datagram, or is many clients of a UDP port.

usage: udp_many.py echo HOST PORT
       udp_many.py ask HOST PORT COUNT ROUNDS SOURCE...
       udp_many.py flood HOST PORT COUNT SOURCE...
       udp_many.py spoof HOST PORT COUNT RATE
`ask`: COUNT sockets each send a datagram of their own, ROUNDS times, and must get that one back and nothing else;
prints "answered COUNT". `flood`: each of COUNT datagrams comes from another port and waits for no answer; prints
"sent COUNT". `spoof`: each comes from a random address that is not ours, RATE of them in a second; prints the same.
"""

import secrets
import select
import socket
import sys
import time

from raw import udp_packet  # beside this program

AT_ONCE = 50
PATIENCE_S = 25
BUFFER = 4 << 20
SO_RCVBUFFORCE = 33


def echo(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        server.bind((host, int(port)))
        while True:
            data, peer = server.recvfrom(65536)
            server.sendto(data, peer)


def bound(source, host, port):
    client = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    client.bind((source, 0))
    client.connect((host, int(port)))
    return client


def ask(host, port, count, rounds, *sources):
    clients = [bound(sources[number % len(sources)], host, port) for number in range(int(count))]
    for turn in range(int(rounds)):
        for first in range(0, len(clients), AT_ONCE):
            ask_some({client: b"%d/%d " % (number, turn) + secrets.token_bytes(secrets.randbelow(1200))
                      for number, client in enumerate(clients[first:first + AT_ONCE], first)})
    for client in clients:
        if select.select([client], [], [], 0)[0]:
            raise RuntimeError(f"more than its own answers: {client.recv(65536)[:40]!r}")
    print(f"answered {len(clients)}", flush=True)


def ask_some(wanted):
    """Each socket sends its datagram and must get it back."""
    for client, data in wanted.items():
        client.send(data)
    waiting = set(wanted)
    while waiting:
        ready, _, _ = select.select(waiting, [], [], PATIENCE_S)
        if not ready:
            raise RuntimeError(f"{len(waiting)} of {len(wanted)} are not answered")
        for client in ready:
            answer = client.recv(65536)
            if answer != wanted[client]:
                raise RuntimeError(f"asked {wanted[client][:40]!r}, answered {answer[:40]!r}")
        waiting.difference_update(ready)


def flood(host, port, count, *sources):
    for number in range(int(count)):
        with bound(sources[number % len(sources)], host, port) as client:
            client.send(b"flood %d" % number)
        if number % AT_ONCE == AT_ONCE - 1:
            time.sleep(0.002)  # a stream, not one burst that only fills the first socket buffer
    print(f"sent {count}", flush=True)


def spoof(host, port, count, rate):
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for number in range(int(count)):
            source = f"203.{secrets.randbelow(200)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(250)}"
            raw.sendto(udp_packet(source, 1024 + number % 60000, host, int(port), b"spoofed %d" % number), (host, 0))
            if number % AT_ONCE == AT_ONCE - 1:
                time.sleep(max(0.0, began + number / int(rate) - time.monotonic()))
    print(f"sent {count}", flush=True)


if __name__ == "__main__":
    {"echo": echo, "ask": ask, "flood": flood, "spoof": spoof}[sys.argv[1]](*sys.argv[2:])
