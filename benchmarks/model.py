"""The hop that is measured: per fill one row and one event out, a balance per account, all in one transaction."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import asyncpg
from cleartide.bus import streams
from cleartide.bus.folder import Fold
from cleartide.bus.nats import NatsBus
from cleartide.bus.provision import ensure_stream
from cleartide.bus.standby import Unwatched
from cleartide.bus.streams import Stream
from cleartide.bus.worker import Worker
from cleartide.contracts import Message
from cleartide.contracts.codec import encode
from cleartide.contracts.types import AccountId, MarketId, Quanta, SignedLots, Ticks
from cleartide.fold import Changes, Effects, Repository, Row, Table
from cleartide.store.migrations import LIBRARY_MIGRATIONS, parse_migration
from cleartide.store.postgres import PostgresStore
from cleartide.telemetry.metrics import WorkerMetrics
from cleartide.telemetry.tracing import BatchTracer
from nats.aio.client import Client
from prometheus_client import CollectorRegistry

ACCOUNTS = 1_000
STAGES = 4


class Fill(Message):
    """One fill as it travels from stage to stage."""

    type: str = "Fill"
    version: int = 1
    packed: ClassVar[bool] = True
    account: AccountId
    market: MarketId
    lots: SignedLots
    price_ticks: Ticks
    quote_quanta: Quanta
    fee_quanta: Quanta


class Fill0(Fill):
    """Input of the first stage."""

    subject_template: ClassVar[str] = "bench0.fills"
    type: Literal["Fill0"] = "Fill0"
    version: Literal[1] = 1


class Fill1(Fill):
    """Output of the first stage."""

    subject_template: ClassVar[str] = "bench1.fills"
    type: Literal["Fill1"] = "Fill1"
    version: Literal[1] = 1


class Fill2(Fill):
    """Output of the second stage."""

    subject_template: ClassVar[str] = "bench2.fills"
    type: Literal["Fill2"] = "Fill2"
    version: Literal[1] = 1


class Fill3(Fill):
    """Output of the third stage."""

    subject_template: ClassVar[str] = "bench3.fills"
    type: Literal["Fill3"] = "Fill3"
    version: Literal[1] = 1


class Fill4(Fill):
    """Output of the fourth stage."""

    subject_template: ClassVar[str] = "bench4.fills"
    type: Literal["Fill4"] = "Fill4"
    version: Literal[1] = 1


CONTRACTS: tuple[type[Fill], ...] = (Fill0, Fill1, Fill2, Fill3, Fill4)
STREAMS = tuple(
    Stream(
        name=f"BENCH{number}",
        subjects=(f"bench{number}.>",),
        contracts=(contract,),
        writers={f"stage{number}": (f"bench{number}.>",)},
        single_writer=True,
    )
    for number, contract in enumerate(CONTRACTS)
)
FILLS = Table(
    "fills",
    key=("seq",),
    columns={
        "seq": "bigint",
        "at": "bigint",
        "account": "text",
        "market": "text",
        "lots": "bigint",
        "price_ticks": "bigint",
        "quote_quanta": "bigint",
        "fee_quanta": "bigint",
        "cash_quanta": "bigint",
    },
    write="append",
    load=False,
)
BALANCES = Table("balances", key=("account",), columns={"account": "text", "lots": "bigint", "cash_quanta": "bigint"})
TABLES_SQL = """CREATE TABLE fills (
    seq bigint PRIMARY KEY, at bigint NOT NULL, account text NOT NULL, market text NOT NULL, lots bigint NOT NULL,
    price_ticks bigint NOT NULL, quote_quanta bigint NOT NULL, fee_quanta bigint NOT NULL, cash_quanta bigint NOT NULL
);
CREATE TABLE balances (
    account text PRIMARY KEY, lots bigint NOT NULL, cash_quanta bigint NOT NULL
) WITH (fillfactor = 50)"""


def register() -> None:
    """Make the measured streams known beside the system's own, in this process only."""
    for stream in STREAMS:
        streams.BY_NAME[stream.name] = stream
        for contract in stream.contracts:
            streams.STREAM_OF[contract] = stream  # type: ignore[index]


class Ledger:
    """State of one stage."""

    def __init__(self, balances: Mapping[str, tuple[int, int]]) -> None:
        self.balances = dict(balances)
        self.dirty: set[str] = set()
        self.fills: list[Row] = []


