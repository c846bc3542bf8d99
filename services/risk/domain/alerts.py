"""One alert with everything it was computed from, so that a reader can compute it again."""

from typing import Literal, NamedTuple

from cleartide.contracts import AlertKind

from services.risk.domain.levels import Level


class PositionMargin(NamedTuple):
    """One position as it entered the health factor, in quanta: value at mark (signed), Q of R4, requirement by R8."""

    market: str
    lots: int
    mark_ticks: int
    value_quanta: int
    quote_quanta: int
    maintenance_margin_quanta: int


class CollateralValue(NamedTuple):
    """One asset as it entered the health factor: smallest units, the price of a whole one as text, weight and value."""

    asset: str
    units: int
    price: str
    weight_ppb: int
    value_quanta: int


class Alert(NamedTuple):
    """An account's change of level. `alert_seq` counts all alerts, `account_seq` this account's, both gapless.

    previous_level: NONE when the account was in no level. cause_id, cause_seq: the event after which it was so.
    value, threshold: what passed what, in millionths, where the alert is not about health.
    rule, condition, figures: of an alert by an operator's rule; a figure is its name, its decimal text and its unit.
    """

    alert_seq: int
    account: str
    account_seq: int
    level: Level
    previous_level: Level
    equity_quanta: int
    maintenance_margin_quanta: int
    cash_quanta: int
    unsettled_funding_quanta: int
    inputs: tuple[PositionMargin, ...]
    collateral: tuple[CollateralValue, ...]
    cause_id: str
    cause_seq: int
    raised_at: int
    kind: AlertKind | Literal["rule"] = "health"
    market: str = ""
    value: int | None = None
    threshold: int | None = None
    rule: str = ""
    condition: str = ""
    figures: tuple[tuple[str, str, str], ...] = ()
