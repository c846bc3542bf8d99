"""Lines of `cleartide stream`: what people, spreadsheets and programs get of each kind of event."""

import asyncio
import csv
import io
import json
from decimal import Decimal
from typing import Any, Final

import pytest
from cleartide.bus.confirm import confirm
from nats.aio.msg import Msg

from services.ingestor.adapters.events import STRUCTS
from services.ingestor.commands.lines import UNKNOWN, Grid, fitted, people_line
from services.ingestor.commands.stream import KINDS
from services.ingestor.tests.series import Said
from services.ingestor.tests.test_ingestor_commands import run
from tests.support.servers import Broker

AT: Final = 1_795_395_068_954_000
HEAD: Final[dict[str, Any]] = {"venue": "okx", "symbol": "BTC-USDT-SWAP", "venue_time": AT, "quality": "ok"}
SAID: Final = (
    ("Trade", {"price_ticks": 617413, "size_lots": 4, "taker_side": "sell"}, "sell 0.004 at 61741.3"),
    ("Liquidation", {"price_ticks": 617413, "size_lots": 40, "side": "buy"}, "buy  0.040 at 61741.3"),
    (
        "Ticker",
        {"bid_ticks": 617413, "bid_lots": 1, "ask_ticks": 617414, "ask_lots": 2000},
        "bid 61741.3 (0.001)  ask 61741.4 (2.000)",
    ),
    ("Book", {"bids": [[617413, 1], [617412, 9]], "asks": []}, "bid 61741.3 (0.001)  no ask  2 + 0 levels"),
    (
        "GroupedBook",
        {"multiple": 10, "bids": [], "asks": [[617420, 5]]},
        "no bid  ask 61742.0 (0.005)  0 + 1 levels, in steps of 10 ticks",
    ),
    ("Liquidity", {"bid_ticks": 617413, "ask_ticks": 617414}, "bid 61741.3  ask 61741.4  spread 0.0162 bps"),
    (
        "Funding",
        {
            "mark_ticks": 617413,
            "index_ticks": 617412,
            "rate_ppb": -125_000,
            "interval_micros": 28_800_000_000,
            "next_funding_at": AT,
        },
        "-0.0125 % in 8 h, next 00:51  mark 61741.3  index 61741.2",
    ),
    ("OpenInterest", {"open_interest_lots": 80_123_456}, "80123.456"),
    (
        "Candle",
        {
            "interval": "1m",
            "open_at": AT,
            "open_ticks": 1,
            "high_ticks": 3,
            "low_ticks": 1,
            "close_ticks": 2,
            "volume_lots": 7,
            "closed": False,
        },
        "1m of 00:51  open 0.1  high 0.3  low 0.1  close 0.2  volume 0.007  (so far)",
    ),
    (
        "Stats",
        {"last_ticks": 2, "high_ticks": 3, "low_ticks": 1, "volume_lots": 7},
        "last 0.2  high 0.3  low 0.1  volume 0.007",
    ),
    ("Status", {"status": "stale", "detail": "silent"}, "stale: silent"),
    ("Gap", {"expected_seq": 7, "reason": "missing"}, "expected 7: missing"),
)


def event(kind: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": f"Venue{kind}"} | HEAD | fields | more


async def heard(broker: Broker, options: str, events: list[dict[str, Any]], instruments: bytes) -> Said:
    """What the command says of these events, beside a service that answers what its instruments are."""
    where = f"--url {broker.server.url.replace('://', '://operator:nats-operator@')}"

    async def answer(message: Msg) -> None:
        await message.respond(instruments)

    async with broker.client("ingestor") as client, asyncio.timeout(60):
        await client.subscribe("query.ingestor.instruments", cb=answer)
        await confirm(client)
        following = asyncio.create_task(run(f"stream {where} --max-duration 60 {options}"))
        while not following.done():
            for each in events:
                kind = each["type"].removeprefix("Venue").lower()
                await client.publish(f"market.okx.BTC-USDT-SWAP.{kind}", json.dumps([each]).encode())
            await confirm(client)
            await asyncio.wait([following], timeout=0.05)
        return await following


async def test_people_read_prices_and_sizes(broker: Broker) -> None:
    """ING-CLI-019: on the grid that the running service knows."""
    known = {"venue": "okx", "symbol": "BTC-USDT-SWAP", "tick_size": "0.1", "lot_size": "0.001"}
    trade = event(*SAID[0][:2])
    said = await heard(broker, "-n 1", [trade], json.dumps({"ok": True, "data": [known]}).encode())
    assert said.out == "00:51:08.954  okx             BTC-USDT-SWAP     trade        sell 0.004 at 61741.3\n"


async def test_without_a_service_that_answers_ticks_are_ticks(broker: Broker) -> None:
    """ING-CLI-019"""
    said = await heard(broker, "-n 1", [event(*SAID[0][:2])], json.dumps({"ok": False, "error": "away"}).encode())
    assert said.out.endswith("sell 4 lots at 617413 ticks\n")


async def test_csv_has_a_header_and_a_column_for_each_field(broker: Broker) -> None:
    """ING-CLI-019: whatever mixture of kinds comes, every line has them all."""
    events = [event(*SAID[0][:2], trade_id="a,b"), event(*SAID[3][:2])]
    said = await heard(broker, "-n 8 -f csv --data-types trade,book", events, b"")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert len(rows) == 8
    assert all(None not in row and None not in row.values() for row in rows)
    trade, book = ({row["type"]: row for row in rows}[kind] for kind in ("VenueTrade", "VenueBook"))
    assert (trade["trade_id"], trade["price_ticks"], trade["bids"]) == ("a,b", "617413", "")
    assert json.loads(book["bids"]) == [[617413, 1], [617412, 9]]


@pytest.mark.parametrize(("kind", "fields", "told"), SAID, ids=[kind for kind, _, _ in SAID])
def test_each_kind_is_told_in_its_own_words(kind: str, fields: dict[str, Any], told: str) -> None:
    """ING-CLI-019"""
    grid = Grid(Decimal("0.1"), Decimal("0.001"))
    line = people_line(event(kind, fields), grid)
    assert line.startswith(f"00:51:08.954  okx             BTC-USDT-SWAP     {kind.lower():12} {told}")
    assert people_line(event(kind, fields, quality="late"), grid).endswith("  [late]")
    assert people_line(event(kind, fields), UNKNOWN)


def test_no_kind_that_can_be_asked_for_is_left_to_its_bare_fields() -> None:
    """ING-CLI-019"""
    told = {kind for kind, _, _ in SAID}
    asked = {each.contract.__name__.removeprefix("Venue") for each in STRUCTS if each.kind in KINDS}
    assert asked == told
    assert {each.kind for each in STRUCTS if each.contract.__name__.removeprefix("Venue") in told} == set(KINDS)


def test_a_line_fits_a_narrow_terminal() -> None:
    """ING-CLI-019"""
    line = people_line(event(*SAID[2][:2]), UNKNOWN)
    assert fitted(line, 200) == line
    narrow = fitted(line, 60)
    assert len(narrow) == 60
    assert narrow.startswith("00:51:08.954 okx BTC-USDT-SWAP ticker bid")
    assert narrow.endswith("…")
