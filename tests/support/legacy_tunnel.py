"""The tunnel of the published protocol, from behind the handshake to its end; see legacy_peer.py."""

import asyncio
import ipaddress
import re
import struct

OPEN, DATA, CLOSE, DATA_BACK, CLOSE_BACK, CONFIG = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
PING, PONG, WINDOW_UPDATE, WINDOW_UPDATE_BACK = 0x07, 0x08, 0x09, 0x0A
UDP_OPEN, UDP_DATA, UDP_DATA_BACK, UDP_CLOSE = 0x0B, 0x0C, 0x0D, 0x0E
NAMES = {
    OPEN: "OPEN", DATA: "DATA", CLOSE: "CLOSE", DATA_BACK: "DATA_BACK", CLOSE_BACK: "CLOSE_BACK",
    CONFIG: "CONFIG", PING: "PING", PONG: "PONG", WINDOW_UPDATE: "WINDOW_UPDATE",
    WINDOW_UPDATE_BACK: "WINDOW_UPDATE_BACK", UDP_OPEN: "UDP_OPEN", UDP_DATA: "UDP_DATA",
    UDP_DATA_BACK: "UDP_DATA_BACK", UDP_CLOSE: "UDP_CLOSE",
}
FROM_EDGE = {OPEN, DATA, CLOSE, PONG, WINDOW_UPDATE, UDP_OPEN, UDP_DATA, UDP_CLOSE}
FROM_HUB = {DATA_BACK, CLOSE_BACK, CONFIG, PING, WINDOW_UPDATE_BACK, UDP_DATA_BACK, UDP_CLOSE}
OF_TUNNEL = {CONFIG, PING, PONG}
OF_FLOWS = {UDP_OPEN, UDP_DATA, UDP_DATA_BACK, UDP_CLOSE}
MAX_DATAGRAM = 65507
LENGTHS = {
    CLOSE: (0, 0), CLOSE_BACK: (0, 0), WINDOW_UPDATE: (4, 4), WINDOW_UPDATE_BACK: (4, 4), OPEN: (1, 107),
    UDP_OPEN: (28, 52), UDP_DATA: (0, MAX_DATAGRAM), UDP_DATA_BACK: (0, MAX_DATAGRAM), UDP_CLOSE: (0, 0),
}

