"""What is closed, at which price, and who bears what (domain rules R19 to R25)."""

from fractions import Fraction
from typing import Any

import pytest
from cleartide.contracts import LiquidationExecuted, LiquidationRejected, OrderClosed, TradeExecuted
from cleartide.rules.margin import AccountMargin

from services.matching.domain.bankruptcy import bankruptcy_price, close_size
from services.matching.domain.margin import standing
from services.matching.domain.waterfall import fund
from services.matching.domain.waterfall.pace import step_lots
from services.matching.domain.waterfall.score import score
from services.matching.domain.waterfall.socialize import socialize
from services.matching.tests.ruled import rules
from services.matching.tests.rules.bench import brackets, hand_over, mark, millionths, one_quantum, order, pay_in
from services.matching.tests.support import MARKET, Exchange, of, only


def holder(cash: int, side: str = "buy", lots: int = 1_000, at: int = 1_000, **rules: Any) -> Exchange:
    """ann holds so many lots from the mark of 1,000, without fees; bob is rich."""
    ex = one_quantum(**{"taker_fee_ppb": 0, "maker_fee_ppb": 0, "liquidation_fee_ppb": 0, **rules})
    pay_in(ex, "bob", 100_000_000)
    if cash:
        pay_in(ex, "ann", cash)
    hand_over(ex, *(("ann", "bob") if side == "buy" else ("bob", "ann")), lots, at)
    return ex


def insurance(ex: Exchange) -> int:
    return ex.balance(f"insurance:{MARKET}")


@pytest.mark.parametrize(("cash", "due"), [(50_000, False), (49_999, True)])
def test_orders_go_first_and_the_account_is_judged_on_the_state_as_it_is(cash: int, due: bool) -> None:
    """RULE-R19-101: below maintenance of 50,000 by a quantum; whoever is safe keeps his orders."""
    ex = holder(cash)
    order(ex, "ann", "sell", 1, 1_100, client_order_id="one", reduce_only=True)
    events = ex.liquidate("ann")
    assert [event.reason for event in of(events, OrderClosed)] == (["liquidation"] if due else [])
    assert [event.reason for event in of(events, LiquidationRejected)] == ([] if due else ["healthy"])


def test_the_largest_requirement_goes_first_then_the_market_id() -> None:
    """RULE-R20-101"""
    first = []
    for btc_lots, other in ((1_000, 1_001), (1_001, 1_000), (1_000, 1_000)):
        ex = holder(60_000, lots=btc_lots)
        ex.list(market="AAA-PERP", tick_size="0.001", lot_size="0.001", taker_fee_ppb=0, maker_fee_ppb=0)
        ex.price("1", market="AAA-PERP")
        hand_over(ex, "ann", "bob", other, 1_000, market="AAA-PERP")
        first.append(of(ex.liquidate("ann"), LiquidationExecuted)[0].market)
    assert first == ["AAA-PERP", MARKET, "AAA-PERP"]


@pytest.mark.parametrize(
    ("equity", "lots"),
    [(49_999, 48), (49_875, 50), (49_876, 50), (49_874, 51), (0, 1_000), (-7, 1_000), (2_464, 954), (2_468, 953)],
)
def test_enough_is_closed_to_restore_105_percent_of_maintenance(equity: int, lots: int) -> None:
    """RULE-R20-102: shortage / (1,000 * 0.0525), rounded up, at most all: (52,500 - E) / 52.5."""
    ex = holder(50_000)
    now = AccountMargin(equity, 100_000, 50_000)
    assert close_size(ex.state.accounts["ann"].holdings[MARKET], now) == lots


@pytest.mark.parametrize(
    ("fee", "equity", "lots"),
    [(5_000_000, 49_174, 71), (5_000_000, 49_175, 70), (52_499_999, 52_499, 1_000), (52_500_000, 49_999, 1_000)],
)
def test_what_the_fee_takes_is_closed_as_well(fee: int, equity: int, lots: int) -> None:
    """RULE-R20-103: with 0.5 % a lot relieves 47.5; when the fee takes all relief, everything goes."""
    ex = holder(50_000, liquidation_fee_ppb=fee)
    now = AccountMargin(equity, 100_000, 50_000)
    assert close_size(ex.state.accounts["ann"].holdings[MARKET], now) == lots


