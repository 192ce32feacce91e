"""A TCP proxy that makes loopback behave like a long link.

Each connection has the given rate in each direction and the given round trip, which
the first byte also waits for, as it would for the handshake. TCP's slow start is not
imitated, and connections do not share a bottleneck: a link that is throttled per
connection, as object stores throttle theirs.

`python -m benchmarks.slow_link HOST:PORT` prints the port that it listens on.
"""

import argparse
import asyncio
import contextlib
import sys
from dataclasses import dataclass

_CHUNK = 1 << 16
_QUEUE = 128  # chunks: more than is under way at any rate and latency used here


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link to one server."""

    host: str
    port: int
    round_trip: float
    """Seconds."""
    rate: float
    """Bytes a second, for each connection and direction."""

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Relay one connection until both sides are done, or one breaks off."""
        await asyncio.sleep(self.round_trip)
        try:
            source, sink = await asyncio.open_connection(
                self.host, self.port, limit=_CHUNK
            )
            with contextlib.closing(sink):
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._relay(reader, sink))
                    both.create_task(self._relay(source, writer))
        except* ConnectionError:
            pass
        finally:
            writer.close()

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUE)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._take(reader, under_way))
            both.create_task(_deliver(under_way, writer))

    async def _take(
        self,
        reader: asyncio.StreamReader,
        under_way: asyncio.Queue[tuple[float, bytes]],
    ) -> None:
        clock = asyncio.get_running_loop().time
        free = clock()
        chunk = b"first"
        while chunk:
            chunk = await reader.read(_CHUNK)
            free = max(clock(), free) + len(chunk) / self.rate
            await under_way.put((free + self.round_trip / 2, chunk))


async def _deliver(
    under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        due, chunk = await under_way.get()
        if (wait := due - clock()) > 0:
            await asyncio.sleep(wait)
        if not chunk:
            writer.write_eof()
            return
        writer.write(chunk)
        await writer.drain()


async def _serve(link: Link) -> None:
    server = await asyncio.start_server(link.serve, "127.0.0.1", 0, limit=_CHUNK)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve until interrupted or ended."""
    parser = argparse.ArgumentParser(description="a proxy that imitates a long link")
    parser.add_argument("server", metavar="HOST:PORT")
    parser.add_argument("--round-trip", type=float, default=0.05, help="seconds")
    parser.add_argument("--rate", type=float, default=20e6, help="bytes a second")
    arguments = parser.parse_args()
    host, _, port = arguments.server.rpartition(":")
    link = Link(
        host=host,
        port=int(port),
        round_trip=arguments.round_trip,
        rate=arguments.rate,
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(link))


if __name__ == "__main__":
    main()
