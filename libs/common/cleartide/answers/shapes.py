"""Shapes of the public API that the gateway itself makes. Amounts are decimal strings, instants microseconds (UTC)."""

from typing import Any

from typing_extensions import TypedDict


class LastTrade(TypedDict):
    """The newest trade of a market."""

    price: str
    size: str
    side: str
    at: int


class Price(TypedDict):
    """A market's latest prices. `seq` is the trading event that they are as of."""

    market: str
    seq: int
    at: int
    mark: str
    index: str
    index_stale: bool
    bid: str | None
    ask: str | None
    last: str | None
    open_interest: str
    last_trade: LastTrade | None


class DependencyHealth(TypedDict):
    """One dependency: status is up, degraded (answers, not ready) or down."""

    name: str
    status: str
    required: bool
    latency_ms: float
    detail: str


class HealthReport(TypedDict):
    """The whole: up (200), degraded (207) or down (503)."""

    status: str
    dependencies: list[DependencyHealth]


class AlertInputView(TypedDict):
    """One position that entered an alert: equity = cash + unsettled funding + the sum of value + quote.

    `size` and `mark` are null while the market's steps are not known.
    """

    market: str
    size: str | None
    mark: str | None
    value: str
    quote: str
    maintenance_margin: str


class RuleFigureView(TypedDict):
    """A figure that an operator's rule names, as of the alert; unit: quote, price, ratio, bps or count."""

    name: str
    value: str
    unit: str


class AlertView(TypedDict):
    """One risk alert. `seq` numbers the feed and is what clients resume by; `value` to `formula` but for health.

    Of kind `rule`: `rule` is the name of the operator's rule, `formula` its condition, `figures` what it names.
    """

    seq: int
    id: str
    at: int
    account: str
    account_seq: int
    level: str
    previous_level: str | None
    health_factor: str | None
    equity: str
    maintenance_margin: str
    cash: str
    unsettled_funding: str
    inputs: list[AlertInputView]
    cause_id: str
    kind: str
    market: str | None
    value: str | None
    threshold: str | None
    formula: str
    rule: str | None
    figures: list[RuleFigureView]


class AlertPage(TypedDict):
    """Alerts in order of `seq`. Ask again with `after_seq` = `next_after_seq` for what follows.

    `next`: `before` of the page with the older ones; null on the last, and where `after_seq` was given.
    """

    alerts: list[AlertView]
    next_after_seq: int
    next: int | None


class Problem(TypedDict):
    """What went wrong: `code` for machines, `message` for people, `detail` for whoever debugs."""

    code: str
    message: str
    detail: Any


class ErrorForm(TypedDict):
    """The one error form."""

    error: Problem


class PriceList(TypedDict):
    """Every market's latest prices."""

    prices: list[Price]


class OrderView(TypedDict):
    """One order, open or over. `average_price` is for display; `reason` says why it closed."""

    order_id: int
    market: str
    client_order_id: str
    order_type: str
    time_in_force: str
    post_only: bool
    reduce_only: bool
    state: str
    side: str
    price: str | None
    size: str
    filled: str
    remaining: str
    display: str | None
    average_price: str | None
    reason: str | None
    placed_at: int | None
    expires_at: int | None
    closed_at: int | None


class OrderPage(TypedDict):
    """An account's orders, newest first. `next`: `before` of the page that follows, null on the last."""

    account: str
    orders: list[OrderView]
    next: int | None


class TransferOutcome(TypedDict):
    """What became of a command. `position`: its place, for `Cleartide-After`; `events`: null while undecided."""

    command_id: str
    position: int
    events: list[dict[str, Any]] | None


class OrderOutcome(TransferOutcome):
    """The same for orders: `state` is accepted, filled, canceled, expired, rejected, closed, or pending (202)."""

    client_order_id: str | None
    order_id: int | None
    state: str


class CommitmentView(TypedDict):
    """A sealed order, to be revealed from `reveals_from` on and before `reveals_until`; `bond` is locked till then."""

    commitment_id: int
    round_id: int
    market: str
    digest: str
    bond: str
    revealed: bool
    reveals_from: int
    reveals_until: int


class CommitmentList(TypedDict):
    """An account's commitments in rounds that are not over, oldest first."""

    account: str
    commitments: list[CommitmentView]


class LedgerEntry(TypedDict):
    """One leg of a transaction in the account's books: above zero is in its favour."""

    transaction_id: int
    leg: int
    account: str
    asset: str
    kind: str
    command_seq: int
    at: int
    amount: str


class LedgerPage(TypedDict):
    """Entries, newest first, transactions whole. `next`: `before` of the page that follows, null on the last."""

    account: str
    entries: list[LedgerEntry]
    next: int | None
