"""The verbs of `cleartide` on a real bus: what is published is heard, kept, shown again and traced back."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cleartide.console import main
from cleartide.contracts import MarkPriceUpdated, Message, ReportTrade, RiskAlertRaised, UpdateIndexPrice, VenueTicker
from cleartide.contracts.codec import encode
from cleartide.contracts.examples import EXAMPLES
from cleartide.ops import chain
from cleartide.ops.doctor import examine
from cleartide.ops.place import NoPlace, Place, find_place
from nats.aio.client import Client

from tests.support.servers import Broker

EXAMPLE_FILES = Path(__file__).parents[3] / "docs" / "examples"
TRADE = ("BTC-PERP", "t-1", "61800.0", "0.010", "alice", "bob")
RUNTIMES = {".py": (sys.executable,), ".mjs": ("node",), ".go": ("go", "run"), ".sh": ("sh",)}


def url(broker: Broker, user: str) -> str:
    return broker.server.url.replace("://", f"://{user}:nats-{user}@")


@pytest.fixture
def verb(broker: Broker, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command as a user; returns (exit code, output, errors)."""

    async def run(*arguments: str, user: str = "operator") -> tuple[int, str, str]:
        monkeypatch.setenv("CLEARTIDE_URL", url(broker, user))
        monkeypatch.setenv("CLEARTIDE_HOME", str(folder))
        code = await asyncio.to_thread(main, arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


async def store(client: Client, *messages: Message) -> None:
    for message in messages:
        payload = encode(message)
        await client.jetstream().publish(message.subject, b"[" + payload + b"]" if message.packed else payload)


def caused(contract: type[Message], ident: str, cause: str, at: int, seq: int = 0) -> Message:
    change = {"id": ident, "causation_id": cause, "occurred_at": at, "seq": seq}
    return EXAMPLES[contract].model_copy(update=change)


async def last_stored_at(client: Client, stream: str) -> int:
    from cleartide.bus.nats import NatsBus
    from cleartide.bus.streams import BY_NAME

    bus = NatsBus(client)
    last = (await bus.state(BY_NAME[stream])).last_seq
    [found] = await bus.read(BY_NAME[stream], last, 1)
    return found.at


async def test_an_alert_is_traced_back_to_the_frame_among_many(
    broker: Broker, verb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIB-VERB-001: alert, mark price, index price, frame of the venue, each with its place and its milliseconds; on a
    narrow terminal too nothing is left out."""
    async with broker.client() as client:
        for number in range(40):
            await store(client, caused(VenueTicker, f"feed-{number}", "", 1_000 + number))
            frame = await last_stored_at(client, "MARKET") if number == 20 else 0
            if number == 20:
                await store(client, caused(UpdateIndexPrice, "ingestor-commands-7", "feed-20", frame, 7))
                command = await last_stored_at(client, "COMMANDS")
        for number in range(30):
            cause, at = ("ingestor-commands-7", command) if number == 11 else (f"other-{number}", 5)
            await store(client, caused(MarkPriceUpdated, f"matching-events-{number + 1}", cause, at, number + 1))
        for number in range(9):
            cause = "matching-events-12" if number == 4 else f"matching-events-{number + 1}"
            await store(client, caused(RiskAlertRaised, f"risk-risk-{number + 1}", cause, 9, number + 1))
    code, said, _ = await verb("trace", "5")
    assert code == 0
    order = re.findall(r"ms +(\w+) +(\w+) #(\d+)", said)
    assert order == [
        ("VenueTicker", "MARKET", "21"),
        ("UpdateIndexPrice", "COMMANDS", "1"),
        ("MarkPriceUpdated", "EVENTS", "12"),
        ("RiskAlertRaised", "RISK", "5"),
    ]
    assert "+0.000 ms" in said
    whole = said.split()
    monkeypatch.setenv("COLUMNS", "72")
    code, said, _ = await verb("trace", "5")
    assert max(map(len, said.splitlines())) <= 72
    assert said.split() == whole
    code, said, _ = await verb("trace", "risk-risk-5", "--json")
    assert [link["event"]["id"] for link in json.loads(said)][-1] == "feed-20"
    code, _, wrong = await verb("trace", "999")
    assert (code, "there is no message 999" in wrong) == (1, True)


async def test_an_old_alert_of_any_pool_is_found(broker: Broker, verb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """LIB-VERB-012: however many came after it, and between those of another pool's numbers."""
    monkeypatch.setattr(chain, "AROUND", 6)
    monkeypatch.setattr(chain, "READ_AT_ONCE", 3)
    writers = ["risk" if number % 5 < 3 else "risk_2" for number in range(60)]
    async with broker.client() as client:
        for place, writer in enumerate(writers):
            number = writers[: place + 1].count(writer)
            await store(client, caused(RiskAlertRaised, f"{writer}-risk-{number}", "", 9, number))
    for ident, place in (("1", 1), ("4", 6), ("risk_2-risk-1", 4), ("risk_2-risk-24", 60), ("risk-risk-36", 58)):
        code, said, _ = await verb("trace", ident)
        assert (code, f"RISK #{place} " in said) == (0, True), ident
    for ident in ("37", "risk_2-risk-25", "risk_3-risk-1"):
        assert (await verb("trace", ident))[0] == 1


async def test_a_command_is_published_once_it_is_well_formed(broker: Broker, verb: Any) -> None:
    """LIB-VERB-002: what is not well-formed does not leave, and says why; what is sent is seen at the stream's end."""
    report = encode(EXAMPLES[ReportTrade]).decode()
    code, said, _ = await verb("pub", report, user="trader")
    assert (code, "is #1 of the sequence" in said) == (0, True)
    code, said, _ = await verb("pub", report, user="trader")
    assert "a duplicate" in said
    code, _, wrong = await verb("pub", report.replace('"price"', '"prize"'), user="trader")
    assert (code, "schema_invalid" in wrong) == (1, True)
    code, said, _ = await verb("tail", "commands", "--last", "3", "--json")
    assert [json.loads(line)["type"] for line in said.splitlines()] == ["ReportTrade"]
    code, _, wrong = await verb("tail", "nothing")
    assert (code, "choose from" in wrong) == (1, True)


async def test_stored_messages_are_shown_again_in_order(broker: Broker, verb: Any) -> None:
    """LIB-VERB-003: from a number to a number, each once, at any pace."""
    async with broker.client() as client:
        await store(client, *(caused(VenueTicker, f"feed-{number}", "", number) for number in range(1, 8)))
    _, said, _ = await verb("replay", "MARKET", "--first", "3", "--last", "6", "--speed", "1000", "--json")
    assert [json.loads(line)["id"] for line in said.splitlines()] == ["feed-3", "feed-4", "feed-5", "feed-6"]


async def test_a_stream_that_holds_nothing_is_no_fault(broker: Broker, verb: Any) -> None:
    """LIB-VERB-009: of a stream in which nothing was stored yet nothing is printed, and that is all."""
    for command in (("tail", "DEAD_LETTERS"), ("replay", "DEAD_LETTERS")):
        assert await verb(*command) == (0, "", "")


@pytest.mark.parametrize("name", ["sub", "pub", "tail", "replay", "trace", "ask", "doctor"])
def test_help_of_a_verb_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """LIB-VERB-010: as the first page of help promises, each verb's own help ends with a command to try."""
    with pytest.raises(SystemExit):
        main((name, "--help"))
    assert f"Example: cleartide {name}" in capsys.readouterr().out


async def test_a_subject_is_listened_to(broker: Broker) -> None:
    """LIB-VERB-004: as the viewer, who hears alerts and nothing else."""
    command = (sys.executable, "-m", "cleartide", "sub", "risk.alerts.>", "--count", "1")
    async with started(command, broker, "viewer") as process, broker.client() as client:
        assert process.stderr is not None
        assert b"listening" in await process.stderr.readline()
        await store(client, EXAMPLES[RiskAlertRaised])
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        assert b"RiskAlertRaised" in said


async def test_doctor_says_what_to_do_about_each_fault(broker: Broker, verb: Any) -> None:
    """LIB-VERB-005: more than twenty checks, each with a remedy; a bus without a database is found out."""
    code, said, _ = await verb("doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(said)}
    assert code == 1
    assert len(findings) >= 20
    assert all(finding["remedy"] for finding in findings.values())
    assert {
        findings[name]["state"] for name in ("bus", "bus version", "streams", "stream subjects", "dead letters")
    } == {"ok"}
    assert findings["database"]["detail"] == "no address: set CLEARTIDE_ADMIN_DSN"
    assert findings["matching"]["state"] == "fail"


@pytest.mark.parametrize(("states", "found"), [(("ready", "done"), "ok"), (("ready", "crashed"), "fail")])
async def test_doctor_knows_work_that_is_finished_from_work_that_failed(states: tuple[str, str], found: str) -> None:
    """LIB-VERB-005: the units that only set the stack up end, and that is well."""
    units = tuple({"name": f"unit-{number}", "state": state} for number, state in enumerate(states))
    findings = {finding.name: finding for finding in await examine(Place(units=units))}
    assert findings["supervisor"].state == found


async def test_doctor_says_how_a_stopped_service_is_started() -> None:
    """LIB-VERB-011: of a service that was stopped, or given up, the command that starts it; of others none."""
    states = {"matching": "ready", "risk": "stopped", "funding": "crash loop", "gateway": "restarting"}
    units = tuple({"name": name, "state": state} for name, state in states.items())
    findings = {finding.name: finding for finding in await examine(Place(units=units))}
    assert "`make start SERVICE=risk`, `make start SERVICE=funding`" in findings["supervisor"].remedy
    assert "gateway" not in findings["supervisor"].remedy
    assert (findings["risk"].state, findings["risk"].detail) == ("fail", "stopped")
    assert findings["risk"].remedy == "it was stopped by hand: `make start SERVICE=risk`"
    assert "make start SERVICE=funding" in findings["funding"].remedy


def test_the_stack_of_a_folder_is_found_from_below_it(tmp_path: Path) -> None:
    """LIB-VERB-006: addresses and passwords come from the folder; without one it is said what to do."""
    home = tmp_path / ".cleartide"
    home.mkdir()
    units = [{"name": name, "port": 7_000 + number} for number, name in enumerate(("nats", "postgres", "risk"))]
    urls = {"nats": "nats://127.0.0.1:7000", "dashboard": "http://127.0.0.1:8080/"}
    (home / "state.json").write_text(json.dumps({"units": units, "urls": urls}))
    (home / "secrets.json").write_text(json.dumps({"nats_users": {"viewer": "a/b"}, "postgres_admin": "p"}))
    below = tmp_path / "one" / "two"
    below.mkdir(parents=True)
    found = find_place({}, below)
    assert found.nats_as("viewer") == "nats://viewer:a%2Fb@127.0.0.1:7000"
    assert found.health == {"risk": "http://127.0.0.1:7002"}
    assert found.gateway == "http://127.0.0.1:8080"
    with pytest.raises(NoPlace, match="make up"):
        find_place({"CLEARTIDE_HOME": str(below)}, below).nats_as("viewer")


@asynccontextmanager
async def started(command: tuple[str, ...], broker: Broker, user: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program beside the test, gone at the end of it."""
    environment = {**os.environ, "CLEARTIDE_URL": url(broker, user)}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def runnable(name: str) -> tuple[str, ...]:
    """How an example is run; skips where its runtime is not installed."""
    path = EXAMPLE_FILES / name
    program = RUNTIMES[path.suffix]
    if shutil.which(program[0]) is None or (path.suffix == ".sh" and shutil.which("curl") is None):
        pytest.skip(f"{program[0]} is not installed")
    return (*program, str(path))


@pytest.mark.parametrize("name", ["publish_trade.py", "publish_trade.mjs", "publish_trade.go", "publish_trade.sh"])
async def test_the_examples_publish_a_trade(broker: Broker, name: str) -> None:
    """LIB-VERB-007: in each language, at most thirty lines; the sequence holds the trade as its contract wants it."""
    command = runnable(name)
    assert len((EXAMPLE_FILES / name).read_text().splitlines()) <= 30
    async with started((*command, *TRADE), broker, "trader") as process:
        said, wrong = await asyncio.wait_for(process.communicate(), 60)
    assert b"1" in said, wrong.decode()
    async with broker.client() as client:
        stored = await client.jetstream().get_msg("COMMANDS", 1)
    trade = ReportTrade.model_validate_json(stored.data or b"")
    assert (trade.market, trade.trade_id, trade.price, trade.size, trade.buyer, trade.seller) == TRADE
    assert (trade.source, trade.id) == ("trader", "trader-t-1")


@pytest.mark.parametrize("name", ["risk_alerts.py", "risk_alerts.mjs", "risk_alerts.go"])
async def test_the_examples_follow_alerts(broker: Broker, name: str) -> None:
    """LIB-VERB-008: in each language, at most thirty lines; each alert is printed as it is raised."""
    command = runnable(name)
    assert len((EXAMPLE_FILES / name).read_text().splitlines()) <= 30
    async with started(command, broker, "viewer") as process, broker.client() as client:
        assert process.stdout is not None
        reading = asyncio.ensure_future(process.stdout.readline())
        async with asyncio.timeout(60):
            while not reading.done():
                await store(client, EXAMPLES[RiskAlertRaised])
                await asyncio.wait((reading,), timeout=0.3)
    line = reading.result()
    alert = EXAMPLES[RiskAlertRaised]
    assert isinstance(alert, RiskAlertRaised)
    assert line.decode().split()[:3] == [str(alert.seq), alert.level, alert.account]
