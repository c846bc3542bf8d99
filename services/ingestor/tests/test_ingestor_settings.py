"""What is connected, and on which grid."""

import json

import pytest
from pydantic import ValidationError

from services.ingestor.adapters.instrument import Instrument, UnknownInstrument
from services.ingestor.adapters.venue import venues
from services.ingestor.settings import IngestorSettings


def instruments(info: bytes, funding: bytes, symbols: list[str], ticks: dict[str, str]) -> list[Instrument]:
    return venues()["binance-usdm"].instruments([info, funding], symbols, ticks)


def exchange_info(tick: str = "0.10", status: str = "TRADING") -> bytes:
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": tick, "minPrice": "556.80"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
    ]
    return json.dumps({"symbols": [{"symbol": "BTCUSDT", "status": status, "filters": filters}]}).encode()


class TestRegistry:
    def test_grid_and_funding_interval_come_from_the_venue(self) -> None:
        """ING-REG-001"""
        funding = json.dumps([{"symbol": "BTCUSDT", "fundingIntervalHours": 4}]).encode()
        found = instruments(exchange_info(), funding, ["BTCUSDT"], {})[0]
        assert (found.tick_size, found.lot_size) == ("0.10", "0.001")
        assert found.funding_interval_micros == 4 * 3_600_000_000
        assert instruments(exchange_info(), b"[]", ["BTCUSDT"], {})[0].funding_interval_micros == 8 * 3_600_000_000

    def test_a_pinned_tick_that_the_venue_has_outgrown_is_refused(self) -> None:
        """ING-REG-002"""
        assert instruments(exchange_info("0.50"), b"[]", ["BTCUSDT"], {"BTCUSDT": "0.1"})[0].tick_size == "0.1"
        with pytest.raises(UnknownInstrument):
            instruments(exchange_info("0.01"), b"[]", ["BTCUSDT"], {"BTCUSDT": "0.1"})

    @pytest.mark.parametrize(("symbol", "status"), [("XYZ", "TRADING"), ("BTCUSDT", "SETTLING")])
    def test_what_is_not_traded_is_refused(self, symbol: str, status: str) -> None:
        """ING-REG-001"""
        with pytest.raises(UnknownInstrument):
            instruments(exchange_info(status=status), b"[]", [symbol], {})


class TestSettings:
    def test_the_sandbox_has_one_source_and_no_venue_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """ING-SET-001"""
        monkeypatch.delenv("FEED", raising=False)
        settings = IngestorSettings()
        assert settings.feeds == {}
        assert settings.pinned_ticks("binance-usdm") == {"BTCUSDT": "0.1"}
        assert settings.pinned_ticks("bybit") == {}
        assert [(each.market, each.min_sources, len(each.sources)) for each in settings.index] == [("BTC-PERP", 1, 1)]

    def test_feed_live_means_the_venues_own_hosts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """ING-SET-001"""
        monkeypatch.setenv("FEED", "Live")
        monkeypatch.setenv("CLEARTIDE_INGESTOR_VENUES", "")
        feeds = IngestorSettings().feeds
        assert list(feeds) == ["binance-usdm"]
        assert feeds["binance-usdm"].ws_url == "wss://fstream.binance.com"
        assert feeds["binance-usdm"].http_url == "https://fapi.binance.com"

    def test_staleness_and_pauses_between_connections_are_those_of_the_seed_unless_told_otherwise(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """ING-SET-003"""
        settings = IngestorSettings()
        assert (settings.stale_seconds, settings.reconnect_seconds) == (2.0, (5.0, 300.0))
        monkeypatch.setenv("CLEARTIDE_INGESTOR_STALE_SECONDS", "30")
        monkeypatch.setenv("CLEARTIDE_INGESTOR_RECONNECT_SECONDS", "[0.5, 10]")
        settings = IngestorSettings()
        assert (settings.stale_seconds, settings.reconnect_seconds) == (30.0, (0.5, 10.0))
        for wrong in ("[10, 5]", "[0, 5]"):
            monkeypatch.setenv("CLEARTIDE_INGESTOR_RECONNECT_SECONDS", wrong)
            with pytest.raises(ValidationError, match="reconnect_seconds"):
                IngestorSettings()

    def test_an_empty_variable_is_an_unset_one_and_an_unknown_feed_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """ING-SET-001"""
        monkeypatch.setenv("FEED", "")
        assert IngestorSettings().feed == "replay"
        monkeypatch.setenv("FEED", "life")
        with pytest.raises(ValidationError):
            IngestorSettings()

    def test_venues_and_markets_can_be_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """ING-SET-002"""
        source = {"venue": "binance-usdm", "symbol": "ETHUSDT", "tick_size": "0.01", "weight": 3}
        markets = [{"market": "ETH-PERP", "tick_size": "0.01", "sources": [source]}]
        here = {"ws_url": "ws://127.0.0.1:9/", "http_url": "http://127.0.0.1:9/"}
        chosen = {"binance-usdm": {"symbols": ["BTCUSDT", "ETHUSDT"], **here}, "binance-coinm": {"symbols": ["X"]}}
        monkeypatch.setenv("CLEARTIDE_INGESTOR_VENUES", json.dumps(chosen))
        monkeypatch.setenv("CLEARTIDE_INGESTOR_INDEX_MARKETS", json.dumps(markets))
        settings = IngestorSettings()
        assert list(settings.feeds) == ["binance-usdm"]
        assert settings.feeds["binance-usdm"].ws_url == "ws://127.0.0.1:9"
        assert settings.feeds["binance-usdm"].symbols == ("BTCUSDT", "ETHUSDT")
        assert (settings.index[0].min_sources, settings.index[0].sources[0].weight) == (3, 3)

    def test_an_unknown_venue_is_refused_by_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """ING-SET-002"""
        monkeypatch.setenv("CLEARTIDE_INGESTOR_VENUES", json.dumps({"nowhere": {"symbols": ["X"]}}))
        with pytest.raises(ValidationError, match=r"no venue nowhere; there are .*binance-usdm"):
            IngestorSettings()

    def test_one_instrument_has_one_tick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """ING-SET-002"""
        ticks = ("0.1", "0.01")
        sources = [{"venue": "v", "symbol": "BTCUSDT", "tick_size": tick} for tick in ticks]
        markets = [
            {"market": f"M{number}", "tick_size": "0.1", "sources": [each]} for number, each in enumerate(sources)
        ]
        monkeypatch.setenv("CLEARTIDE_INGESTOR_INDEX_MARKETS", json.dumps(markets))
        with pytest.raises(ValidationError):
            IngestorSettings()
