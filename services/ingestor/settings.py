"""Settings of the ingestor, from the environment."""

from dataclasses import replace
from typing import Annotated, Final, Literal, Self

from cleartide.contracts.types import SignedDecimal
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.ingestor.adapters.instrument import Instrument
from services.ingestor.adapters.symbol import rate_ppb
from services.ingestor.adapters.venue import venues
from services.ingestor.domain.index_markets import IndexMarket, PriceSource

SANDBOX_VENUE: Final = "binance-usdm"


class SourceSettings(BaseModel):
    """One source of an index market; `tick_size` is the tick its prices are counted in on the MARKET stream."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    venue: str
    symbol: str
    tick_size: str
    weight: int = Field(default=1, ge=1, le=1000)
    oracle: bool = False
    fallback: bool = False


class IndexMarketSettings(BaseModel):
    """One index market; the defaults are domain rule R13's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    market: str
    tick_size: str
    sources: tuple[SourceSettings, ...] = Field(min_length=1, max_length=64)
    min_sources: int = Field(default=3, ge=1)
    max_age_micros: int = Field(default=10_000_000, gt=0)
    max_deviation_ppb: int = Field(default=30_000_000, gt=0)
    max_confidence_ppb: int = Field(default=100_000_000, gt=0)

    def domain(self) -> IndexMarket:
        """As the rule takes it."""
        return IndexMarket(
            market=self.market,
            tick_size=self.tick_size,
            sources=tuple(PriceSource(**source.model_dump()) for source in self.sources),
            min_sources=self.min_sources,
            max_age_micros=self.max_age_micros,
            max_deviation_ppb=self.max_deviation_ppb,
            max_confidence_ppb=self.max_confidence_ppb,
        )


# One venue is connected out of the box, so one source must do; with several venues leave min_sources at its default.
SANDBOX_INDEX: Final = (
    IndexMarketSettings(
        market="BTC-PERP",
        tick_size="0.1",
        sources=(SourceSettings(venue=SANDBOX_VENUE, symbol="BTCUSDT", tick_size="0.1"),),
        min_sources=1,
    ),
)


class VenueSettings(BaseModel):
    """One venue to follow. Without addresses: its own hosts with FEED=live, else the simulator, else it is off.

    symbols: the venue's own names. options: what the venue's module offers. fees: maker and taker, as fractions of the
    notional, of an account that does not pay those of the lowest tier.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbols: tuple[str, ...] = Field(min_length=1, max_length=1_000)
    ws_url: str = ""
    http_url: str = ""
    options: dict[str, str] = {}
    fees: tuple[SignedDecimal, SignedDecimal] | None = None

    def with_fees(self, instrument: Instrument) -> Instrument:
        """The instrument with the fees of these settings, if they name any."""
        if self.fees is None:
            return instrument
        maker, taker = (rate_ppb(fee) for fee in self.fees)
        return replace(instrument, maker_ppb=maker, taker_ppb=taker)


class FurtherSettings(BaseModel):
    """A venue to ask by ccxt. symbols: in its unified names, as BTC/USDT:USDT. url: in place of the venue's hosts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbols: tuple[str, ...] = Field(min_length=1, max_length=200)
    seconds: float = Field(default=60.0, ge=1.0)
    url: str = ""


class IngestorSettings(BaseSettings):
    """`CLEARTIDE_INGESTOR_*`. simulator: host:port of a venue simulator, where venues without addresses are found.

    stale_seconds: a quote or a book without a change for longer is stale; figures, which come once a second, after 5 s.
    reconnect_seconds: the first and the longest pause where opening a cut socket again at once has failed.
    raw_folder: where to keep the frames of venues as they came; empty keeps none.
    liquidity_micros: books are measured when they change, at most this often each (0 = with every change that is said).
    liquidity_stored_micros: of the measures, one in each such span is stored.
    book_multiples: as often as they are measured, books are told in steps of so many ticks; [] = they are not.
    further: venues without a module, by the names that ccxt has for them.
    """

    model_config = SettingsConfigDict(
        env_prefix="CLEARTIDE_INGESTOR_", env_ignore_empty=True, extra="ignore", frozen=True
    )

    feed: Annotated[Literal["replay", "live"], BeforeValidator(str.lower)] = Field(
        default="replay", validation_alias=AliasChoices("FEED", "CLEARTIDE_INGESTOR_FEED")
    )
    simulator: str = ""
    stale_seconds: float = Field(default=2.0, gt=0)
    reconnect_seconds: tuple[float, float] = (5.0, 300.0)
    raw_folder: str = ""
    liquidity_micros: int = Field(default=1_000_000, ge=0)
    liquidity_stored_micros: int = Field(default=10_000_000, ge=1)
    book_multiples: tuple[Annotated[int, Field(gt=1, le=1_000_000)], ...] = (10, 100)
    further: dict[str, FurtherSettings] = {}
    venues: dict[str, VenueSettings] = {SANDBOX_VENUE: VenueSettings(symbols=("BTCUSDT",))}
    index_markets: tuple[IndexMarketSettings, ...] = SANDBOX_INDEX

    @model_validator(mode="after")
    def _known_venues_and_one_tick_per_instrument(self) -> Self:
        unknown = set(self.venues) - set(venues())
        if unknown:
            raise ValueError(f"no venue {', '.join(sorted(unknown))}; there are {', '.join(sorted(venues()))}")
        ticks: dict[tuple[str, str], str] = {}
        for source in (source for market in self.index_markets for source in market.sources):
            if ticks.setdefault((source.venue, source.symbol), source.tick_size) != source.tick_size:
                raise ValueError(f"{source.venue} {source.symbol} is given two tick sizes")
        first, longest = self.reconnect_seconds
        if not 0 < first <= longest:
            raise ValueError("reconnect_seconds are the first pause and the longest, which is not shorter")
        return self

    @property
    def feeds(self) -> dict[str, VenueSettings]:
        """The venues to connect to, each with both addresses."""
        return {name: placed for name, each in self.venues.items() if (placed := self._placed(name, each)) is not None}

    def _placed(self, name: str, given: VenueSettings) -> VenueSettings | None:
        own = ("", "")
        if self.feed == "live":
            own = (venues()[name].live_socket_url, venues()[name].live_http_url)
        elif self.simulator:
            own = (f"ws://{self.simulator}/{name}", f"http://{self.simulator}/{name}")
        socket_url, http_url = given.ws_url.rstrip("/") or own[0], given.http_url.rstrip("/") or own[1]
        if not socket_url or not http_url:
            return None
        return given.model_copy(update={"ws_url": socket_url, "http_url": http_url})

    def pinned_ticks(self, venue: str) -> dict[str, str]:
        """Tick sizes that the index counts in, by symbol of this venue."""
        return {
            source.symbol: source.tick_size
            for market in self.index_markets
            for source in market.sources
            if source.venue == venue
        }

    @property
    def index(self) -> tuple[IndexMarket, ...]:
        """The index markets as the domain takes them."""
        return tuple(market.domain() for market in self.index_markets)