class LedgerRepository(Repository[Ledger]):
    """Tables of one stage."""

    tables = (BALANCES, FILLS)

    def restore(self, rows: Mapping[str, Sequence[Row]]) -> Ledger:
        """From the balances."""
        return Ledger({account: (lots, cash) for account, lots, cash in rows["balances"]})

    def collect(self, state: Ledger) -> Changes:
        """New fills and touched balances."""
        changes = Changes()
        if state.fills:
            changes.put_all(FILLS, state.fills)
            changes.put_all(BALANCES, [(account, *state.balances[account]) for account in state.dirty])
            state.fills, state.dirty = [], set()
        return changes


def fold(stage: int) -> Fold:
    """The fold that reads BENCH<stage-1> and writes BENCH<stage>."""
    output = CONTRACTS[stage]

    def on_fill(state: Ledger, event: Fill, effects: Effects) -> None:
        lots, cash = state.balances.get(event.account, (0, 0))
        lots, cash = lots + event.lots, cash + event.quote_quanta - event.fee_quanta
        state.balances[event.account] = (lots, cash)
        state.dirty.add(event.account)
        state.fills.append(
            (event.seq, effects.at, event.account, event.market, event.lots, event.price_ticks,
             event.quote_quanta, event.fee_quanta, cash)
        )  # fmt: skip
        effects.emit(
            output,
            account=event.account,
            market=event.market,
            lots=event.lots,
            price_ticks=event.price_ticks,
            quote_quanta=event.quote_quanta,
            fee_quanta=event.fee_quanta,
        )

    return Fold(f"stage{stage}", STREAMS[stage - 1], {CONTRACTS[stage - 1]: on_fill}, LedgerRepository())


def make_fill(seq: int, at: int, contract: type[Fill] = Fill0) -> bytes:
    """One encoded input event."""
    lots = seq % 7 - 3 or 1
    return encode(
        contract(
            id=f"bench-{seq}",
            seq=seq,
            occurred_at=at,
            source="stage0",
            account=f"account-{seq * 7919 % ACCOUNTS:04}",
            market="BTC-PERP",
            lots=lots,
            price_ticks=618_000 + seq % 100,
            quote_quanta=-lots * 61_800_000,
            fee_quanta=27_810,
        )
    )


async def prepare_schema(dsn: str, stage: int) -> str:
    """A fresh schema for a stage; returns the DSN that leads to it."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"DROP SCHEMA IF EXISTS stage{stage} CASCADE; CREATE SCHEMA stage{stage}")
        await connection.execute(f"SET search_path TO stage{stage}")
        for path in sorted(LIBRARY_MIGRATIONS.glob("*.sql")):
            await connection.execute(parse_migration(path.name, path.read_text()).up)
        await connection.execute(TABLES_SQL)
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return f"{dsn}{'&' if '?' in dsn else '?'}options=-csearch_path%3Dstage{stage}"


async def fresh_streams(client: Client, count: int = STAGES + 1) -> NatsBus:
    """Empty streams BENCH0..; returns the bus."""
    bus = NatsBus(client)
    for stream in STREAMS[:count]:
        try:
            await bus.api(f"STREAM.DELETE.{stream.name}")
        except Exception as error:
            if "not found" not in str(error):
                raise
        await ensure_stream(bus, stream)
    return bus


async def last_event(bus: NatsBus, stream: Stream) -> int:
    """The last event's number in a stream; 0 when it is empty."""
    last = (await bus.state(stream)).last_seq
    if last == 0:
        return 0
    answer = await bus.api(f"STREAM.MSG.GET.{stream.name}", {"seq": last})
    events: list[dict[str, int]] = json.loads(base64.b64decode(answer["message"]["data"]))
    return events[-1]["seq"]


def worker(stage: int, client: Client, dsn: str, bus: NatsBus | None = None) -> Worker:
    """A worker for one stage on a connection."""
    return Worker(
        fold=fold(stage),
        bus=bus or NatsBus(client),
        store=PostgresStore(dsn, f"stage{stage}"),
        metrics=WorkerMetrics(f"stage{stage}", CollectorRegistry()),
        tracer=BatchTracer(),
        monotonic=time.monotonic,
        lease=Unwatched(),
    )
