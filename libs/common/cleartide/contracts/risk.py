"""Risk alerts: a product of their own. One JSON object per message on `risk.alerts.<level>.<account>`."""

from typing import ClassVar, Literal

from pydantic import Field

from cleartide.contracts.alert_rules import RuleName
from cleartide.contracts.assets import AssetId
from cleartide.contracts.base import Contract, Message
from cleartide.contracts.types import (
    AccountId,
    MarketId,
    MessageId,
    NonNegativePpb,
    Seq,
    SignedDecimal,
    SignedLots,
    Ticks,
)

AlertLevel = Literal["watch", "warning", "critical", "liquidatable", "resolved"]
AlertKind = Literal[
    "health",
    "large_position",
    "high_leverage",
    "concentration",
    "unusual_activity",
    "stale_price",
    "position_limit",
    "leverage_limit",
    "daily_loss_limit",
    "drawdown_limit",
    "value_at_risk_limit",
]


class AlertInput(Contract):
    """One position as it entered the formula: value = lots * mark price; requirement by the brackets (R8).

    quote: what the position has cost so far, signed (Q of R4).
    equity = cash + unsettled funding + sum(value + quote) + sum of the collateral's values, within 2^51 quanta.
    """

    market: MarketId
    lots: SignedLots
    mark_ticks: Ticks
    value: SignedDecimal
    quote: SignedDecimal
    maintenance_margin: SignedDecimal


class CollateralInput(Contract):
    """One asset as it entered the formula: value = amount * price * weight, floored to 1e-6 (4.1)."""

    asset: AssetId
    amount: SignedDecimal
    price: SignedDecimal
    weight_ppb: NonNegativePpb
    value: SignedDecimal


class AlertRaised(Message):
    """What every alert says of its account: equity over requirement, and everything that these were computed from.

    health factor = equity / maintenance margin, floored to 1e-6; null when there is no requirement.
    `account_seq` is gapless per account from 1, over all alerts; `inputs`, `collateral` and `cash` let the reader
    recompute the figure.
    """

    subject_template: ClassVar[str] = "risk.alerts.{level}.{account}"
    account: AccountId
    account_seq: Seq
    level: AlertLevel
    previous_level: AlertLevel | None
    health_factor: SignedDecimal | None
    equity: SignedDecimal
    maintenance_margin: SignedDecimal
    cash: SignedDecimal
    unsettled_funding: SignedDecimal
    inputs: tuple[AlertInput, ...] = Field(max_length=256)
    cause_id: MessageId
    collateral: tuple[CollateralInput, ...] = Field(default=(), max_length=64)


class RiskAlertRaised(AlertRaised):
    """An account crossed an alert level (health factor 1.5 / 1.2 / 1.05 / 1.0, domain rule R10) or left them.

    Other kinds than health begin at level warning when `value`, by `formula`, passes `threshold`.
    """

    type: Literal["RiskAlertRaised"] = "RiskAlertRaised"
    version: Literal[1] = 1
    kind: AlertKind = "health"
    market: MarketId | None = None
    value: SignedDecimal | None = None
    threshold: SignedDecimal | None = None
    formula: str = Field(default="", max_length=200)


class RuleFigure(Contract):
    """One figure that a rule names, as it was when the alert began or ended."""

    name: str = Field(max_length=48)
    value: SignedDecimal
    unit: str = Field(max_length=16)


class RuleAlertRaised(AlertRaised):
    """An operator's rule began to hold for an account, a position or a market, or ended (level `resolved`).

    `figures` are what `condition` names; none where one of them no longer exists. A market's alert is of `venue`.
    """

    type: Literal["RuleAlertRaised"] = "RuleAlertRaised"
    version: Literal[1] = 1
    rule: RuleName
    market: MarketId | None
    condition: str = Field(max_length=200)
    figures: tuple[RuleFigure, ...] = Field(max_length=32)