HEADER = struct.Struct(">IBI")
MAX_PAYLOAD = 16_000_000       # "16 MB" in its smaller reading
MAX_LINE = 1 << 20
MB = 1 << 20                   # in its larger reading: the most that a sender may have under way
PIECE = 64 * 1024              # of one read and one DATA frame
MISSED_PINGS = 3
PROXY_LINE = re.compile(rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n")


class Violation(Exception):
    """The peer broke the published protocol."""


class Ended(Exception):
    """The connection ended: thrown so that the tunnel's tasks end with it."""


def say(text):
    print(text, flush=True)


def window_of(streams):
    """Bytes that one of so many active streams may have under way in one direction."""
    return min(4 * MB, max(MB, 200 * MB // max(streams, 1)))


def proxy_line(client, local):
    """The line for two addresses as sockets name them, without their zones."""
    source, destination = client[0].partition("%")[0], local[0].partition("%")[0]
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {destination} {client[1]} {local[1]}\r\n".encode()


def parse_proxy_line(line):
    """The local port of an OPEN frame's line."""
    match = PROXY_LINE.fullmatch(line)
    if match is None:
        raise Violation(f"OPEN is not one PROXY v1 line: {line!r}")
    kind = ipaddress.IPv4Address if match[1] == b"TCP4" else ipaddress.IPv6Address
    try:
        kind(match[2].decode())
        kind(match[3].decode())
    except ValueError as error:
        raise Violation(f"OPEN has an address that is none: {error}") from error
    if int(match[4]) > 65535 or int(match[5]) > 65535:
        raise Violation(f"OPEN has a port above 65535: {line!r}")
    return int(match[5])


class Stream:
    """One client connection. `incoming` holds what the peer sent and the local side has not taken; None is its end."""

    def __init__(self, number):
        self.number = number
        self.incoming = asyncio.Queue()
        self.unread = 0            # received and not yet credited
        self.under_way = 0         # sent and not yet credited
        self.credited = asyncio.Event()
        self.peer_ended = False
        self.received = 0
        self.sent = 0


class Tunnel:
    """One connection between edge and hub, from behind the handshake to its end."""

    def __init__(self, is_edge, reader, writer, ping_interval):
        self.is_edge = is_edge
        self.reader = reader
        self.writer = writer
        self.ping_interval = ping_interval
        self.streams = {}
        self.highest = 0
        self.frames = 0
        self.offset = 0
        self.data, self.close, self.credit = (
            (DATA, CLOSE, WINDOW_UPDATE) if is_edge else (DATA_BACK, CLOSE_BACK, WINDOW_UPDATE_BACK))

    # -- frames ------------------------------------------------------------------------------------------------

    def send(self, number, kind, payload=b""):
        self.writer.write(HEADER.pack(number, kind, len(payload)) + payload)

    async def receive(self):
        """The next frame as (stream, type, payload), its form checked."""
        header = await self.reader.readexactly(HEADER.size)
        number, kind, length = HEADER.unpack(header)
        self.frames += 1
        at = self.offset
        self.offset += HEADER.size + length
        self.check_form(number, kind, length, at)
        return number, kind, await self.reader.readexactly(length)

    def check_form(self, number, kind, length, at):
        where = f"{NAMES.get(kind, f'type 0x{kind:02x}')} frame #{self.frames} at offset {at}, stream {number}"
        if kind not in NAMES:
            raise Violation(f"{where}: not a type of the published protocol")
        if kind not in (FROM_HUB if self.is_edge else FROM_EDGE):
            raise Violation(f"{where}: the {'hub' if self.is_edge else 'edge'} must not send it")
        if (kind in OF_TUNNEL) != (number == 0):
            raise Violation(f"{where}: the wrong kind of stream")
        least, most = LENGTHS.get(kind, (0, MAX_PAYLOAD))
        if not least <= length <= most:
            raise Violation(f"{where}: a payload of {length} bytes")

    async def run(self):
        """Reads frames until the connection ends; leaves nothing running."""
        try:
            async with asyncio.TaskGroup() as self.tasks:
                await self.start()
                try:
                    await self.read_frames()
                finally:
                    self.stop()
        except* Ended:
            pass
        finally:
            self.writer.transport.abort()

    async def read_frames(self):
        try:
            while True:
                async with asyncio.timeout(MISSED_PINGS * self.ping_interval):  # wait_for() can lose a cancellation
                    await self.read_frame()
        except asyncio.TimeoutError:
            say("silent peer")
            raise Ended from None
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Ended from error

    async def read_frame(self):
        number, kind, payload = await self.receive()
        if kind == PING:
            self.send(0, PONG)
        elif kind == CONFIG:
            await self.on_config(payload)  # only the edge is sent one,
        elif kind == OPEN:
            self.on_open(number, payload)  # and only the hub the other
        elif kind in OF_FLOWS:
            self.flows.on_frame(number, kind, payload)
        elif kind != PONG:
            self.on_stream_frame(number, kind, payload)

    # -- streams -----------------------------------------------------------------------------------------------

    def on_stream_frame(self, number, kind, payload):
        stream = self.streams.get(number)
        if stream is None:
            if number > self.highest:
                raise Violation(f"{NAMES[kind]} for stream {number}, which was never opened")
            return  # on its way when the stream ended
        if kind in (DATA, DATA_BACK):
            self.on_data(stream, payload)
        elif kind in (CLOSE, CLOSE_BACK):
            if stream.peer_ended:
                raise Violation(f"a second {NAMES[kind]} for stream {number}")
            stream.peer_ended = True
            stream.incoming.put_nowait(None)
        else:
            stream.under_way -= struct.unpack(">I", payload)[0]
            if stream.under_way < 0:
                raise Violation(f"{NAMES[kind]} for stream {number}: {-stream.under_way} bytes more than were sent")
            stream.credited.set()

    def on_data(self, stream, payload):
        if stream.peer_ended:
            raise Violation(f"data behind the close of stream {stream.number}")
        stream.unread += len(payload)
        if stream.unread > window_of(1):
            raise Violation(f"stream {stream.number}: {stream.unread} bytes under way are more than any window")
        if payload:
            stream.incoming.put_nowait(payload)

    def begin(self, number, serve):
        """A new stream, served by the coroutine function `serve(stream)`."""
        stream = Stream(number)
        self.highest = max(self.highest, number)
        self.streams[number] = stream
        self.tasks.create_task(self.keep(stream, serve))

    async def keep(self, stream, serve):
        await serve(stream)
        del self.streams[stream.number]
        for other in self.streams.values():
            other.credited.set()  # fewer streams, wider windows
        say(f"stream {stream.number} closed received {stream.received} sent {stream.sent}")

    async def carry(self, stream, reader, writer):
        """Both directions between a local connection and the tunnel, until both have ended."""
        writer.transport.set_write_buffer_limits(high=0)  # what drain() has let through is consumed
        try:
            await asyncio.gather(self.to_peer(stream, reader), self.from_peer(stream, writer))
        except BaseException:
            writer.transport.abort()  # a lost tunnel must not look like an end of data
            raise
        writer.close()

    async def to_peer(self, stream, reader):
        try:
            while piece := await reader.read(PIECE):
                await self.send_data(stream, piece)
        except OSError:
            pass  # the protocol has no word for a reset: its end must do
        self.send(stream.number, self.close)

    async def send_data(self, stream, piece):
        rest = memoryview(piece)
        while rest:
            room = window_of(len(self.streams)) - stream.under_way
            if room <= 0:
                stream.credited.clear()
                await stream.credited.wait()
                continue
            part, rest = rest[:room], rest[room:]
            stream.under_way += len(part)
            stream.sent += len(part)
            self.send(stream.number, self.data, part)
            await self.writer.drain()

    async def from_peer(self, stream, writer):
        """Without a writer, or once it broke, what comes is thrown away, and credited like the rest."""
        while (piece := await stream.incoming.get()) is not None:
            if writer is not None:
                try:
                    writer.write(piece)
                    await writer.drain()
                except OSError:
                    writer = None
            stream.received += len(piece)
            stream.unread -= len(piece)
            self.send(stream.number, self.credit, struct.pack(">I", len(piece)))
        try:
            if writer is not None and not writer.is_closing():
                writer.write_eof()
        except OSError:
            pass  # it was reset meanwhile
