"""One risk service on a bench, and events as matching would say them to it."""

from typing import Any

from cleartide.bus.folder import Fold
from cleartide.contracts import (
    AssetListed,
    AssetSpec,
    CollateralChanged,
    FundingSettled,
    LiquidateAccount,
    LiquidationExecuted,
    LiquidationRejected,
    MarginBracket,
    MarketListed,
    MarketSpec,
    MarkPriceUpdated,
    Message,
    PositionChanged,
    RiskAlertRaised,
    TransferApplied,
)

from services.risk.app import SERVICE
from services.risk.domain.state import RiskState
from tests.support.fold_bench import HandlerBench

START = 1_700_000_000_000_000
ONE_BRACKET = ((None, 100_000_000, 500_000_000),)
"""10 % initial, 5 % maintenance margin, whatever the size."""

Brackets = tuple[tuple[int | None, int, int], ...]


class Venue(HandlerBench[RiskState]):
    """One risk service fed by hand, event after event, a second apart."""

    def __init__(self, fold: Fold = SERVICE.fold) -> None:
        super().__init__(fold, START)

    def event(self, contract: type[Message], **body: Any) -> Message:
        """The next event of the stream."""
        seq, at = self.effects.seq + 1, self.effects.at + 1_000_000
        return contract(id=f"matching-events-{seq}", seq=seq, occurred_at=at, source="matching", **body)

    def hear(self, event: Message) -> list[Message]:
        """Fold one event; returns what the service said to it."""
        return self.take(event, seq=event.seq, at=event.occurred_at)

    def say(self, contract: type[Message], **body: Any) -> list[Message]:
        """Make the next event and fold it."""
        return self.hear(self.event(contract, **body))

    def list_market(self, market: str, *, u: int = 1, brackets: Brackets = ONE_BRACKET) -> list[Message]:
        return self.say(MarketListed, market=market, spec=market_spec(market, brackets), quanta_per_lot_tick=u)

    def mark(self, market: str, ticks: int, *, stale: bool = False, index: int | None = None) -> list[Message]:
        return self.say(MarkPriceUpdated, **mark_body(market, ticks, stale, index))

    def list_asset(self, asset: str, **rules: Any) -> list[Message]:
        return self.say(AssetListed, asset=asset, spec=asset_spec(asset, **rules))

    def collateral(self, account: str, asset: str, units: int) -> list[Message]:
        return self.say(CollateralChanged, **collateral_body(account, asset, units))

    def transfer(self, account: str, cash_quanta: int) -> list[Message]:
        return self.say(TransferApplied, account=account, amount_quanta=1, cash_quanta=cash_quanta)

    def hold(
        self, account: str, market: str, lots: int, *, quote: int, cash: int, funding_index: int = 0
    ) -> list[Message]:
        return self.say(
            PositionChanged, **position_body(account, market, lots, quote=quote, cash=cash, index=funding_index)
        )

    def settle_funding(self, market: str, funding_index: int) -> list[Message]:
        return self.say(FundingSettled, **funding_body(market, funding_index))

    def rejected(self, account: str, market: str) -> list[Message]:
        return self.say(LiquidationRejected, **rejected_body(account, market))

    def executed(self, account: str, market: str, *, closed_lots: int) -> list[Message]:
        return self.say(LiquidationExecuted, **executed_body(account, market, closed_lots))


def market_spec(market: str, brackets: Brackets) -> MarketSpec:
    return MarketSpec(
        market=market,
        base="BTC",
        quote="USDC",
        tick_size="0.1",
        lot_size="0.001",
        brackets=tuple(
            MarginBracket(upper_notional_quanta=upper, initial_margin_ppb=im, maintenance_fraction_ppb=fraction)
            for upper, im, fraction in brackets
        ),
        taker_fee_ppb=0,
        maker_fee_ppb=0,
        liquidation_fee_ppb=0,
        mark_band_ppb=0,
        market_order_band_ppb=0,
        impact_notional_quanta=0,
        interest_8h_ppb=100_000,
        funding_clamp_ppb=500_000,
        funding_cap_hourly_ppb=40_000_000,
    )


def asset_spec(asset: str, **rules: Any) -> AssetSpec:
    """Counts for nine tenths, in units of 1e-6, at a fixed price of 1 unless told otherwise."""
    values: dict[str, Any] = {
        "asset": asset,
        "decimals": 6,
        "fixed_price": None if "index_market" in rules else "1",
        "initial_weight_ppb": 0,
        "maintenance_weight_ppb": 900_000_000,
        "cap": "1000000",
    }
    return AssetSpec(**{**values, **rules})


def collateral_body(account: str, asset: str, units: int) -> dict[str, Any]:
    return {"account": account, "asset": asset, "amount_units": 1, "balance_units": units, "kind": "deposit"}


def funding_body(market: str, funding_index: int) -> dict[str, Any]:
    return {
        "market": market,
        "interval_start": START,
        "rate_ppb": 0,
        "mark_ticks": 1,
        "index_step_quanta": 0,
        "funding_index_quanta": funding_index,
    }


def mark_body(market: str, ticks: int, stale: bool, index: int | None = None) -> dict[str, Any]:
    return {
        "market": market,
        "mark_ticks": ticks,
        "index_ticks": index or ticks,
        "index_stale": stale,
        "best_bid_ticks": None,
        "best_ask_ticks": None,
        "last_ticks": None,
        "open_interest_lots": 0,
    }


def position_body(account: str, market: str, lots: int, *, quote: int, cash: int, index: int) -> dict[str, Any]:
    return {
        "account": account,
        "market": market,
        "trade_id": 1,
        "fill_lots": lots,
        "fill_price_ticks": 1,
        "realized_pnl_quanta": 0,
        "funding_quanta": 0,
        "fee_quanta": 0,
        "lots": lots,
        "quote_quanta": quote,
        "cash_quanta": cash,
        "funding_index_quanta": index,
        "origin": "book",
    }


def rejected_body(account: str, market: str) -> dict[str, Any]:
    return {
        "account": account,
        "market": market,
        "reason": "not_due",
        "equity_quanta": 0,
        "maintenance_margin_quanta": 0,
    }


def executed_body(account: str, market: str, closed_lots: int) -> dict[str, Any]:
    return {
        "account": account,
        "market": market,
        "closed_lots": closed_lots,
        "taken_over_lots": 0,
        "mark_ticks": 1,
        "bankruptcy_price_ticks": 1,
        "fee_quanta": 0,
        "insurance_paid_quanta": 0,
        "equity_before_quanta": 0,
        "maintenance_margin_before_quanta": 0,
        "remaining_lots": 0,
    }


def alerts(messages: list[Message], kind: str = "health") -> list[RiskAlertRaised]:
    """The alerts of a kind."""
    return [message for message in messages if isinstance(message, RiskAlertRaised) and message.kind == kind]


def requests(messages: list[Message]) -> list[LiquidateAccount]:
    return [message for message in messages if isinstance(message, LiquidateAccount)]
