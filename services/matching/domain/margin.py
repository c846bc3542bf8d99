"""Whether an account may do what it wants to do (domain rules R9 to R11 and 3.11)."""

from cleartide.money import ceil_div
from cleartide.rules.collateral import collateral_value, quanta_of, units_worth
from cleartide.rules.margin import AccountMargin, PositionView, account_margin

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.assets import Pocket


def standing(account: Account) -> AccountMargin:
    """Equity, initial and maintenance margin over the positions, without open orders (R10)."""
    return account_margin(
        account.cash.balance,
        [
            PositionView(
                held.lots,
                held.value,
                held.quote.balance,
                held.unsettled,
                held.market.brackets,
                held.leverage,
                held.market.oi_scale_ppm,
            )
            for held in account.holdings.values()
            if held.lots
        ],
        [pocket.maintenance_view() for pocket in account.collateral.values()],
    )


def equity_of(account: Account) -> int:
    """The equity of `standing`, where nobody asks for the requirements."""
    total = account.cash.balance
    if account.collateral:
        total += collateral_value([pocket.maintenance_view() for pocket in account.collateral.values()])
    for held in account.holdings.values():
        if held.lots:
            total += held.quote.balance + held.value + held.unsettled
    return total


def initial_collateral(account: Account) -> int:
    """What the account's collateral counts for where risk is taken on or money leaves, in quanta (4.1)."""
    return collateral_value([pocket.initial_view() for pocket in account.collateral.values()])


def _haircut(account: Account) -> int:
    """By how much initial weights value the account's collateral lower than the health factor does."""
    if not account.collateral:
        return 0
    views = [pocket.maintenance_view() for pocket in account.collateral.values()]
    return collateral_value(views) - initial_collateral(account)


def order_margin(account: Account, holding: Holding | None = None, bids: int = 0, asks: int = 0) -> tuple[int, int]:
    """(equity, initial margin) with open orders: the worse of |s + buys| and |s - sells| per market (R9).

    `bids` and `asks` are lots that an order in question would add in `holding`.
    """
    equity, initial = account.cash.balance, 0
    if account.collateral:
        equity += initial_collateral(account)
    for held in account.holdings.values():
        more_bids, more_asks = (bids, asks) if held is holding else (0, 0)
        longest = held.lots + held.bids + more_bids
        shortest = held.asks + more_asks - held.lots
        if not longest and not shortest:
            continue
        market = held.market
        mark = market.prices.mark
        equity += held.quote.balance + held.value + held.unsettled
        worst = max(longest, shortest) * mark * market.unit if mark else abs(held.quote.balance)
        initial += held.requirements(worst)[0]
    return equity, initial


def funds_order(account: Account, holding: Holding, side: int, lots: int, cost: int) -> bool:
    """E - reserved losses - cost >= IM with the order added; cost = its taker fee and its loss to the mark (R9)."""
    bids, asks = (lots, 0) if side > 0 else (0, lots)
    equity, initial = order_margin(account, holding, bids, asks)
    return equity - account.reserved - cost >= initial


def only_reduces(holding: Holding, side: int, lots: int) -> bool:
    """Whether the order, with those already open on its side, cannot do more than close the position."""
    if side > 0:
        return holding.bids + lots <= -holding.lots
    return holding.asks + lots <= holding.lots


def allows_fill(account: Account, holding: Holding, delta: int, price: int, fee: int) -> bool:
    """3.11 at a fill of `delta` lots: afterwards E >= IM, or the account is no riskier than before."""
    before = standing(account)
    market = holding.market
    unit = market.prices.mark * market.unit
    old = holding.requirements(abs(holding.lots) * unit)
    new = holding.requirements(abs(holding.lots + delta) * unit)
    equity = before.equity_quanta + delta * (market.prices.mark - price) * market.unit - fee
    if equity - _haircut(account) >= before.initial_margin_quanta - old[0] + new[0]:
        return True
    maintenance = before.maintenance_margin_quanta - old[1] + new[1]
    return no_riskier(before.equity_quanta, before.maintenance_margin_quanta, equity, maintenance)


def no_riskier(equity: int, maintenance: int, new_equity: int, new_maintenance: int) -> bool:
    """MM' <= MM and E'/MM' >= E/MM by cross multiplication; without requirements equity must rise (3.11)."""
    if not maintenance and not new_maintenance:
        return new_equity > equity
    return new_maintenance <= maintenance and new_equity * maintenance >= equity * new_maintenance


def withdrawable(account: Account) -> int:
    """max(0, min(cash, E - max(IM, ceil(N / 10)))) in quanta; open orders keep their margin and losses (R11)."""
    return max(0, min(account.cash.balance, free_equity(account)))


def free_equity(account: Account) -> int:
    """E - reserved losses - max(IM, ceil(N / 10)) in quanta: what R11 does not ask to stay; may be below zero."""
    equity, initial = order_margin(account)
    notional = sum(abs(held.value) for held in account.holdings.values() if held.lots)
    return equity - account.reserved - max(initial, ceil_div(notional, 10))


def withdrawable_units(account: Account, pocket: Pocket) -> int:
    """As much of an asset as leaves R11 satisfied, in its smallest units."""
    free = free_equity(account)
    if free < 0:
        return 0
    needed = quanta_of(*pocket.initial_view()) - free
    return pocket.held.balance - (units_worth(needed, *pocket.initial_view()[1:]) if needed > 0 else 0)
