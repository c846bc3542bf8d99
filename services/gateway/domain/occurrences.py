"""What the events mean to people: occurrences of the kinds that webhooks are sent for and notifications are made of.

One event may be several occurrences (a trade fills two orders) or none. An occurrence's id follows from its event, so
that the same event, read again, is the same occurrence, and receivers can tell a repeat by it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cleartide.contracts import (
    CollateralChanged,
    DelegateChanged,
    LeverageSet,
    LiquidationExecuted,
    MarketChanged,
    MarketListed,
    MarketStateChanged,
    Message,
    OrderAccepted,
    OrderClosed,
    PositionChanged,
    PositionSettled,
    RiskAlertRaised,
    RiskLimitsSet,
    RuleAlertRaised,
    SubaccountOpened,
    TradeExecuted,
    TransferApplied,
    VenueChanged,
)
from cleartide.money import quanta_to_text

KINDS: Final = (
    "order.placed",
    "order.filled",
    "order.cancelled",
    "position.opened",
    "position.closed",
    "position.liquidated",
    "collateral.added",
    "collateral.removed",
    "account.created",
    "account.updated",
    "market.updated",
    "price.alert",
    "system.maintenance",
)
RISK_ALERT: Final = "risk.alert"
ALL_KINDS: Final = (*KINDS, RISK_ALERT)
EVERYBODY: Final = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened to an account, or to the venue (`account` is EVERYBODY). `at`: microseconds, UTC."""

    id: str
    kind: str
    account: str
    at: int
    data: Mapping[str, Any]


class Units(Protocol):
    """Turns a market's ticks and lots into decimals; null where the market's steps are not known."""

    def price(self, market: str, ticks: int) -> str | None: ...

    def size(self, market: str, lots: int) -> str | None: ...


Said = Iterator[tuple[str, str, dict[str, Any]]]
"""(kind, account, data) of one event."""


def occurrences(event: Message, units: Units) -> list[Occurrence]:
    """What an event means, in a fixed order; nothing for most types."""
    tell = _TELLERS.get(event.type)
    if tell is None:
        return []
    return [
        Occurrence(f"{event.id}.{number}", kind, account, event.occurred_at, data)
        for number, (kind, account, data) in enumerate(tell(event, units))
    ]


def _placed(event: OrderAccepted, units: Units) -> Said:
    data = {
        **_order(event),
        "side": event.side,
        "order_type": event.order_type,
        "price": units.price(event.market, event.price_ticks),
        "size": units.size(event.market, event.size_lots),
    }
    yield "order.placed", event.account, data


def _closed(event: OrderClosed, units: Units) -> Said:
    """An order that ended filled was told by its trades; every other end is a cancellation, with its reason."""
    if event.unfilled_lots:
        filled, left = (units.size(event.market, lots) for lots in (event.filled_lots, event.unfilled_lots))
        yield (
            "order.cancelled",
            event.account,
            {**_order(event), "filled": filled, "unfilled": left, "reason": event.reason},
        )


def _order(event: OrderAccepted | OrderClosed) -> dict[str, Any]:
    return {"order_id": event.order_id, "market": event.market, "client_order_id": event.client_order_id}


def _filled(event: TradeExecuted, units: Units) -> Said:
    sides = (("buy", event.buyer, event.buy_order_id), ("sell", event.seller, event.sell_order_id))
    for side, account, order_id in sides:
        if order_id is not None:
            yield (
                "order.filled",
                account,
                {
                    "order_id": order_id,
                    "market": event.market,
                    "trade_id": event.trade_id,
                    "side": side,
                    "liquidity": "taker" if event.taker_side == side else "maker",
                    "price": units.price(event.market, event.price_ticks),
                    "size": units.size(event.market, event.size_lots),
                },
            )


def _position(event: PositionChanged | PositionSettled, units: Units) -> Said:
    """A turn from one side to the other closes one position and opens another."""
    before, after = event.lots - event.fill_lots, event.lots
    turned = before * after < 0
    data = {
        "market": event.market,
        "price": units.price(event.market, event.fill_price_ticks),
        "realized_pnl": quanta_to_text(event.realized_pnl_quanta),
    }
    if before and (turned or not after):
        yield "position.closed", event.account, {**data, "size": units.size(event.market, before)}
    if after and (turned or not before):
        opened = {"side": "long" if after > 0 else "short", "size": units.size(event.market, after)}
        yield "position.opened", event.account, {**data, **opened}


