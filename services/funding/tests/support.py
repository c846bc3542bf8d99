"""One funding service on a bench, and events as matching would say them to it."""

from dataclasses import replace
from typing import Any

from cleartide.bus.folder import Fold
from cleartide.contracts import (
    FundingRatePublished,
    FundingSettled,
    MarginBracket,
    MarketListed,
    MarketSpec,
    MarkPriceUpdated,
    Message,
    PremiumSampled,
    SettleFunding,
)

from services.funding.app import SERVICE
from services.funding.domain.rate import HOUR_MICROS, MINUTE_MICROS
from services.funding.domain.state import FundingState
from services.funding.repository import FundingRepository
from tests.support.fold_bench import HandlerBench

START = 472_222 * HOUR_MICROS
BTC, ETH = "BTC-PERP", "ETH-PERP"


class Venue(HandlerBench[FundingState]):
    """One funding service fed by hand."""

    def __init__(self, interval_micros: int = HOUR_MICROS) -> None:
        super().__init__(fold_of(interval_micros), START)

    def say(self, contract: type[Message], at: int, **body: Any) -> list[Message]:
        """Fold one event that happened at `at`; returns what the service said to it."""
        seq, at = self.effects.seq + 1, max(self.effects.at, at)
        event = contract(id=f"matching-events-{seq}", seq=seq, occurred_at=at, source="matching", **body)
        return self.take(event, seq=seq, at=at)

    def restart(self, interval_micros: int = HOUR_MICROS) -> None:
        """Write down, forget all memory, and come back from the tables, perhaps with another setting."""
        self.commit()
        self.repository = FundingRepository(interval_micros)
        self.state = self.restored()

    def list_market(self, market: str, at: int = START, **spec: Any) -> list[Message]:
        """List a market and give it a price."""
        return self.list_only(market, at, **spec) + self.tick(market, at)

    def list_only(self, market: str, at: int = START, **spec: Any) -> list[Message]:
        return self.say(MarketListed, at, market=market, spec=market_spec(market, **spec), quanta_per_lot_tick=1)

    def sample(self, market: str, minute: int, premium_ppb: int, *, late_by: int = 0) -> list[Message]:
        """The premium of the minute with this number since START, said `late_by` microseconds into it."""
        at = START + minute * MINUTE_MICROS
        return self.say(
            PremiumSampled,
            at + late_by,
            market=market,
            minute=at,
            premium_ppb=premium_ppb,
            mark_ticks=1,
            index_ticks=1,
        )

    def tick(self, market: str, at: int) -> list[Message]:
        return self.say(
            MarkPriceUpdated,
            at,
            market=market,
            mark_ticks=1,
            index_ticks=1,
            index_stale=False,
            best_bid_ticks=None,
            best_ask_ticks=None,
            last_ticks=None,
            open_interest_lots=0,
        )

    def settled(self, market: str, interval_start: int, at: int) -> list[Message]:
        return self.say(
            FundingSettled,
            at,
            market=market,
            interval_start=interval_start,
            rate_ppb=1,
            mark_ticks=2,
            index_step_quanta=3,
            funding_index_quanta=4,
        )


def fold_of(interval_micros: int = HOUR_MICROS) -> Fold:
    """The service's fold with funding intervals of this length."""
    return replace(SERVICE.fold, repository=FundingRepository(interval_micros))


def market_spec(market: str, **changed: Any) -> MarketSpec:
    bracket = MarginBracket(
        upper_notional_quanta=None, initial_margin_ppb=50_000_000, maintenance_fraction_ppb=600_000_000
    )
    body: dict[str, Any] = {
        "market": market,
        "base": "BTC",
        "quote": "USDC",
        "tick_size": "0.1",
        "lot_size": "0.001",
        "brackets": (bracket,),
        "taker_fee_ppb": 0,
        "maker_fee_ppb": 0,
        "liquidation_fee_ppb": 0,
        "mark_band_ppb": 0,
        "market_order_band_ppb": 0,
        "impact_notional_quanta": 0,
        "interest_8h_ppb": 100_000,
        "funding_clamp_ppb": 500_000,
        "funding_cap_hourly_ppb": 40_000_000,
    }
    return MarketSpec(**(body | changed))


def published(messages: list[Message]) -> list[FundingRatePublished]:
    return [message for message in messages if isinstance(message, FundingRatePublished)]


def settlements(messages: list[Message]) -> list[SettleFunding]:
    return [message for message in messages if isinstance(message, SettleFunding)]
