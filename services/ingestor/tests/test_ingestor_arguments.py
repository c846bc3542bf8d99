"""What commands are given: names as people write them, numbers that mean something, venues that are not there."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from cleartide.store.bulk import BulkWriter

from services.ingestor.repository import TICKERS
from services.ingestor.tests.series import DAY, Said, cleartide, tickers
from tests.support.schema import ServiceSchema


async def given(schema: ServiceSchema | None, line: str) -> Said:
    where = ("--database-url", schema.dsn) if schema else ()
    return await asyncio.to_thread(cleartide, (*line.split(), *where))


async def test_a_global_name_is_what_each_venue_calls_it(schema: ServiceSchema, tmp_path: Any) -> None:
    """ING-CLI-020: in the store too, of one venue or of all."""
    async with BulkWriter(schema.dsn, "ingestor") as writer:
        await writer.write(TICKERS, tickers(12, DAY, timedelta(seconds=1)))
    for asked, rows in (("BTC/USDT", 4), ("BTCUSDT", 4), ("BTC/USDT,ETHUSDT", 8), ("DOGE/USDT", 0)):
        said = await given(schema, f"export venue_tickers -s {asked} -o {tmp_path} --force -f json")
        assert f'"rows": {rows}' in said.out, (asked, said)
    said = await given(schema, f"export venue_tickers -e bybit -s BTC/USDT -o {tmp_path} --force -f json")
    assert '"rows": 2' in said.out
    assert "bybit BTCUSDT" in (await given(schema, "orderbook read -e bybit -s BTC/USDT")).err
    assert "nothing of that is followed" in (await given(schema, "ticker -s DOGE/USDT")).out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("liquidity --taker-fee 5", "'5' is no rate"),
        ("liquidity --interval -1", "no number of seconds above 0"),
        ("liquidity --wait nan", "no number of seconds above 0"),
        ("orderbook read -e bybit -s BTCUSDT --levels -1", "no number from 1 on"),
        ("backfill -e bybit -s BTCUSDT --parallel 0", "no number from 1 on"),
        ("stats hist trade --bins 0", "no number from 1 on"),
        ("db init --create-partitions-days 0", "no number from 1 on"),
        ("stream --max-duration -3", "no number of seconds above 0"),
    ],
)
async def test_numbers_that_mean_nothing_are_refused(line: str, said: str) -> None:
    """ING-CLI-020"""
    found = await given(None, line)
    assert found.code == 2
    assert said in found.err


async def test_a_venue_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """ING-CLI-021: once it has had the time that a venue may ask for; what went wrong meanwhile is said in words."""
    monkeypatch.setattr("services.ingestor.commands.venues.LISTING_SECONDS", 0.5)
    found = await given(None, "market -e bybit --simulator 127.0.0.1:1")
    assert found.code == 1
    assert found.err.splitlines()[-1] == "cleartide market: bybit: no answer within 0.5 s"
    assert "ConnectionKey" not in found.err
