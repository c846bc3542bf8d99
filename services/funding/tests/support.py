"""Events as matching would say them, effects that remember, and tables that keep rows as the store would."""

from typing import Any

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
from cleartide.fold import Changes, Key, Row

from services.funding.domain.rate import HOUR_MICROS, MINUTE_MICROS
from services.funding.domain.state import FundingState
from services.funding.handlers import HANDLERS
from services.funding.repository import FundingRepository

START = 472_222 * HOUR_MICROS
BTC, ETH = "BTC-PERP", "ETH-PERP"


class RecordingEffects:
    """Builds every emitted message against its contract and keeps it."""

    def __init__(self) -> None:
        self.at, self.seq = START, 0
        self.emitted: list[Message] = []

    def emit(self, contract: type[Message], **body: Any) -> None:
        number = len(self.emitted) + 1
        self.emitted.append(contract(id=f"funding-{number}", seq=number, occurred_at=self.at, source="funding", **body))


class Tables:
    """What the service's schema would hold."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Key, Row]] = {table.name: {} for table in FundingRepository.tables}

    def write(self, changes: Changes) -> None:
        """Apply one batch, as strictly as the store: an appended key is new, a put key is not also deleted."""
        for table, rows in changes.rows.items():
            held = self.rows[table.name]
            for row in rows:
                key = table.key_of(row)
                assert len(row) == len(table.columns)
                assert table.write != "append" or key not in held
                assert key not in changes.deletes.get(table, ())
                if table.write != "ignore" or key not in held:
                    held[key] = row
        for table, deleted in changes.deletes.items():
            for key in deleted:
                self.rows[table.name].pop(key, None)

    def loaded(self) -> dict[str, list[Row]]:
        """What a restart reads."""
        return {
            t.name: [row for _, row in sorted(self.rows[t.name].items())] for t in FundingRepository.tables if t.load
        }


class Venue:
    """One funding service fed by hand."""

    def __init__(self, interval_micros: int = HOUR_MICROS) -> None:
        self.repository = FundingRepository(interval_micros)
        self.tables = Tables()
        self.effects = RecordingEffects()
        self.heard: list[Message] = []
        self.state: FundingState = self.repository.restore(self.tables.loaded())

    def say(self, contract: type[Message], at: int, **body: Any) -> list[Message]:
        """Fold one event that happened at `at`; returns what the service said to it."""
        effects = self.effects
        effects.seq, effects.at = effects.seq + 1, max(effects.at, at)
        event = contract(
            id=f"matching-events-{effects.seq}", seq=effects.seq, occurred_at=effects.at, source="matching", **body
        )
        self.heard.append(event)
        said = len(effects.emitted)
        HANDLERS[contract](self.state, event, effects)
        return effects.emitted[said:]

    def restart(self, interval_micros: int = HOUR_MICROS) -> None:
        """Write down, forget all memory, and come back from the tables, perhaps with another setting."""
        self.tables.write(self.repository.collect(self.state))
        self.repository = FundingRepository(interval_micros)
        self.state = self.repository.restore(self.tables.loaded())

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
