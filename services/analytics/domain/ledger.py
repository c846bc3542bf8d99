"""Every account's open hour, and the closing of hours and days in bounded steps."""

from typing import Final

from services.analytics.domain.account import HOUR_MICROS, Account, Adjustment, Span, Unit, day_of, hour_of

CLOSES_PER_EVENT: Final = 256


class Ledger:
    """Accounts by name and by number. `touched*` and the lists name what the repository has to write.

    The first event of a later hour fixes the marks and funding indices of the boundary. Accounts then close at these,
    in the order of their numbers, at most CLOSES_PER_EVENT with each event; one that acts before its turn goes first.
    """

    def __init__(self) -> None:
        self.hour = 0
        self.swept = 0
        self.units: dict[str, Unit] = {}
        self.accounts: dict[str, Account] = {}
        self.numbered: list[Account] = []
        self.hours: list[Span] = []
        self.days: list[Span] = []
        self.adjustments: list[Adjustment] = []
        self.touched_clock = False
        self.touched_units: set[str] = set()
        self.touched: set[str] = set()
        self.touched_holdings: set[tuple[str, str]] = set()

    def advance(self, at: int) -> None:
        """Let time reach `at`."""
        if at - self.hour >= HOUR_MICROS:
            self._sweep(len(self.numbered))
            for unit in self.units.values():
                unit.boundary_mark, unit.boundary_index = unit.mark, unit.index
            self.touched_units.update(self.units)
            self.hour, self.swept, self.touched_clock = hour_of(at), 0, True
        if self.swept < len(self.numbered):
            self._sweep(CLOSES_PER_EVENT)

    def list_market(self, market: str, quanta_per_lot_tick: int) -> None:
        """A market opened."""
        self.units[market] = Unit(quanta_per_lot_tick)
        self.touched_units.add(market)

    def mark(self, market: str, ticks: int) -> None:
        """A new mark is in force."""
        self.units[market].mark = ticks
        self.touched_units.add(market)

    def funding(self, market: str, index_after: int) -> None:
        """The market's funding index moved; every holder owes lots * step (domain rule R18)."""
        self.units[market].index = index_after
        self.touched_units.add(market)

    def open(self, name: str) -> Account:
        """The account with the current hour open and every earlier one closed; to be changed by the caller."""
        account = self.accounts.get(name)
        if account is None:
            account = self.accounts[name] = Account(len(self.numbered) + 1, name)
            self.numbered.append(account)
        elif account.hour < self.hour:
            self._close(account)
        if not account.active:
            account.begin(self.hour, account.cash, 0, 0)
        self.touched.add(name)
        return account

    def fill(
        self, name: str, market: str, fill_lots: int, price_ticks: int, lots: int, quote_quanta: int, settled_index: int
    ) -> Account:
        """A fill; the last three are the position after it. Fees and cash are the caller's to book."""
        unit = self.units[market]
        account = self.open(name)
        if unit.mark == 0:
            self.mark(market, price_ticks)
        account.fill(market, unit.quanta_per_lot_tick, fill_lots, price_ticks, lots, quote_quanta, settled_index)
        self.touched_holdings.add((name, market))
        return account

    def adjust(self, seq: int, part: int, name: str, traded_at: int, volume: int, trades: int) -> None:
        """A trade of the past counts differently for one of its parties."""
        number = self.open(name).number
        self.adjustments.append(Adjustment(seq, part, number, hour_of(traded_at), volume, trades))

    def _sweep(self, count: int) -> None:
        upto = min(len(self.numbered), self.swept + count)
        for account in self.numbered[self.swept : upto]:
            if account.hour < self.hour:
                self._close(account)
        self.swept, self.touched_clock = upto, True

    def _close(self, account: Account) -> None:
        """Finish what is open of the account before the current hour; a position carries it into the current one."""
        equity: int | None = None
        if account.active:
            span = account.close_hour(self.units)
            self.hours.append(span)
            equity = span.equity_end
            self.touched.add(account.account)
        if 0 <= account.day < day_of(self.hour):
            self.days.append(account.close_day())
            self.touched.add(account.account)
        if equity is not None and account.holdings:
            value, unsettled, _ = account.worth(self.units)
            account.begin(self.hour, equity, value, unsettled)