def test_the_shortage_is_rounded_up() -> None:
    """RULE-R20-104: 105 % of 50,001 is 52,501.05: with an equity of 49,877 a shortage of 2,625 would be 50 lots."""
    ex = holder(50_000)
    holding = ex.state.accounts["ann"].holdings[MARKET]
    assert close_size(holding, AccountMargin(49_877, 100_002, 50_001)) == 50
    assert close_size(holding, AccountMargin(49_876, 100_002, 50_001)) == 51


@pytest.mark.parametrize(("lots", "closed"), [(1_000, 20), (1_001, 10)])
def test_the_rate_is_that_of_the_last_slice(lots: int, closed: int) -> None:
    """RULE-R20-105: a notional at a bound still ends in the slice below it: 5 % there, 10 % above; 1,050 are short."""
    ex = holder(50_000, lots=lots, brackets=brackets((1_000_000, 100_000_000, 500_000_000), (None, 10**8, 10**9)))
    now = AccountMargin(53_000, 100_000, 51_476)
    assert close_size(ex.state.accounts["ann"].holdings[MARKET], now) == closed


@pytest.mark.parametrize(
    ("side", "close", "equity", "price"),
    [
        ("buy", 1_000, 40_000, 960),
        ("buy", 1_000, 39_999, 961),
        ("buy", 1_000, -1, 1_001),
        ("sell", 1_000, 40_000, 1_040),
        ("sell", 1_000, 39_999, 1_039),
        ("sell", 1_000, -1, 999),
        ("buy", 7, 40_000, 960),
        ("buy", 7, 40_003, 960),
        ("sell", 7, 39_997, 1_039),
    ],
)
def test_the_bankruptcy_price_is_rounded_so_that_the_fund_cannot_lose(
    side: str, close: int, equity: int, price: int
) -> None:
    """RULE-R21-101: E * dMM / MM per lot from the mark; a long is sold at that price or above, a short bought below."""
    ex = holder(50_000, side)
    now = AccountMargin(equity, 100_000, 50_000)
    assert bankruptcy_price(ex.state.accounts["ann"].holdings[MARKET], close, now) == price


@pytest.mark.parametrize(("bid", "closed"), [(961, 1_000), (960, 0)])
def test_the_book_trades_at_the_bankruptcy_price_and_not_a_tick_beyond(bid: int, closed: int) -> None:
    """RULE-R21-102: E is 39,999 of 1,000 lots at the mark: 961 is the lowest price, and what is not filled stays."""
    ex = holder(39_999, liquidation_fee_ppb=52_500_000)
    order(ex, "bob", "buy", 1_000, bid)
    done = only(ex.liquidate("ann"), LiquidationExecuted)
    assert (done.bankruptcy_price_ticks, done.closed_lots, done.remaining_lots) == (961, closed, 1_000 - closed)
    assert done.insurance_paid_quanta == 0


@pytest.mark.parametrize(("bid", "fee"), [(1_015, 53_287), (1_014, 53_000), (962, 1_000), (961, 0)])
def test_the_fee_is_a_floored_share_of_the_notional_and_at_most_the_surplus(bid: int, fee: int) -> None:
    """RULE-R22-101: 5.25 % of 1,015,000 is 53,287.5; at 1,014 only 53,000 lie above 961; it goes to the fund."""
    ex = holder(39_999, liquidation_fee_ppb=52_500_000)
    order(ex, "bob", "buy", 1_000, bid)
    done = only(ex.liquidate("ann"), LiquidationExecuted)
    assert (done.closed_lots, done.fee_quanta, insurance(ex), ex.balance("fees")) == (1_000, fee, fee, 0)


@pytest.mark.parametrize(("cash", "taken"), [(33_334, 0), (33_333, 1_000)])
def test_the_fund_takes_over_below_two_thirds_of_maintenance(cash: int, taken: int) -> None:
    """RULE-R23-101: of 50,000: 33,334 waits for the book, 33,333 does not."""
    ex = holder(cash)
    ex.insure("1")
    assert only(ex.liquidate("ann"), LiquidationExecuted).taken_over_lots == taken


