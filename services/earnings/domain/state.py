"""The state of earnings: markets, accounts, and the closing of days in bounded steps."""

from dataclasses import dataclass
from typing import Final

from cleartide.rules.accounts import is_strategy
from cleartide.rules.calendar import DAY_MICROS, day_of, month_of

from services.earnings.domain.account import Account, EarningsDay, Fill, Inconsistent, Market, Valuation, Worth
from services.earnings.domain.months import Month, month_begun_by
from services.earnings.domain.vaults import Vault

CLOSES_PER_EVENT: Final = 256


@dataclass(slots=True)
class DayTotals:
    """Sums over the closed rows of one day, in quanta; the identity of R34 holds for the sums as well."""

    accounts: int = 0
    equity_start: int = 0
    equity_end: int = 0
    flows: int = 0
    pnl: int = 0
    funding: int = 0
    fees: int = 0
    rebates: int = 0
    earned: int = 0

    def add(self, day: EarningsDay) -> None:
        """Count one closed row."""
        self.accounts += 1
        self.equity_start += day.equity_start
        self.equity_end += day.equity_end
        self.flows += day.flows
        self.pnl += day.pnl
        self.funding += day.funding
        self.fees += day.fees
        self.rebates += day.rebates
        self.earned += day.earned


class EarningsState:
    """Every account with its open day. `touched_*` name what the repository has to write."""

    def __init__(self) -> None:
        self.day = 0
        self.swept = 0
        self.markets: dict[str, Market] = {}
        self.accounts: dict[str, Account] = {}
        self.numbered: list[Account] = []
        self.vaults: dict[str, Vault] = {}
        self.totals: dict[int, DayTotals] = {}
        self.months: dict[str, Month] = {}
        self.ended_months: list[tuple[str, Month]] = []
        self.closed: list[EarningsDay] = []
        self.touched_clock = False
        self.touched_markets: set[str] = set()
        self.touched_accounts: set[str] = set()
        self.touched_positions: set[tuple[str, str]] = set()
        self.touched_totals: set[int] = set()
        self.touched_months: set[str] = set()
        self.touched_vaults: set[str] = set()
        self.touched_shares: set[tuple[str, str]] = set()
        self.day_rows: dict[tuple[str, int], EarningsDay] = {}

    def advance(self, at: int) -> None:
        """Let time reach `at`: on the first event of a later day the old one begins to close.

        The marks at the boundary are kept, so accounts can close one after the other, at most CLOSES_PER_EVENT per
        event, with the figures of midnight. Only a day with too few events to finish is finished in one step.
        """
        day = day_of(at)
        if day > self.day:
            self._sweep(len(self.numbered))
            for market in self.markets.values():
                market.close = market.now
            for vault in self.vaults.values():
                vault.close_assets, vault.close_shares = self._assets(vault), vault.shares
            self.touched_markets.update(self.markets)
            self.touched_vaults.update(self.vaults)
            self.day, self.swept = day, 0
        if self.swept < len(self.numbered):
            self._sweep(CLOSES_PER_EVENT)

    def list_market(self, market: str, quanta_per_lot_tick: int) -> None:
        """A market opened."""
        if market in self.markets:
            raise Inconsistent(f"market {market} listed twice")
        self.markets[market] = Market(market, quanta_per_lot_tick)
        self.touched_markets.add(market)

    def set_mark(self, market: str, mark_ticks: int) -> None:
        """A new mark is in force."""
        known = self.market(market)
        known.now = Valuation(mark_ticks, known.now.funding_index_quanta)
        self.touched_markets.add(market)

    def settle_funding(self, market: str, step: int, index_after: int) -> None:
        """The market's funding index moved; every holder owes lots * step (R18). Steps in quanta per lot."""
        known = self.market(market)
        mark, index = known.now
        if index + step != index_after:
            raise Inconsistent(f"{market}: funding index {index} + {step} is not {index_after}")
        known.now = Valuation(mark, index_after)
        self.touched_markets.add(market)

    def transfer(self, account: str, amount: int, cash_after: int, at: int) -> None:
        """Collateral moved in or out of an account."""
        known = self._open(account)
        known.transfer(amount, cash_after, at)
        self._record(known, at)

    def reward(self, account: str, amount: int, cash_after: int, at: int) -> None:
        """A share of somebody else's fee came to an account."""
        known = self._open(account)
        known.reward(amount, cash_after)
        self._record(known, at)

    def open_vault(self, vault: str, strategy: str, virtual_shares: int) -> None:
        """A vault opened."""
        if vault in self.vaults:
            raise Inconsistent(f"vault {vault} opened twice")
        self.vaults[vault] = Vault(vault, strategy, virtual_shares)
        self.touched_vaults.add(vault)

    def set_virtual_shares(self, vault: str, virtual_shares: int) -> None:
        """A vault that nobody is in begins with other virtual shares."""
        self.vault(vault).virtual_shares = virtual_shares
        self.touched_vaults.add(vault)

    def vault_transfer(self, vault: str, account: str, amount: int, cash_after: int, at: int) -> None:
        """Cash, in quanta, between a vault's reserve and an account (domain rule R36).

        For the strategy it is a flow, for others part of what they earn.
        """
        known, holder = self.vault(vault), self._open(account)
        known.reserve -= amount
        self.touched_vaults.add(vault)
        self.touched_accounts.add(account)
        if account == known.strategy:
            holder.transfer(amount, cash_after, at)
            self._record(holder, at)
        else:
            holder.vault_transfer(amount, cash_after)
            known.acted.add(account)

    def farm_reward(self, account: str, amount: int, cash_after: int, at: int) -> None:
        """A farm paid what it owed: yield when it is claimed."""
        holder = self._open(account)
        holder.vault_transfer(amount, cash_after)
        self._record(holder, at)

    def farm_fee(self, account: str, fee: int, at: int) -> None:
        """What the platform kept of a reward, in quanta (domain section 15.5)."""
        holder = self._open(account)
        holder.vault_fees += fee
        self._record(holder, at)

    def hold_shares(self, vault: str, account: str, change: int, balance: int, fee: int) -> None:
        """An account has come or gone; what that came to is known at the step's end (`value_vault`)."""
        known = self.vault(vault)
        self._open(account).hold(vault, balance, fee)
        known.shares += change
        known.acted.add(account)
        self.touched_accounts.add(account)
        self.touched_vaults.add(vault)
        self.touched_shares.add((account, vault))

    def value_vault(self, vault: str, shares: int, reserve: int, fees_owed: int, at: int) -> None:
        """What a vault holds after a step; who came or went in it has his row now.

        Raises Inconsistent when the shares or the reserve are not what the step's moves make them.
        """
        known = self.vault(vault)
        if (known.shares, known.reserve) != (shares, reserve):
            told = f"{known.shares} shares and {known.reserve} in reserve, told {shares} and {reserve}"
            raise Inconsistent(f"vault {vault}: {told}")
        known.fees_owed = fees_owed
        self.touched_vaults.add(vault)
        for account in sorted(known.acted):
            self._record(self._open(account), at)
        known.acted.clear()

    def vault(self, vault: str) -> Vault:
        """The vault of this name. Raises Inconsistent when it was never opened."""
        known = self.vaults.get(vault)
        if known is None:
            raise Inconsistent(f"vault {vault} was never opened")
        return known

    def _assets(self, vault: Vault) -> int:
        """What a vault's shares are worth at the marks in force, in quanta (domain section 15.2)."""
        strategy = self.accounts.get(vault.strategy)
        equity = 0
        if strategy is not None:
            worth = strategy.worth(self.markets, at_close=False)
            quote = sum(position.quote_quanta for position in strategy.positions.values())
            equity = strategy.cash + quote + worth.value + worth.unsettled
        return vault.assets(equity)

    def _worth(self, account: Account, *, at_close: bool) -> Worth:
        """V, U and W of an account, in quanta (domain rules R4, R18, R36)."""
        worth = account.worth(self.markets, at_close=at_close)
        if not account.shares:
            return worth
        vaults = 0
        for name, shares in account.shares.items():
            vault = self.vault(name)
            vaults += vault.worth_at_close(shares) if at_close else vault.worth(shares, self._assets(vault))
        return worth._replace(vaults=vaults)

    def fill(self, account: str, fill: Fill, at: int) -> None:
        """An account's position changed."""
        market = self.market(fill.market)
        known = self._open(account)
        if market.now.mark_ticks == 0:
            self.set_mark(fill.market, fill.fill_price_ticks)
        known.fill(fill, market.quanta_per_lot_tick)
        self.touched_positions.add((account, fill.market))
        self._record(known, at)

    def market(self, market: str) -> Market:
        """The market of this name. Raises Inconsistent when it was never listed."""
        known = self.markets.get(market)
        if known is None:
            raise Inconsistent(f"market {market} was never listed")
        return known

    def _open(self, name: str) -> Account:
        """The account, with the current day open and every earlier one closed."""
        account = self.accounts.get(name)
        if account is None:
            account = Account(name, len(self.numbered) + 1)
            self.accounts[name] = account
            self.numbered.append(account)
        if account.active and account.day < self.day:
            self._close(account)
        if not account.active:
            account.begin(self.day, account.cash, Worth(0, 0))
        return account

    def _sweep(self, count: int) -> None:
        upto = min(len(self.numbered), self.swept + count)
        for account in self.numbered[self.swept : upto]:
            if account.active and account.day < self.day:
                self._close(account)
        self.swept, self.touched_clock = upto, True

    def _close(self, account: Account) -> None:
        """Finish the account's day at the marks of the boundary; a position carries it into the current day."""
        worth = self._worth(account, at_close=True)
        row = account.result(worth, closed=True, as_of=account.day + DAY_MICROS)
        self.closed.append(row)
        self.day_rows[account.account, row.day] = row
        self._count_in_month(row)
        if not is_strategy(account.account):
            self.totals.setdefault(row.day, DayTotals()).add(row)
            self.touched_totals.add(row.day)
        self.touched_accounts.add(account.account)
        account.cumulative_earned, account.cumulative_net = row.cumulative_earned, row.cumulative_net
        account.active = False
        if account.positions or account.shares:
            account.begin(self.day, row.equity_end, worth)

    def _count_in_month(self, row: EarningsDay) -> None:
        """Add a closed day to its account's month; the first of a later month ends the one before it."""
        month = self.months.get(row.account)
        if month is None or month.month != month_of(row.day):
            if month is not None:
                self.ended_months.append((row.account, month))
            month = self.months[row.account] = month_begun_by(row)
        month.count(row)
        self.touched_months.add(row.account)

    def _record(self, account: Account, at: int) -> None:
        worth = self._worth(account, at_close=False)
        self.day_rows[account.account, account.day] = account.result(worth, closed=False, as_of=at)
        self.touched_accounts.add(account.account)