def _liquidated(event: LiquidationExecuted, units: Units) -> Said:
    market = event.market
    data = {
        "market": market,
        "closed": units.size(market, event.closed_lots),
        "taken_over": units.size(market, event.taken_over_lots),
        "remaining": units.size(market, event.remaining_lots),
        "mark": units.price(market, event.mark_ticks),
        "fee": quanta_to_text(event.fee_quanta),
        "equity_before": quanta_to_text(event.equity_before_quanta),
        "maintenance_margin_before": quanta_to_text(event.maintenance_margin_before_quanta),
    }
    yield "position.liquidated", event.account, data


def _transfer(event: TransferApplied, _units: Units) -> Said:
    amount = quanta_to_text(abs(event.amount_quanta))
    data = {"asset": "USDC", "amount": amount, "balance": quanta_to_text(event.cash_quanta), "reason": event.kind}
    yield _direction(event.amount_quanta), event.account, data


def _collateral(event: CollateralChanged, _units: Units) -> Said:
    data = {
        "asset": event.asset,
        "smallest_units": str(abs(event.amount_units)),
        "balance_units": str(event.balance_units),
        "reason": event.kind,
    }
    yield _direction(event.amount_units), event.account, data


def _direction(amount: int) -> str:
    return "collateral.added" if amount >= 0 else "collateral.removed"


def _subaccount(event: SubaccountOpened, _units: Units) -> Said:
    yield "account.created", event.account, {"parent": event.parent, "margin_mode": event.margin_mode}


def _delegate(event: DelegateChanged, _units: Units) -> Said:
    yield (
        "account.updated",
        event.account,
        {"what": "delegate", "delegate": event.delegate, "rights": list(event.rights)},
    )


def _leverage(event: LeverageSet, _units: Units) -> Said:
    yield "account.updated", event.account, {"what": "leverage", "market": event.market, "leverage": event.leverage}


def _limits(event: RiskLimitsSet, _units: Units) -> Said:
    yield "account.updated", event.account, {"what": "risk_limits", "max_leverage": event.max_leverage}


def _listed(event: MarketListed, _units: Units) -> Said:
    yield "market.updated", EVERYBODY, {"market": event.market, "what": "listed"}


def _market_changed(event: MarketChanged, _units: Units) -> Said:
    yield "market.updated", EVERYBODY, {"market": event.market, "what": "rules", "changed": list(event.changed)}


def _market_state(event: MarketStateChanged, _units: Units) -> Said:
    data = {"market": event.market, "what": "state", "state": event.state, "previous_state": event.previous_state}
    yield "market.updated", EVERYBODY, {**data, "reason": event.reason, "ends_at": event.ends_at}


def _venue(event: VenueChanged, _units: Units) -> Said:
    """What is said of the venue as a whole; limits, tiers and terms of single accounts are nobody else's business."""
    if event.scope == "venue":
        yield "system.maintenance", EVERYBODY, {"setting": event.name, "old": event.old, "new": event.new}


def _alert(event: RiskAlertRaised, _units: Units) -> Said:
    data = {
        "seq": event.seq,
        "account_seq": event.account_seq,
        "alert": event.kind,
        "level": event.level,
        "previous_level": event.previous_level,
        "market": event.market,
        "health_factor": event.health_factor,
        "equity": event.equity,
        "maintenance_margin": event.maintenance_margin,
        "value": event.value,
        "threshold": event.threshold,
        "cause_id": event.cause_id,
    }
    yield RISK_ALERT, event.account, data


def _rule_alert(event: RuleAlertRaised, _units: Units) -> Said:
    data = {
        "seq": event.seq,
        "account_seq": event.account_seq,
        "alert": f"rule {event.rule}",
        "level": event.level,
        "previous_level": event.previous_level,
        "market": event.market,
        "health_factor": event.health_factor,
        "equity": event.equity,
        "maintenance_margin": event.maintenance_margin,
        "value": ", ".join(f"{figure.name} {figure.value}" for figure in event.figures) or None,
        "threshold": event.condition,
        "cause_id": event.cause_id,
    }
    yield RISK_ALERT, event.account, data


_TELLERS: Final[Mapping[str, Callable[[Any, Units], Said]]] = {
    "OrderAccepted": _placed,
    "OrderClosed": _closed,
    "TradeExecuted": _filled,
    "PositionChanged": _position,
    "PositionSettled": _position,
    "LiquidationExecuted": _liquidated,
    "TransferApplied": _transfer,
    "CollateralChanged": _collateral,
    "SubaccountOpened": _subaccount,
    "DelegateChanged": _delegate,
    "LeverageSet": _leverage,
    "RiskLimitsSet": _limits,
    "MarketListed": _listed,
    "MarketChanged": _market_changed,
    "MarketStateChanged": _market_state,
    "VenueChanged": _venue,
    "RiskAlertRaised": _alert,
    "RuleAlertRaised": _rule_alert,
}
