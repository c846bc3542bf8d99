"""Settings of the ingestor, from the environment."""

from typing import Annotated, Final, Literal, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.ingestor.adapters.binance_symbol import VENUE
from services.ingestor.domain.index_markets import IndexMarket, PriceSource

LIVE_SOCKET_URL: Final = "wss://fstream.binance.com"
LIVE_HTTP_URL: Final = "https://fapi.binance.com"


class SourceSettings(BaseModel):
    """One source of an index market; `tick_size` is the tick its prices are counted in on the MARKET stream."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    venue: str
    symbol: str
    tick_size: str
    weight: int = Field(default=1, ge=1, le=1000)


class IndexMarketSettings(BaseModel):
    """One index market; the defaults are domain rule R13's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    market: str
    tick_size: str
    sources: tuple[SourceSettings, ...] = Field(min_length=1, max_length=64)
    min_sources: int = Field(default=3, ge=1)
    max_age_micros: int = Field(default=10_000_000, gt=0)
    max_deviation_ppb: int = Field(default=30_000_000, gt=0)

    def domain(self) -> IndexMarket:
        """As the rule takes it."""
        return IndexMarket(
            market=self.market,
            tick_size=self.tick_size,
            sources=tuple(PriceSource(**source.model_dump()) for source in self.sources),
            min_sources=self.min_sources,
            max_age_micros=self.max_age_micros,
            max_deviation_ppb=self.max_deviation_ppb,
        )


# One venue is connected out of the box, so one source must do; with several venues leave min_sources at its default.
SANDBOX_INDEX: Final = (
    IndexMarketSettings(
        market="BTC-PERP",
        tick_size="0.1",
        sources=(SourceSettings(venue=VENUE, symbol="BTCUSDT", tick_size="0.1"),),
        min_sources=1,
    ),
)


class IngestorSettings(BaseSettings):
    """`CLEARTIDE_INGESTOR_*`. FEED=live sets the venue's real hosts as the defaults of the two addresses."""

    model_config = SettingsConfigDict(
        env_prefix="CLEARTIDE_INGESTOR_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    feed: Annotated[Literal["replay", "live"], BeforeValidator(str.lower)] = Field(
        default="replay", validation_alias=AliasChoices("FEED", "CLEARTIDE_INGESTOR_FEED")
    )
    binance_ws_url: str = ""
    binance_http_url: str = ""
    symbols: str = "BTCUSDT"
    trades: Literal["trade", "aggTrade"] = "trade"
    depth: Literal["depth@0ms", "depth@100ms"] = "depth@0ms"
    index_markets: tuple[IndexMarketSettings, ...] = SANDBOX_INDEX

    @model_validator(mode="after")
    def _one_tick_per_instrument(self) -> Self:
        ticks: dict[tuple[str, str], str] = {}
        for source in (source for market in self.index_markets for source in market.sources):
            if ticks.setdefault((source.venue, source.symbol), source.tick_size) != source.tick_size:
                raise ValueError(f"{source.venue} {source.symbol} is given two tick sizes")
        return self

    @property
    def socket_url(self) -> str:
        """Where the sockets are, without a route; "" when there is no venue."""
        return self.binance_ws_url.rstrip("/") or (LIVE_SOCKET_URL if self.feed == "live" else "")

    @property
    def http_url(self) -> str:
        """Where the REST endpoints are; "" when there is no venue."""
        return self.binance_http_url.rstrip("/") or (LIVE_HTTP_URL if self.feed == "live" else "")

    @property
    def symbol_list(self) -> list[str]:
        """The symbols to follow, upper case."""
        return [symbol.strip().upper() for symbol in self.symbols.split(",") if symbol.strip()]

    @property
    def pinned_ticks(self) -> dict[str, str]:
        """Tick sizes that the index counts in, by symbol of this venue."""
        return {
            source.symbol: source.tick_size
            for market in self.index_markets
            for source in market.sources
            if source.venue == VENUE
        }

    @property
    def index(self) -> tuple[IndexMarket, ...]:
        """The index markets as the domain takes them."""
        return tuple(market.domain() for market in self.index_markets)
