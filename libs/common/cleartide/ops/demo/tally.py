"""What happens to one market, counted from its events: the figures behind the lines of `cleartide demo crash`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cleartide.money import Grid, quanta_to_text

Event = Mapping[str, Any]
HELD_BACK: Final = ("market_paused", "stale_index", "grace", "cooling_down")
"""Why an account below maintenance has to wait; risk asks again, and each time matching says so."""
MICROS: Final = 1_000_000
SAID_OF_BANKRUPT: Final = 5
"""So many are told of one by one, and any whom the book did not close; all are counted."""


@dataclass
class Tally:
    """Of one market. `take` returns the line that an event is worth, or nothing.

    index, mark: ticks, 0 before the first. waiting: when an account was last told to wait, by the caller's clock.
    received, paid: what came into the insurance fund and what left it, in quanta. closed, taken, given_up: lots that
    liquidations closed in the book, that the fund took, and that were deleveraged.
    """

    market: str
    grid: Grid
    index: int = 0
    mark: int = 0
    low: int = 0
    state: str = "trading"
    alerts: int = 0
    liquidations: int = 0
    deleveraged: int = 0
    shared_losses: int = 0
    received: int = 0
    paid: int = 0
    closed: int = 0
    taken: int = 0
    given_up: int = 0
    liquidated: set[str] = field(default_factory=set)
    bankrupt: set[str] = field(default_factory=set)
    waiting: dict[str, float] = field(default_factory=dict)

    def take(self, event: Event, now: float) -> str:
        """One trading event."""
        if event.get("market") != self.market:
            return ""
        takes: Mapping[str, Callable[[Event, float], str]] = {
            "MarkPriceUpdated": self._priced,
            "MarketStateChanged": self._turned,
            "LiquidationExecuted": self._liquidated,
            "LiquidationRejected": self._rejected,
            "InsuranceChanged": self._fund,
            "PositionDeleveraged": self._deleveraged,
            "LossSocialized": self._shared,
        }
        found = takes.get(str(event["type"]))
        return found(event, now) if found is not None else ""

    def warn(self, alert: Event) -> None:
        """Count a risk alert that is of this market, or of an account with a position in it."""
        held = [position["market"] for position in alert.get("inputs", ())]
        self.alerts += self.market in (alert.get("market"), *held)

    def waits_since(self, moment: float) -> bool:
        """Whether somebody was told to wait after that moment."""
        return any(at > moment for at in self.waiting.values())

    def _priced(self, event: Event, _: float) -> str:
        self.index, self.mark = event["index_ticks"], event["mark_ticks"]
        self.low = min(self.low or self.index, self.index)
        return ""

    def _turned(self, event: Event, _: float) -> str:
        self.state = str(event["state"])
        if event["reason"] == "circuit_breaker":
            seconds = ((event["ends_at"] or 0) - event["occurred_at"]) // MICROS
            return f"circuit breaker: for {seconds} s nothing matches and nobody is liquidated; orders wait, post-only"
        grace = "; the first liquidations after a grace" if self.state == "trading" else ""
        return f"the market is {self.state} ({event['reason']}){grace}"

    def _liquidated(self, event: Event, _: float) -> str:
        account = str(event["account"])
        self.liquidations += 1
        self.liquidated.add(account)
        self.waiting.pop(account, None)
        self.closed += abs(event["closed_lots"])
        self.taken += abs(event["taken_over_lots"])
        self.given_up += abs(event["deleveraged_lots"])
        if event["equity_before_quanta"] > 0 or account in self.bankrupt:
            return ""
        self.bankrupt.add(account)
        beyond_the_book = event["taken_over_lots"] or event["deleveraged_lots"]
        if len(self.bankrupt) > SAID_OF_BANKRUPT and not beyond_the_book:
            return ""
        equity = quanta_to_text(event["equity_before_quanta"])
        fund = quanta_to_text(event["insurance_paid_quanta"])
        closed, taken, given_up = (
            self.grid.size_text(abs(event[f"{name}_lots"])) for name in ("closed", "taken_over", "deleveraged")
        )
        went = f"{closed} to the book, {taken} to the fund, {given_up} deleveraged"
        return f"{account} is bankrupt with {equity}: {went}; the fund pays {fund}"

    def _rejected(self, event: Event, now: float) -> str:
        account = str(event["account"])
        if event["reason"] in HELD_BACK:
            self.waiting[account] = now
        else:
            self.waiting.pop(account, None)
        return ""

    def _fund(self, event: Event, _: float) -> str:
        change = event["change_quanta"]
        self.received += max(0, change)
        self.paid += max(0, -change)
        return ""

    def _deleveraged(self, event: Event, _: float) -> str:
        self.deleveraged += 1
        size = self.grid.size_text(event["lots"])
        return f"{event['account']} is deleveraged: {size} against {event['against']}, rank {event['rank']}"

    def _shared(self, event: Event, _: float) -> str:
        self.shared_losses += 1
        return f"a loss of {quanta_to_text(event['loss_quanta'])} is shared by {event['accounts']} accounts in profit"
