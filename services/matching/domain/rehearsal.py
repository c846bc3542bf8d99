"""A walk through the book that changes nothing: what a taker would get, to the lot (domain rule R27)."""

from collections import deque
from collections.abc import Iterator
from copy import copy

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.book import Order
from services.matching.domain.market import Market
from services.matching.domain.positions import open_interest_change, realized
from services.matching.domain.settlement import Party
from services.matching.domain.state import MatchingState
from services.matching.domain.sweep import Taker, taker_of, walk


def fills_completely(state: MatchingState, order: Order, guarded: bool) -> bool:
    """Whether the order would fill in full by the very rule of the matching loop, fill by fill.

    So makers that would leave the book for their margin or their reduce-only flag are not counted, and own orders in
    the way end it, unless the order's self-trade prevention removes them.
    """
    floor = Rehearsal(state, state.markets[order.market], -order.side)
    account = floor.account(order.account)
    taker = taker_of(account, floor.holding(account), order, guarded)
    walk(state, floor, taker)
    return taker.filled == order.remaining


class Rehearsal:
    """A floor of copies: of the orders met so far, of the accounts behind them, and of the market's open interest."""

    __slots__ = ("_accounts", "_again", "_level", "_levels", "_maker", "_market", "_state")

    def __init__(self, state: MatchingState, market: Market, side: int) -> None:
        """Of one side of a market's book; the real state is only read."""
        self._state, self._market = state, copy(market)
        self._accounts: dict[str, Account] = {}
        self._levels = market.book.half(side).queues()
        self._level: Iterator[Order] = iter(())
        # lint: allow bounded-queue: holds no more than the icebergs of one level
        self._again: deque[Order] = deque()
        self._maker: Order | None = None

    def best(self) -> Order | None:
        """A copy of the order whose turn it is."""
        while self._maker is None:
            order = next(self._level, None)
            if order is not None:
                self._maker = copy(order)
            elif self._again:
                self._maker = self._again.popleft()
            else:
                level = next(self._levels, None)
                if level is None:
                    return None
                self._level = level
        return self._maker

    def account(self, name: str) -> Account:
        """A copy of the account, made when it is first asked for."""
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = copy(self._state.accounts[name])
            account.cash = copy(account.cash)
            account.holdings = {market: self._copied(held) for market, held in account.holdings.items()}
        return account

    def holding(self, account: Account) -> Holding:
        """The account's copy of what it holds in this market."""
        holding = account.holdings.get(self._market.id)
        if holding is None:
            real = self._state.holding(self._state.accounts[account.name], self._market)
            holding = account.holdings[self._market.id] = self._copied(real)
        return holding

    def drop(self, maker: Order, reason: str) -> None:  # noqa: ARG002 - the floor's form
        """The maker is passed over."""
        self._maker = None

    def prevent(self, taker: Taker, maker: Order, lots: int) -> None:
        """Both shrink."""
        taker.gave_up(lots)
        self._reduce(maker, lots)

    def trade(self, taker: Taker, taking: Party, maker: Order, making: Party, lots: int) -> None:
        """Both copies of the accounts get what the real ones would."""
        taker.took(maker.price, lots, taking.fee)
        self._fill(taking, taker.side * lots, maker.price)
        self._fill(making, -taker.side * lots, maker.price)
        self._reduce(maker, lots)

    def _reduce(self, maker: Order, lots: int) -> None:
        maker.remaining -= lots
        maker.shown -= lots
        if maker.shown:
            return
        self._maker = None
        if maker.remaining:
            maker.shown = min(maker.display, maker.remaining)
            self._again.append(maker)

    def _fill(self, party: Party, delta: int, price: int) -> None:
        """What settlement does to cash, cost, size and open interest."""
        holding = self.holding(party.account)
        flow = -delta * price * self._market.unit
        profit = realized(holding.lots, holding.quote.balance, delta, flow)
        party.account.cash.balance += holding.unsettled + profit - party.fee
        holding.quote.balance += flow - profit
        self._market.open_interest += open_interest_change(holding.lots, delta)
        holding.funding_index = self._market.funding.index
        holding.lots += delta

    def _copied(self, real: Holding) -> Holding:
        holding = copy(real)
        holding.quote = copy(real.quote)
        if real.market.id == self._market.id:
            holding.market = self._market
        return holding
