"""Money in and out: deposits, withdrawals and the insurance funds."""

from cleartide.contracts import Deposit, FundInsurance, InsuranceFunded, TransferApplied, TransferRejected, Withdraw
from cleartide.money import MoneyError, quanta_from_text
from cleartide.rules.accounts import SYSTEM_ACCOUNTS

from services.matching.domain.access import require, require_openable
from services.matching.domain.accounts import Account
from services.matching.domain.errors import Refused
from services.matching.domain.ledger import EXTERNAL
from services.matching.domain.limits import MAX_BALANCE_QUANTA
from services.matching.domain.margin import withdrawable
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState


def deposit(state: MatchingState, command: Deposit, out: Output) -> None:
    """Credit collateral; the first deposit opens the account."""
    try:
        amount = _amount(command.amount)
        if command.account in SYSTEM_ACCOUNTS:
            raise Refused("reserved_account")
        require_openable(state, command.account)
        known = state.accounts.get(command.account)
        if known is not None:
            require(known, command.actor, "deposit")
        elif command.actor not in (None, command.account):
            raise Refused("not_permitted")
        if (known.cash.balance if known else 0) + amount > MAX_BALANCE_QUANTA:
            raise Refused("balance_cap")
    except (Refused, MoneyError) as verdict:
        out.emit(TransferRejected, account=command.account, reason=verdict.reason)
        return
    account = state.open_account(command.account, out.at)
    state.ledger.move("deposit", state.ledger.account(EXTERNAL), account.cash, amount)
    announce_transfer(out, account, amount)


def withdraw(state: MatchingState, command: Withdraw, out: Output) -> None:
    """Debit collateral, up to what R11 allows."""
    try:
        amount = _amount(command.amount)
        if command.account in SYSTEM_ACCOUNTS:
            raise Refused("reserved_account")
        account = state.accounts.get(command.account)
        if account is None:
            raise Refused("unknown_account")
        require(account, command.actor, "withdraw")
        if amount > withdrawable(account):
            raise Refused("exceeds_withdrawable")
    except (Refused, MoneyError) as verdict:
        out.emit(TransferRejected, account=command.account, reason=verdict.reason)
        return
    state.ledger.move("withdrawal", account.cash, state.ledger.account(EXTERNAL), amount)
    announce_transfer(out, account, -amount)


def fund_insurance(state: MatchingState, command: FundInsurance, out: Output) -> None:
    """Credit a market's insurance fund from outside. Refused: unknown market, bad amount, too much."""
    market = state.markets.get(command.market)
    if market is None:
        raise Refused("unknown_market", command.market)
    amount = _amount(command.amount)
    if market.insurance.balance + amount > MAX_BALANCE_QUANTA:
        raise Refused("balance_cap", command.market)
    state.ledger.move("insurance_deposit", state.ledger.account(EXTERNAL), market.insurance, amount)
    out.emit(InsuranceFunded, market=market.id, amount_quanta=amount, balance_quanta=market.insurance.balance)


def announce_transfer(out: Output, account: Account, amount: int) -> None:
    """Say that collateral moved; `amount` is signed from the account's view."""
    out.emit(TransferApplied, account=account.name, amount_quanta=amount, cash_quanta=account.cash.balance)


def _amount(text: str) -> int:
    amount = quanta_from_text(text)
    if amount <= 0:
        raise MoneyError("not_positive", f"amount {text}")
    return amount
