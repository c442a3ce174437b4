"""A program, not a module: echoes every connection, or holds many connections and has each echo a byte.

usage: many.py echo HOST PORT
       many.py hold HOST PORT COUNT SOURCE...
`hold` prints "open COUNT" once all stand, waits for a line, has every one echo its byte, prints "echoed COUNT", waits
for another line, and ends.
"""

import asyncio
import sys

AT_ONCE = 200


async def echo(host, port):
    async def serve(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
    server = await asyncio.start_server(serve, host, int(port), backlog=4096)
    await server.serve_forever()


async def hold(host, port, count, *sources):
    gate = asyncio.Semaphore(AT_ONCE)

    async def connect(number):
        async with gate:
            source = (sources[number % len(sources)], 0)
            return await asyncio.open_connection(host, int(port), local_addr=source)

    async def ask(number, reader, writer):
        byte = bytes([number % 256])
        writer.write(byte)
        if await reader.readexactly(1) != byte:
            raise RuntimeError(f"flow {number} echoed another byte")

    flows = await asyncio.gather(*(connect(number) for number in range(int(count))))
    await tell(f"open {len(flows)}")
    await asyncio.gather(*(ask(number, *flow) for number, flow in enumerate(flows)))
    await tell(f"echoed {len(flows)}")
    for _, writer in flows:
        writer.close()


async def tell(text):
    """Prints and waits for a line; the loop turns meanwhile."""
    print(text, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run({"echo": echo, "hold": hold}[sys.argv[1]](*sys.argv[2:]))
