"""The exchange on a bench: commands in, contract events out."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from cleartide.contracts import (
    AmendInstruction,
    AmendOrder,
    AuctionTerms,
    BookChanged,
    CancelAllOrders,
    CancelInstruction,
    CancelOrder,
    Deposit,
    FundInsurance,
    Instruction,
    LiquidateAccount,
    ListMarket,
    MarginBracket,
    MarketSpec,
    Message,
    PlaceInstruction,
    PlaceOrder,
    QuoteAuction,
    ReportTrade,
    SettleFunding,
    SubmitOrders,
    TradingEvent,
    UpdateIndexPrice,
    Withdraw,
)
from cleartide.contracts.types import Side
from cleartide.fold import Reject

from services.matching.app import SERVICE
from services.matching.domain.state import MatchingState
from services.matching.domain.verify import verify
from services.matching.tests.reasons import documented, undocumented
from tests.support.fold_bench import HandlerBench

E = TypeVar("E", bound=Message)
Events = list[Message]

START: Final = 1_700_000_040_000_000
SECOND: Final = 1_000_000
HOUR: Final = 3_600 * SECOND
MARKET: Final = "BTC-PERP"
QUOTE: Final = 1_000_000
"""Quanta of one quote."""


def spec(**changes: Any) -> MarketSpec:
    """Tick 0.1, lot 0.001, so one lot at one tick is 100 quanta; 10 % initial, 5 % maintenance margin."""
    values: dict[str, Any] = {
        "market": MARKET,
        "base": "BTC",
        "quote": "USDC",
        "tick_size": "0.1",
        "lot_size": "0.001",
        "brackets": (
            MarginBracket(
                upper_notional_quanta=None,
                initial_margin_ppb=100_000_000,
                maintenance_fraction_ppb=500_000_000,
            ),
        ),
        "taker_fee_ppb": 450_000,
        "maker_fee_ppb": 150_000,
        "liquidation_fee_ppb": 5_000_000,
        "mark_band_ppb": 25_000_000,
        "market_order_band_ppb": 50_000_000,
        "impact_notional_quanta": 1_000 * QUOTE,
        "interest_8h_ppb": 100_000,
        "funding_clamp_ppb": 500_000,
        "funding_cap_hourly_ppb": 40_000_000,
    }
    return MarketSpec(**{**values, **changes})


class Exchange(HandlerBench[MatchingState]):
    """The service without its surroundings. After every command the invariants are checked, unless not `checked`."""

    checked = True

    def __init__(self, *, listed: bool = True, price: str | None = "1000", **rules: Any) -> None:
        super().__init__(SERVICE.fold, START)
        self.numbers: dict[str, int] = {}
        self.dead: list[str] = []
        self.book_changes: list[BookChanged] = []
        self.commands: list[tuple[int, Message]] = []
        if listed:
            self.list(**rules)
            if price is not None:
                self.price(price)

    def send(self, contract: type[Message], **body: Any) -> Events:
        """Fold one command and return the events it caused. A refusal raises Reject and is also noted in `dead`."""
        source = body.pop("source", "gateway")
        number = self.numbers.get(source, 0) + 1
        numbered = source in ("ingestor", "risk", "funding")
        seq = body.pop("seq", number if numbered else 0)
        self.numbers[source] = max(number, seq) if numbered else number
        command = contract(
            id=body.pop("id", f"{source}-{seq or number}"), seq=seq, source=source, occurred_at=self.effects.at, **body
        )
        return self.fold(command)

    def fold(self, command: Message) -> Events:
        """Fold one command as it stands. Returns what it caused on EVENTS; what BOOKS says is in `book_changes`.

        Whatever is answered with a reason has one of the documented codes.
        """
        at, self.effects.cause = self.effects.at, command.id
        self.commands.append((at, command))
        before = len(self.effects.emitted)
        try:
            said = self.take(command, seq=self.effects.seq + 1, at=at)
            return [event for event in said if isinstance(event, TradingEvent)]
        except Reject as verdict:
            self.dead.append(verdict.reason)
            assert verdict.reason in documented(), f"{verdict.reason} is missing in docs/reasons.md"
            raise
        finally:
            self.book_changes += of(self.effects.emitted[before:], BookChanged)
            codes = [code for event in self.effects.emitted[before:] if (code := undocumented(event))]
            assert codes == [], f"{codes} are missing in docs/reasons.md"
            if self.checked:
                verify(self.state)

    def wait(self, micros: int) -> None:
        """Let sequenced time pass."""
        self.effects.at += micros

    def list(self, **rules: Any) -> Events:
        return self.send(ListMarket, source="operator", spec=spec(**rules))

    def deposit(self, account: str, amount: str = "1000", **more: Any) -> Events:
        return self.send(Deposit, account=account, asset="USDC", amount=amount, **more)

    def withdraw(self, account: str, amount: str, **more: Any) -> Events:
        return self.send(Withdraw, account=account, asset="USDC", amount=amount, **more)

    def insure(self, amount: str, market: str = MARKET) -> Events:
        return self.send(FundInsurance, source="operator", market=market, amount=amount)

    def place(self, account: str, side: str, size: str, price: str | None = None, **more: Any) -> Events:
        """A limit order, or a market order when no price is given."""
        body = {"market": MARKET, "client_order_id": f"c{self.numbers.get('gateway', 0) + 1}", **more}
        kind = "limit" if price is not None else "market"
        order = {"order_type": kind, "size": size, "price": price}
        return self.send(PlaceOrder, account=account, side=side, **{**order, **body})

    def cancel(self, account: str, client_order_id: str, market: str = MARKET, **more: Any) -> Events:
        return self.send(CancelOrder, account=account, market=market, client_order_id=client_order_id, **more)

    def amend(self, account: str, client_order_id: str, *, market: str = MARKET, **terms: Any) -> Events:
        return self.send(AmendOrder, account=account, market=market, client_order_id=client_order_id, **terms)

    def cancel_all(self, account: str, market: str | None = None) -> Events:
        return self.send(CancelAllOrders, account=account, market=market)

    def submit(self, account: str, *instructions: Instruction, market: str = MARKET) -> Events:
        return self.send(SubmitOrders, account=account, market=market, instructions=instructions)

    def auction(self, account: str, side: str, size: str, price: str | None = None, **more: Any) -> Events:
        """An immediate order that is auctioned first."""
        terms = {name: more.pop(name) for name in ("start", "end", "offsets", "slots") if name in more}
        body = {"time_in_force": "ioc", "auction": AuctionTerms(**terms), **more}
        return self.place(account, side, size, price, **body)

    def offer(self, account: str, auction_id: int, price: str, size: str, **more: Any) -> Events:
        """A maker's quote."""
        body = {"market": MARKET, "auction_id": auction_id, "price": price, "size": size, **more}
        return self.send(QuoteAuction, account=account, **body)

    def price(self, price: str | None, market: str = MARKET) -> Events:
        return self.send(UpdateIndexPrice, source="ingestor", market=market, price=price, sources=())

    def settle(self, rate_ppb: int, interval: int, market: str = MARKET) -> Events:
        """Settle the `interval`-th hour."""
        body = {"interval_start": interval * HOUR, "interval_micros": HOUR, "samples": 60}
        return self.send(SettleFunding, source="funding", market=market, rate_ppb=rate_ppb, **body)

    def liquidate(self, account: str, market: str = MARKET) -> Events:
        body = {"equity": "0", "maintenance_margin": "0", "mark_price_ticks": 1, "observed_seq": 0}
        return self.send(LiquidateAccount, source="risk", account=account, market=market, **body)

    def report(self, price: str, size: str, **more: Any) -> Events:
        number = self.numbers.get("engine", 0) + 1
        body = {"source": "engine", "trade_id": f"t{number}", "market": MARKET, "executed_at": START, **more}
        return self.send(ReportTrade, price=price, size=size, **body)

    def kept(self) -> dict[str, dict[Any, Any]]:
        """Every committed row but those that tell that a command came, which refused ones leave too."""
        self.commit()
        return {name: dict(rows) for name, rows in self.tables.items() if name not in ("applied_ids", "order_attempts")}

    def cash(self, account: str) -> int:
        return self.state.accounts[account].cash.balance

    def lots(self, account: str, market: str = MARKET) -> int:
        holding = self.state.accounts[account].holdings.get(market)
        return holding.lots if holding else 0

    def quote(self, account: str, market: str = MARKET) -> int:
        return self.state.accounts[account].holdings[market].quote.balance

    def balance(self, name: str) -> int:
        return self.state.ledger.account(name).balance


def placing(client_order_id: str, side: Side, size: str, price: str | None, **terms: Any) -> PlaceInstruction:
    """An instruction to place a limit order, or a market order when there is no price."""
    order = {"client_order_id": client_order_id, "side": side, "size": size, "price": price, **terms}
    return PlaceInstruction(**{"action": "place", "order_type": "limit" if price is not None else "market", **order})


def canceling(client_order_id: str) -> CancelInstruction:
    """An instruction to cancel."""
    return CancelInstruction(action="cancel", client_order_id=client_order_id)


def changing(client_order_id: str, **terms: Any) -> AmendInstruction:
    """An instruction to amend."""
    return AmendInstruction(action="amend", client_order_id=client_order_id, **terms)


def only(events: Sequence[Message], contract: type[E]) -> E:
    """The one event of this type."""
    found = of(events, contract)
    assert len(found) == 1, f"{len(found)} of {contract.__name__} among {[event.type for event in events]}"
    return found[0]


def of(events: Sequence[Message], contract: type[E]) -> list[E]:
    """The events of this type, in order."""
    return [event for event in events if isinstance(event, contract)]
