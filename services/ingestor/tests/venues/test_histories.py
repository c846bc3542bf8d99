"""Every venue's past: what is asked for is what its twin understands, and what that answers is read to the digit."""

import pytest

from services.ingestor.adapters.history import History, histories
from services.ingestor.adapters.instrument import HOUR_MICROS
from services.ingestor.adapters.venue import venues
from services.ingestor.domain.ranges import DAY_MICROS, SPANS
from services.ingestor.simulator import past
from services.ingestor.simulator.host import RECORDED
from services.ingestor.simulator.market import Market
from services.ingestor.simulator.twin import Traded, Twin, twins
from services.ingestor.simulator.views import MarketView
from services.ingestor.tests.rig import first_lines
from services.ingestor.tests.venues.stand import asked

START = past.LISTED * 1_000 + 40 * DAY_MICROS
EVERY = sorted(set(histories()) - {RECORDED})


@pytest.fixture(scope="module")
def market() -> Market:
    """A market whose now is long after."""
    return Market(first_lines(1_999))


def told(history: History, market: Market) -> tuple[Twin, MarketView]:
    twin = twins()[history.name]()
    return twin, MarketView(market, twin, Traded(twin.symbol))


@pytest.mark.parametrize("name", EVERY)
def test_the_candles_of_every_interval(name: str, market: Market) -> None:
    """ING-PAST-001"""
    history, (twin, view) = histories()[name], told(histories()[name], market)
    listing = [twin.http(asked(each), {twin.symbol: view}) or b"" for each in venues()[name].listing]
    (instrument,) = venues()[name].instruments(listing, [twin.symbol], {})
    for span in history.spans:
        length = SPANS[span]
        origin = 4 * DAY_MICROS if span == "1w" else 0
        first = (START - origin) // length * length + origin + length
        wanted = (first, first + min(3, history.candle_rows) * length)
        body = twin.http(asked(history.ask_candles(instrument, span, wanted)), {twin.symbol: view})
        assert body is not None, span
        found = [each for each in history.candles(instrument, body) if wanted[0] <= each.open_at < wanted[1]]
        made = past.candles(twin.symbol, span, wanted[0] // 1_000, wanted[1] // 1_000 - 1, 3, view.millis)
        assert [each.open_at for each in found] == [each.open_at * 1_000 for each in made], span
        for candle, true in zip(found, made, strict=True):
            assert candle.prices == tuple(instrument.prices[price] for price in true.prices), span
            assert candle.volume_lots == instrument.sizes[twin.size(true.volume, true.prices[3])], span
            assert candle.exact


@pytest.mark.parametrize("name", [name for name in EVERY if "funding_rates" in histories()[name].kinds])
def test_settled_rates(name: str, market: Market) -> None:
    """ING-PAST-002"""
    history, (twin, view) = histories()[name], told(histories()[name], market)
    listing = [twin.http(asked(each), {twin.symbol: view}) or b"" for each in venues()[name].listing]
    (instrument,) = venues()[name].instruments(listing, [twin.symbol], {})
    wanted = (START, START + 48 * HOUR_MICROS)
    body = twin.http(asked(history.ask_funding(instrument, wanted)), {twin.symbol: view})
    assert body is not None
    found = {each.at: each.rate_ppb for each in history.funding(instrument, body) if wanted[0] <= each.at < wanted[1]}
    made = past.fundings(twin.symbol, wanted[0] // 1_000, wanted[1] // 1_000 - 1, 100, view.millis)
    assert found == {at * 1_000: round(float(rate) * 1e9) for at, rate in made}
    assert len(found) == 6


def test_a_venue_that_settles_no_funding_says_so() -> None:
    """ING-PAST-003"""
    assert histories()["paradex"].kinds == ["klines"]
    assert histories()["okx"].kinds == ["klines", "funding_rates"]
    assert histories()["binance-usdm"].kinds == ["klines", "funding_rates", "trades"]
