"""A CONNECT proxy that leads every tunnel to a local TLS listener: some hosts have their own.

It lets the unmodified gallery-dl and instagrapi talk to Instagram's own addresses here. Plain-HTTP
requests in absolute form are refused (501): give the proxy for https only. Started by `server`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

LARGEST_READ = 1 << 16


class Tunnel:
    """`await start()`, then `url`; `await stop()` closes every open tunnel as well.

    tls_port: where tunnels lead; ports: the hosts whose tunnels lead elsewhere.
    """

    def __init__(self, tls_port: int, ports: dict[str, int]) -> None:
        self._tls_port = tls_port
        self._ports = ports
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away or spoke something else: nothing to answer
        except asyncio.CancelledError:
            pass  # stop(): asyncio's stream server would log a cancelled task as a crash
        finally:
            self._open.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"CONNECT "):
            writer.write(b"HTTP/1.1 501 Only CONNECT\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        host = head.removeprefix(b"CONNECT ").partition(b":")[0].decode("latin-1")
        port = self._ports.get(host, self._tls_port)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await writer.drain()
            await asyncio.gather(
                _pump(writer, reader, up_writer), _pump(up_writer, up_reader, writer)
            )
        finally:
            up_writer.close()


async def _pump(
    sender: asyncio.StreamWriter, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Copy until the sender is done, then close the other side."""
    with contextlib.suppress(OSError):
        while data := await reader.read(LARGEST_READ):
            _acknowledge(sender)
            writer.write(data)
            await writer.drain()
    writer.close()


def _acknowledge(sender: asyncio.StreamWriter) -> None:
    """At once: behind a proxy urllib3 sends the body of a POST only when its head has arrived for
    certain (Nagle), and the system would take 40 ms to say so. Linux asks for it each time."""
    if hasattr(socket, "TCP_QUICKACK"):
        sender.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
