"""A venue's socket against a real server: parts, haste, a full reader, ends of every kind, and TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.ingestor.transport.socket import MAX_MESSAGE_BYTES, Socket

Play = Callable[[web.WebSocketResponse, asyncio.WriteTransport], Awaitable[None]]


class Notes:
    """Reads, and is full when told so."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.is_full = False
        self.free = asyncio.Event()
        self.failure: Exception | None = None

    def received(self, data: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        self.got.append(data)

    async def room(self) -> None:
        await self.free.wait()
        self.is_full = False


@asynccontextmanager
async def serving(play: Play, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server whose sockets go through `play`; yields its address without the scheme."""

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.5)
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.WriteTransport)
        await play(socket, request.transport)
        return socket

    root = web.Application()
    root.router.add_get("/", serve)
    runner = web.AppRunner(root, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def read(address: str, notes: Notes, scheme: str = "ws") -> str:
    """Why the socket ended."""
    socket = await Socket.open(f"{scheme}://{address}", notes)
    try:
        async with asyncio.timeout(30):
            return await socket.read()
    finally:
        socket.close("")


async def test_messages_in_parts_are_put_together_and_other_kinds_left_out() -> None:
    """ING-CONN-006"""

    async def play(socket: web.WebSocketResponse, transport: asyncio.WriteTransport) -> None:
        transport.write(b"\x81\x03one" + b"\x82\x03bin" + b"\x01\x02tw" + b"\x89\x00" + b"\x80\x01o" + b"\x80\x01x")
        await socket.close(code=4_001)

    notes = Notes()
    async with serving(play) as address:
        assert await read(address, notes) == "closed by the venue, code 4001"
    assert notes.got == [b"one", b"two"]


async def test_what_comes_with_the_handshake_waits_for_the_reader() -> None:
    """ING-CONN-006"""

    async def play(socket: web.WebSocketResponse, transport: asyncio.WriteTransport) -> None:
        transport.write(b"\x81\x07welcome")
        await socket.receive()

    notes = Notes()
    async with serving(play) as address:
        socket = await Socket.open(f"ws://{address}", notes)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not notes.got
        reading = asyncio.create_task(socket.read())
        async with asyncio.timeout(30):
            while not notes.got:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        socket.close("enough")
        assert await reading == "enough"
    assert notes.got == [b"welcome"]


async def test_a_full_reader_stops_the_venue_and_loses_nothing() -> None:
    """ING-PUB-004: the rest waits at the sender until there is room."""
    message, count = b"\x81\x7e\x40\x00" + b"x" * 0x4000, 2_000

    async def play(socket: web.WebSocketResponse, transport: asyncio.WriteTransport) -> None:
        for _ in range(count):
            transport.write(message)
        await socket.receive()

    notes = Notes()
    notes.is_full = True
    async with serving(play) as address:
        socket = await Socket.open(f"ws://{address}", notes)
        reading = asyncio.create_task(socket.read())
        async with asyncio.timeout(30):
            while not notes.got:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            held = -1
            while held != len(notes.got):
                held = len(notes.got)
                await asyncio.sleep(0.05)
            assert held < count
            notes.free.set()
            while len(notes.got) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        socket.close("read")
        assert await reading == "read"


async def test_ends_of_every_kind_are_said() -> None:
    """ING-CONN-003: an end without a close, a message too long, a fault of the reader's own, an address without any."""

    async def cut(_socket: web.WebSocketResponse, transport: asyncio.WriteTransport) -> None:
        transport.close()

    async def swell(socket: web.WebSocketResponse, transport: asyncio.WriteTransport) -> None:
        half = MAX_MESSAGE_BYTES // 2 + 1
        part = half.to_bytes(8) + b"x" * half
        transport.write(b"\x01\x7f" + part + b"\x00\x7f" + part)
        await socket.receive()

    async def speak(socket: web.WebSocketResponse, _transport: asyncio.WriteTransport) -> None:
        await socket.send_str("a")
        await socket.receive()

    async with serving(cut) as address:
        assert await read(address, Notes()) == "closed by the venue, without a close"
    async with serving(swell) as address:
        assert await read(address, Notes()) == "a message is too long"
    notes = Notes()
    notes.failure = ValueError("of the reader")
    async with serving(speak) as address:
        with pytest.raises(ValueError, match="of the reader"):
            await read(address, notes)
        with pytest.raises(ConnectionError):
            await Socket.open(f"ws://{address}nowhere", notes)


async def test_texts_are_sent_and_pings_answered() -> None:
    """ING-CONN-006"""
    heard: list[object] = []

    async def play(socket: web.WebSocketResponse, transport: asyncio.WriteTransport) -> None:
        heard.append((await socket.receive()).data)
        transport.write(b"\x89\x02hi")
        heard.append((await socket.receive()).type)

    async def hear(socket: web.WebSocketResponse, transport: asyncio.WriteTransport) -> None:
        socket._autoping = False  # the pong itself is wanted
        await play(socket, transport)

    async with serving(hear) as address:
        socket = await Socket.open(f"ws://{address}", Notes())
        socket.send("subscribe")
        async with asyncio.timeout(30):
            await socket.read()
        socket.send("dropped, since it is closed")
    assert heard == ["subscribe", WSMsgType.PONG]


def certificate(folder: Path) -> tuple[Path, Path]:
    """Of this machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return chain, secret


async def test_a_venue_must_prove_who_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ING-CONN-007"""
    chain, secret = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)

    async def play(socket: web.WebSocketResponse, _transport: asyncio.WriteTransport) -> None:
        await socket.send_str("safe")
        await socket.close()

    notes = Notes()
    async with serving(play, context) as address:
        with pytest.raises(ssl.SSLCertVerificationError):
            await read(address, notes, "wss")
        assert not notes.got
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        assert await read(address, notes, "wss") == "closed by the venue, code 1000"
    assert notes.got == [b"safe"]
