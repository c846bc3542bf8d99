"""Whatever happens, in whatever order: the invariants hold, events tell everything, a restart changes nothing.

`Exchange` checks after every command that money, positions, funding pots and books agree (see domain/verify.py).
"""

from collections import Counter, defaultdict

from cleartide.contracts import (
    InsuranceFunded,
    LiquidationExecuted,
    Message,
    OrderAccepted,
    OrderAmended,
    OrderClosed,
    PositionChanged,
    TradeExecuted,
    TransferApplied,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.tests.flows import TRADERS, Step, flows, order_flows, perform
from services.matching.tests.support import MARKET, Exchange, of


def opened(deposit: str = "60") -> Exchange:
    ex = Exchange()
    for trader in TRADERS:
        ex.deposit(trader, deposit)
    return ex


def run(ex: Exchange, steps: list[Step], restart_every: int = 0) -> list[Message]:
    for number, step in enumerate(steps):
        perform(ex, number, step)
        if restart_every and number % restart_every == 0:
            ex.restart()
    ex.commit()
    return ex.effects.emitted


@settings(max_examples=60)
@given(flows)
def test_match_inv_001_money_positions_and_books_agree_after_every_command(steps: list[Step]) -> None:
    """MATCH-INV-001"""
    run(opened(), steps)


@settings(max_examples=30)
@given(flows)
def test_match_inv_002_the_events_alone_rebuild_cash_positions_and_funds(steps: list[Step]) -> None:
    """MATCH-INV-002: cash' = cash + profit + funding - fee, to the unit, for every reader of the stream."""
    ex = opened()
    cash: Counter[str] = Counter()
    lots: Counter[str] = Counter()
    fund = 0
    for event in run(ex, steps):
        if isinstance(event, TransferApplied):
            cash[event.account] += event.amount_quanta
            assert cash[event.account] == event.cash_quanta
        elif isinstance(event, PositionChanged):
            moved = event.realized_pnl_quanta + event.funding_quanta - event.fee_quanta
            cash[event.account] += moved
            lots[event.account] += event.fill_lots
            assert (cash[event.account], lots[event.account]) == (event.cash_quanta, event.lots)
        elif isinstance(event, InsuranceFunded):
            fund += event.amount_quanta
            assert fund == event.balance_quanta
        elif isinstance(event, LiquidationExecuted):
            fund += event.fee_quanta - event.insurance_paid_quanta
    assert all(ex.cash(name) == cash[name] for name in ex.state.accounts)
    assert all(ex.lots(name) == lots[name] for name in ex.state.accounts)
    assert fund == ex.balance(f"insurance:{MARKET}")


@settings(max_examples=30)
@given(flows, st.integers(1, 7))
def test_match_inv_003_restarts_change_nothing(steps: list[Step], restart_every: int) -> None:
    """MATCH-INV-003: the same events and the same rows with restarts as without."""
    steady, restarted = opened(), opened()
    assert run(steady, steps) == run(restarted, steps, restart_every)
    assert steady.tables == restarted.tables


@settings(max_examples=15)
@given(flows)
def test_match_inv_004_the_same_commands_give_the_same_events_and_rows(steps: list[Step]) -> None:
    """MATCH-INV-004"""
    first, second = opened(), opened()
    assert run(first, steps) == run(second, steps)
    assert first.tables == second.tables


@settings(max_examples=25)
@given(flows)
def test_match_inv_005_every_accepted_order_is_live_or_closed_once_and_its_fills_add_up(steps: list[Step]) -> None:
    """MATCH-INV-005"""
    ex = opened()
    events = run(ex, steps)
    sizes = {event.order_id: event.size_lots for event in events if isinstance(event, OrderAccepted | OrderAmended)}
    filled: dict[int, int] = defaultdict(int)
    for trade in of(events, TradeExecuted):
        for order_id in (trade.buy_order_id, trade.sell_order_id):
            if order_id is not None:
                filled[order_id] += trade.size_lots
    closed = of(events, OrderClosed)
    live = {order.order_id: order for account in ex.state.accounts.values() for order in account.orders.values()}
    assert sorted([event.order_id for event in closed] + list(live)) == sorted(sizes)
    for event in closed:
        assert event.filled_lots == filled[event.order_id]
        assert event.filled_lots + event.unfilled_lots == sizes[event.order_id]
    for number, order in live.items():
        assert order.filled == filled[number]


@settings(max_examples=50)
@given(order_flows)
def test_match_inv_006_trades_are_those_of_a_naive_price_time_matcher(steps: list[Step]) -> None:
    """MATCH-INV-006: rich accounts, so that only price, time, size and flags decide."""
    ex = opened("1000000")
    naive = NaiveMatcher()
    for number, step in enumerate(steps):
        events = perform(ex, number, step)
        for event in of(events, OrderAccepted):
            got = [(t.price_ticks, t.size_lots, t.buyer, t.seller) for t in of(events, TradeExecuted)]
            assert got == naive.place(event)
        for gone in of(events, OrderClosed):
            naive.close(gone)


class NaiveMatcher:
    """A list of [order, remaining]; positions only to cut reduce-only orders."""

    def __init__(self) -> None:
        self.resting: list[tuple[OrderAccepted, list[int]]] = []
        self.positions: Counter[str] = Counter()

    def place(self, order: OrderAccepted) -> list[tuple[int, int, str, str]]:
        """The trades of one accepted order."""
        sign, trades, wanted = (1 if order.side == "buy" else -1), [], order.size_lots
        if order.reduce_only:
            wanted = min(wanted, abs(self.positions[order.account]))
        crossing = [
            (maker, left)
            for maker, left in self.resting
            if maker.side != order.side and (maker.price_ticks - order.price_ticks) * sign <= 0
        ]
        for maker, left in sorted(crossing, key=lambda entry: (entry[0].price_ticks * sign, entry[0].order_id)):
            if maker.account == order.account:
                continue
            lots = min(left[0], wanted)
            if maker.reduce_only:
                lots = min(lots, max(0, self.positions[maker.account] * sign))
            if lots and not order.post_only:
                buyer, seller = (order.account, maker.account) if sign > 0 else (maker.account, order.account)
                trades.append((maker.price_ticks, lots, buyer, seller))
                self.positions[buyer] += lots
                self.positions[seller] -= lots
                left[0] -= lots
                wanted -= lots
        self.resting.append((order, [order.size_lots - sum(trade[1] for trade in trades)]))
        return trades

    def close(self, event: OrderClosed) -> None:
        """Forget an order that is over."""
        self.resting = [entry for entry in self.resting if entry[0].order_id != event.order_id]