def test_two_thirds_exactly_wait() -> None:
    """RULE-R23-102: 30,000 of 45,000."""
    taken = []
    for cash in (130_000, 129_999):
        ex = holder(cash)
        ex.insure("1")
        mark(ex, 900)
        taken.append(only(ex.liquidate("ann"), LiquidationExecuted).taken_over_lots)
    assert taken == [0, 1_000]


@pytest.mark.parametrize(("fund", "taken"), [(1_000, 1_000), (999, 0)])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_the_fund_must_be_able_to_pay_the_loss_to_the_mark(side: str, fund: int, taken: int) -> None:
    """RULE-R23-103: an equity of -1 is a price a tick beyond the mark: 1,000 quanta for 1,000 lots, to the quantum."""
    ex = holder(49_999, side)
    mark(ex, 950 if side == "buy" else 1_050)
    ex.insure(f"0.{fund:06d}")
    done = only(ex.liquidate("ann"), LiquidationExecuted)
    assert (abs(done.taken_over_lots), done.insurance_paid_quanta) == (taken, taken)


@pytest.mark.parametrize(("cash", "rounding"), [(49_999, 999), (49_001, 1), (49_000, 0), (50_001, 1)])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_what_the_tick_leaves_above_bankruptcy_is_the_funds(side: str, cash: int, rounding: int) -> None:
    """RULE-R23-105: a takeover's price is rounded to a tick; nobody leaves bankruptcy with the fund's money (R3)."""
    ex = holder(cash, side)
    mark(ex, 950 if side == "buy" else 1_050)
    ex.insure("0.010000")
    done = only(ex.liquidate("ann"), LiquidationExecuted)
    assert (done.fee_quanta, ex.cash("ann")) == (rounding, 0)
    assert insurance(ex) == 10_000 - done.insurance_paid_quanta + rounding


def test_a_takeover_is_a_trade_at_the_bankruptcy_price_without_fees() -> None:
    """RULE-R23-104: it is no last price either."""
    ex = holder(33_000)
    ex.insure("1")
    trade = only(ex.liquidate("ann"), TradeExecuted)
    assert (trade.origin, trade.price_ticks, trade.buyer, trade.taker_side) == ("takeover", 967, "insurance", "sell")
    assert (ex.cash("ann"), ex.state.markets[MARKET].prices.last) == (0, 1_000)


@pytest.mark.parametrize(("fund", "debt"), [(5_001, 0), (5_000, 0), (4_999, 1), (4_995, 5)])
def test_a_debt_without_a_position_is_paid_as_far_as_the_fund_reaches(fund: int, debt: int) -> None:
    """RULE-R25-101: a short of five from 1 tick with a debt of 5: no price is below 1, so 5 are owed after it."""
    ex = holder(0, "sell", 5, 1)
    hand_over(ex, "ann", "bob", 1, 1_005)
    hand_over(ex, "bob", "ann", 1, 1_000)
    assert standing(ex.state.accounts["ann"]).equity_quanta == -5_000
    ex.insure(f"0.{fund:06d}")
    done = only(ex.liquidate("ann"), LiquidationExecuted)
    assert (done.bankruptcy_price_ticks, done.remaining_lots) == (1, 0)
    assert (ex.cash("ann"), insurance(ex)) == (-debt, max(0, fund - 5_000))
    assert done.insurance_paid_quanta == fund - insurance(ex)


@pytest.mark.parametrize(
    ("large", "step_ppb", "minimum", "wanted", "lots"),
    [
        (1_000_000, 200_000_000, 0, 900, 900),
        (999_999, 200_000_000, 0, 900, 200),
        (999_999, 200_000_001, 0, 900, 201),
        (999_999, 200_000_000, 0, 150, 150),
        (999_999, 200_000_000, 299_001, 900, 300),
        (2_000_000, 1, 300_000, 700, 700),
        (2_000_000, 1, 300_000, 701, 1_000),
    ],
)
def test_large_positions_go_in_steps_and_no_rest_is_too_small(
    large: int, step_ppb: int, minimum: int, wanted: int, lots: int
) -> None:
    """RULE-R20-106: 1,000 lots at 1,000 are worth 1,000,000, which is large above that bound."""
    given = rules(large_notional_quanta=large, step_ppb=step_ppb, min_notional_quanta=minimum)
    ex = holder(50_000, liquidation=given)
    holding = ex.state.accounts["ann"].holdings[MARKET]
    assert step_lots(holding, wanted, AccountMargin(49_999, 100_000, 50_000)) == lots


