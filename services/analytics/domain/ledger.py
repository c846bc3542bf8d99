"""Every account's open hour, and the closing of hours and days in bounded steps."""

from typing import Final

from services.analytics.domain.account import (
    HOUR_MICROS,
    Account,
    Adjustment,
    Inconsistent,
    Span,
    Unit,
    day_of,
    hour_of,
)
from services.analytics.domain.vaults import SharePrice, Vault

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
        self.vaults: dict[str, Vault] = {}
        self.accounts: dict[str, Account] = {}
        self.numbered: list[Account] = []
        self.hours: list[Span] = []
        self.days: list[Span] = []
        self.adjustments: list[Adjustment] = []
        self.prices: list[SharePrice] = []
        self.touched_clock = False
        self.touched_units: set[str] = set()
        self.touched: set[str] = set()
        self.touched_holdings: set[tuple[str, str]] = set()
        self.touched_vaults: set[str] = set()
        self.touched_shares: set[tuple[str, str]] = set()

    def advance(self, at: int) -> None:
        """Let time reach `at`."""
        if at - self.hour >= HOUR_MICROS:
            self._sweep(len(self.numbered))
            for unit in self.units.values():
                unit.boundary_mark, unit.boundary_index = unit.mark, unit.index
            self.touched_units.update(self.units)
            for vault in self.vaults.values():
                self.prices.append(vault.bound(self._strategy_equity(vault), self.hour + HOUR_MICROS))
            self.touched_vaults.update(self.vaults)
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
        """The market's funding index moved; every holder owes lots * step (R18). In quanta per lot."""
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
            account.begin(self.hour, account.cash, 0, 0, 0)
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

    def open_vault(self, vault: str, strategy: str, at: int, virtual_shares: int) -> None:
        """A vault opened."""
        self.vaults[vault] = Vault(vault, strategy, at, virtual_shares)
        self.touched_vaults.add(vault)

    def vault(self, name: str) -> Vault:
        """A vault, to be changed by the caller. Raises Inconsistent when it was never opened."""
        vault = self.vaults.get(name)
        if vault is None:
            raise Inconsistent(f"vault {name} was never opened")
        self.touched_vaults.add(name)
        return vault

    def vault_transfer(self, name: str, party: str, amount: int, cash_after: int) -> None:
        """Cash, in quanta, between a vault's reserve and an account (domain rule R36).

        For the strategy it is a flow, for others no flow at all.
        """
        vault, account = self.vault(name), self.open(party)
        vault.reserve -= amount
        account.pay(amount, cash_after)
        if party == vault.strategy:
            account.flows += amount
        else:
            account.vault_flow += amount

    def hold_shares(self, name: str, holder: str, change: int, balance: int, fee: int) -> None:
        """Somebody came or went: the shares that this changed, what he has now, and the fee of it."""
        self.vault(name).shares += change
        self.open(holder).hold(name, balance, fee)
        self.touched_shares.add((holder, name))

    def value_vault(self, name: str, shares: int, reserve: int, fees_owed: int) -> None:
        """A vault after a step. Raises Inconsistent when the moves before it do not lead there."""
        vault = self.vault(name)
        if (vault.shares, vault.reserve) != (shares, reserve):
            raise Inconsistent(f"{vault} is told to have {shares} shares and {reserve} in reserve")
        vault.fees_owed = fees_owed

    def _strategy_equity(self, vault: Vault) -> int:
        """What the account that trades for the vault has, in quanta, at the boundary that was just set (15.2)."""
        strategy = self.accounts.get(vault.strategy)
        return strategy.cash + sum(strategy.worth(self.units)) if strategy is not None else 0

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
            span = account.close_hour(self.units, self.vaults)
            self.hours.append(span)
            equity = span.equity_end
            self.touched.add(account.account)
        if 0 <= account.day < day_of(self.hour):
            self.days.append(account.close_day())
            self.touched.add(account.account)
        if equity is not None and (account.holdings or account.shares):
            value, unsettled, _ = account.worth(self.units)
            account.begin(self.hour, equity, value, unsettled, account.invested(self.vaults))
