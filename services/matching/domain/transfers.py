"""Money in, out and between: deposits, withdrawals, transfers within a family, pools and insurance funds."""

from collections.abc import Callable
from typing import TypeVar

from cleartide.contracts import (
    CancelWithdrawal,
    ClaimReferralRewards,
    Deposit,
    DepositCollateral,
    FundInsurance,
    FundPool,
    InsuranceFunded,
    PayFromPool,
    RequestWithdrawal,
    SwapCollateral,
    TransferFunds,
    TransferRejected,
    TransferToPool,
    Withdraw,
    WithdrawCollateral,
    WithdrawPool,
)
from cleartide.money import MoneyError, quanta_from_text
from cleartide.rules.accounts import SYSTEM_ACCOUNTS
from cleartide.rules.assets import SETTLEMENT_ASSET

from services.matching.domain.access import known, require, require_openable
from services.matching.domain.accounts import Account
from services.matching.domain.conversion import repay_debtors
from services.matching.domain.errors import Refused
from services.matching.domain.limits import MAX_BALANCE_QUANTA
from services.matching.domain.moves import (
    asset_of,
    balance_of,
    require_cap,
    require_free,
    require_room,
    shift,
)
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.treasury import Pool

Request = TypeVar(
    "Request",
    Deposit,
    DepositCollateral,
    Withdraw,
    WithdrawCollateral,
    TransferFunds,
    TransferToPool,
    SwapCollateral,
    RequestWithdrawal,
    CancelWithdrawal,
    ClaimReferralRewards,
)
Rule = Callable[[MatchingState, Request, Output], None]


def answered(rule: Rule[Request]) -> Rule[Request]:
    """The rule, with every refusal answered by TransferRejected."""

    def handle(state: MatchingState, command: Request, out: Output) -> None:
        try:
            rule(state, command, out)
        except (Refused, MoneyError) as verdict:
            out.emit(TransferRejected, account=command.account, reason=verdict.reason)

    return handle


def deposit(state: MatchingState, command: Deposit | DepositCollateral, out: Output) -> None:
    """Credit collateral; the first deposit opens the account."""
    asset = asset_of(state, command.asset)
    amount = asset.amounts.parse(command.amount)
    require_cap(asset, amount)
    require_room(state, payee(state, command.account, command.actor), asset, amount)
    shift(state, out, "deposit", None, state.open_account(command.account, out.at), asset, amount)


def payee(state: MatchingState, name: str, actor: str | None) -> Account | None:
    """Whom a deposit is for, None if it is to open the account. Refused where the actor may not pay in."""
    if name in SYSTEM_ACCOUNTS:
        raise Refused("reserved_account")
    require_openable(state, name)
    account = state.accounts.get(name)
    if account is not None:
        require(account, actor, "deposit")
    elif actor not in (None, name):
        raise Refused("not_permitted")
    return account


def withdraw(state: MatchingState, command: Withdraw | WithdrawCollateral, out: Output) -> None:
    """Debit collateral, up to what R11 allows."""
    asset = asset_of(state, command.asset)
    amount = asset.amounts.parse(command.amount)
    account = known(state, command.account)
    require(account, command.actor, "withdraw")
    require_free(account, asset, amount)
    shift(state, out, "withdrawal", account, None, asset, amount)


def transfer(state: MatchingState, command: TransferFunds, out: Output) -> None:
    """Move an amount within a family; the source keeps what R11 asks for."""
    asset = asset_of(state, command.asset)
    amount = asset.amounts.parse(command.amount)
    source, target = known(state, command.account), known(state, command.to_account)
    require(source, command.actor, "transfer")
    if source is target or source.root != target.root:
        raise Refused("same_account" if source is target else "not_related")
    require_free(source, asset, amount)
    require_room(state, target, asset, amount)
    shift(state, out, "transfer", source, target, asset, amount)


def to_pool(state: MatchingState, command: TransferToPool, out: Output) -> None:
    """Move an amount into a pool that is open; the source keeps what R11 asks for. Debts are tried again with it."""
    asset = asset_of(state, command.asset)
    amount = asset.amounts.parse(command.amount)
    source, pool = known(state, command.account), pool_of(state, command.pool)
    require(source, command.actor, "transfer")
    require_free(source, asset, amount)
    require_room(state, pool, asset, amount)
    shift(state, out, "pool", source, pool, asset, amount)
    repay_debtors(state, out)


def fund_pool(state: MatchingState, command: FundPool, out: Output) -> None:
    """Credit a pool from outside; the first credit opens it. Refused: unknown asset, bad amount, too much."""
    asset = asset_of(state, command.asset)
    amount = asset.amounts.parse(command.amount)
    pool = state.treasury.pools.get(command.pool) or Pool(command.pool)
    require_room(state, pool, asset, amount)
    state.treasury.pools[pool.name] = pool
    shift(state, out, "deposit", None, pool, asset, amount)
    repay_debtors(state, out)


def withdraw_pool(state: MatchingState, command: WithdrawPool, out: Output) -> None:
    """Debit a pool to the outside, no further than to zero."""
    asset = asset_of(state, command.asset)
    amount = asset.amounts.parse(command.amount)
    pool = pool_of(state, command.pool)
    _require_in_pool(balance_of(state, pool, asset), amount)
    shift(state, out, "withdrawal", pool, None, asset, amount)


def pay_from_pool(state: MatchingState, command: PayFromPool, out: Output) -> None:
    """Move an amount from a pool to an account that exists, no further than to zero."""
    asset = asset_of(state, command.asset)
    amount = asset.amounts.parse(command.amount)
    pool, target = pool_of(state, command.pool), known(state, command.account)
    _require_in_pool(balance_of(state, pool, asset), amount)
    require_room(state, target, asset, amount)
    shift(state, out, "pool", pool, target, asset, amount)


def pool_of(state: MatchingState, name: str) -> Pool:
    """Refused `unknown_pool`."""
    pool = state.treasury.pools.get(name)
    if pool is None:
        raise Refused("unknown_pool", name)
    return pool


def _require_in_pool(balance: int, amount: int) -> None:
    if amount > balance:
        raise Refused("exceeds_pool")


def fund_insurance(state: MatchingState, command: FundInsurance, out: Output) -> None:
    """Credit a market's insurance fund from outside. Refused: unknown market, bad amount, too much."""
    market = state.markets.get(command.market)
    if market is None:
        raise Refused("unknown_market", command.market)
    amount = quanta_from_text(command.amount)
    if amount <= 0:
        raise MoneyError("not_positive", f"amount {command.amount}")
    if market.insurance.balance + amount > MAX_BALANCE_QUANTA:
        raise Refused("balance_cap", command.market)
    settlement = asset_of(state, SETTLEMENT_ASSET)
    state.ledger.move("insurance_deposit", settlement.external, market.insurance, amount)
    out.emit(InsuranceFunded, market=market.id, amount_quanta=amount, balance_quanta=market.insurance.balance)
