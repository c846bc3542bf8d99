"""What a user of the embedded NATS and Valkey gets."""

import asyncio
import stat
from dataclasses import dataclass
from pathlib import Path

import nats
import pytest
from cleartide.bus.confirm import confirm
from nats.js.api import StreamConfig
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from deploy.local.errors import PortTakenError
from deploy.local.nats import NatsServer
from deploy.local.ports import is_free
from deploy.local.process import tail
from deploy.local.stack import EmbeddedStack
from deploy.local.valkey import ValkeyServer


@dataclass(frozen=True)
class User:
    name: str
    password: str
    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    allow_responses: bool = False


async def answer_to(port: int, command: bytes) -> bytes:
    """What a NATS server says to the first command of a client."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        assert (await reader.readline()).startswith(b"INFO ")
        writer.write(command)
        return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


class TestNats:
    @pytest.mark.parametrize("durable", [True, False])
    async def test_confirmed_messages_are_there_after_kill_9(self, tmp_path: Path, durable: bool) -> None:
        server = NatsServer(tmp_path, durable=durable)
        await server.start()
        client = await nats.connect(server.url, reconnect_time_wait=0.05, max_reconnect_attempts=-1)
        try:
            stream = client.jetstream()
            await stream.add_stream(StreamConfig(name="KEPT", subjects=["kept.>"], max_bytes=8 * 2**30))
            for number in range(20):
                await stream.publish("kept.it", str(number).encode())
            await server.kill()
            await server.start()
            info = await stream.stream_info("KEPT")
            assert info.state.messages == 20, "the client reconnected by itself, to the same port"
        finally:
            await client.close()
            await server.stop()

    async def test_a_user_may_do_what_its_lists_say_and_no_more(self, tmp_path: Path) -> None:
        users = (User("all", "a", (">",), (">",)), User("viewer", "v", (), ("alerts.>",)))
        server = NatsServer(tmp_path, users=users, durable=False)
        await server.start()
        violations: list[str] = []

        async def on_error(error: Exception) -> None:
            violations.append(str(error))

        publisher = await nats.connect(server.url_for("all"))
        viewer = await nats.connect(server.url, user="viewer", password="v", error_cb=on_error)
        try:
            heard = await viewer.subscribe("alerts.>")
            await confirm(viewer)
            await publisher.publish("alerts.one", b"!")
            assert (await heard.next_msg(timeout=30)).data == b"!"
            await viewer.publish("alerts.mine", b"?")
            await viewer.subscribe("secret.>")
            await confirm(viewer)
            assert len(violations) == 2
            assert (
                await answer_to(server.port, b'CONNECT {"verbose":true}\r\n') == b"-ERR 'Authorization Violation'\r\n"
            )
        finally:
            await viewer.close()
            await publisher.close()
            await server.stop()

    async def test_the_configuration_is_private_and_syncs_every_write(self, tmp_path: Path) -> None:
        server = NatsServer(tmp_path)
        await server.start()
        await server.stop()
        settings = tmp_path / "nats.conf"
        assert stat.S_IMODE(settings.stat().st_mode) == 0o600
        assert '"sync_interval": "always"' in settings.read_text()

    async def test_a_busy_port_is_explained(self, tmp_path: Path) -> None:
        first = NatsServer(tmp_path / "1", durable=False)
        await first.start()
        second = NatsServer(tmp_path / "2", port=first.port, durable=False)
        with pytest.raises(PortTakenError, match=r"in use by nats-server \(pid \d+\).*CLEARTIDE_PORT_NATS"):
            await second.start()
        await first.stop()


class TestValkey:
    async def test_the_append_only_file_survives_kill_9(self, tmp_path: Path) -> None:
        server = ValkeyServer(tmp_path, password="p")
        await server.start()
        async with Redis.from_url(server.url) as client:
            await client.set("kept", "1")
            await asyncio.sleep(1.2)  # appendfsync everysec
        await server.kill()
        await server.start()
        async with Redis.from_url(server.url) as client:
            assert await client.get("kept") == b"1"
        await server.stop()

    async def test_a_password_is_needed_and_not_on_the_command_line(self, tmp_path: Path) -> None:
        server = ValkeyServer(tmp_path, password="a-secret", durable=False)
        await server.start()
        assert server.process is not None
        assert "a-secret" not in " ".join(server.process.argv)
        with pytest.raises(AuthenticationError):
            async with Redis.from_url(server.url.replace("a-secret", "wrong")) as client:
                await client.ping()
        await server.stop()


class TestStack:
    async def test_three_servers_up_and_gone(self, tmp_path: Path) -> None:
        async with EmbeddedStack(tmp_path, durable=False) as stack:
            servers = (stack.postgres, stack.nats, stack.valkey)
            assert all(server.running for server in servers)
        assert not any(server.running for server in servers)
        assert all(is_free(server.port) for server in servers)

    async def test_two_stacks_do_not_meet(self, tmp_path: Path) -> None:
        async with (
            EmbeddedStack(tmp_path / "a", durable=False) as one,
            EmbeddedStack(tmp_path / "b", durable=False) as two,
        ):
            assert {one.postgres.port, one.nats.port, one.valkey.port}.isdisjoint(
                {two.postgres.port, two.nats.port, two.valkey.port}
            )

    async def test_if_one_fails_none_is_left(self, tmp_path: Path) -> None:
        stack = EmbeddedStack(tmp_path, durable=False)
        stack.postgres.data.mkdir(parents=True)
        with pytest.raises(Exception, match="PG_VERSION"):
            await stack.start()
        assert not stack.nats.running
        assert not stack.valkey.running

    def test_a_stack_outlives_the_loop_that_started_it(self, tmp_path: Path) -> None:
        stack = EmbeddedStack(tmp_path, durable=False)
        asyncio.run(stack.start())
        try:
            assert stack.nats.running
            asyncio.run(stack.nats.restart())
            assert any("ready" in line.lower() for line in tail(stack.nats.log.path))
        finally:
            asyncio.run(stack.stop())
