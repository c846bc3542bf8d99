"""What an account is told about its margin: liquidation prices, utilisation, and how much more it may owe."""

import pytest
from cleartide.rules.liquidation_price import PricedPosition, liquidation_price
from cleartide.rules.margin import is_liquidatable
from hypothesis import given, settings

from services.matching.domain.accounts import Account
from services.matching.domain.margin import order_margin, standing
from services.matching.tests.bank import Bank
from services.matching.tests.money_flows import TRADERS, Step, bank, flows, perform
from services.matching.views.margin import margin_view, max_borrowable, utilisation_ppm


def due_at(account: Account, market: str, ticks: int) -> bool:
    """The liquidation test of the fold with this market's mark where it is told to be."""
    prices = account.holdings[market].market.prices
    kept, prices.mark = prices.mark, ticks
    now = standing(account)
    prices.mark = kept
    return is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta)


@settings(max_examples=60)
@given(flows)
def test_acc_mrg_002_the_liquidation_price_is_where_the_test_of_the_fold_turns(steps: list[Step]) -> None:
    """ACC-MRG-002: with collateral, leverage, funding and other positions; at the price safe, a tick beyond not."""
    ex = bank()
    for step in steps:
        perform(ex, step)
    for name in TRADERS:
        account = ex.state.accounts[name]
        now = standing(account)
        for market, held in account.holdings.items():
            if not held.lots:
                continue
            position = PricedPosition(held.lots * held.market.unit, held.market.prices.mark, held.market.brackets)
            ticks = liquidation_price(now, position)
            if ticks is not None:
                assert not due_at(account, market, ticks)
                assert due_at(account, market, ticks + (-1 if held.lots > 0 else 1))


@settings(max_examples=40)
@given(flows)
def test_acc_mrg_003_figures_stay_within_their_bounds(steps: list[Step]) -> None:
    """ACC-MRG-003: utilisation from 0 to 1; a debt of the most keeps E >= IM, and leaves nothing more to be owed."""
    ex = bank()
    for step in steps:
        perform(ex, step)
    for name in TRADERS:
        account = ex.state.accounts[name]
        assert 0 <= float(margin_view(ex.state, account)["utilisation"]) <= 1
        most = max_borrowable(account)
        if most:
            kept = account.cash.balance
            account.cash.balance = min(0, kept) - most
            equity, required = order_margin(account)
            assert equity - account.reserved >= required
            assert max_borrowable(account) == 0
            account.cash.balance = kept


@pytest.mark.parametrize(
    ("equity", "used", "ppm"),
    [
        (100, 0, 0),
        (-5, 0, 0),
        (100, 1, 10_000),
        (3, 1, 333_334),
        (100, 100, 1_000_000),
        (100, 101, 1_000_000),
        (0, 1, 10**6),
    ],
)
def test_acc_mrg_004_utilisation_is_rounded_against_the_account(equity: int, used: int, ppm: int) -> None:
    """ACC-MRG-004: nothing used is nothing utilised, whatever the equity."""
    assert utilisation_ppm(equity, used) == ppm


def test_acc_mrg_005_the_most_that_may_be_owed_follows_the_collateral() -> None:
    """ACC-MRG-005: 1 BTC counts 800; an order for 2 BTC of notional takes 200; cash of 50 goes first."""
    ex = Bank()
    ex.deposit("ann", "50")
    ex.bring("ann", "BTC", "1")
    account = ex.state.accounts["ann"]
    assert max_borrowable(account) == 800_000_000
    ex.place("ann", "buy", "2", "1000")
    assert max_borrowable(account) == 600_000_000
    view = margin_view(ex.state, account)
    assert (view["initial_equity"], view["initial_margin_with_orders"]) == ("850.000000", "200.000000")
    assert (view["utilisation"], view["free"]) == ("0.235295", "650.000000")
