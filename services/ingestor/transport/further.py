"""Asks a venue by ccxt every so often, where ccxt is installed (`make tools`)."""

import asyncio
import importlib
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from cleartide.money import MoneyError

from services.ingestor.adapters.events import MarketStruct
from services.ingestor.adapters.further import PREFIX, FurtherSymbol, instrument_of
from services.ingestor.adapters.instrument import UnknownInstrument
from services.ingestor.transport.backoff import stopped_within
from services.ingestor.transport.publisher import Publisher

log = structlog.get_logger()
TERMS_SECONDS: Final = 3_600.0
_HOST: Final = re.compile(r"^[a-z]+://[^/]+")


class FurtherUnavailable(Exception):  # noqa: N818 - a verdict on the configuration
    """ccxt is not installed, or has no such venue."""


class Further:
    """One venue that ccxt knows, under the name `ccxt-<venue>`. `url`: an address in place of the venue's own.

    Raises FurtherUnavailable.
    """

    def __init__(
        self, name: str, symbols: Sequence[str], publisher: Publisher, *, seconds: float, url: str = ""
    ) -> None:
        try:
            library: Any = importlib.import_module("ccxt.async_support")
        except ImportError as error:
            raise FurtherUnavailable(f"{name} needs ccxt, which `make tools` installs") from error
        if name not in library.exchanges:
            raise FurtherUnavailable(f"ccxt has no venue {name}")
        self.venue = f"{PREFIX}{name}"
        self.symbols: dict[str, FurtherSymbol] = {}
        self._wanted, self._publisher, self._seconds = list(symbols), publisher, seconds
        self._exchange = getattr(library, name)({"enableRateLimit": True})
        self._exchange.number = str
        self._library = library
        if url:
            self._exchange.urls["api"] = _placed(self._exchange.urls["api"], url)

    async def run(self, stopping: asyncio.Event) -> None:
        """Ask and publish until the service stops; a round that fails is said and followed by the next."""
        try:
            while not stopping.is_set():
                await self.round()
                if await stopped_within(stopping, self._seconds):
                    break
        finally:
            await self._exchange.close()

    async def round(self) -> None:
        """Everything once."""
        at = time.time_ns() // 1_000
        try:
            if not self.symbols:
                await self._list(at)
            events = await self._asked(at)
        except self._library.BaseError as error:
            log.warning("further_venue_failed", venue=self.venue, error=repr(error)[:200], retry_seconds=self._seconds)
            events = [each.feed.status("disconnected", "round", repr(error), at) for each in self.symbols.values()]
        self._publisher.add(events)

    async def _list(self, at: int) -> None:
        await self._exchange.load_markets()
        for wanted in self._wanted:
            try:
                instrument = instrument_of(self._exchange.market(wanted), self._exchange.precisionMode)
            except (UnknownInstrument, MoneyError, self._library.BadSymbol) as error:
                log.error("instrument_refused", venue=self.venue, symbol=wanted, error=str(error)[:200])
                continue
            self.symbols[wanted] = FurtherSymbol(self.venue, instrument)
        self._publisher.add([each.feed.terms(at) for each in self.symbols.values()])

    async def _asked(self, at: int) -> list[MarketStruct]:
        names = list(self.symbols)
        tickers = await self._each("fetchTickers", "fetchTicker", names)
        rates = await self._each("fetchFundingRates", "fetchFundingRate", names)
        out: list[MarketStruct] = []
        for name, symbol in self.symbols.items():
            ticker, rate = tickers.get(name, {}), rates.get(name, {})
            out += symbol.ticker(ticker, at)
            out += symbol.funding(rate, ticker, at)
            out.append(symbol.feed.status("synced" if ticker else "stale", "round", "polled", at))
        return out

    async def _each(self, many: str, one: str, names: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """By the request for many, where the venue has it, else one by one; nothing where it has neither."""
        has: Mapping[str, Any] = self._exchange.has
        if not names or not (has.get(many) or has.get(one)):
            return {}
        if has.get(many):
            found: Mapping[str, Mapping[str, Any]] = await getattr(self._exchange, many)(list(names))
            return found
        return {name: await getattr(self._exchange, one)(name) for name in names}


def _placed(urls: Any, host: str) -> Any:
    """The same addresses at another host."""
    if isinstance(urls, dict):
        return {name: _placed(each, host) for name, each in urls.items()}
    return _HOST.sub(host, urls) if isinstance(urls, str) else urls
