"""Whatever is done with money, in whatever order: figures, balances and events agree, and a restart changes nothing."""

from collections import Counter
from fractions import Fraction

from cleartide.contracts import (
    CollateralChanged,
    CollateralSwapped,
    Message,
    PoolChanged,
    PositionChanged,
    TransferApplied,
    TransferRejected,
)
from hypothesis import given, settings

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.margin import free_equity, order_margin, standing
from services.matching.domain.mark_price import is_stale
from services.matching.tests.bank import Bank
from services.matching.tests.money_flows import TRADERS, Step, bank, flows, perform


def collateral(ex: Bank, account: str, *, initial: bool) -> int:
    """What an account's collateral counts for, from the ledger and the rules as listed, in exact fractions."""
    total = 0
    for name, held in ex.state.ledger.accounts.items():
        pot, *where = name.split(":")
        if pot != "collateral" or where[1] != account:
            continue
        spec, price = ex.state.treasury.assets[where[0]].spec, Fraction(0)
        weight = spec.initial_weight_ppb if initial else spec.maintenance_weight_ppb
        if spec.fixed_price is not None:
            price = Fraction(spec.fixed_price)
        elif spec.index_market is not None:
            market = ex.state.markets[spec.index_market]
            stale = initial and is_stale(market.prices, ex.state.ledger.at)
            price = Fraction(0) if stale else market.prices.index * Fraction(market.spec.tick_size)
        total += int(Fraction(held.balance, 10**spec.decimals) * price * 10**6 * Fraction(weight, 10**9))
    return total


def requirement(held: Holding, lots: int) -> tuple[int, int]:
    """(initial, maintenance) for the one-bracket markets of these flows: 10 %, half of it, and the chosen leverage."""
    notional = abs(lots) * held.market.prices.mark * held.market.unit
    initial = -(-notional // 10)
    return max(initial, -(-notional // held.leverage) if held.leverage else 0), -(-initial // 2)


def check_figures(ex: Bank, account: Account) -> None:
    """Equity, both requirements and what is free, worked out again."""
    open_positions = [held for held in account.holdings.values() if held.lots]
    worth = account.cash.balance + sum(
        held.quote.balance
        + held.lots * held.market.prices.mark * held.market.unit
        - held.lots * (held.market.funding.index - held.funding_index)
        for held in open_positions
    )
    now, needed = standing(account), [requirement(held, held.lots) for held in open_positions]
    assert now.equity_quanta == worth + collateral(ex, account.name, initial=False)
    assert now.initial_margin_quanta == sum(initial for initial, _ in needed)
    assert now.maintenance_margin_quanta == sum(maintenance for _, maintenance in needed)
    equity, initial = order_margin(account)
    worst = [max(held.lots + held.bids, held.asks - held.lots, 0) for held in account.holdings.values()]
    orders = sum(requirement(held, lots)[0] for held, lots in zip(account.holdings.values(), worst, strict=True))
    assert (equity, initial) == (worth + collateral(ex, account.name, initial=True), orders)
    notional = sum(abs(held.lots) * held.market.prices.mark * held.market.unit for held in open_positions)
    assert free_equity(account) == equity - account.reserved - max(orders, -(-notional // 10))


def run(ex: Bank, steps: list[Step], restart_every: int = 0) -> list[Message]:
    for number, step in enumerate(steps):
        perform(ex, step)
        if restart_every and number % restart_every == 0:
            ex.restart()
    ex.commit()
    return ex.effects.emitted


@settings(max_examples=60)
@given(flows)
def test_acc_inv_001_figures_are_right_after_every_command(steps: list[Step]) -> None:
    """ACC-INV-001: equity, requirements, orders, R11; nothing that is held is ever below zero (`Exchange` checks)."""
    ex = bank()
    for step in steps:
        perform(ex, step)
        for name in TRADERS:
            check_figures(ex, ex.state.accounts[name])


@settings(max_examples=40)
@given(flows)
def test_acc_inv_002_nobody_takes_out_what_has_to_stay(steps: list[Step]) -> None:
    """ACC-INV-002: after any withdrawal, transfer or payment to a pool that is not refused, R11 holds."""
    ex = bank()
    for step in steps:
        events = perform(ex, step)
        paid_out = step.action in ("withdraw", "draw", "move", "give") and events
        if paid_out and not any(isinstance(event, TransferRejected) for event in events):
            assert free_equity(ex.state.accounts[TRADERS[step.who]]) >= 0


@settings(max_examples=40)
@given(flows)
def test_acc_inv_003_the_events_alone_rebuild_every_balance(steps: list[Step]) -> None:
    """ACC-INV-003: cash, collateral and pools, to the unit, for every reader of the stream."""
    ex = bank()
    held: Counter[tuple[str, str]] = Counter()
    for event in run(ex, steps):
        match event:
            case TransferApplied():
                held[event.account, "USDC"] += event.amount_quanta
                assert held[event.account, "USDC"] == event.cash_quanta
            case PositionChanged():
                held[event.account, "USDC"] += event.realized_pnl_quanta + event.funding_quanta - event.fee_quanta
                assert held[event.account, "USDC"] == event.cash_quanta
            case CollateralChanged():
                held[event.account, event.asset] += event.amount_units
                assert held[event.account, event.asset] == event.balance_units
            case CollateralSwapped():
                held[event.account, event.sold_asset] -= event.sold_units
                held[event.account, event.bought_asset] += event.bought_units
                assert held[event.account, event.sold_asset] == event.sold_balance_units
                assert held[event.account, event.bought_asset] == event.bought_balance_units
            case PoolChanged():
                held[f"pool:{event.pool}", event.asset] += event.amount_units
                assert held[f"pool:{event.pool}", event.asset] == event.balance_units
    for name, account in ex.state.ledger.accounts.items():
        pot, *where = name.split(":")
        if pot in ("cash", "collateral", "pool"):
            asset = {"cash": "USDC", "collateral": where[0], "pool": where[-1]}[pot]
            owner = f"pool:{where[0]}" if pot == "pool" else where[-1]
            assert held[owner, asset] == account.balance, name


@settings(max_examples=30)
@given(flows)
def test_acc_inv_004_restarts_change_nothing(steps: list[Step]) -> None:
    """ACC-INV-004: the same events and rows with a restart after every third command as without."""
    steady, restarted = bank(), bank()
    assert run(steady, steps) == run(restarted, steps, restart_every=3)
    assert steady.tables == restarted.tables