@pytest.mark.parametrize(
    ("fund_has", "price", "cap", "bears"),
    [
        (100_000, 1_000, None, True),
        (99_999, 1_000, None, False),
        (110_000, 1_010, None, True),
        (109_999, 1_010, None, False),
        (90_000, 990, None, True),
        (100_000, 1_000, 1_000_000, True),
        (100_000, 1_000, 999_999, False),
    ],
)
def test_the_fund_takes_what_it_bears_a_tenth_against(fund_has: int, price: int, cap: int | None, bears: bool) -> None:
    """RULE-R23-106: a position of 1,000,000 at the mark of 1,000, taken at a price above or below it."""
    ex = holder(50_000, liquidation=rules(position_cap_quanta=cap))
    ex.insure(millionths(fund_has))
    assert fund.bears(ex.state, ex.state.accounts["ann"].holdings[MARKET], price) is bears


@pytest.mark.parametrize(
    ("quote", "value", "equity", "wanted"),
    [
        (-100, 150, 10, Fraction(15, 2)),
        (150, -100, 20, Fraction(5, 3)),
        (-100, 80, 10, Fraction(-1, 40)),
        (-100, 100, 7, Fraction(0)),
    ],
)
def test_profit_counts_times_leverage_and_loss_over_it(quote: int, value: int, equity: int, wanted: Fraction) -> None:
    """RULE-R24-101: (uPnL / |Q|) * (N / E), and for losers (uPnL / |Q|) / (N / E), as exact fractions."""
    assert score(quote, value, equity) == wanted


@pytest.mark.parametrize(("debt", "charges", "kept"), [(100, (34, 34, 34), 2), (299, (100, 100, 100), 1)])
def test_a_loss_is_shared_by_profit_rounded_up(debt: int, charges: tuple[int, ...], kept: int) -> None:
    """RULE-R25-102: three profits of 100; the excess is the fund's."""
    ex = shared(debt, "1000000")
    assert tuple(1_000_000 - ex.cash(name) for name in "abc") == charges
    assert (ex.cash("dan"), insurance(ex)) == (0, kept)


def test_nobody_pays_more_than_his_profit_or_his_equity() -> None:
    """RULE-R25-103: a debt of 900 is more than the profits; of a profit of 100 one has 60 left."""
    ex = shared(900, "1000000")
    assert [1_000_000 - ex.cash(name) for name in "abc"] == [100] * 3
    assert ex.cash("dan") == -600
    ex = shared(900, "1000000", poor=-40)
    assert [ex.cash("a"), ex.cash("b"), ex.cash("c")] == [-100, 999_900, 999_900]
    assert ex.cash("dan") == -640


def shared(debt: int, cash: str, poor: int | None = None) -> Exchange:
    """a, b and c hold profits of 100 each, a perhaps with a loss of cash; dan owes, and his debt is shared."""
    ex = one_quantum(taker_fee_ppb=0, maker_fee_ppb=0, liquidation=rules())
    for name in "abc":
        owing = name == "a" and poor is not None
        if not owing:
            pay_in(ex, name, int(cash))
        hand_over(ex, "zed", name, 10, 1_000)
    for name, lost in (("dan", debt), ("a", -(poor or 0))):
        hand_over(ex, name, "zed", 1, 1_000 + lost) if lost else None
        hand_over(ex, "zed", name, 1, 1_000) if lost else None
    mark(ex, 990)
    ex.state.ledger.begin(ex.effects.seq, ex.effects.at)
    socialize(ex.state, ex.effects, ex.state.accounts["dan"], ex.state.markets[MARKET])
    ex.state.ledger.end()
    return ex
