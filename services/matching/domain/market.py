"""A listed market: its rules from the specification, its book, its prices and its funding index."""

from typing import TYPE_CHECKING

from cleartide.contracts import MarketSpec
from cleartide.money import MAX_PRICE_TICKS, MAX_SIZE_LOTS, PPB, Grid
from cleartide.rules.margin import open_interest_scale

from services.matching.domain.book import Book
from services.matching.domain.errors import Refused
from services.matching.domain.ledger import Ledger, LedgerAccount, funding_name, insurance_name
from services.matching.domain.parsing import Steps
from services.matching.domain.venue.guards import ANY_PRICE, Guards
from services.matching.domain.venue.status import Status

if TYPE_CHECKING:
    from services.matching.domain.accounts import Account


class Prices:
    """A market's price state. Ticks of 0 mean: none yet.

    ema: the smoothed (mid - index) in millionths of a tick, None before the first two-sided book; `ema_at`: the
    sequenced second up to which it is stepped. premium_minute: the last sampled minute. Times in microseconds.
    average: of the index over five minutes, in millionths of a tick, up to `updated_at` (R31).
    fresh_since: when a fresh index came after none, or after a stale one.
    """

    __slots__ = (
        "average",
        "ema",
        "ema_at",
        "fresh_since",
        "index",
        "last",
        "mark",
        "premium_minute",
        "stale",
        "updated_at",
    )

    def __init__(self) -> None:
        self.mark = self.index = self.last = 0
        self.stale = True
        self.updated_at = self.ema_at = self.average = self.fresh_since = 0
        self.premium_minute = -1
        self.ema: int | None = None


class Funding:
    """The cumulative funding index in whole quanta per lot, and the carry (1e-9 quanta) that keeps it exact.

    The rate and the interval are those last settled; `interval_start` -1 before the first.
    """

    __slots__ = ("carry", "index", "interval_micros", "interval_start", "rate_ppb")

    def __init__(self) -> None:
        self.index = self.carry = self.rate_ppb = 0
        self.interval_start, self.interval_micros = -1, 0


class Market:
    """One market and everything that hangs on it. `unit`: quote quanta of one lot at one tick (u of rule R1).

    fill_band: lowest and highest price of a fill now (R31). bracket_rows: how many brackets are stored.
    holders: every account that has a holding here, by name, in no order that means anything.
    """

    __slots__ = (
        "book",
        "bracket_rows",
        "brackets",
        "fill_band",
        "funding",
        "funding_pot",
        "grid",
        "guards",
        "holders",
        "id",
        "insurance",
        "maker_fee_ppb",
        "open_interest",
        "price_steps",
        "prices",
        "size_steps",
        "spec",
        "status",
        "taker_fee_ppb",
        "unit",
    )

    def __init__(self, spec: MarketSpec, ledger: Ledger, changed_books: list[Book]) -> None:
        """Raises MoneyError or Refused when the specification cannot be traded exactly."""
        self.id = spec.market
        self.grid = Grid.of(spec.tick_size, spec.lot_size)
        self.unit = self.grid.quanta_per_lot_tick
        self.price_steps = Steps(spec.tick_size, MAX_PRICE_TICKS, "price")
        self.size_steps = Steps(spec.lot_size, MAX_SIZE_LOTS, "size")
        self.adopt(spec)
        self.book, self.prices, self.funding = Book(spec.market, changed_books), Prices(), Funding()
        self.open_interest = 0
        self.holders: dict[str, Account] = {}
        self.status, self.fill_band = Status(), ANY_PRICE
        self.bracket_rows = len(spec.brackets)
        self.insurance: LedgerAccount = ledger.account(insurance_name(spec.market))
        self.funding_pot: LedgerAccount = ledger.account(funding_name(spec.market))

    @property
    def oi_scale_ppm(self) -> int:
        """How far open interest, valued at the index, raises initial margin (3.2)."""
        spec = self.spec
        if not spec.oi_scale_upper_quanta:
            return 0
        open_interest = self.open_interest * self.prices.index * self.unit
        return open_interest_scale(open_interest, spec.oi_scale_lower_quanta, spec.oi_scale_upper_quanta)

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid meets the best ask: only while orders are collected for an auction."""
        bid, ask = self.book.bids.best_price, self.book.asks.best_price
        return bid is not None and ask is not None and bid >= ask

    def adopt(self, spec: MarketSpec) -> None:
        """Go by these rules from now on; its steps are the market's. Raises as the constructor, before any change."""
        _check(spec)
        guards = Guards(spec, self.size_steps)
        self.spec, self.brackets, self.guards = spec, spec.brackets, guards
        self.taker_fee_ppb, self.maker_fee_ppb = spec.taker_fee_ppb, spec.maker_fee_ppb

    def refresh_fill_band(self) -> None:
        """Take the index and its average into the fill band (R31)."""
        self.fill_band = self.guards.fill_band(self.prices.index, self.prices.average)


def _check(spec: MarketSpec) -> None:
    """Rates below one, brackets ascending and closed by one without bound: what the margin rules rely on."""
    if max(spec.mark_band_ppb, spec.market_order_band_ppb, spec.taker_fee_ppb, spec.maker_fee_ppb) >= PPB:
        raise Refused("bad_spec", "bands and fees must be below one")
    if spec.oi_scale_upper_quanta < spec.oi_scale_lower_quanta:
        raise Refused("bad_spec", "open interest scales from a lower bound to an upper one")
    if spec.limits is not None and max(spec.limits.band_ppb, spec.limits.twap_band_ppb) >= PPB:
        raise Refused("bad_spec", "bands must be below one")
    interval = spec.funding_interval_seconds
    if interval is not None and (interval % 60 or 86_400 % interval):
        raise Refused("bad_spec", "a funding interval is a part of a day, in whole minutes")
    lower = 0
    for number, bracket in enumerate(spec.brackets, start=1):
        if not 0 < bracket.initial_margin_ppb <= PPB or not 0 < bracket.maintenance_fraction_ppb <= PPB:
            raise Refused("bad_spec", f"bracket {number}: margin rates must lie in (0, 1]")
        upper = bracket.upper_notional_quanta
        if (upper is None) != (number == len(spec.brackets)):
            raise Refused("bad_spec", "exactly the last bracket is without bound")
        if upper is not None and upper <= lower:
            raise Refused("bad_spec", f"bracket {number}: bounds must ascend")
        lower = upper or lower
