"""Asking a server whether it is ready."""

import asyncio

from deploy.local.ports import LOOPBACK


async def http_status(port: int, path: str) -> int:
    """Status code of a GET on loopback. Raises OSError when nobody answers."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}\r\n\r\n".encode())
        fields = (await reader.readline()).split()
    finally:
        writer.close()
    if len(fields) < 2 or not fields[1].isdigit():
        raise ConnectionError("no HTTP answer")
    return int(fields[1])


async def is_ready(port: int, path: str | None) -> bool:
    """Whether a GET answers 200 or, without a path, whether anybody accepts a connection. Raises OSError if nobody."""
    if path is not None:
        return await http_status(port, path) == 200
    _, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.close()
    return True
